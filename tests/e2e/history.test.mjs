// Long rooms: only what is visible is in the document, the reading position is kept, and every message can be reached.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;
const TALL = 2_000;

/** Creates a room that keeps everything, with this many messages. */
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

/** Records from now on where the list jumps from one frame to the next: down, or up by more than a screen. */
const watchJumps = (window) =>
    window.$('scroll').evaluate((scroll) => {
        const first = () => {
            const edge = scroll.getBoundingClientRect().top;
            const item = [...scroll.querySelectorAll('[data-testid=message]')].find((item) => item.getBoundingClientRect().bottom > edge + 1);
            return Number(item?.querySelector('[data-testid=text]').textContent.match(/^number (\d+)/)?.[1]);
        };
        globalThis.jumps = [];
        let last = first();
        // After each frame: what was seen in it.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
            const now = first();
            if (now > last || now < last - 9) {
                globalThis.jumps.push(`${last} to ${now}`);
            }
            last = now;
            requestAnimationFrame(() => port2.postMessage(0));
        };
        port2.postMessage(0);
    });

/** Records after each frame how far the list is from its end, starting with the frame that shows messages. */
const watchEnd = (window) =>
    window.page.evaluate(() => {
        globalThis.endFrames = [];
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
            const scroll = document.querySelector('[data-testid=scroll]');
            if (scroll?.querySelector('[data-testid=message]')) {
                globalThis.endFrames.push(scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight);
            }
            requestAnimationFrame(() => port2.postMessage(0));
        };
        port2.postMessage(0);
    });

const atEnd = (window) => window.$('scroll').evaluate((scroll) => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 4);

const settled = (window) => window.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))));

scenario('scrolling up loads earlier messages, and the reading position is kept', async (open) => {
    await fill('Tall', TALL);
    const ann = await enter(open, 'Tall');
    await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === TALL - 1);
    await settled(ann);
    assert.ok(await atEnd(ann));
    let height = await ann.$('scroll').evaluate((scroll) => scroll.scrollHeight);
    let pages = 0;
    await watchJumps(ann);
    for (let step = 0; step < 90 && pages < 2; step += 1) {
        const before = await ann.$('scroll').evaluate((scroll) => (scroll.scrollTop -= 350)).then(() => first(ann));
        await settled(ann);
        const after = await first(ann);
        assert.equal(after.number, before.number, `step ${step}`);
        assert.ok(Math.abs(after.below - before.below) <= 2, `step ${step}: from ${before.below} to ${after.below}`);
        const now = await ann.$('scroll').evaluate((scroll) => scroll.scrollHeight);
        pages += now > height + 2_000 ? 1 : 0;
        height = now;
    }
    assert.deepEqual(await ann.page.evaluate(() => globalThis.jumps), [], 'nothing jumped');
    assert.equal(pages, 2, 'earlier pages came');
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

scenario('a room that is opened for the first time shows its newest message, and stays there', async (open) => {
    const people = ['Ada', 'Bob', 'Cem', 'Dora', 'Eve'];
    await withSession(theatre.sandbox, 'admin', async (session) => {
        await session.topics.add('Chat/First', new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: 'limit 1000',
            TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100',
        }));
        for (let number = 0; number < 40; number += 1) {
            const text = number % 3 === 0 ? `number ${number}: **bold** and \`code\`\n- one\n- two` : `number ${number} of a few words`;
            await session.timeseries.append('Chat/First', { text, name: people[number % people.length], timestamp: '' }, json());
        }
    });
    // A fresh profile each time: the window's context is a new one.
    for (let visit = 0; visit < 4; visit += 1) {
        const ann = await open(address({ name: `Ann${visit}`, room: 'First', kind: 'history' }));
        await watchEnd(ann);
        await ann.join();
        await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 39);
        // The list of members and the notice of one's own arrival are the last things that a room receives by itself.
        await until('it is known who is here', () => ann.$('members-count').innerText(), (count) => Number(count) > visit);
        await ann.notice(`Ann${visit} has joined`);
        const complete = await ann.page.evaluate(() => globalThis.endFrames.length);
        const frames = await until('30 more frames', () => ann.page.evaluate(() => globalThis.endFrames), ({ length }) => length >= complete + 30);
        // What is seen once may have changed since the frame, and be in its place before the next one.
        const away = frames.filter((left, index) => left > 3 && frames[index + 1] > 3);
        assert.deepEqual(away, [], `visit ${visit}: how far from the end, in frames that follow each other`);
        assert.ok(frames.at(-1) <= 3, `visit ${visit}: ${frames.at(-1)} from the end`);
    }
});

scenario('new messages follow the end only for readers who are at the end', async (open) => {
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
        const after = await first(ann);
        assert.equal(after.number, before.number);
        assert.ok(Math.abs(after.below - before.below) <= 2, `from ${before.below} to ${after.below}`);
        // A message of one's own is where it was written.
        await ann.$('newest-button').click();
        await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 659);
        assert.ok(await until('the list is at its end', () => atEnd(ann)));
        await ann.say('mine');
        await until('it is shown', () => ann.texts(), (texts) => texts.at(-1) === 'mine');
        assert.ok(await until('the list is at its end', () => atEnd(ann)));
    });
});

