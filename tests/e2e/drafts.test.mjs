// What was begun and not sent is never lost, and a save never touches what came after it.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DESKTOP, PHONE, dist, launch, openWindow } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { withSession } from '../support/sdk.mjs';
import { serveFolders } from '../support/static.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const joined = async (open, name, room, { kind = 'history', ...options } = {}) =>
    (await open(address({ name, room, kind }), options)).join();

const draft = (window, expected) => until(`the draft “${expected}”`, () => window.$('composer').inputValue(), (text) => text === expected);

const purpose = (window, pattern) => until(`a purpose like ${pattern}`, () => window.$('purpose').allInnerTexts(), ([words]) => pattern.test(words ?? ''));

/** Lets the test hold back what the service sends to a window from now on. */
async function throttle(window) {
    const state = { held: undefined, release: () => {} };
    await window.page.routeWebSocket(/.*/, (socket) => {
        const server = socket.connectToServer();
        socket.onMessage((message) => server.send(message));
        server.onMessage((message) => (state.held === undefined ? socket.send(message) : state.held.push(() => socket.send(message))));
    });
    state.hold = () => {
        state.held = [];
    };
    state.release = () => {
        const held = state.held;
        state.held = undefined;
        held.forEach((send) => send());
    };
    return state;
}

scenario('an edit survives a reload as an edit, and so does the draft from before', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Purpose'), await joined(open, 'Bob', 'Purpose')];
    await ann.say('teh first');
    await bob.shows('teh first');
    await ann.shows({ state: 'sent' });
    await ann.$('composer').fill('A');
    await ann.use('teh first', 'tool-edit');
    await draft(ann, 'teh first');
    await ann.$('composer').fill('the first');
    await ann.reload();
    await ann.inRoom();
    await draft(ann, 'the first');
    await purpose(ann, /Editing message/);
    // In another room there is another draft, and coming back it is still an edit.
    await ann.$('another-room-button').click();
    await ann.$('room-form').getByTestId('room').fill('Elsewhere');
    await ann.$('room-button').click();
    await until('the other room', () => ann.$('room-title').innerText(), (title) => title === 'Elsewhere');
    await draft(ann, '');
    assert.equal(await ann.$('purpose').count(), 0);
    await ann.room('Purpose').click();
    await draft(ann, 'the first');
    await purpose(ann, /Editing message/);
    await ann.$('composer').press('Enter');
    await bob.shows('the first');
    await draft(ann, 'A');
    assert.equal(await ann.$('purpose').count(), 0);
    await ann.reload();
    await ann.inRoom();
    await draft(ann, 'A');
    assert.equal(await ann.$('purpose').count(), 0, 'the edit is done with');
    await ann.$('composer').press('Enter');
    await bob.shows('the first', 'A');
});

scenario('a reply survives a reload, another room and signing out', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Answer'), await joined(open, 'Bob', 'Answer')];
    await bob.say('a question');
    await ann.shows('a question');
    await ann.use('a question', 'tool-reply');
    await purpose(ann, /Replying to.*Bob/);
    await ann.$('composer').fill('an answer');
    await ann.reload();
    await ann.inRoom();
    await purpose(ann, /Replying to.*Bob.*a question/s);
    await draft(ann, 'an answer');

    await ann.$('settings-button').click();
    await ann.$('sign-out').click();
    await ann.$('join-form').waitFor();
    // Somebody else with the same account does not see it.
    await ann.join({ name: 'Eve', room: 'Answer' });
    await draft(ann, '');
    assert.equal(await ann.$('purpose').count(), 0);
    await ann.$('settings-button').click();
    await ann.$('sign-out').click();
    await ann.join({ name: 'Ann', room: 'Answer' });
    await purpose(ann, /Replying to.*Bob.*a question/s);
    await draft(ann, 'an answer');
    await ann.$('composer').press('Enter');
    await bob.shows('a question', 'an answer');
    assert.match(await bob.$('reply-quote').innerText(), /Bob\s+a question/);
});

