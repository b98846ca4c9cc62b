// What was written and not acknowledged: through a service that dies, a page that is loaded again, and a connection that is
// not there, everyone sees each message once, in order.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';

import { dist, launch } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { startSandbox } from '../support/sandbox.mjs';
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

const address = (port, fields) => `${page.origin}/?${new URLSearchParams({ host: '127.0.0.1', port, ...fields })}`;

/** What a window has stored of a kind, each record as text. */
const records = (window, store) =>
    window.page.evaluate(
        (name) =>
            new Promise((resolve) => {
                const request = indexedDB.open('effusion');
                // The page creates the database, not this helper.
                request.onupgradeneeded = () => request.transaction.abort();
                request.onerror = () => resolve(['there is no database']);
                request.onsuccess = () => {
                    const all = request.result.transaction(name).objectStore(name).getAll();
                    all.onsuccess = () => {
                        request.result.close();
                        resolve(all.result.map((record) => (typeof record === 'string' ? record : JSON.stringify(record))));
                    };
                };
            }),
        store,
    );

/**
 * A service that can be killed and restarted, with the same data, behind a proxy: requests reach the service, but while the
 * proxy is `deaf`, no response gets back.
 */
async function withService(act) {
    const data = await mkdtemp(path.join(tmpdir(), 'effusion-e2e-'));
    let sandbox = await startSandbox({ data });
    const { port } = sandbox;
    const state = { deaf: false };
    const sockets = new Set();
    const door = createServer((outside) => {
        const inside = connect(port, '127.0.0.1');
        for (const [socket, other] of [[outside, inside], [inside, outside]]) {
            sockets.add(socket);
            socket.on('close', () => {
                sockets.delete(socket);
                other.destroy();
            });
            socket.on('error', () => other.destroy());
        }
        outside.on('data', (bytes) => inside.write(bytes));
        inside.on('data', (bytes) => state.deaf || outside.write(bytes));
    }).listen(0, '127.0.0.1');
    await once(door, 'listening');
    try {
        await act({
            /** Directly to the service. */
            port,
            /** Through the proxy. */
            door: door.address().port,
            state,
            kill: () => sandbox.kill(),
            start: async () => {
                sandbox = await startSandbox({ data, port });
            },
        });
    } finally {
        sockets.forEach((socket) => socket.destroy());
        door.close();
        await sandbox.kill();
        await rm(data, { recursive: true, force: true });
    }
}

const sent = (window, what, whole) =>
    until(
        `${what} sent`,
        async () => (await window.messages()).filter(({ own }) => own),
        (own) => whole(own) && own.every(({ state }) => ['sent', 'received'].includes(state)),
        30_000,
    );

for (const kind of ['history', 'live']) {
    test(`killed between sending and acknowledging, and reloaded without a service: a ${kind} room shows each message once, in order`, async (open) => {
        await withService(async (service) => {
            const room = { room: 'Outbox', kind };
            const ann = await (await open(address(service.door, { name: 'Ann', ...room }))).join();
            const bob = await (await open(address(service.port, { name: 'Bob', ...room }))).join();
            await ann.say('before');
            await bob.shows('before');
            await sent(ann, 'the first is', (own) => own.length === 1);

            // The service gets the next one, but Ann hears nothing of it; what comes after that waits for its turn.
            service.state.deaf = true;
            const waiting = ['one', 'two', 'three'];
            for (const text of waiting) {
                await ann.say(text);
            }
            await bob.shows('before', 'one');
            assert.deepEqual((await ann.messages()).slice(1).map(({ state }) => state), ['sending', 'sending', 'sending']);
            await service.kill();
            service.state.deaf = false;
            await ann.reload();
            await until('the page stands by', () => ann.$('connection-state').getAttribute('data-state'), (state) => state === 'recovering');
            await until('what was not acknowledged is still there', () => ann.texts(), (texts) => texts.slice(-3).join() === waiting.join());
            await ann.say('four');

            await service.start();
            await ann.connection('connected');
            // What was shown of a live room until now was a copy, which is gone when the room itself is there.
            await sent(ann, 'all are', (own) => (kind === 'history' ? own.length === 5 : own.at(-1)?.text === 'four'));
            const all = ['before', ...waiting, 'four'];
            if (kind === 'history') {
                await ann.shows(...all);
                await bob.shows(...all);
                const cem = await (await open(address(service.port, { name: 'Cem', ...room }))).join();
                await cem.shows(...all);
            } else {
                // A live room keeps its last value alone: Bob may have missed some while he was away, but sees none twice.
                const texts = await until('Bob sees the last one', () => bob.texts(), (texts) => texts.at(-1) === 'four');
                assert.deepEqual(texts, all.filter((text) => texts.includes(text)));
                const own = (await ann.messages()).filter(({ own }) => own).map(({ text }) => text);
                assert.deepEqual(own, all.filter((text) => own.includes(text)));
                assert.equal(own.at(-1), 'four');
            }
            await bob.say('after');
            await until('Ann reads on', () => ann.texts(), (texts) => texts.at(-1) === 'after');

            // Nothing is left to be sent once more.
            await ann.reload();
            await ann.inRoom();
            if (kind === 'history') {
                await ann.shows(...all, 'after');
            }
        });
    });
}

