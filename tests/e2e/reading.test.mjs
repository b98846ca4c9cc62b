// Reading: where the list stands, what counts as read, and what is copied.

import assert from 'node:assert/strict';

import { DESKTOP, PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

/** Has an administrator do something with the series of a room, which is made. */
const withRoom = (room, act) =>
    withSession(theatre.sandbox, 'admin', async (session) => {
        const path = `Chat/${room}`;
        await session.topics.add(path, new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: 'limit 1000000',
            TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100',
        }));
        await act(session.timeseries, path);
    });

const said = (number) => ({ text: `number ${number}`, name: 'Counter', timestamp: '' });

const fill = (room, from, to) =>
    withRoom(room, (series, path) => Promise.all(Array.from({ length: to - from }, (_, index) => series.append(path, said(from + index), json()))));

const enter = async (open, room, name = 'Ann', options) => (await open(address({ name, room, kind: 'history' }), options)).join();

/** How far the list is from its end, in pixels. */
const left = (window) => window.$('scroll').evaluate((scroll) => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight);

const scrollUp = (window, by) => window.$('scroll').evaluate((scroll, by) => (scroll.scrollTop -= by), by);

const settled = (window) => window.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))));

/** The texts of the messages that can be seen. */
const inSight = (window) =>
    window.$('scroll').evaluate((scroll) => {
        const { top, bottom } = scroll.getBoundingClientRect();
        return [...scroll.querySelectorAll('[data-testid=message]')]
            .filter((item) => item.getBoundingClientRect().bottom > top && item.getBoundingClientRect().top < bottom)
            .map((item) => item.querySelector('[data-testid=text]').textContent);
    });

const unread = (window, room) =>
    window.room(room).evaluate((item) => Number.parseInt(item.querySelector('[data-testid=unread]')?.textContent ?? '0', 10));

/** Gives the window the focus, or takes it away, as far as the page can tell. */
const focus = (window, has) =>
    window.page.evaluate((has) => {
        document.hasFocus = () => has;
        globalThis.dispatchEvent(new Event(has ? 'focus' : 'blur'));
    }, has);

scenario('who has scrolled up and sends something sees it', async (open) => {
    await fill('Sent', 0, 60);
    const ann = await enter(open, 'Sent');
    await until('the end is shown', () => inSight(ann), (texts) => texts.includes('number 59'));
    assert.ok(await ann.$('composer').evaluate((box) => box === document.activeElement), 'the box has the focus');
    await scrollUp(ann, 900);
    await until('the end is out of sight', () => inSight(ann), (texts) => !texts.includes('number 59'));
    await ann.say('here I am');
    await until('it is shown', () => inSight(ann), (texts) => texts.includes('here I am'));
});

scenario('more messages at once than fit the window are read by whoever sees them come', async (open) => {
    await fill('Burst', 0, 3);
    const ann = await enter(open, 'Burst');
    await until('the end is shown', () => inSight(ann), (texts) => texts.includes('number 2'));
    await fill('Burst', 3, 63);
    await until('the newest is shown', () => inSight(ann), (texts) => texts.includes('number 62'));
    await ann.reload();
    await until('the end is shown again', () => inSight(ann), (texts) => texts.includes('number 62'));
    assert.equal(await unread(ann, 'Burst'), 0);
    assert.equal(await ann.$('unread-line').count(), 0);
});

scenario('a box that grows and shrinks leaves what stands above it in sight', async (open) => {
    await fill('Grow', 0, 60);
    const ann = await enter(open, 'Grow');
    await until('the end is shown', () => inSight(ann), (texts) => texts.includes('number 59'));
    for (const up of [0, 300]) {
        await scrollUp(ann, up);
        await settled(ann);
        const before = await left(ann);
        await ann.$('composer').fill('one\ntwo\nthree\nfour\nfive');
        await settled(ann);
        assert.ok(Math.abs((await left(ann)) - before) <= 2, `grown: ${before} before, ${await left(ann)} after`);
        await ann.$('composer').fill('');
        await settled(ann);
        assert.ok(Math.abs((await left(ann)) - before) <= 2, `shrunk: ${before} before, ${await left(ann)} after`);
        // Line by line, as people type.
        await ann.$('composer').focus();
        for (let line = 0; line < 6; line += 1) {
            await ann.page.keyboard.press('Shift+Enter');
            await settled(ann);
        }
        assert.ok(Math.abs((await left(ann)) - before) <= 2, `typed: ${before} before, ${await left(ann)} after`);
        await ann.$('composer').fill('');
        await settled(ann);
        assert.ok(Math.abs((await left(ann)) - before) <= 2, `emptied: ${before} before, ${await left(ann)} after`);
    }
});

