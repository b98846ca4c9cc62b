// The tutorial's challenge: a moderator hides words, warns, mutes, and can undo it, from the board and without a window.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { until } from '../support/chat_window.mjs';
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
    assert.match(await flag.innerText(), /ann · Red · heck\s+what the h e c k is that/);

    await ann.say('DARNED');
    await shown(bob, '██████');
    await mia.page.locator('[data-testid=log-row][data-deed=muted]').waitFor();
    await ann.say('let me speak');
    await ann.fault(/isn’t allowed to write in this room/);
    await bob.say('quiet now');
    await shown(ann, 'quiet now');

    // The mute is undone, and ann can write again.
    const muted = mia.page.locator('[data-testid=log-row][data-deed=muted]');
    await muted.getByTestId('undo').click();
    await mia.page.locator('[data-testid=log-row][data-deed=undone]').waitFor();
    await until('ann may write again', async () => {
        await ann.say('thank you').catch(() => {});
        return texts(bob);
    }, (found) => found.some((text) => text.includes('thank you')));
});

scenario('without the rights there is no board, and /mute reports that', async (open) => {
    const eve = await account(open, 'eve', 'Blue');
    await eve.say('/mute admin');
    await until('a refusal in words', () => eve.page.locator('main').innerText(), (text) => /Action failed: /.test(text));
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