// A page that came from another machine without TLS has no locks.
const withoutLocks = () => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined });
for (const [locks, first] of [['by locks', undefined], ['without locks', withoutLocks]]) {
    test(`what two windows of one profile have stored without a service is stored there once, ${locks}`, async (open) => {
        await withService(async (service) => {
            const { json, withSession } = await import('../support/sdk.mjs');
            const at = address(service.port, { name: 'Ann', room: 'Two windows', kind: 'history' });
            const ann = await (await open(at, { first })).join();
            const again = await (await open(at, { context: ann.page.context() })).join();
            const third = await (await open(at, { context: ann.page.context() })).join();
            const expected = [];
            for (let round = 0; round < 3; round += 1) {
                await service.kill();
                await ann.connection('recovering');
                const waiting = ['one', 'two', 'three'].map((text) => `${text} of ${round}`);
                expected.push(...waiting);
                for (const text of waiting) {
                    await ann.say(text);
                }
                for (const window of [again, third]) {
                    await window.reload();
                    await until('the other window has them, too', () => window.texts(), (texts) => waiting.every((text) => texts.includes(text)));
                }
                await service.start();
                for (const window of [ann, again, third]) {
                    await window.connection('connected');
                    await window.shows(...expected);
                    await sent(window, 'all are', (own) => own.length === expected.length);
                }
                const stored = await withSession({ host: '127.0.0.1', port: service.port }, 'admin', async (session) => {
                    const { events } = await session.timeseries.rangeQuery().as(json()).selectFrom('Chat/Two windows');
                    return events.map(({ value }) => value.get()).filter(({ name }) => name === 'Ann').map(({ text }) => text);
                });
                assert.deepEqual(stored, expected);
                await until('nothing is left', () => records(ann, 'outbox'), (left) => left.length === 0);
            }
        });
    });
}

test('a window asks before it is left with messages that the browser does not store', async (open) => {
    const full = () => {
        IDBObjectStore.prototype.put = function () {
            this.transaction.abort();
            throw new DOMException('full', 'QuotaExceededError');
        };
    };
    await withService(async (service) => {
        const ann = await (await open(address(service.port, { name: 'Ann', room: 'Full', kind: 'history' }), { first: full })).join();
        const isAsked = () => ann.page.evaluate(() => !window.dispatchEvent(new Event('beforeunload', { cancelable: true })));
        await service.kill();
        await ann.connection('recovering');
        assert.equal(await isAsked(), false, 'nothing waits');
        await ann.say('later');
        await until('leaving asks', isAsked, (asked) => asked);
        await service.start();
        await ann.shows({ text: 'later', state: 'sent' });
        assert.equal(await isAsked(), false, 'all is sent');
        ann.errors = ann.errors.filter((error) => !/QuotaExceeded|full|IDB/.test(error));
    });
});

test('a message that arrived and was sent again is shown once, by whoever sees both events', async (open) => {
    await withService(async (service) => {
        const room = { room: 'Twins', kind: 'history' };
        const ann = await (await open(address(service.port, { name: 'Ann', ...room }))).join();
        const bob = await (await open(address(service.port, { name: 'Bob', ...room }))).join();
        const { json, withSession } = await import('../support/sdk.mjs');
        const twin = { text: 'once', name: 'Dee', timestamp: new Date().toISOString(), id: '0123456789abcdef' };
        const append = (message) => withSession({ host: '127.0.0.1', port: service.port }, 'admin', (session) => session.timeseries.append('Chat/Twins', message, json()));
        await append(twin);
        await append({ ...twin, text: 'between', id: 'fedcba9876543210' });
        await append(twin);
        await append({ ...twin, text: 'no id', id: undefined });
        await append({ ...twin, text: 'no id', id: undefined });
        const expected = ['once', 'between', 'no id', 'no id'];
        await Promise.all([ann.shows(...expected), bob.shows(...expected)]);
        const cem = await (await open(address(service.port, { name: 'Cem', ...room }))).join();
        await cem.shows(...expected);
    });
});