scenario('who reads further up goes on where they were when the window gets another size', async (open) => {
    await withRoom('Turned', async (series, path) => {
        for (let number = 0; number < 90; number += 1) {
            await series.append(path, { ...said(number), text: `number ${number}${' and more words'.repeat((number * 7) % 20)}` }, json());
        }
    });
    const ann = await enter(open, 'Turned');
    const first = async () => Number.parseInt((await inSight(ann))[0].slice('number '.length), 10);
    await until('the end is shown', () => inSight(ann), (texts) => texts.some((text) => text.startsWith('number 89')));
    await scrollUp(ann, 2_000);
    await settled(ann);
    const before = await first();
    for (const size of [PHONE, DESKTOP, { width: 844, height: 390 }, PHONE, DESKTOP]) {
        await ann.page.setViewportSize(size);
        await settled(ann);
        await settled(ann);
    }
    assert.ok(Math.abs((await first()) - before) <= 2, `${before} before, ${await first()} after`);
    assert.equal(await ann.$('newest-button').count(), 1, 'it is not the end');
});

scenario('a room whose newest events are all edits shows what they belong to', async (open) => {
    await withRoom('Edits', async (series, path) => {
        for (const number of [0, 1, 2]) {
            await series.append(path, said(number), json());
        }
        for (let edit = 0; edit < 120; edit += 1) {
            await series.edit(path, 1, { ...said(1), text: `edit ${edit}` }, json());
        }
    });
    const ann = await enter(open, 'Edits');
    await until('all three are there', () => ann.texts(), (texts) => texts.join() === 'number 0,edit 119,number 2');
    // What was said in it is not "no messages".
    assert.equal(await ann.page.locator('.messages .empty').count(), 0);
});

scenario('many unread messages: one can go to the first, and only what was on the screen is read', async (open) => {
    await fill('Many', 0, 20);
    const ann = await enter(open, 'Many');
    await until('the end is shown', () => inSight(ann), (texts) => texts.includes('number 19'));
    await ann.goTo('Elsewhere');
    await fill('Many', 20, 100);
    await until('they count', () => unread(ann, 'Many'), (count) => count === 80);
    await ann.room('Many').click();
    await until('the newest is shown', () => inSight(ann), (texts) => texts.includes('number 99'));
    assert.equal(await unread(ann, 'Many'), 80, 'nothing before the first of them was left out');
    assert.match(await ann.$('first-unread-button').innerText(), /^80 new messages$/);
    await ann.$('first-unread-button').click();
    await until('the first is shown', () => inSight(ann), (texts) => texts.includes('number 20') && !texts.includes('number 99'));
    const some = await until('what can be seen is read', () => unread(ann, 'Many'), (count) => count < 80);
    assert.ok(some > 0, 'the rest is not');
    await ann.$('mark-read-button').waitFor({ state: 'detached' });
    await ann.$('newest-button').click();
    await until('the newest is shown', () => inSight(ann), (texts) => texts.includes('number 99'));
    await ann.$('mark-read-button').click();
    await until('nothing is unread', () => unread(ann, 'Many'), (count) => count === 0);
});

scenario('what comes below the screen is unread until it is scrolled to', async (open) => {
    await fill('Below', 0, 60);
    const ann = await enter(open, 'Below');
    await until('the end is shown', () => inSight(ann), (texts) => texts.includes('number 59'));
    await scrollUp(ann, 900);
    await until('the end is out of sight', () => inSight(ann), (texts) => !texts.includes('number 59'));
    await fill('Below', 60, 62);
    await until('they count', () => unread(ann, 'Below'), (count) => count === 2);
    await scrollUp(ann, -5_000);
    await until('they are read', () => unread(ann, 'Below'), (count) => count === 0);
});

