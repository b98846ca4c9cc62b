// Long rooms: only what can be seen is in the document, what is looked at stays where it is, and everything can be got to.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;
const TALL = 2_000;

/** Makes a room that keeps everything, with so many messages, a minute apart by what they say. */
async function fill(room, count) {
    await withSession(theatre.sandbox, 'admin', async (session) => {
        await session.topics.add(`Chat/${room}`, new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: 'limit 1000000',
            TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100',
        }));
        for (let from = 0; from < count; from += 500) {
            const some = Array.from({ length: Math.min(500, count - from) }, (_, index) => append(session, room, from + index));
            await Promise.all(some);
        }
    });
}

/** Messages of many heights. */
const text = (number) => `number ${number}${'\nand one more line'.repeat(number % 4)}`;
const append = (session, room, number) =>
    session.timeseries.append(`Chat/${room}`, { text: text(number), name: ['Counter', 'Reckoner'][(number >> 3) % 2], timestamp: '' }, json());

const enter = async (open, room, name = 'Ann') => (await open(address({ name, room, kind: 'history' }))).join();

/** The numbers of the messages in the document. */
const numbers = async (window) => (await window.texts()).map((text) => Number(text.match(/^number (\d+)/)?.[1] ?? -1));

const scrollTo = (window, top) => window.$('scroll').evaluate((scroll, top) => (scroll.scrollTop = top < 0 ? scroll.scrollHeight : top), top);

/** The first message that can be seen, and where it stands below the edge of the list. */
const first = (window) =>
    window.$('scroll').evaluate((scroll) => {
        const edge = scroll.getBoundingClientRect().top;
        const item = [...scroll.querySelectorAll('[data-testid=message]')].find((item) => item.getBoundingClientRect().bottom > edge + 1);
        const number = Number(item?.querySelector('[data-testid=text]').textContent.match(/^number (\d+)/)?.[1]);
        return { number, below: Math.round(item?.getBoundingClientRect().top - edge) };
    });

const atEnd = (window) => window.$('scroll').evaluate((scroll) => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 4);

const settled = (window) => window.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))));

scenario('scrolling up brings earlier messages by itself, and what is looked at stays where it is', async (open) => {
    await fill('Tall', TALL);
    const ann = await enter(open, 'Tall');
    await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === TALL - 1);
    assert.ok(await atEnd(ann));
    let height = await ann.$('scroll').evaluate((scroll) => scroll.scrollHeight);
    let pages = 0;
    for (let step = 0; step < 60 && pages < 3; step += 1) {
        const before = await ann.$('scroll').evaluate((scroll) => (scroll.scrollTop -= 350)).then(() => first(ann));
        await settled(ann);
        const after = await first(ann);
        assert.equal(after.number, before.number, `step ${step}`);
        assert.ok(Math.abs(after.below - before.below) <= 2, `step ${step}: from ${before.below} to ${after.below}`);
        const now = await ann.$('scroll').evaluate((scroll) => scroll.scrollHeight);
        pages += now > height + 2_000 ? 1 : 0;
        height = now;
    }
    assert.equal(pages, 3, 'earlier pages came');
    const shown = await numbers(ann);
    assert.deepEqual(shown, shown.map((_, index) => shown[0] + index), 'no message is missing in between');
    assert.ok(shown.length < 200, `${shown.length} messages are in the document`);

    // All the way up.
    await until(
        'the very first message is reached',
        async () => {
            await scrollTo(ann, 0);
            await settled(ann);
            return (await numbers(ann))[0];
        },
        (oldest) => oldest === 0,
        40_000,
    );
    assert.equal(await ann.$('earlier-button').count(), 0);
    assert.ok((await numbers(ann)).length < 200);

    // And back by the button.
    await ann.$('newest-button').click();
    await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === TALL - 1);
    await until('the list is at its end', () => atEnd(ann));
    assert.equal(await ann.$('newest-button').count(), 0);
});

scenario('new messages keep to the end for who is there, and move nothing for who is not', async (open) => {
    await fill('Busy', 400);
    const ann = await enter(open, 'Busy');
    await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 399);
    await withSession(theatre.sandbox, 'admin', async (session) => {
        for (let number = 400; number < 460; number += 1) {
            await append(session, 'Busy', number);
        }
        await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 459);
        await settled(ann);
        assert.ok(await atEnd(ann));
        await ann.$('scroll').evaluate((scroll) => (scroll.scrollTop -= 900));
        await ann.$('newest-button').waitFor();
        await settled(ann);
        const before = await first(ann);
        for (let number = 460; number < 660; number += 1) {
            await append(session, 'Busy', number);
        }
        await settled(ann);
        assert.deepEqual(await first(ann), before);
        // A message of one's own is where it was written.
        await ann.$('newest-button').click();
        await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 659);
        assert.ok(await until('the list is at its end', () => atEnd(ann)));
        await ann.say('mine');
        await until('it is shown', () => ann.texts(), (texts) => texts.at(-1) === 'mine');
        assert.ok(await until('the list is at its end', () => atEnd(ann)));
    });
});

scenario('the bar can be pulled anywhere', async (open) => {
    await fill('Bar', 1_000);
    const ann = await enter(open, 'Bar');
    await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 999);
    await until(
        'everything is loaded',
        async () => {
            await scrollTo(ann, 0);
            await settled(ann);
            return (await numbers(ann))[0];
        },
        (oldest) => oldest === 0,
        30_000,
    );
    const height = await ann.$('scroll').evaluate((scroll) => scroll.scrollHeight);
    for (const part of [0.5, 0.9, 0.1, 0.7]) {
        await scrollTo(ann, Math.round(height * part));
        await settled(ann);
        const { number, below } = await until('messages are in sight', () => first(ann), ({ number, below }) => number >= 0 && below <= 1);
        assert.ok(Math.abs(number - 1_000 * part) < 150, `at ${part} there is ${number}`);
        assert.ok(below > -200);
        await settled(ann);
        assert.equal((await first(ann)).number, number, 'and it stays');
    }
});

scenario('the keyboard alone gets to the first message and to the last', async (open) => {
    await fill('Keys', 250);
    const ann = await enter(open, 'Keys');
    await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 249);
    await ann.$('scroll').focus();
    await until(
        'the first is shown',
        async () => {
            await ann.page.keyboard.press('Home');
            await settled(ann);
            return (await numbers(ann))[0];
        },
        (oldest) => oldest === 0,
    );
    await until(
        'the last is in sight',
        async () => {
            await ann.page.keyboard.press('End');
            await settled(ann);
            return atEnd(ann);
        },
    );
    assert.equal((await numbers(ann)).at(-1), 249);
});
