// Topic specifications: how they are compared, what each property does, and which are refused.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { startProxy } from '../support/proxy.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import {
    Seen,
    TopicSpecification,
    TopicType,
    connect,
    diffusion,
    double,
    failsWith,
    int64,
    json,
    pause,
    plain,
    string,
    withSession,
} from '../support/sdk.mjs';

let sandbox;
let session;
before(async () => {
    sandbox = await startSandbox();
    session = await connect(sandbox, 'user');
});
after(async () => {
    await session.closeSession();
    await sandbox.stop();
});

/** The reasons for which `topics.add` fails, as the SDK numbers them. */
const AddFailure = { EXISTS_MISMATCH: 2, INVALID_DETAILS: 4, PERMISSIONS_FAILURE: 7, INVALID_NAME: 15 };
const { datatypes } = diffusion;
const specification = (type, properties) => new TopicSpecification(type, properties);
const fetched = async (topic, type = json()) => {
    const [result] = (await session.fetchRequest().withValues(type).fetch(topic)).results();
    return result === undefined ? undefined : plain(result.value());
};

test('topics of every type that can be added', async () => {
    for (const [name, type, value, shown] of [
        ['JSON', json(), { a: [1, 2.5, null, true, 'x'] }],
        ['STRING', string(), 'é😀'],
        ['INT64', int64(), '-9223372036854775808'],
        ['DOUBLE', double(), -0.25],
        ['BINARY', datatypes.binary(), Buffer.from([0, 255]), Buffer.from([0, 255])],
        ['RECORD_V2', datatypes.recordv2(), datatypes.recordv2().valueBuilder().addFields(['a', 'b']).build()],
    ]) {
        const topic = `Types/${name}`;
        assert.deepEqual(await session.topics.add(topic, TopicType[name]), { added: true, topic });
        assert.deepEqual(await session.topics.add(topic, TopicType[name]), { added: false, topic });
        await session.topicUpdate.set(topic, type, value);
        const [result] = (await session.fetchRequest().withValues(type).fetch(topic)).results();
        assert.equal(result.type(), TopicType[name]);
        const got = result.value();
        if (name === 'RECORD_V2') {
            assert.deepEqual(got.asFields(), ['a', 'b']);
        } else {
            assert.deepEqual(name === 'INT64' ? got.toString() : plain(got), shown ?? value, name);
        }
    }
    for (const name of ['ROUTING', 'UNKNOWN_TOPIC_TYPE']) {
        if (TopicType[name] !== undefined) {
            await failsWith(session.topics.add(`Types/${name}`, TopicType[name]), AddFailure.INVALID_DETAILS);
        }
    }
});

test('numbers and strings can be set to null, other values cannot', async () => {
    for (const [name, type, value] of [
        ['STRING', string(), 'x'],
        ['INT64', int64(), 1],
        ['DOUBLE', double(), 1.5],
    ]) {
        const topic = `Null/${name}`;
        await session.topics.add(topic, TopicType[name]);
        await session.topicUpdate.set(topic, type, value);
        const seen = Seen.stream(session, topic, type);
        await session.select(topic);
        await seen.all('value', 1);
        await session.topicUpdate.set(topic, type, null);
        const [, none] = await seen.all('value', 2);
        assert.equal(none.value ?? null, null, name);
        assert.equal((await fetched(topic, type)) ?? null, null);
    }
    // JSON has a null of its own; bytes have none, and the SDK sends nothing.
    await session.topicUpdate.set('Types/JSON', json(), null);
    assert.equal(await fetched('Types/JSON'), null);
    await assert.rejects(async () => session.topicUpdate.set('Types/BINARY', datatypes.binary(), null));
});

