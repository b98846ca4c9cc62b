// The connection: a service that is killed and restarted, a missing one, and a change of services.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';

import { WebSocketServer } from 'ws';

import { dist, launch } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { startProxy } from '../support/proxy.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { withSession } from '../support/sdk.mjs';
import { serveFolders } from '../support/static.mjs';
import { scenario } from './stage.mjs';

let browser;
let page;
before(async () => {
    [browser, page] = await Promise.all([launch(), serveFolders({ '/': dist })]);
});
after(async () => {
    await browser?.close();
    await page?.close();
});

const test = (title, act) => scenario(title, () => browser, act);
const address = ({ host, port }, fields = {}) => `${page.origin}/?${new URLSearchParams({ host, port, ...fields })}`;

/** A service that can be killed and started again: on the same port, with the same data, or with none if all is in memory. */
async function withService(act, { inMemory = false } = {}) {
    const folder = await mkdtemp(path.join(tmpdir(), 'effusion-e2e-'));
    const data = inMemory ? undefined : folder;
    let sandbox = await startSandbox({ data });
    const { host, port } = sandbox;
    try {
        await act({
            host,
            port,
            kill: () => sandbox.kill(),
            stop: () => sandbox.stop(),
            start: async () => {
                sandbox = await startSandbox({ data, port });
            },
        });
    } finally {
        await sandbox.kill();
        await rm(folder, { recursive: true, force: true });
    }
}

/**
 * Waits until these own messages, and no others, are sent, retrying those that failed. Returns those of which
 * the page said that they might have arrived nevertheless.
 */
async function sendAll(window, texts) {
    const uncertain = new Set();
    // In one step, because what failed may turn out to have arrived at any moment.
    const retryFailed = () =>
        window.$('message').evaluateAll((messages) =>
            messages
                .filter((message) => message.dataset.state === 'failed')
                .map((message) => {
                    const [text, why] = ['text', 'delivery'].map((part) => message.querySelector(`[data-testid=${part}]`).textContent);
                    message.querySelector('[data-testid=retry]').click();
                    return { text, why };
                }),
        );
    await until(
        'every message is sent',
        async () => {
            for (const { text, why } of await retryFailed()) {
                if (why.includes('It may have arrived')) {
                    uncertain.add(text);
                }
            }
            return (await window.messages()).filter(({ own }) => own);
        },
        (own) => own.every(({ state, text }) => state === 'sent' && texts.includes(text)) && texts.every((text) => own.some((message) => message.text === text)),
        30_000,
    );
    return uncertain;
}

for (const kind of ['live', 'history']) {
    test(`a service that is killed and started again: a ${kind} room goes on, what was said meanwhile is sent once`, async (open) => {
        await withService(async (service) => {
            const enter = async (name) => (await open(address(service, { name, room: 'Storm', kind }))).join();
            const [ann, bob] = [await enter('Ann'), await enter('Bob')];
            await ann.say('before');
            await bob.shows({ author: 'Ann', text: 'before' });
            await ann.shows({ text: 'before', state: 'sent' });

            await service.kill();
            await Promise.all([ann.connection('recovering'), bob.connection('recovering')]);
            const during = ['during 1', 'during 2', 'during 3'];
            for (const text of during) {
                await ann.say(text);
            }
            await until(
                'what is said without a service is shown as on its way, or as not sent',
                () => ann.messages(),
                (messages) => messages.length === 4 && messages.slice(1).every(({ state }) => ['sending', 'failed'].includes(state)),
            );
            await service.start();
            await Promise.all([ann.connection('connected'), bob.connection('connected')]);
            await sendAll(ann, ['before', ...during]);

            const shown = await ann.texts();
            assert.deepEqual([...shown].sort(), ['before', ...during].sort(), 'Ann has each once');
            // A live room holds its last message only: a reader who returns later has missed those in between.
            const whole = kind === 'history';
            await until(
                'Bob has them, none of them twice',
                () => bob.texts(),
                (texts) => texts.at(-1) === shown.at(-1) && new Set(texts).size === texts.length && (!whole || texts.length === shown.length),
            );
            await bob.say('after');
            await ann.shows(...shown, 'after');
            if (whole) {
                const cem = await enter('Cem');
                await cem.shows(...shown, 'after');
            }
            assert.equal(await ann.$('fault').count(), 0);
        });
    });
}

