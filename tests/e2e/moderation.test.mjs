// The tutorial's challenge: a moderator hides words, warns, mutes, and can undo it, from the board and without a window.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { until } from '../support/chat_window.mjs';
import { json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const root = fileURLToPath(new URL('../../', import.meta.url));
const program = path.resolve(root, process.env.EFFUSION_MODERATOR_BIN ?? 'target/debug/effusion-moderator');
const SECRET = 'a long secret';

/** Makes an account as in Lesson 3, which leads into the chat. */
async function account(open, name, room) {
    const window = await open(address({ room, kind: 'history' }));
    await window.$('create-account-link').click();
    await window.fill({ 'account-name': name, 'account-password': SECRET, 'account-password-again': SECRET });
    await window.$('account-button').click();
    await window.inRoom();
    return window;
}

async function moderator(open, room) {
    const window = await open(address({ name: 'Mia', room, kind: 'history' }));
    await window.join({ account: 'admin', password: 'password' });
    await window.$('board-button').click();
    await window.$('duty').filter({ hasText: 'Moderating in this window' }).waitFor();
    return window;
}

async function rules(window, fields) {
    await window.fill(fields);
    await window.$('rules-button').click();
    await window.$('board-note').filter({ hasText: 'Rules applied.' }).waitFor();
    await window.$('board-note-close').click();
    await window.$('board-note').waitFor({ state: 'detached' });
}

const texts = (window) => window.page.locator('[data-testid=message]').allInnerTexts();

const shown = (window, wanted) =>
    until(`a message with ${wanted}`, () => texts(window), (found) => found.some((text) => text.includes(wanted)));

scenario('the board hides words, warns, mutes after strikes, and undoes it', async (open) => {
    const mia = await moderator(open, 'Red');
    await rules(mia, { 'rule-words': 'heck\ndarn*', 'rule-mute-after': '2', 'rule-mute-lasts': '0' });
    const ann = await account(open, 'ann', 'Red');
    const bob = await account(open, 'bob', 'Red');

    await ann.say('what the h e c k is that');
    await shown(bob, 'what the █ █ █ █ is that');
    await shown(ann, 'what the █ █ █ █ is that');
    assert.equal((await texts(bob)).some((text) => /h e c k/.test(text)), false, 'nobody reads it any more');
    const flag = mia.$('flag').first();
    await flag.waitFor();
    assert.match(await flag.innerText(), /ann · Red · heck · \d+:\d\d.*\s+what the h e c k is that/);

    await ann.say('DARNED');
    await shown(bob, '██████');
    await mia.page.locator('[data-testid=log-row][data-deed=muted]').waitFor();
    // Ann sees that before she types anything, and what she had begun is kept.
    assert.match(await ann.$('muted').innerText(), /^Muted by a moderator\. You can go on reading\./);
    assert.equal(await ann.$('composer').count(), 0);
    await bob.say('quiet now');
    await shown(ann, 'quiet now');

    // The log says who did it and when.
    const muted = mia.page.locator('[data-testid=log-row][data-deed=muted]');
    await until('who muted ann', () => muted.innerText(), (text) => /\d:\d\d.* · .?admin/.test(text));
    // The mute is undone, and ann can write again.
    await muted.getByTestId('undo').click();
    await mia.page.locator('[data-testid=log-row][data-deed=undone]').waitFor();
    await ann.say('thank you');
    await shown(bob, 'thank you');

    // The warnings named what follows.
    await ann.room('admin').click();
    await shown(ann, 'This is strike 1; with strike 2 you can’t write there.');
    await shown(ann, 'This is strike 2; with strike 5 you are removed from the room.');
});

scenario('who is muted for a time sees until when, also after a reload, and can write then', async (open) => {
    const mia = await moderator(open, 'Ochre');
    await mia.page.clock.install();
    await mia.page.reload();
    await mia.join({ account: 'admin', password: 'password' });
    await mia.$('board-button').click();
    await mia.$('duty').filter({ hasText: 'Moderating in this window' }).waitFor();
    await rules(mia, { 'rule-words': 'heck', 'rule-mute-after': '1', 'rule-mute-lasts': '15' });
    const ann = await account(open, 'ochre-ann', 'Ochre');
    await ann.$('composer').fill('oh heck');
    await ann.page.keyboard.press('Enter');
    const told = /^Muted until .*\d+:\d\d.* by a moderator\./;
    await until('until when ann is muted', () => ann.$('muted').innerText(), (text) => told.test(text));
    await ann.page.reload();
    await ann.join({ account: 'ochre-ann', password: SECRET });
    await until('until when ann is muted, again', () => ann.$('muted').innerText(), (text) => told.test(text));
    await mia.page.clock.fastForward(15 * 60_000);
    await ann.$('muted').waitFor({ state: 'detached' });
    await ann.say('sorry');
    await mia.$('log-row').filter({ hasText: 'its time was over' }).waitFor();
});

scenario('who is removed from their only room still reads why', async (open) => {
    const mia = await moderator(open, 'Slate');
    await rules(mia, { 'rule-words': 'heck', 'rule-mute-after': '0', 'rule-remove-after': '1' });
    const ann = await account(open, 'slate-ann', 'Slate');
    await ann.$('composer').fill('oh heck');
    await ann.page.keyboard.press('Enter');
    await ann.room('admin').waitFor();
    await ann.page.reload();
    await ann.fill({ account: 'slate-ann', password: SECRET });
    await ann.$('join-button').click();
    await ann.fault(/isn’t allowed to read/);
    await ann.room('admin').click();
    await shown(ann, 'heck');
});

scenario('the board counts each message once, those from before, too', async (open) => {
    const ann = await account(open, 'sepia-ann', 'Sepia');
    for (const text of ['one', 'two', 'three']) {
        await ann.say(text);
    }
    const mia = await moderator(open, 'Sepia');
    const row = mia.page.getByTestId('activity-row').filter({ hasText: 'Sepia' });
    await until('three messages', () => row.innerText(), (text) => /3 messages/.test(text));
    await ann.say('four');
    await until('four messages', () => row.innerText(), (text) => /4 messages/.test(text));
    assert.match(await row.innerText(), /Highest: \d per minute[^]*30 min ago[^]*now/);
});

scenario('a bad pattern is told by its line, and marked there', async (open) => {
    const mia = await moderator(open, 'Umber');
    await mia.fill({ 'rule-patterns': 'a+\n(b\nc' });
    await mia.$('rules-button').click();
    await mia.$('board-note').filter({ hasText: 'Line 2 of the regular expressions, “(b”: ' }).waitFor();
    const marked = await mia.page.evaluate(() => {
        const { activeElement: box } = document;
        return box.value.slice(box.selectionStart, box.selectionEnd);
    });
    assert.equal(marked, '(b');
});

scenario('a number that cannot be one is not taken for never', async (open) => {
    const mia = await moderator(open, 'Ochre');
    await rules(mia, { 'rule-mute-lasts': '15' });
    for (const wrong of ['1.5', '-1', '99999999999999', '']) {
        await mia.fill({ 'rule-mute-lasts': wrong });
        await mia.$('rules-button').click();
        const field = await mia.$('rule-mute-lasts').evaluate((field) => [field.value, field.validity.valid, field === document.activeElement]);
        assert.deepEqual(field, [wrong, false, true], 'the browser says what is wrong with it');
    }
    const lasts = () =>
        withSession(theatre.sandbox, 'admin', async (session) => {
            const found = await session.fetchRequest().withValues(json()).fetch('Effusion/moderation/rules');
            return found.results()[0].value().get().mute_lasts;
        });
    assert.equal(await lasts(), 15);
    await mia.fill({ 'rule-mute-lasts': '20' });
    await mia.$('rules-button').click();
    await until('it is applied', lasts, (minutes) => minutes === 20);
});

scenario('an account or a room that does not exist is told as such', async (open) => {
    const mia = await moderator(open, 'Teal');
    const note = (words) => mia.$('board-note').filter({ hasText: new RegExp(`^${words} Close$`) }).waitFor();
    await mia.fill({ 'hand-principal': 'nobody', 'hand-room': 'Teal' });
    await mia.$('hand-mute').click();
    await note('There is no account named “nobody”\\.');
    await mia.fill({ 'hand-principal': 'user', 'hand-room': 'Nowhere' });
    await mia.$('hand-mute').click();
    await note('There is no room named “Nowhere”\\.');
    assert.equal(await mia.$('log-row').filter({ hasText: 'Nowhere' }).count(), 0);
});

scenario('without the rights there is no board, and /mute reports that', async (open) => {
    const eve = await account(open, 'eve', 'Blue');
    await eve.say('/mute admin');
    await until('a refusal in words', () => eve.page.locator('main').innerText(), (text) => /Your account can’t do this/.test(text));
    // Her permissions were requested when she joined, and are known by now.
    assert.equal(await eve.$('board-button').count(), 0);
});

scenario('the program moderates without a window, and a window watches', async (open) => {
    const ann = await account(open, 'anna', 'Green');
    const mia = await moderator(open, 'Green');
    await rules(mia, { 'rule-words': 'fudge' });
    await mia.$('board-back').click();
    await mia.$('settings-button').click();
    await mia.$('sign-out').click();

    const child = spawn(program, ['--port', `${theatre.sandbox.port}`], {
        env: { ...process.env, EFFUSION_MODERATOR_PASSWORD: 'password' },
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    try {
        const lines = [];
        createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
        await until('the program moderates', () => lines, (said) => said.includes('moderating'));
        await ann.say('oh f.u.d.g.e!');
        await shown(ann, 'oh █');
        await until('the program tells of it', () => lines, (said) => said.some((line) => line.startsWith('bleeped')));
    } finally {
        child.kill('SIGINT');
    }
    assert.deepEqual(await exited, [0, null]);
});