test('specifications are compared by type and properties', async () => {
    const { JSON: JSON_TYPE, STRING } = TopicType;
    const properties = { PERSISTENT: 'false', TIDY_ON_UNSUBSCRIBE: 'true' };
    assert.equal((await session.topics.add('Same/a', specification(JSON_TYPE, properties))).added, true);
    // In whatever order.
    const turned = { TIDY_ON_UNSUBSCRIBE: 'true', PERSISTENT: 'false' };
    assert.equal((await session.topics.add('Same/a', specification(JSON_TYPE, turned))).added, false);
    for (const other of [
        specification(STRING, properties),
        specification(JSON_TYPE),
        specification(JSON_TYPE, { PERSISTENT: 'false' }),
        specification(JSON_TYPE, { ...properties, PRIORITY: 'high' }),
        specification(JSON_TYPE, { ...properties, PERSISTENT: 'true' }),
    ]) {
        await failsWith(session.topics.add('Same/a', other), AddFailure.EXISTS_MISMATCH);
    }
    await failsWith(session.topics.add('Same/a', JSON_TYPE), AddFailure.EXISTS_MISMATCH);
    // `set` with a specification compares in the same way.
    const set = (spec) => session.topicUpdate.set('Same/a', json(), { n: 1 }, { specification: spec });
    const { EXISTS, CREATED } = diffusion.topicUpdate.TopicCreationResult;
    assert.equal(await set(specification(JSON_TYPE, turned)), EXISTS);
    await failsWith(set(specification(JSON_TYPE)), 9004);
    assert.equal(
        await session.topicUpdate.set('Same/b', json(), { n: 1 }, { specification: specification(JSON_TYPE) }),
        CREATED,
    );
    // What is there before counts, even for who may not change it.
    await withSession(sandbox, 'client', (client) =>
        failsWith(client.topics.add('Same/a', specification(JSON_TYPE, properties)), AddFailure.PERMISSIONS_FAILURE),
    );
});

test('a property with an invalid value is refused', async () => {
    for (const properties of [
        { PUBLISH_VALUES_ONLY: 'perhaps' },
        { DONT_RETAIN_VALUE: 'perhaps' },
        { TIDY_ON_UNSUBSCRIBE: 'perhaps' },
        { VALIDATE_VALUES: 'perhaps' },
        { CONFLATION: 'sometimes' },
        { COMPRESSION: 'much' },
        { PRIORITY: 'urgent' },
        { OWNER: 'alice' },
        { OWNER: '$Principal is' },
        { REMOVAL: 'when I say so' },
    ]) {
        await failsWith(session.topics.add('Bad/property', specification(TopicType.JSON, properties)), AddFailure.INVALID_DETAILS);
    }
    for (const name of ['Bad//path', '']) {
        await assert.rejects(session.topics.add(name, TopicType.JSON));
    }
    assert.equal((await session.fetchRequest().fetch('?Bad//')).size(), 0);
});

test('a subscriber receives the specification that was set', async () => {
    const properties = {
        PUBLISH_VALUES_ONLY: 'true',
        VALIDATE_VALUES: 'true',
        TIDY_ON_UNSUBSCRIBE: 'true',
        CONFLATION: 'always',
        COMPRESSION: 'high',
        PRIORITY: 'low',
        OWNER: "$Principal is 'alice'",
        REMOVAL: 'when no updates for 1d',
    };
    await session.topics.add('Told/a', specification(TopicType.JSON, properties));
    const seen = Seen.stream(session, 'Told/a');
    await session.select('Told/a');
    const { specification: told } = await seen.find('the subscription', ({ kind }) => kind === 'subscribe');
    assert.deepEqual({ ...told.properties }, properties);
    const [result] = (await session.fetchRequest().withProperties().fetch('Told/a')).results();
    assert.deepEqual({ ...result.specification().properties }, properties);
});

test('PUBLISH_VALUES_ONLY and deltas give a subscriber the same values', async () => {
    for (const [name, properties] of [
        ['deltas', {}],
        ['values', { PUBLISH_VALUES_ONLY: 'true' }],
    ]) {
        const topic = `Published/${name}`;
        await session.topics.add(topic, specification(TopicType.JSON, properties));
        const seen = Seen.stream(session, topic);
        await session.select(topic);
        const long = 'x'.repeat(2000);
        for (let n = 0; n < 5; n += 1) {
            await session.topicUpdate.set(topic, json(), { n, long });
        }
        const values = await seen.all('value', 5);
        assert.deepEqual(values.map(({ value }) => value.n), [0, 1, 2, 3, 4]);
        assert.deepEqual(values[4].value, { n: 4, long });
        assert.equal(values[4].old.n, 3);
    }
});