test('what the service does not take is told, holds up nothing, and stays until it is sent or discarded', async (open) => {
    await withService(async (service) => {
        const ann = await (await open(address(service.port, { name: 'Ann', room: 'Size', kind: 'history' }))).join();
        // A browser on a busy machine takes its time to lay out a text of that size.
        ann.page.setDefaultTimeout(60_000);
        await ann.say('hello');
        await ann.shows({ text: 'hello', state: 'sent' });
        // A page without a session does not know how much the service takes.
        await service.kill();
        await ann.reload();
        await ann.connection('recovering');
        await ann.say('x'.repeat(1_200_000));
        await ann.say('small');
        await service.start();
        await until(
            'the large one has failed, the small one is sent',
            async () => (await ann.messages()).map(({ state }) => state),
            (states) => states.slice(1).join() === 'sent,failed',
            30_000,
        );
        await ann.reload();
        await ann.inRoom();
        await ann.$('cancel').click();
        await ann.shows('hello', 'small');
        await ann.reload();
        await ann.inRoom();
        await ann.shows('hello', 'small');
    });
});

test('a window without a database sends all the same', async (open) => {
    await withService(async (service) => {
        const ann = await open(`${page.origin}/`);
        await ann.page.addInitScript(() => {
            Object.defineProperty(window, 'indexedDB', { get: () => { throw new DOMException('no', 'SecurityError'); } });
        });
        await ann.visit(address(service.port, { name: 'Ann', room: 'Bare', kind: 'history' }));
        await ann.join();
        await ann.say('hello');
        await ann.shows({ text: 'hello', state: 'sent' });
        await service.kill();
        await ann.connection('recovering');
        await ann.say('meanwhile');
        await service.start();
        await ann.shows({ text: 'hello' }, { text: 'meanwhile', state: 'sent' });
    });
});

test('what is written while the service is away is kept across a reload, and sent once it is back', async (open) => {
    await withService(async (service) => {
        const ann = await open(address(service.port, { name: 'Ann', room: 'Keep', kind: 'history' }));
        await ann.join();
        await ann.say('hello');
        await ann.shows({ text: 'hello', state: 'sent' });
        await service.kill();
        await ann.connection('recovering');
        await ann.say('meanwhile');
        await ann.say('more');
        await until('both are stored', () => records(ann, 'outbox'), (all) => all.length === 2);
        await ann.reload();
        await until('both are kept', () => ann.texts(), (texts) => texts.slice(-2).join() === 'meanwhile,more');
        await service.start();
        await ann.shows({ text: 'hello' }, { text: 'meanwhile', state: 'sent' }, { text: 'more', state: 'sent' });
    });
});

test('what was loaded can be read without a service, and says that it is a copy', async (open) => {
    await withService(async (service) => {
        const room = { room: 'Shelf', kind: 'history' };
        const ann = await (await open(address(service.port, { name: 'Ann', ...room }))).join();
        const bob = await (await open(address(service.port, { name: 'Bob', ...room }))).join();
        await bob.say('first');
        await ann.shows('first');
        await ann.say('second');
        await ann.shows('first', { text: 'second', state: 'sent' });
        assert.equal(await ann.$('offline-copy').count(), 0);
        await until('it is stored', () => records(ann, 'copies'), (all) => all.some((copy) => copy.includes('second')));
        await service.kill();
        await ann.reload();
        await ann.shows({ text: 'first', author: 'Bob', own: false }, { text: 'second', own: true });
        await ann.$('offline-copy').waitFor();
        await service.start();
        await ann.connection('connected');
        await until('it is the room itself again', () => ann.$('offline-copy').count(), (count) => count === 0);
        await ann.shows('first', 'second');

        // Signing out leaves nothing behind.
        await ann.$('settings-button').click();
        await ann.$('sign-out').click();
        await ann.$('join-form').waitFor();
        const left = async () => [...(await records(ann, 'outbox')), ...(await records(ann, 'copies'))];
        await until('nothing is stored', left, (all) => all.length === 0);
    });
});
