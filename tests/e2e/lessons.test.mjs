// The lessons: each step is ticked by its own call, and shows code that works.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { ChatWindow, until } from '../support/chat_window.mjs';
import { json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const LIVE = ['connect', 'add', 'stream', 'select'];

/** The names of the steps that are ticked. */
const done = (window) => window.page.locator('[data-testid=step][data-done=true]').evaluateAll((steps) => steps.map((step) => step.dataset.step));

const ticks = (window, ...names) =>
    until(`ticked: ${names}`, () => done(window), (found) => `${found}` === `${names}`);

const step = (window, name) => window.page.locator(`[data-step=${name}]`);

/** The window that a link opens, which shares what the browser keeps. */
async function follow(window, link) {
    const opened = window.page.waitForEvent('popup');
    await link.click();
    return new ChatWindow(await opened);
}

/** Opens every lesson, so that each step can be seen. */
const unfold = (window) => window.$('lesson').evaluateAll((lessons) => lessons.forEach((lesson) => (lesson.open = true)));

scenario('a live room ticks lesson 1, step by step, and a second window the last one', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Lounge', kind: 'live' }))).join();
    await ann.notice('Ann has joined');
    await ann.$('lessons-button').click();
    await ticks(ann, ...LIVE);
    const connected = await step(ann, 'connect').getByTestId('made-call').innerText();
    assert.match(connected, /^diffusion\.connect\(\{host: "127\.0\.0\.1", port: \d+, secure: false, principal: "user", credentials: "\*+"\}\)\s+Its bytes are hidden/);
    await ann.say('value');
    await ticks(ann, ...LIVE, 'set');
    assert.match(await step(ann, 'set').locator('pre').first().innerText(), /^topicUpdate\.set\("Chat\/Lounge", json, \{.*"text":"value"/);
    await step(ann, 'add').getByTestId('show-bytes').click();
    assert.match(await step(ann, 'add').getByTestId('fields').innerText(), /path\s+"Chat\/Lounge"/);

    const bob = await follow(ann, step(ann, 'receive').getByTestId('second-window'));
    const { name } = await bob.filled('name');
    assert.ok(name && name !== 'Ann', `the second window is ${name}`);
    await bob.join();
    await bob.$('lessons').waitFor();
    await bob.say('from the other window');
    await ticks(ann, ...LIVE, 'set', 'receive');
    // What was done is kept in this browser.
    await ann.reload();
    await ann.$('lessons-button').click();
    await ticks(ann, ...LIVE, 'set', 'receive');
    await ann.$('clear-progress').click();
    await ticks(ann);
    const [link] = await ann.$('lesson').locator('p.hint > a').all();
    assert.match(await link.getAttribute('href'), /^https:\/\/docs\.diffusiondata\.com\//);
    assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
    assert.equal(await ann.overflow(), 0);
});

scenario('a history room ticks lesson 2 and nothing of lesson 1 but the session', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Archive', kind: 'history' }))).join();
    await ann.$('lessons-button').click();
    await ticks(ann, 'connect', 'specification');
    await ann.say('kept');
    await ticks(ann, 'connect', 'specification', 'append');
    await ann.use('kept', 'tool-edit');
    await ann.$('composer').fill('kept and edited');
    await ann.$('composer').press('Enter');
    await until('the edit is ticked', () => done(ann), (found) => found.includes('edit'));
    assert.ok(!(await done(ann)).includes('late'));
    await unfold(ann);
    const cem = await follow(ann, step(ann, 'late').getByTestId('second-window'));
    await cem.join({ name: 'Cem' });
    await until('the late joiner ticks it here, too', () => done(ann), (found) => found.includes('late'));
});

scenario('who goes back in a room ticks the range query, and the page by itself does not', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Back', kind: 'history' }))).join();
    for (const text of ['one', 'two', 'three']) {
        await ann.say(text);
    }
    await ann.shows('one', 'two', { text: 'three', state: 'sent' });
    const mia = await (await open(address({ name: 'Mia', room: 'Back', kind: 'history' }))).join({ account: 'admin', password: 'password' });
    await mia.$('lessons-button').click();
    await until('the room is known', () => done(mia), (found) => found.includes('late'));
    await mia.$('diagnostics-button').click();
    const queries = () => mia.$('protocol-message').filter({ hasText: 'response: time series range query' }).count();
    const before = await until('the newest event of the room was queried', queries);
    await mia.$('board-button').click();
    await mia.$('activity-row').first().waitFor();
    await mia.$('board-back').click();
    await until('so was what the board counts', queries, (count) => count > before);
    await mia.$('lessons-button').click();
    await mia.$('lessons').waitFor();
    assert.ok(!(await done(mia)).includes('range'));
    await mia.$('search-button').click();
    await mia.$('jump-date').fill('2020-01-01');
    await mia.$('lessons-button').click();
    await until('the range query is ticked', () => done(mia), (found) => found.includes('range'));
});

scenario('what a moderator does is ticked, whether the lessons are open or not', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Court', kind: 'history' }))).join();
    await ann.$('lessons-button').click();
    await ticks(ann, 'connect', 'specification');
    // Lessons were begun in this browser, and are not opened in this window.
    const context = ann.page.context();
    const mia = await (await open(address({ name: 'Mia', room: 'Court', kind: 'history' }), { context })).join({ account: 'admin', password: 'password' });
    await mia.$('board-button').click();
    await mia.$('duty').filter({ hasText: 'Moderating in this window' }).waitFor();
    await mia.fill({ 'rule-words': 'heck' });
    await mia.$('rules-button').click();
    await mia.$('board-note').filter({ hasText: 'Rules applied.' }).waitFor();
    await ann.say('what the heck');
    await ann.page.getByText('what the █').waitFor();
    // More messages than the page keeps of its connection.
    await withSession(theatre.sandbox, 'admin', async (session) => {
        const said = (number) => session.timeseries.append('Chat/Court', { text: `number ${number}`, name: 'Bob', timestamp: '' }, json());
        await Promise.all(Array.from({ length: 500 }, (_, number) => said(number)));
    });
    await mia.$('activity-row').filter({ hasText: '501' }).waitFor();
    await mia.$('lessons-button').click();
    await mia.$('lessons').waitFor();
    const all = ['permissions', 'rules', 'hide'];
    await until('the challenge is ticked', () => done(mia), (found) => all.every((name) => found.includes(name)));
    await unfold(mia);
    assert.match(await step(mia, 'rules').getByTestId('made-call').innerText(), /^topicUpdate\.set\("Effusion\/moderation\/rules"/);
    assert.equal(await mia.overflow(), 0);
    await mia.page.keyboard.press('Escape');
    await mia.$('lessons').waitFor({ state: 'detached' });
    const focused = () => mia.page.evaluate(() => document.activeElement?.id);
    await until('the button has the focus', focused, (id) => id === 'lessons-button');
    // What is forgotten does not come back by opening the lessons again.
    await mia.$('lessons-button').click();
    await mia.$('clear-progress').click();
    await ticks(mia);
    await mia.$('close-panel').click();
    await mia.$('lessons-button').click();
    await mia.$('lessons').waitFor();
    await mia.fill({ 'rule-words': 'darn' });
    await mia.$('rules-button').click();
    await ticks(mia, 'rules');
});

scenario('an account in a second window ticks lesson 3', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Club', kind: 'history' }))).join();
    await ann.$('lessons-button').click();
    await ticks(ann, 'connect', 'specification');
    await unfold(ann);
    const dora = await follow(ann, step(ann, 'script').getByTestId('account-window'));
    const password = 'a long secret';
    await dora.fill({ 'account-name': 'dora', 'account-password': password, 'account-password-again': password });
    await dora.$('account-button').click();
    await dora.inRoom();
    const all = ['script', 'store', 'account'];
    await until('lesson 3 is ticked', () => done(ann), (found) => all.every((name) => found.includes(name)));
});