test('DONT_RETAIN_VALUE: nothing for later subscribers', async () => {
    await session.topics.add('Transient/a', specification(TopicType.JSON, { DONT_RETAIN_VALUE: 'true' }));
    const early = Seen.stream(session, 'Transient/a');
    await session.select('Transient/a');
    await early.all('subscribe', 1);
    await session.topicUpdate.set('Transient/a', json(), { n: 1 });
    // The same value again counts as a change: the first is not stored.
    await session.topicUpdate.set('Transient/a', json(), { n: 1 });
    assert.deepEqual((await early.all('value', 2)).map(({ value }) => value), [{ n: 1 }, { n: 1 }]);
    assert.equal(await fetched('Transient/a'), undefined);
    await withSession(sandbox, 'client', async (client) => {
        const late = Seen.stream(client, 'Transient/a');
        await client.select('Transient/a');
        await late.all('subscribe', 1);
        await session.topicUpdate.set('Transient/a', json(), { n: 2 });
        assert.deepEqual((await late.all('value', 1))[0].value, { n: 2 });
    });
    // A time series keeps its events anyway.
    const series = { TIME_SERIES_EVENT_VALUE_TYPE: 'json', DONT_RETAIN_VALUE: 'true' };
    await session.topics.add('Transient/series', specification(TopicType.TIME_SERIES, series));
    await session.timeseries.append('Transient/series', { n: 1 }, json());
    assert.equal((await session.timeseries.rangeQuery().selectFrom('Transient/series')).events.length, 1);
});

test('TIDY_ON_UNSUBSCRIBE: no value comes after the end of the subscription', async () => {
    await session.topics.add('Tidy/a', specification(TopicType.JSON, { TIDY_ON_UNSUBSCRIBE: 'true' }));
    await withSession(sandbox, 'client', async (client) => {
        const seen = Seen.stream(client, 'Tidy/a');
        await client.select('Tidy/a');
        await seen.all('subscribe', 1);
        const updates = [];
        for (let n = 0; n < 50; n += 1) {
            updates.push(session.topicUpdate.set('Tidy/a', json(), { n }));
        }
        await client.unsubscribe('Tidy/a');
        await Promise.all(updates);
        await seen.all('unsubscribe', 1);
        await client.pingServer();
        assert.equal(seen.events.at(-1).kind, 'unsubscribe');
    });
});

test('OWNER: the owner reads, updates and removes whatever its roles', async () => {
    const owned = (name) => specification(TopicType.JSON, { OWNER: `$Principal is '${name}'` });
    await session.topics.add('Owned/client', owned('client'));
    await session.topics.add('Owned/other', owned('other'));
    await withSession(sandbox, 'admin', (admin) =>
        admin.security.updateSecurityStore('set "CLIENT" path "Owned" permissions [SELECT_TOPIC]'),
    );
    await withSession(sandbox, 'client', async (client) => {
        await client.topicUpdate.set('Owned/client', json(), { mine: true });
        const seen = Seen.stream(client, '?Owned/');
        await client.select('?Owned/');
        const { path: topic, value } = await seen.find('the value', ({ kind }) => kind === 'value');
        assert.deepEqual([topic, value], ['Owned/client', { mine: true }]);
        await failsWith(client.topicUpdate.set('Owned/other', json(), {}), 103);
        await failsWith(client.topics.remove('Owned/other'), 103);
        assert.deepEqual(await client.topics.remove('Owned/client'), { removedCount: 1 });
        // What only another owns is not seen.
        assert.ok(seen.events.every((event) => event.path !== 'Owned/other'));
    });
});

test('COMPRESSION: compressed values are read unchanged', async () => {
    for (const policy of ['off', 'low', 'medium', 'high', 'true', 'false']) {
        const topic = `Compressed/${policy}`;
        await session.topics.add(topic, specification(TopicType.JSON, { COMPRESSION: policy, PUBLISH_VALUES_ONLY: 'true' }));
        const seen = Seen.stream(session, topic);
        await session.select(topic);
        const values = [1, 2, 3].map((n) => ({ n, text: 'the same words '.repeat(500 * n) }));
        for (const value of values) {
            await session.topicUpdate.set(topic, json(), value);
        }
        assert.deepEqual((await seen.all('value', 3)).map(({ value }) => value), values, policy);
        await withSession(sandbox, 'client', async (late) => {
            const first = Seen.stream(late, topic);
            await late.select(topic);
            assert.deepEqual((await first.all('value', 1))[0].value, values[2]);
        });
    }
});