scenario('a reply that waits for an edit is a reply afterwards', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Both'), await joined(open, 'Bob', 'Both')];
    await ann.say('mine');
    await bob.shows('mine');
    await bob.say('his');
    await ann.shows({ text: 'mine', state: 'sent' }, 'his');
    await ann.use('his', 'tool-reply');
    await ann.$('composer').fill('well');
    await ann.use('mine', 'tool-edit');
    await draft(ann, 'mine');
    await ann.$('composer').fill('mine!');
    // Another answer puts the edit aside.
    await ann.use('his', 'tool-reply');
    await purpose(ann, /Replying to.*Bob/);
    await draft(ann, 'well');
    assert.match(await ann.$('unsaved-edit').innerText(), /Message not edited\..*mine!/s);
    await ann.reload();
    await ann.inRoom();
    // What stood in the box stands there again, and the edit waits as before.
    await draft(ann, 'well');
    await purpose(ann, /Replying to.*Bob/);
    assert.match(await ann.$('unsaved-edit').innerText(), /Message not edited\..*mine!/s);
    await ann.$('unsaved-resume').click();
    await draft(ann, 'mine!');
    await purpose(ann, /Editing message/);
    await ann.reload();
    await ann.inRoom();
    await draft(ann, 'mine!');
    await purpose(ann, /Editing message/);
    await ann.$('composer').press('Enter');
    await bob.shows('mine!', 'his');
    await draft(ann, 'well');
    await purpose(ann, /Replying to.*Bob/);
});

scenario('what is typed while an edit is saved stays, whatever becomes of the edit', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Saving', kind: 'history' }));
    const wire = await throttle(ann);
    await ann.join();
    const bob = await joined(open, 'Bob', 'Saving');
    await ann.say('teh first');
    await ann.shows({ text: 'teh first', state: 'sent' });
    await ann.use('teh first', 'tool-edit');
    await ann.$('composer').fill('the first');
    wire.hold();
    await ann.$('composer').press('Enter');
    await ann.$('saving').waitFor();
    await draft(ann, '');
    await ann.$('composer').pressSequentially('next');
    await bob.shows('the first');
    wire.release();
    await ann.shows('the first');
    await until('it is saved', () => ann.$('saving').count(), (count) => count === 0);
    await draft(ann, 'next');
    await ann.$('composer').press('Enter');
    await bob.shows('the first', 'next');

    // A refusal that comes late leaves what is typed alone, and the edit can go on.
    await withSession(theatre.sandbox, 'admin', (admin) =>
        admin.security.updateSecurityStore('set "TOPIC_CONTROL" path "Chat/Saving" permissions [READ_TOPIC SELECT_TOPIC UPDATE_TOPIC MODIFY_TOPIC]'),
    );
    await ann.use('the first', 'tool-edit');
    await ann.$('composer').fill('the very first');
    wire.hold();
    await ann.$('composer').press('Enter');
    await draft(ann, '');
    await ann.$('composer').pressSequentially('a thought');
    wire.release();
    await ann.$('unsaved-edit').waitFor();
    assert.match(await ann.$('unsaved-edit').innerText(), /Message not edited\. Your account isn’t allowed to edit.*the very first/s);
    await draft(ann, 'a thought');
    await ann.$('unsaved-resume').click();
    await draft(ann, 'the very first');
    await purpose(ann, /Editing message/);
    await ann.$('composer').press('Escape');
    await draft(ann, 'a thought');
    assert.equal(await ann.$('unsaved-edit').count(), 0);
});