scenario('the code that is shown is this room’s, and works', async (open) => {
    const ann = await (await open(address({ name: "Ann O'Hara", room: "Bo's \\ room", kind: 'live' }))).join();
    await ann.$('lessons-button').click();
    await unfold(ann);
    for (const name of ['connect', 'add', 'set', 'receive']) {
        await step(ann, name).getByTestId('show-code').click();
        const shown = await step(ann, name).getByTestId('code').innerText();
        assert.ok(!shown.includes('{{') && shown.includes('********'), shown);
        const code = shown.replace('********', 'password');
        const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
            cwd: fileURLToPath(new URL('..', import.meta.url)),
        });
        assert.match(stdout, name === 'connect' ? /is open/ : /topic|Received/);
    }
    await ann.shows('Hello');
    await ann.$('code-language').selectOption('rust');
    const rust = await until('Rust', () => step(ann, 'set').getByTestId('code').innerText(), (code) => code.includes('#[tokio::main]'));
    assert.ok(rust.includes(`.set("Chat/Bo's \\\\ room", &message)`) && !rust.includes('fill!'), rust);
});

scenario('an empty room greets', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Empty', kind: 'history' }))).join();
    await ann.$('welcome').waitFor();
    await ann.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await ann.$('copy-invitation').click();
    const link = () => ann.page.evaluate(() => navigator.clipboard.readText());
    assert.match(await until('the invitation', link), /\?.*room=Empty&kind=history/);
    const bob = await follow(ann, ann.$('welcome-window'));
    await bob.join({ name: 'Bob' });
    await bob.say('not empty any more');
    await ann.$('welcome').waitFor({ state: 'detached' });
    await bob.close();
});

scenario('an empty room leads to the lessons', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Start', kind: 'history' }))).join();
    await ann.$('start-lessons').click();
    await ann.$('lessons').waitFor();
    await ticks(ann, 'connect', 'specification');
});