test('a reaction and a deletion wait for the connection, and say so', async (open) => {
    await withService(async (service) => {
        const ann = await (await open(address(service, { name: 'Ann', room: 'Waiting', kind: 'history' }))).join();
        await ann.say('one');
        await ann.say('two');
        await ann.shows({ state: 'sent' }, { state: 'sent' });
        await ann.message('one').hover();
        await ann.message('one').getByTestId('tool-quick').first().waitFor();

        await service.kill();
        await ann.connection('recovering');
        await ann.message('one').getByTestId('tool-quick').first().click();
        await until('the reaction waits', () => ann.$('note').innerText(), (words) => words.includes('once the connection is back'));
        await ann.use('two', 'tool-delete');
        await ann.$('delete-confirm').click();

        await service.start();
        await ann.connection('connected');
        await ann.message('one').getByTestId('reaction').waitFor();
        await ann.shows('one', 'This message was deleted.');
        await ann.$('note').waitFor({ state: 'detached' });
    });
});

for (const kind of ['live', 'history']) {
    test(`a service that comes back without its data: a ${kind} room is made again, and nothing of before is taken for new`, async (open) => {
        const act = async (service) => {
            const enter = async (name) => (await open(address(service, { name, room: 'Sand', kind }))).join();
            const [ann, bob] = [await enter('Ann'), await enter('Bob')];
            const old = ['old 1', 'old 2', 'old 3'];
            for (const text of old) {
                await ann.say(text);
                await bob.message(text).waitFor();
            }
            await ann.message('old 1').hover();
            await ann.message('old 1').getByTestId('tool-quick').first().click();
            await bob.message('old 1').getByTestId('reaction').waitFor();
            await bob.goTo('Elsewhere', kind);

            await service.kill();
            await Promise.all([ann.connection('recovering'), bob.connection('recovering')]);
            await ann.say('meanwhile');
            await service.start();
            await Promise.all([ann.connection('connected'), bob.connection('connected')]);
            // A live room has no history that could be gone: what was seen there stays.
            const before = kind === 'live' ? old : [];
            await ann.shows(...before, { text: 'meanwhile', state: 'sent' });
            if (kind === 'history') {
                await until('Ann is told', () => ann.$('note').innerText(), (words) => /no longer has the earlier messages/.test(words));
            }
            const cem = await enter('Cem');
            await cem.shows('meanwhile');
            await cem.say('new');
            await ann.shows(...before, 'meanwhile', { text: 'new', author: 'Cem' });
            const unread = () => bob.room('Sand').getByTestId('unread').innerText();
            await until('what is new is unread', unread, (count) => /^[12]\b/.test(count));
            await bob.room('Sand').click();
            await bob.shows(...before, 'meanwhile', { text: 'new', author: 'Cem' });
            await bob.say('me too');
            await cem.shows('meanwhile', 'new', { text: 'me too', author: 'Bob' });
            await ann.shows(...before, 'meanwhile', 'new', 'me too');
            for (const window of [ann, bob, cem]) {
                assert.equal(await window.message('meanwhile').getByTestId('reaction').count(), 0, 'what was thought of another message');
                assert.equal(await window.$('fault').count(), 0);
            }
        };
        await withService(act, { inMemory: true });
    });
}

test('a service that is restarted in order: every window comes back by itself, with those who are there now', async (open) => {
    await withService(async (service) => {
        const enter = async (name, kind) => (await open(address(service, { name, room: `Works ${kind}`, kind }))).join();
        const [ann, bob, cem] = [await enter('Ann', 'history'), await enter('Bob', 'history'), await enter('Cem', 'live')];
        await ann.say('before');
        await bob.shows({ author: 'Ann', text: 'before' });
        await ann.$('members-button').click();
        const present = (names) =>
            until(`there: ${names}`, () => ann.$('member-name').allInnerTexts(), (found) => [...found].sort().join() === names.join());
        await present(['Ann', 'Bob']);

        const ended = await service.stop();
        assert.equal(ended.code, 0);
        await Promise.all([ann, bob, cem].map((window) => window.connection('recovering')));
        await bob.page.close();
        await service.start();
        await Promise.all([ann.connection('connected'), cem.connection('connected')]);
        await present(['Ann']);
        await ann.say('after');
        await ann.shows({ text: 'before', own: true }, { text: 'after', state: 'sent' });
        await cem.say('live goes on');
        await cem.shows({ text: 'live goes on', state: 'sent' });
        assert.equal(await ann.$('fault').count(), 0);
    });
});