scenario('what is typed in two windows with the same room stays in each, and a forgotten draft leaves nothing behind', async (open) => {
    const one = await joined(open, 'Ann', 'Twice');
    const two = await joined(open, 'Ann', 'Twice', { context: one.page.context() });
    await one.$('composer').pressSequentially('in one');
    const stored = (window, text) => until(`“${text}” is stored`, () => window.stored(), (found) => found.includes(text));
    await stored(one, 'in one');
    await two.$('composer').pressSequentially('in two');
    await stored(two, 'in two');
    await one.reload();
    await one.inRoom();
    await draft(one, 'in one');
    await two.reload();
    await two.inRoom();
    await draft(two, 'in two');
    await two.$('composer').press('Enter');
    await one.shows('in two');
    await two.reload();
    await two.inRoom();
    await draft(two, '');
    await two.page.close();

    // A large draft whose record is the oldest of too many.
    const large = () =>
        one.page.evaluate(async () => {
            const records = await new Promise((resolve, reject) => {
                const request = indexedDB.open('effusion');
                request.onsuccess = () => resolve(request.result);
                request.onerror = () => reject(request.error);
            });
            const read = records.transaction('outbox').objectStore('outbox').getAllKeys();
            const keys = await new Promise((resolve) => {
                read.onsuccess = () => resolve(read.result);
            });
            records.close();
            return keys.filter((key) => key.startsWith('draft '));
        });
    await one.$('composer').fill(`${'some words '.repeat(10_000)}`);
    await until('it is in the database', large, (keys) => keys.length === 1);
    await one.goTo('Elsewhere');
    await one.$('settings-button').click();
    await one.$('sign-out').click();
    await one.$('join-form').waitFor();
    await one.page.evaluate(() => {
        const drafts = JSON.parse(localStorage.getItem('effusion.drafts'));
        const others = Array.from({ length: 100 }, (_, number) => [`another ${number}`, 'x']);
        localStorage.setItem('effusion.drafts', JSON.stringify([...drafts, ...others]));
        sessionStorage.removeItem('effusion.drafts');
    });
    await one.join({ name: 'Bea', room: 'Else' });
    await one.$('composer').fill('one more');
    await until('it is gone', large, (keys) => keys.length === 0);
});

test('a draft is there, and stays, while the service is absent', { timeout: 120_000 }, async () => {
    const [browser, page] = await Promise.all([launch(), serveFolders({ '/': dist })]);
    const sandbox = await startSandbox();
    const { port } = sandbox;
    let again;
    const ann = await openWindow(browser);
    try {
        await ann.visit(`${page.origin}/?${new URLSearchParams({ host: '127.0.0.1', port, name: 'Ann', room: 'Absent', kind: 'history' })}`);
        await ann.join();
        await ann.$('composer').fill('before');
        await sandbox.stop();
        await ann.reload();
        await draft(ann, 'before');
        await ann.$('composer').fill('before, and meanwhile');
        await ann.reload();
        await draft(ann, 'before, and meanwhile');
        await ann.$('composer').fill('before, meanwhile, and more');
        again = await startSandbox({ port });
        await ann.inRoom();
        await draft(ann, 'before, meanwhile, and more');
    } finally {
        await ann.close();
        await Promise.all([browser.close(), page.close(), again?.stop()]);
    }
});

scenario('pictures of what stands above the composer', async (open) => {
    for (const [name, viewport] of [['1280', DESKTOP], ['390', PHONE]]) {
        for (const colorScheme of ['light', 'dark']) {
            const ann = await joined(open, 'Ann', `Look ${name} ${colorScheme}`, { viewport, colorScheme });
            await ann.say('one');
            await ann.say('two');
            await ann.shows({ state: 'sent' }, { state: 'sent' });
            await ann.use('one', 'tool-edit');
            await ann.$('composer').fill('one, with a rather long text that says what it is about, and does not end soon');
            await ann.use('two', 'tool-edit');
            await ann.$('unsaved-edit').waitFor();
            assert.ok((await ann.overflow()) <= 0, 'nothing is wider than the window');
            if (process.env.EFFUSION_PICTURES) {
                await ann.page.screenshot({ path: `${process.env.EFFUSION_PICTURES}/drafts-${name}-${colorScheme}.png` });
            }
        }
    }
});