scenario('the scroll bar reaches every position', async (open) => {
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

scenario('the keyboard alone reaches the first message and the last', async (open) => {
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

scenario('Home leads further up each time, to the first message', async (open) => {
    await fill('Home', 300);
    const ann = await enter(open, 'Home');
    await ann.$('text').last().click();
    await until(
        'the first message',
        async () => {
            await ann.page.keyboard.press('Home');
            return (await numbers(ann))[0];
        },
        (number) => number === 0,
    );
});

scenario('search finds and marks words in all loaded messages, and goes from match to match', async (open) => {
    await fill('Find', 300);
    const ann = await enter(open, 'Find');
    await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 299);
    await ann.say('Where is the NEEDLE? A needle!');
    await ann.$('composer').press('Control+f');
    await ann.$('search').fill('needle');
    const count = (words) => until(`“${words}” is told`, () => ann.$('search-count').innerText(), (found) => found === words);
    await count('1 message');
    const marked = () => ann.page.evaluate(() => [...(CSS.highlights.get('search') ?? [])].map(String));
    await until('both are marked', marked, (words) => words.join() === 'NEEDLE,needle');
    assert.equal(await ann.$('search-result').count(), 1);
    assert.equal(await ann.$('search-result').locator('mark').innerText(), 'NEEDLE');

    await ann.$('search').fill('number 23');
    await count('10 messages');
    await ann.$('search').press('Enter');
    await count('1 of 10 messages');
    await until('it is in sight', () => numbers(ann), (found) => found.includes(239));
    await ann.$('search').press('Enter');
    await count('2 of 10 messages');
    await ann.$('search').press('Shift+Enter');
    await ann.$('search').press('Shift+Enter');
    await count('10 of 10 messages');
    await ann.page.locator('[data-testid=message][data-sought]').filter({ hasText: 'number 230' }).waitFor();

    // What was not loaded yet is found once it is.
    await ann.$('search').fill('number 77');
    await count('No results');
    await ann.$('search-more').click();
    await ann.$('search-more').click();
    await count('1 message');
    await ann.$('search-result').click();
    await until('it is in sight', () => numbers(ann), (found) => found.includes(77));
    await ann.$('search').press('Escape');
    assert.equal(await ann.$('search-panel').count(), 0);
    await until('nothing is marked any more', marked, (words) => words.length === 0);
});

scenario('a whole room is exported as text and as JSON', async (open) => {
    await fill('Paper', 250);
    const ann = await enter(open, 'Paper');
    await ann.say('"quoted" <b>text</b>');
    await ann.$('search-button').click();
    const save = async (test) => {
        const [download] = await Promise.all([ann.page.waitForEvent('download'), ann.$(test).click()]);
        const parts = [];
        for await (const part of await download.createReadStream()) {
            parts.push(part);
        }
        return [download.suggestedFilename(), Buffer.concat(parts).toString()];
    };
    const [name, file] = await save('export-json');
    assert.equal(name, 'Paper.json');
    const { room, messages } = JSON.parse(file);
    assert.equal(room, 'Paper');
    const texts = messages.filter(({ name }) => name !== 'System').map(({ text }) => text);
    assert.deepEqual(texts, [...Array.from({ length: 250 }, (_, number) => text(number)), '"quoted" <b>text</b>']);
    assert.equal(messages[0].account, 'admin');
    assert.equal(messages[0].sequence, 0);
    const [textName, plain] = await save('export-text');
    assert.equal(textName, 'Paper.txt');
    assert.match(plain, /^\d{4}-\d\d-\d\dT[\d:.]+Z Counter: number 0\n/);
    assert.match(plain, /Ann: "quoted" <b>text<\/b>\n$/);
});

scenario('a line shows where new messages begin, after a hidden window and after a new visit', async (open) => {
    const room = { room: 'Line', kind: 'history' };
    const ann = await (await open(address({ name: 'Ann', ...room }))).join();
    const bob = await (await open(address({ name: 'Bob', ...room }))).join();
    const lineAbove = () => ann.$('unread-line').evaluateAll((lines) => lines.map((line) => line.closest('li').querySelector('[data-testid=text]')?.textContent));
    await bob.say('one');
    await ann.shows('one');
    assert.deepEqual(await lineAbove(), [], 'who looks on needs no line');

    const hide = (hidden) =>
        ann.page.evaluate((hidden) => {
            Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event('visibilitychange'));
        }, hidden);
    await hide(true);
    await bob.say('two');
    await bob.say('three');
    await until('two are unread', () => ann.page.title(), (title) => title.startsWith('(2)'));
    await hide(false);
    await until('none is unread', () => ann.page.title(), (title) => !title.startsWith('('));
    await until('the line is above the first of them', lineAbove, (lines) => lines.join() === 'two');
    await hide(true);
    await hide(false);
    await until('the line is gone once it was seen', lineAbove, (lines) => lines.length === 0);

    // Leaving the page: what was read is stored by then.
    await ann.page.goto('about:blank');
    await bob.say('four');
    await bob.say('five');
    await bob.shows('one', 'two', 'three', 'four', { text: 'five', state: 'sent' });
    await ann.visit(address({ name: 'Ann', ...room }));
    await ann.inRoom();
    await ann.shows('one', 'two', 'three', 'four', 'five');
    await until('the line is above what she has not read', lineAbove, (lines) => lines.join() === 'four');
    await ann.say('back');
    await until('who answers has read', lineAbove, (lines) => lines.length === 0);

    // A first visit has no unread messages.
    const cem = await (await open(address({ name: 'Cem', ...room }))).join();
    await cem.shows('one', 'two', 'three', 'four', 'five', 'back');
    assert.equal(await cem.$('unread-line').count(), 0);
});

scenario('a jump to an old day leaves a gap, which is loaded when it becomes visible', async (open) => {
    await fill('Days', 1_500);
    const ann = await enter(open, 'Days');
    await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 1_499);
    await ann.$('search-button').click();
    await ann.$('jump-date').fill('2100-01-01');
    await ann.$('note').filter({ hasText: 'No messages on or after that date.' }).waitFor();
    await ann.$('jump-date').fill(new Date().toISOString().slice(0, 10));
    await ann.$('note').waitFor({ state: 'detached' });
    await until('the first of the day is in sight', () => numbers(ann), (found) => found.includes(0));
    await ann.page.locator('[data-testid=message][data-sought]').filter({ hasText: /^.*number 0$/ }).waitFor();
    const first = await numbers(ann);
    assert.ok(!first.includes(1_000));
    const gapInSight = () =>
        ann.$('scroll').evaluate((scroll) => {
            const gap = scroll.querySelector('[data-testid=gap-button]');
            return gap !== null && gap.getBoundingClientRect().top < scroll.getBoundingClientRect().bottom;
        });
    // Down through the gap, page by page, without a message missing.
    await until(
        'the gap is filled',
        async () => {
            await ann.$('scroll').evaluate((scroll) => (scroll.scrollTop += 500));
            await settled(ann);
            await until('no gap is in sight', gapInSight, (found) => !found);
            return numbers(ann);
        },
        (found) => found.includes(400),
        60_000,
    );
    const shown = (await numbers(ann)).filter((number) => number <= 400);
    assert.deepEqual(shown, shown.map((_, index) => shown[0] + index));
    await ann.$('newest-button').click();
    await until('the newest is shown', () => numbers(ann), (found) => found.at(-1) === 1_499);
    await until(
        'what is missing above comes, too',
        async () => {
            await ann.$('scroll').evaluate((scroll) => (scroll.scrollTop -= 700));
            await settled(ann);
            return numbers(ann);
        },
        (found) => found.some((number) => number > 1_300 && number < 1_395),
    );
    assert.equal(await ann.$('gap-button').count(), 0);
});

scenario('new messages are announced to screen readers, unless that is muted', async (open) => {
    const room = { room: 'Ear', kind: 'history' };
    const ann = await (await open(address({ name: 'Ann', ...room }))).join();
    const bob = await (await open(address({ name: 'Bob', ...room }))).join();
    const said = (words) => until(`“${words}” is said`, () => ann.$('announcer').textContent(), (found) => found === words);
    await bob.say('hello');
    await said('Bob: hello');
    await Promise.all(['a', 'b', 'c'].map((text) => withSession(theatre.sandbox, 'admin', (session) => session.timeseries.append('Chat/Ear', { text, name: 'Cem', timestamp: '' }, json()))));
    await until('several are counted', () => ann.$('announcer').textContent(), (found) => /^[23] new messages$/.test(found));
    await ann.$('pause-announcements').focus();
    await ann.page.keyboard.press('Enter');
    await until('it is stopped', () => ann.$('pause-announcements').getAttribute('aria-pressed'), (pressed) => pressed === 'true');
    await said('');
    await ann.$('announcer').evaluate((announcer) => {
        window.announced = [];
        new MutationObserver(() => window.announced.push(announcer.textContent)).observe(announcer, { childList: true, characterData: true, subtree: true });
    });
    await bob.say('unheard');
    await ann.$('text').filter({ hasText: 'unheard' }).waitFor();
    // Once announcements are back, the next message is announced, and that one alone.
    await ann.page.keyboard.press('Enter');
    await until('it is resumed', () => ann.$('pause-announcements').getAttribute('aria-pressed'), (pressed) => pressed === 'false');
    await bob.say('heard');
    await said('Bob: heard');
    assert.deepEqual((await ann.page.evaluate(() => window.announced)).filter((words) => words !== ''), ['Bob: heard']);
});
