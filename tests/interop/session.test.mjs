// Sessions: their beginning, their properties, their end, and what happens when the connection is lost.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startProxy } from '../support/proxy.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { Seen, TopicSpecification, TopicType, connect, diffusion, failsWith, json, pause, plain, withSession } from '../support/sdk.mjs';

let sandbox;
before(async () => {
    sandbox = await startSandbox();
});
after(() => sandbox.stop());

test('sign-in with a wrong name or password is refused', async () => {
    const refused = 99;
    await failsWith(connect(sandbox, 'user', { credentials: 'wrong' }), refused);
    await failsWith(connect(sandbox, 'user', { credentials: '' }), refused);
    await failsWith(connect(sandbox, 'nobody'), refused);
    await failsWith(connect(sandbox, 'user', { credentials: new Uint8Array([1, 2, 3]) }), refused);
});

test('a session has an id, a principal and an end', async () => {
    const session = await connect(sandbox, 'user');
    assert.match(session.sessionId.toString(), /^[0-9a-f]{16}-[0-9a-f]{16}$/);
    assert.equal(session.getPrincipal(), 'user');
    assert.equal(session.isConnected(), true);
    const closed = new Promise((resolve) => session.on('close', resolve));
    await session.closeSession();
    assert.equal((await closed).id, 0);
    assert.equal(session.isClosed(), true);
    await assert.rejects(async () => session.topics.add('too/late', TopicType.JSON));
});

test('a ping comes back', async () => {
    await withSession(sandbox, 'user', async (session) => {
        const { rtt, timestamp } = await session.pingServer();
        assert.ok(rtt >= 0 && rtt < 5000);
        assert.ok(Math.abs(Number(timestamp) - Date.now()) < 10_000);
    });
});

test('a session has properties', async () => {
    await withSession(sandbox, 'user', async (session) => {
        const { ALL_FIXED_PROPERTIES } = diffusion.clients.PropertyKeys;
        await withSession(sandbox, 'admin', async (admin) => {
            const properties = await admin.clients.getSessionProperties(session.sessionId, ALL_FIXED_PROPERTIES);
            assert.equal(properties.$Principal, 'user');
            assert.equal(properties.$SessionId, session.sessionId.toString());
            assert.equal(properties.$ClientIP, '127.0.0.1');
            assert.equal(properties.$Transport, 'WEBSOCKET');
            assert.deepEqual([...diffusion.stringToRoles(properties.$Roles)].sort(), ['CLIENT', 'TOPIC_CONTROL']);
        });
        await withSession(sandbox, 'client', async (client) => {
            await failsWith(client.clients.getSessionProperties(session.sessionId, ALL_FIXED_PROPERTIES), 103);
        });
    });
});

test('a session is closed by an administrator', async () => {
    const session = await connect(sandbox, 'user');
    const closed = new Promise((resolve) => session.on('close', resolve));
    await withSession(sandbox, 'admin', (admin) => admin.clients.close(session.sessionId));
    assert.equal((await closed).id, 1, 'closed by the server');
});

test('a session survives a lost connection, and loses nothing', async () => {
    const proxy = await startProxy(sandbox);
    const room = 'Reconnect/room';
    const session = await connect(proxy, 'user', {
        reconnect: { timeout: 30_000, strategy: (reconnect) => setTimeout(reconnect, 100) },
    });
    const states = [];
    session.on({ disconnect: () => states.push('lost'), reconnect: () => states.push('back') });
    const id = session.sessionId.toString();
    await session.topics.add(room, TopicType.JSON);
    const seen = Seen.stream(session, room);
    await session.select(room);
    await seen.find('the subscription', ({ kind }) => kind === 'subscribe');
    await withSession(sandbox, 'user', async (other) => {
        for (let round = 0; round < 3; round += 1) {
            await other.topicUpdate.set(room, json(), { n: 2 * round });
            await seen.all('value', 2 * round + 1);
            proxy.refuse(true);
            proxy.cut();
            await other.topicUpdate.set(room, json(), { n: 2 * round + 1 });
            await pause(150);
            proxy.refuse(false);
            await seen.all('value', 2 * round + 2);
        }
    });
    assert.deepEqual(
        (await seen.all('value', 6)).map(({ value }) => value.n),
        [0, 1, 2, 3, 4, 5],
    );
    assert.equal(session.sessionId.toString(), id);
    assert.deepEqual(states.slice(0, 2), ['lost', 'back']);
    assert.ok(!seen.events.some(({ kind }) => kind === 'unsubscribe'));
    await session.closeSession();
    proxy.close();
});

test('a session that has ended cannot be recovered', async () => {
    const proxy = await startProxy(sandbox);
    const session = await connect(proxy, 'user', {
        reconnect: { timeout: 300, strategy: (reconnect) => setTimeout(reconnect, 100) },
    });
    const closed = new Promise((resolve) => session.on('close', resolve));
    proxy.refuse(true);
    proxy.cut();
    await pause(1000);
    proxy.refuse(false);
    const reason = await closed;
    assert.notEqual(reason.id, 0);
    assert.equal(session.isClosed(), true);
    proxy.close();
});

test('acknowledged changes survive killing and restarting the service', async (t) => {
    const data = await mkdtemp(path.join(tmpdir(), 'effusion-'));
    t.after(() => rm(data, { recursive: true, force: true }));
    let durable = await startSandbox({ data });
    assert.match(durable.log.join('\n'), /WARNING.*password/);
    const alice = await connect(durable, 'user');
    await alice.topics.add('Kept/live', TopicType.JSON);
    await alice.topicUpdate.set('Kept/live', json(), { text: 'kept' });
    await alice.topics.add(
        'Kept/history',
        new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: 'limit 100',
        }),
    );
    for (const text of ['one', 'two', 'three']) {
        await alice.timeseries.append('Kept/history', { text }, json());
    }
    await withSession(durable, 'auth-handler', (registrar) =>
        registrar.security.updateAuthenticationStore("add principal 'bob' 'secret' ['CLIENT']"),
    );
    const closed = new Promise((resolve) => alice.on('close', resolve));
    await durable.kill();
    await closed;

    durable = await startSandbox({ data });
    const bob = await connect(durable, 'bob', { credentials: 'secret' });
    const live = await bob.fetchRequest().withValues(json()).fetch('Kept/live');
    assert.deepEqual(plain(live.results()[0].value()), { text: 'kept' });
    const history = await bob.timeseries.rangeQuery().as(json()).selectFrom('Kept/history');
    assert.deepEqual(
        history.events.map((event) => [event.sequence, event.author, plain(event.value).text]),
        [
            [0, 'user', 'one'],
            [1, 'user', 'two'],
            [2, 'user', 'three'],
        ],
    );
    await bob.closeSession();
    assert.deepEqual(await durable.stop(), { code: 0, signal: null });
});

test('a service that stops closes its sessions', async () => {
    const stopping = await startSandbox();
    const session = await connect(stopping, 'user', { reconnect: false });
    const closed = new Promise((resolve) => session.on('close', resolve));
    assert.deepEqual(await stopping.stop(), { code: 0, signal: null });
    assert.equal((await closed).id, 1, 'closed by the server');
});