test('what could not be fetched of the page comes with the connection, and a reload before that stays in the room', async (open) => {
    await withService(async (service) => {
        const bob = await (await open(address(service, { name: 'Bob', room: 'Half', kind: 'history' }))).join();
        await bob.say('before');
        const ann = await open(address(service, { name: 'Ann', room: 'Half', kind: 'history' }));
        let isCut = true;
        await ann.page.route(/split_room.*\.wasm/, (route) => (isCut ? route.abort() : route.continue()));
        await ann.reload();
        await ann.join();
        await ann.$('part-missing').waitFor();
        await ann.reload();
        await ann.inRoom();
        await ann.shows('before');
        await ann.$('part-missing').waitFor();
        isCut = false;
        await service.stop();
        await ann.connection('recovering');
        await service.start();
        await ann.connection('connected');
        await ann.say('whole');
        await bob.shows('before', { author: 'Ann', text: 'whole' });
        assert.equal(await ann.$('part-missing').count(), 0);
        ann.errors = ann.errors.filter((error) => !/ERR_FAILED|Failed to load resource|Failed to fetch/.test(error));
    });
});

test('a network that falls silent is told, and what says that it is back has it tried at once', async (open) => {
    await withService(async (service) => {
        const proxy = await startProxy(service);
        try {
            const ann = await (await open(address(proxy, { name: 'Ann', room: 'Tunnel', kind: 'history' }))).join();
            await ann.say('before');
            await ann.shows({ text: 'before', state: 'sent' });
            proxy.hush(true);
            // A device that has slept shows its window again: the connection is probed then.
            await ann.page.evaluate(() => window.dispatchEvent(new Event('focus')));
            await ann.connection('recovering');
            await ann.say('in the tunnel');
            proxy.cut();
            proxy.hush(false);
            // Attempts that have failed make the waits longer; this one ends at once.
            await ann.page.evaluate(() => window.dispatchEvent(new Event('online')));
            await ann.connection('connected');
            await ann.shows({ text: 'before' }, { text: 'in the tunnel', state: 'sent' });
        } finally {
            proxy.close();
        }
    });
});

test('a message on its way when the service dies is sent, or told as failed and sent again', async (open) => {
    await withService(async (service) => {
        const ann = await (await open(address(service, { name: 'Ann', room: 'Knife', kind: 'history' }))).join();
        const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
        for (const text of texts.slice(0, 10)) {
            await ann.say(text);
        }
        const killed = service.kill();
        for (const text of texts.slice(10)) {
            await ann.say(text);
        }
        await killed;
        await ann.connection('recovering');
        await service.start();
        await ann.connection('connected');
        const uncertain = await sendAll(ann, texts);
        const bob = await (await open(address(service, { name: 'Bob', room: 'Knife', kind: 'history' }))).join();
        const found = await until('all are there', () => bob.texts(), (found) => texts.every((text) => found.includes(text)));
        const doubled = found.filter((text, index) => found.indexOf(text) !== index);
        assert.ok(doubled.every((text) => uncertain.has(text)), `doubled without a warning: ${doubled}`);
    });
});

test('while there is no service, the next try is announced and can be made at once', async (open) => {
    await withService(async (service) => {
        const ann = await (await open(address(service, { name: 'Ann', room: 'Patience', kind: 'history' }))).join();
        await service.kill();
        await ann.$('reconnect').waitFor();
        assert.match(await ann.$('connection-state').innerText(), /^Reconnecting…\s*Reconnecting in \d+ s\s*Try now$/);
        await service.start();
        // The next try may come by itself before anybody presses this.
        await Promise.race([ann.$('reconnect').click(), ann.connection('connected')]);
        await ann.connection('connected');
        await ann.say('back');
        await ann.shows({ text: 'back', state: 'sent' });
    });
});

