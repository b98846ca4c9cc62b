// Makes docs/screenshots/: the real page with the real sandbox, at two widths, light and dark.
//
//     cargo xtask screenshots

import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { DESKTOP, PHONE, addressAt, dist, launch, openWindow } from '../support/browser.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';

const folder = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));

/** What is said in the rooms: by whom, minutes ago, what. */
const HISTORY = [
    ['Grace', 61, 'The sandbox keeps this room: I was here an hour ago, and you can still read it.'],
    ['Linus', 58, 'A time series, subscribed with “limit 100”.'],
    ['Linus', 58, 'Come later, and the last hundred messages wait for you.'],
    ['Ada', 44, 'Good. I looked at the frames: one event a message, a sequence and a timestamp each.'],
    ['Grace', 41, 'And edits?'],
    ['Ada', 40, 'A new event that names the **original**:\n```js\nawait session.timeseries.edit(path, sequence, value);\n```'],
    ['Grace', 12, 'Then let us write Lesson 3: accounts.', { to: 3, name: 'Ada', text: 'Good. I looked at the frames: one event a message, a sequence and a timestamp each.' }],
];
/** Who has reacted to which of them, and how. */
const REACTIONS = [
    [1, '👍', 'Grace'],
    [1, '👍', 'Linus'],
    [5, '🎉', 'Grace'],
];
const LIVE = [
    ['Grace', 'Is anybody here?'],
    ['Ada', 'I am. This one is a live room: one topic, one value.'],
    ['Grace', 'So who comes later missed it?'],
    ['Ada', 'All but the last message. For the rest, there are history rooms.'],
    ['Grace', 'See you there, then 👋'],
];

const sandbox = await startSandbox({ args: ['--static', dist] });
const browser = await launch();
try {
    mkdirSync(folder, { recursive: true });
    for (const viewport of [DESKTOP, PHONE]) {
        for (const colorScheme of ['light', 'dark']) {
            await withSession(sandbox, 'user', prepareRooms);
            await all({ viewport, colorScheme, timezoneId: 'Europe/Berlin' });
        }
    }
} finally {
    await browser.close();
    await sandbox.stop();
}

/** The live room empty, the history room with its history. */
async function prepareRooms(session) {
    await session.topics.remove('?Chat//');
    const range = 'limit 100';
    const specification = new TopicSpecification(TopicType.TIME_SERIES, {
        TIME_SERIES_EVENT_VALUE_TYPE: 'json',
        TIME_SERIES_RETAINED_RANGE: range,
        TIME_SERIES_SUBSCRIPTION_RANGE: range,
    });
    await session.topics.add('Chat/Lesson 2', specification);
    for (const [name, minutes, text, reply] of HISTORY) {
        const then = Date.now() - minutes * 60_000;
        const message = { text, name, timestamp: new Date(then).toISOString(), ...(reply && { reply }) };
        await session.timeseries.append('Chat/Lesson 2', message, json(), then);
    }
    const reactions = 'Effusion/reactions/Lesson 2';
    await session.topics.remove(reactions);
    const kept = 'limit 2000';
    await session.topics.add(
        reactions,
        new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: kept,
            TIME_SERIES_SUBSCRIPTION_RANGE: kept,
        }),
    );
    for (const [to, emoji, name] of REACTIONS) {
        await session.timeseries.append(reactions, { to, emoji, name, given: true }, json());
    }
}