test('COMPRESSION: it takes fewer bytes', async () => {
    const text = 'the same words '.repeat(2000);
    const bytes = {};
    for (const policy of ['off', 'low', 'high']) {
        const topic = `Bytes/${policy}`;
        await session.topics.add(topic, specification(TopicType.STRING, { COMPRESSION: policy }));
        await session.topicUpdate.set(topic, string(), text);
        const proxy = await startProxy(sandbox);
        const client = await connect(proxy, 'client');
        const before = proxy.received();
        const seen = Seen.stream(client, topic, string());
        await client.select(topic);
        assert.equal((await seen.all('value', 1))[0].value, text);
        bytes[policy] = proxy.received() - before;
        await client.closeSession();
        proxy.close();
    }
    assert.ok(bytes.off > text.length && bytes.low < text.length / 10 && bytes.high <= bytes.low, JSON.stringify(bytes));
});

test('CONFLATION and PRIORITY: what is queued for a disconnected client', async () => {
    const topics = {
        always: { CONFLATION: 'always' },
        off: { CONFLATION: 'off' },
        low: { CONFLATION: 'off', PRIORITY: 'low' },
        high: { CONFLATION: 'off', PRIORITY: 'high' },
    };
    const proxy = await startProxy(sandbox);
    const client = await connect(proxy, 'client', {
        reconnect: { timeout: 30_000, strategy: (again) => setTimeout(again, 100) },
    });
    const seen = Seen.stream(client, '?Away/', int64());
    for (const [name, properties] of Object.entries(topics)) {
        await session.topics.add(`Away/${name}`, specification(TopicType.INT64, properties));
    }
    await client.select('?Away/');
    await seen.all('subscribe', 4);
    const lost = new Promise((resolve) => client.on('disconnect', resolve));
    proxy.refuse(true);
    proxy.cut();
    await lost;
    // The service has noticed, too.
    await pause(100);
    for (let n = 0; n < 5; n += 1) {
        for (const name of ['low', 'always', 'off', 'high']) {
            await session.topicUpdate.set(`Away/${name}`, int64(), n);
        }
    }
    proxy.refuse(false);
    const came = (await seen.all('value', 16)).map(({ path: topic, value }) => `${topic.slice(5)} ${value}`);
    const five = (name) => [0, 1, 2, 3, 4].map((n) => `${name} ${n}`);
    const [high, middle, low] = [came.slice(0, 5), came.slice(5, 11), came.slice(11)];
    assert.deepEqual([high, low], [five('high'), five('low')]);
    assert.deepEqual(middle.sort(), ['always 4', ...five('off')].sort());
    await client.closeSession();
    proxy.close();
});

test('PRIORITY and CONFLATION: values for a fast client arrive in order and complete', async () => {
    for (const properties of [{ PRIORITY: 'low' }, { PRIORITY: 'high' }, { CONFLATION: 'off' }, { CONFLATION: 'unsubscribe' }]) {
        const topic = `Order/${Object.values(properties)}`;
        await session.topics.add(topic, specification(TopicType.INT64, properties));
        const seen = Seen.stream(session, topic, int64());
        await session.select(topic);
        for (let n = 0; n < 20; n += 1) {
            await session.topicUpdate.set(topic, int64(), n);
        }
        const values = await seen.all('value', 20);
        assert.deepEqual(values.map(({ value }) => Number(value)), [...Array(20).keys()]);
    }
});

test('PERSISTENT: only persistent topics survive a restart', async (t) => {
    const data = await mkdtemp(path.join(tmpdir(), 'effusion-'));
    t.after(() => rm(data, { recursive: true, force: true }));
    let durable = await startSandbox({ data });
    await withSession(durable, 'user', async (user) => {
        await user.topics.add('Kept/yes', TopicType.JSON);
        await user.topics.add('Kept/no', specification(TopicType.JSON, { PERSISTENT: 'false' }));
        await user.topics.add('Kept/transient', specification(TopicType.JSON, { DONT_RETAIN_VALUE: 'true' }));
        for (const name of ['yes', 'no', 'transient']) {
            await user.topicUpdate.set(`Kept/${name}`, json(), { name });
        }
    });
    await durable.kill();
    durable = await startSandbox({ data });
    await withSession(durable, 'client', async (client) => {
        const results = (await client.fetchRequest().withValues(json()).topicTypes([TopicType.JSON]).fetch('?Kept/')).results();
        const there = results.map((topic) => [topic.path(), plain(topic.value())]);
        assert.deepEqual(there.filter(([, value]) => value), [['Kept/yes', { name: 'yes' }]]);
        assert.ok(there.every(([topic]) => topic !== 'Kept/no'));
    });
    await durable.stop();
});