scenario('a window without the focus is not looked at', async (open) => {
    await fill('Focus', 0, 3);
    const ann = await enter(open, 'Focus');
    await until('the end is shown', () => inSight(ann), (texts) => texts.includes('number 2'));
    await focus(ann, false);
    await fill('Focus', 3, 5);
    await until('it is unread', () => ann.page.title(), (title) => title === '(2) Focus – Effusion');
    await focus(ann, true);
    await until('it is read', () => ann.page.title(), (title) => title === 'Focus – Effusion');
});

scenario('what is read in one window is read in the others of the browser', async (open) => {
    await fill('Shared', 0, 3);
    const one = await enter(open, 'Shared');
    await until('the end is shown', () => inSight(one), (texts) => texts.includes('number 2'));
    const other = await open(address({ name: 'Ann', room: 'Shared', kind: 'history' }), { context: one.page.context() });
    await other.join();
    await until('the end is shown', () => inSight(other), (texts) => texts.includes('number 2'));
    await Promise.all([focus(one, false), focus(other, false)]);
    await fill('Shared', 3, 5);
    for (const window of [one, other]) {
        await until('it is unread', () => window.page.title(), (title) => title.startsWith('(2)'));
    }
    await focus(one, true);
    for (const window of [one, other]) {
        await until('it is read', () => window.page.title(), (title) => title === 'Shared – Effusion');
    }
});

scenario('what is selected over several messages is copied in order, without the words of buttons', async (open) => {
    await fill('Copy', 0, 5);
    const ann = await enter(open, 'Copy');
    await until('the end is shown', () => inSight(ann), (texts) => texts.includes('number 4'));
    await ann.$('message').first().hover();
    await ann.$('message-tools').waitFor();
    const copied = await ann.page.evaluate(async () => {
        const texts = [...document.querySelectorAll('[data-testid=message] [data-testid=text]')];
        getSelection().setBaseAndExtent(texts[3].firstChild ?? texts[3], 0, texts[1].firstChild ?? texts[1], 1);
        await new Promise((done) => setTimeout(done, 100));
        const clipboardData = new DataTransfer();
        texts[3].dispatchEvent(new ClipboardEvent('copy', { clipboardData, bubbles: true, cancelable: true }));
        return clipboardData.getData('text/plain');
    });
    assert.deepEqual(copied.split('\n').map((line) => line.replace(/^\[.*?\] /, '')), [1, 2, 3].map((number) => `Counter: number ${number}`));
});

scenario('today becomes yesterday at midnight', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Night', kind: 'live' }));
    const evening = new Date();
    evening.setHours(23, 59, 50, 0);
    await ann.page.clock.install({ time: evening });
    await ann.visit(address({ name: 'Ann', room: 'Night', kind: 'live' }));
    await ann.join();
    await ann.say('good night');
    await ann.shows({ text: 'good night', state: 'sent' });
    const day = () => ann.page.locator('.day').first().innerText();
    await until('it is today', day, (word) => /today/i.test(word));
    await ann.page.clock.fastForward(30_000);
    await until('it is yesterday', day, (word) => /yesterday/i.test(word));
});

scenario('those who come in one after the other are told in one sentence, in the reader’s language', async (open) => {
    const ann = await enter(open, 'Crowd');
    await enter(open, 'Crowd', 'Bob');
    const cem = await enter(open, 'Crowd', 'Cem', { locale: 'de-DE' });
    const told = (window) => window.$('notice').locator('p bdi').evaluateAll((words) => words.map(({ textContent }) => textContent.replace(/[\u2068\u2069]/g, '')));
    await until('all three are told', () => told(ann), (notices) => notices.join() === 'Ann, Bob and 1 other have joined');
    const items = await ann.page.locator('[data-testid=message-list] ol').ariaSnapshot();
    assert.equal(items.match(/^ *- listitem/gm).length, 2, 'the first has the day above it, the last one tells of all');
    await until('in German, too', () => told(cem), (notices) => notices.join() === 'Ann, Bob und 1 weitere Person sind beigetreten');
    await ann.say('welcome');
    await cem.shows('welcome');
    await enter(open, 'Crowd', 'Dora');
    await until('the next one is told apart', () => told(ann), (notices) => notices.join('|') === 'Ann, Bob and 1 other have joined|Dora has joined');
});