test('a session that the service closes is told, and opened again when asked for', async (open) => {
    await withService(async (service) => {
        const ann = await (await open(address(service, { name: 'Ann', room: 'Door', kind: 'history' }))).join();
        await ann.say('before');
        await ann.shows({ text: 'before', state: 'sent' });
        await withSession(service, 'admin', (admin) => admin.clients.close('$Principal is "user"'));
        await ann.connection('lost');
        await ann.fault(/Disconnected by the service\. Reconnect to continue\. Your rooms are still open\./);
        await ann.$('reconnect-button').click();
        await ann.connection('connected');
        assert.equal(await ann.$('fault').count(), 0);
        await ann.say('after');
        await ann.shows({ text: 'before', own: true }, { text: 'after', state: 'sent' });
    });
});

test('no service: the address is told, and joining again works once there is one', async (open) => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address();
    free.close();
    await once(free, 'close');
    const ann = await open(address({ host: '127.0.0.1', port }, { name: 'Ann', room: 'Void', kind: 'live' }));
    await ann.$('join-button').click();
    const words = await ann.fault(/No Diffusion service can be reached at 127\.0\.0\.1:\d+\./);
    assert.match(words, /Check the host, port, and path, make sure the service is running, and try again\./);
    const sandbox = await startSandbox({ port });
    try {
        await ann.$('join-button').click();
        await ann.inRoom();
        assert.equal(await ann.$('fault').count(), 0);
    } finally {
        await sandbox.kill();
    }
});

test('a web server that is no Diffusion service is told in words', async (open) => {
    const [, port] = page.origin.match(/:(\d+)$/);
    const ann = await open(address({ host: '127.0.0.1', port }, { name: 'Ann', room: 'Void', kind: 'live' }));
    await ann.$('join-button').click();
    await ann.fault(/No Diffusion service can be reached at/);
});

test('what speaks WebSocket but not Diffusion is told in words', async (open) => {
    for (const answer of ['hello', Buffer.from([1, 2, 3]), Buffer.alloc(0)]) {
        const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
        await once(server, 'listening');
        server.on('connection', (socket) => socket.send(answer));
        try {
            const ann = await open(address({ host: '127.0.0.1', port: server.address().port }, { name: 'Ann', room: 'Void' }));
            await ann.$('join-button').click();
            await ann.fault(/The server at 127\.0\.0\.1:\d+ isn’t a Diffusion service\. Check the host, port, and path\./);
        } finally {
            server.clients.forEach((client) => client.terminate());
            server.close();
        }
    }
});

test('the settings change service and account without a reload', async (open) => {
    await withService(async (one) => {
        await withService(async (other) => {
            const ann = await (await open(address(one, { name: 'Ann', room: 'Move', kind: 'history' }))).join();
            await ann.say('on the first service');
            await ann.shows({ text: 'on the first service', state: 'sent' });
            await ann.page.evaluate(() => (window.notReloaded = true));
            const bob = await (await open(address(other, { name: 'Bob', room: 'Move', kind: 'history' }))).join();
            await bob.say('on the second service');

            await ann.$('settings-button').click();
            await ann.fill({ port: other.port, name: 'Anna', account: 'admin', password: 'password' });
            await ann.$('apply-button').click();
            await until('the new service is told', () => ann.signedInAs(), (text) => text === `admin at 127.0.0.1:${other.port}`);
            await ann.connection('connected');
            await ann.$('text').filter({ hasText: 'on the second service' }).waitFor();
            assert.ok(!(await ann.texts()).includes('on the first service'), 'what the other service has is not mixed in');
            await ann.say('here I am');
            await bob.shows({ text: 'on the second service', own: true }, { author: 'Anna', text: 'here I am', own: false });
            assert.ok(await ann.page.evaluate(() => window.notReloaded));

            // Settings that do not work are reported, and can be corrected.
            await ann.$('settings-button').click();
            await ann.fill({ password: 'wrong' });
            await ann.$('apply-button').click();
            await ann.fault(/Incorrect password for the account “admin”/);
        });
    });
});
