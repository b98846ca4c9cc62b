// The connection: a service that is killed and started again, one that is not there, and another one.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
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
const address = ({ host, port }, fields = {}) => `${page.origin}/?${new URLSearchParams({ host, port, ...fields })}`;

/** A service that can be killed and started again: on the same port, with the same data. */
async function withService(act) {
    const data = await mkdtemp(path.join(tmpdir(), 'effusion-e2e-'));
    let sandbox = await startSandbox({ data });
    const { host, port } = sandbox;
    try {
        await act({
            host,
            port,
            kill: () => sandbox.kill(),
            start: async () => {
                sandbox = await startSandbox({ data, port });
            },
        });
    } finally {
        await sandbox.kill();
        await rm(data, { recursive: true, force: true });
    }
}

/** Waits until each own message is sent or failed, and sends those that failed again, until all are sent. */
async function sendAll(window, texts) {
    await until(
        'every message is sent, once',
        async () => {
            const own = (await window.messages()).filter(({ own }) => own);
            if (own.some(({ state }) => state === 'failed')) {
                await window.$('retry').first().click();
            }
            return own;
        },
        (own) => own.length === texts.length && own.every(({ state }) => state === 'sent'),
        30_000,
    );
}

for (const kind of ['live', 'history']) {
    test(`a service that is killed and started again: a ${kind} room goes on, nothing is lost or doubled`, async (open) => {
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

            // The order among those said meanwhile is the order in which they were sent at last.
            const all = ['before', ...during].sort();
            const sorted = async (window) => (await window.texts()).sort();
            const is = (texts) => JSON.stringify(texts) === JSON.stringify(all);
            await until('Bob has each once', () => sorted(bob), is);
            await bob.say('after');
            await until('Ann has each once', () => sorted(ann), (texts) => JSON.stringify(texts) === JSON.stringify(['after', ...all]));
            if (kind === 'history') {
                const cem = await enter('Cem');
                await until('the service has each once', () => sorted(cem), (texts) => JSON.stringify(texts) === JSON.stringify(['after', ...all]));
            }
            assert.equal(await ann.$('fault').count(), 0);
        });
    });
}

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
        await sendAll(ann, texts);
        const bob = await (await open(address(service, { name: 'Bob', room: 'Knife', kind: 'history' }))).join();
        await bob.$('text').filter({ hasText: 'message 19' }).waitFor();
        const found = await bob.texts();
        assert.deepEqual([...new Set(found)].sort(), [...texts].sort(), 'none is missing');
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
    const words = await ann.fault(/No Diffusion service answers at 127\.0\.0\.1:\d+\./);
    assert.match(words, /Check host and port, and that the service is running; then try again\./);
    const sandbox = await startSandbox({ port });
    try {
        await ann.$('join-button').click();
        await ann.inRoom();
        assert.equal(await ann.$('fault').count(), 0);
    } finally {
        await sandbox.kill();
    }
});

test('something that is no Diffusion service is told in words', async (open) => {
    const [, port] = page.origin.match(/:(\d+)$/);
    const ann = await open(address({ host: '127.0.0.1', port }, { name: 'Ann', room: 'Void', kind: 'live' }));
    await ann.$('join-button').click();
    await ann.fault(/No Diffusion service answers at/);
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
            await until('the new service is told', () => ann.$('signed-in-as').innerText(), (text) => text === `admin at 127.0.0.1:${other.port}`);
            await ann.connection('connected');
            await ann.$('text').filter({ hasText: 'on the second service' }).waitFor();
            assert.ok(!(await ann.texts()).includes('on the first service'), 'what the other service has is not mixed in');
            await ann.say('here I am');
            await bob.shows({ text: 'on the second service', own: true }, { author: 'Anna', text: 'here I am', own: false });
            assert.ok(await ann.page.evaluate(() => window.notReloaded));

            // Settings that do not work are told, and can be put right.
            await ann.$('settings-button').click();
            await ann.fill({ password: 'wrong' });
            await ann.$('apply-button').click();
            await ann.fault(/does not accept this password for the account “admin”/);
        });
    });
});