async function all(look) {
    const keep = async (window, name) => {
        // What the mouse points to would look as if it were meant.
        await window.page.mouse.move(0, 0);
        await window.page.screenshot({
            path: path.join(folder, `${name}-${look.viewport.width}-${look.colorScheme}.png`),
            animations: 'disabled',
            caret: 'hide',
        });
    };
    const open = async (fields) => (await openWindow(browser, look)).visit(addressAt(sandbox, fields));

    const join = await open({ name: 'Ada', room: 'Lesson 1', kind: 'live' });
    await keep(join, 'join');
    await join.$('create-account-link').click();
    await join.fill({ 'account-name': 'ada', 'account-password': 'lovelace', 'account-password-again': 'lovelace' });
    await keep(join, 'account');
    await join.close();

    const live = 'Lesson 1';
    const [ada, grace] = [await open({ name: 'Ada', room: live, kind: 'live' }), await open({ name: 'Grace', room: live, kind: 'live' })];
    await ada.join();
    await grace.join();
    await ada.notice('Grace has joined');
    for (const [index, [name, text]] of LIVE.entries()) {
        await (name === 'Ada' ? ada : grace).say(text);
        for (const window of [ada, grace]) {
            await window.$('text').nth(index).waitFor();
        }
    }
    await ada.$('message').and(ada.page.locator('[data-state=sending]')).first().waitFor({ state: 'detached' });
    await keep(ada, 'chat-live');
    await grace.close();

    if (look.viewport === PHONE) {
        await ada.$('menu-button').click();
    }
    await ada.$('another-room-button').click();
    await ada.$('room-form').getByTestId('room').fill('Lesson 2');
    await ada.$('room-form').getByTestId('kind-history').check();
    await ada.$('room-button').click();
    await ada.$('text').filter({ hasText: 'Then let us write' }).waitFor();
    await keep(ada, 'chat-history');
    const fromSidebar = async (button, opened) => {
        if (look.viewport === PHONE) {
            await ada.$('menu-button').click();
        }
        await ada.$(button).click();
        await ada.$(opened).waitFor();
    };
    const closePanel = () => ada.$('close-panel').click();
    const closeDialog = () => ada.page.keyboard.press('Escape');
    await ada.$('members-button').click();
    await ada.$('members').waitFor();
    await keep(ada, 'members');
    await closePanel();
    await ada.$('search-button').click();
    await ada.$('search').fill('event');
    await ada.$('search-result').first().waitFor();
    await keep(ada, 'search');
    await closePanel();
    await fromSidebar('lessons-button', 'lessons');
    await ada.$('made-call').first().waitFor();
    await keep(ada, 'lessons');
    await closePanel();
    await fromSidebar('diagnostics-button', 'diagnostics');
    await ada.$('protocol-message').first().waitFor();
    await keep(ada, 'diagnostics');
    await closePanel();
    await fromSidebar('directory-button', 'directory');
    await ada.$('directory-room').first().waitFor();
    await keep(ada, 'directory');
    await closeDialog();
    await fromSidebar('my-profile', 'profile');
    await keep(ada, 'profile');
    await closeDialog();
    await ada.$('emoji-button').click();
    await ada.$('emoji').first().waitFor();
    await keep(ada, 'emoji');
    await closeDialog();
    await fromSidebar('settings-button', 'settings');
    await keep(ada, 'settings');
    await ada.$('settings-tab-looks').click();
    await ada.$('language').selectOption('ar');
    await ada.page.locator('html[dir=rtl]').waitFor();
    await ada.$('close-dialog').click();
    await ada.$('text').filter({ hasText: 'Then let us write' }).waitFor();
    await keep(ada, 'arabic');
    await ada.close();

    const mia = await (await open({ name: 'Mia', room: 'Lesson 2', kind: 'history' })).join({ account: 'admin', password: 'password' });
    await mia.$('text').filter({ hasText: 'Then let us write' }).waitFor();
    await mia.$('board-button').waitFor({ state: 'attached' });
    if (look.viewport === PHONE) {
        await mia.$('menu-button').click();
    }
    await mia.$('board-button').click();
    await mia.$('duty').filter({ hasText: 'Moderating in this window' }).waitFor();
    await mia.fill({ 'rule-words': 'heck\ndarn*' });
    await mia.$('rules-button').click();
    await mia.$('board-note').waitFor();
    await withSession(sandbox, 'control', async (session) => {
        const message = { text: 'What the h.e.c.k, Linus?', name: 'Grace', timestamp: new Date().toISOString() };
        await session.timeseries.append('Chat/Lesson 2', message, json());
    });
    await mia.$('flag').first().waitFor();
    await mia.page.locator('.columns').evaluate((columns) => columns.scrollTo(0, 0));
    await keep(mia, 'board');
    await mia.close();
}
