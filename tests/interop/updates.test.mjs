// Updating topics: constraints, update streams, JSON patches.

import assert from 'node:assert/strict';
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

const { UpdateConstraintOperator: Operator, TopicCreationResult } = diffusion.topicUpdate;
const UNSATISFIED = 9012;
const INVALID_STREAM = 9013;
const constraints = diffusion.updateConstraints();
const fetched = async (path, type = json(), by = session) => {
    const [result] = (await by.fetchRequest().withValues(type).fetch(path)).results();
    return result === undefined ? undefined : plain(result.value());
};

/** Sets a topic to `value`; returns whether an update under a constraint then succeeds. */
async function holds(type, topicType, value, constraint) {
    const path = 'Constraint/any';
    await session.topics.remove(path);
    if (topicType !== undefined) {
        await session.topics.add(path, topicType);
    }
    if (value !== undefined) {
        await session.topicUpdate.set(path, type, value);
    }
    const byType = { [json().name()]: TopicType.JSON, [int64().name()]: TopicType.INT64, [string().name()]: TopicType.STRING };
    const specification = new TopicSpecification(topicType ?? byType[type.name()]);
    const update = session.topicUpdate.set(path, type, type === string() ? 'new' : 77, { constraint, specification });
    try {
        await update;
        return true;
    } catch (error) {
        assert.equal(error?.id ?? error?.cause?.id, UNSATISFIED, `${error}`);
        assert.deepEqual((await fetched(path, type))?.toString(), value?.toString());
        return false;
    }
}

test('constraints on topic and value', async () => {
    const { JSON: JSON_TYPE } = TopicType;
    assert.equal(await holds(json(), undefined, undefined, constraints.noTopic()), true);
    assert.equal(await holds(json(), JSON_TYPE, undefined, constraints.noTopic()), false);
    assert.equal(await holds(json(), JSON_TYPE, undefined, constraints.noValue()), true);
    assert.equal(await holds(json(), JSON_TYPE, { a: 1 }, constraints.noValue()), false);
    assert.equal(await holds(json(), JSON_TYPE, { a: 1 }, constraints.value({ a: 1 }, json())), true);
    assert.equal(await holds(json(), JSON_TYPE, { a: 1 }, constraints.value({ a: 2 }, json())), false);
    assert.equal(await holds(json(), JSON_TYPE, undefined, constraints.value({ a: 1 }, json())), false);
});

test('comparing constraints', async () => {
    const { IS, EQ, NE, GT, GE, LT, LE } = Operator;
    for (const [operator, below, same, above] of [
        [EQ, false, true, false],
        [NE, true, false, true],
        [GT, false, false, true],
        [GE, false, true, true],
        [LT, true, false, false],
        [LE, true, true, false],
    ]) {
        for (const [value, expected] of [[4, below], [5, same], [6, above]]) {
            assert.equal(await holds(int64(), TopicType.INT64, value, constraints.value(operator, 5, int64())), expected, `${value} ${operator} 5`);
        }
        for (const [value, expected] of [[4.5, below], [5, same], [5.5, above]]) {
            assert.equal(await holds(double(), TopicType.DOUBLE, value, constraints.value(operator, 5, double())), expected, `${value} ${operator} 5`);
        }
    }
    assert.equal(await holds(string(), TopicType.STRING, 'a', constraints.value(EQ, 'a', string())), true);
    assert.equal(await holds(string(), TopicType.STRING, 'a', constraints.value(NE, 'a', string())), false);
    assert.equal(await holds(string(), TopicType.STRING, 'a', constraints.value(IS, 'a', string())), true);
    assert.equal(await holds(string(), TopicType.STRING, 'b', constraints.value(IS, 'a', string())), false);
    // Text that reads as a number is compared as one.
    assert.equal(await holds(string(), TopicType.STRING, '12', constraints.value(GT, 5, int64())), true);
    assert.equal(await holds(string(), TopicType.STRING, 'x', constraints.value(GT, 5, int64())), false);
});

test('constraints on parts of JSON', async () => {
    const { IS, EQ, NE, GT, LE } = Operator;
    const value = { id: 7, name: 'Ada', deep: { list: ['x', { y: null }] }, text: '12' };
    const part = () => constraints.jsonValue();
    for (const [constraint, expected] of [
        [part().with('/id', 7, IS, int64()), true],
        [part().with('/id', 8, IS, int64()), false],
        // The SDK writes a bare number as floating point, which is not the same bytes.
        [part().with('/id', 7), false],
        [part().with('/name', 'Ada'), true],
        [part().with('/id', 7, EQ), true],
        [part().with('/id', 7, NE), false],
        [part().with('/id', 6, GT), true],
        [part().with('/id', 6, LE), false],
        [part().with('/name', 'Ada', EQ), true],
        [part().with('/name', 'ada', EQ), false],
        [part().with('/text', 11, GT), true],
        [part().with('/deep/list/0', 'x', EQ), true],
        [part().with('/deep/list/1/y', null, EQ), true],
        [part().with('/deep/list/2', 'x', EQ), false],
        [part().without('/deep/list/2'), true],
        [part().without('/deep/list/1/y'), false],
        [part().without('/nothing').with('/id', 7, EQ), true],
        [part().without('/nothing').with('/id', 8, EQ), false],
    ]) {
        assert.equal(await holds(json(), TopicType.JSON, value, constraint), expected, JSON.stringify(constraint));
    }
    assert.equal(await holds(string(), TopicType.STRING, 'x', part().with('/id', 7)), false);
});

test('joined constraints', async () => {
    const { EQ } = Operator;
    const five = constraints.value(EQ, 5, int64());
    const part = (n) => constraints.jsonValue().with('/n', n, EQ);
    for (const [type, topicType, value, constraint, expected] of [
        [int64(), TopicType.INT64, 5, five.or(constraints.noValue()), true],
        [int64(), TopicType.INT64, undefined, five.or(constraints.noValue()), true],
        [int64(), TopicType.INT64, 6, five.or(constraints.noValue()), false],
        [int64(), undefined, undefined, constraints.noTopic().or(five), true],
        [json(), TopicType.JSON, { n: 1 }, part(1).or(part(2)).or(part(3)), true],
        [json(), TopicType.JSON, { n: 3 }, part(1).or(part(2)).or(part(3)), true],
        [json(), TopicType.JSON, { n: 4 }, part(1).or(part(2)).or(part(3)), false],
        [json(), TopicType.JSON, { n: 1, m: 1 }, part(1).and(constraints.jsonValue().without('/m')), false],
    ]) {
        assert.equal(await holds(type, topicType, value, constraint), expected, JSON.stringify(constraint));
    }
});

test('a lock as a constraint', async () => {
    await session.topics.add('Constraint/locked', TopicType.JSON);
    const lock = await session.lock('the lock');
    const constraint = constraints.locked(lock);
    await session.topicUpdate.set('Constraint/locked', json(), { n: 1 }, { constraint });
    // Another session does not hold the lock, whatever it claims.
    await withSession(sandbox, 'user', (other) =>
        failsWith(other.topicUpdate.set('Constraint/locked', json(), { n: 2 }, { constraint }), UNSATISFIED),
    );
    await lock.unlock();
    await failsWith(session.topicUpdate.set('Constraint/locked', json(), { n: 3 }, { constraint }), UNSATISFIED);
    const again = await session.lock('the lock');
    await failsWith(session.topicUpdate.set('Constraint/locked', json(), { n: 3 }, { constraint }), UNSATISFIED);
    const both = constraints.locked(again).and(constraints.jsonValue().with('/n', 1, Operator.EQ));
    await session.topicUpdate.set('Constraint/locked', json(), { n: 4 }, { constraint: both });
    await again.unlock();
    assert.deepEqual(await fetched('Constraint/locked'), { n: 4 });
});

test('an update stream sends values and deltas', async () => {
    for (const [name, suppressed] of [['deltas', false], ['values', true]]) {
        const path = `Stream/${name}`;
        await session.topics.add(path, TopicType.JSON);
        const seen = Seen.stream(session, path);
        await session.select(path);
        const stream = session.topicUpdate.newUpdateStreamBuilder().suppressDeltas(suppressed).build(path, json());
        await stream.validate();
        const text = 'long '.repeat(100);
        for (let n = 0; n < 5; n += 1) {
            await stream.set({ n, text });
        }
        assert.deepEqual(plain(stream.get()), { n: 4, text });
        const values = await seen.all('value', 5);
        assert.deepEqual(values.map(({ value }) => value.n), [0, 1, 2, 3, 4]);
        assert.deepEqual(await fetched(path), { n: 4, text });
    }
});

test('an update stream of every type', async () => {
    const { datatypes } = diffusion;
    const record = (...fields) => datatypes.recordv2().valueBuilder().addFields(fields).build();
    for (const [name, type, values] of [
        ['STRING', string(), ['a', 'a much longer text '.repeat(20), 'a much longer text '.repeat(21), '']],
        ['INT64', int64(), [1, '-9223372036854775808', 0]],
        ['DOUBLE', double(), [1, 1.5, -1e300]],
        ['BINARY', datatypes.binary(), [Buffer.alloc(0), Buffer.alloc(500, 1), Buffer.alloc(600, 1)]],
        ['RECORD_V2', datatypes.recordv2(), [record('a'), record('a', 'b'.repeat(300)), record('a', 'b'.repeat(300), 'c')]],
    ]) {
        const path = `Stream/of/${name}`;
        const seen = Seen.stream(session, path, type);
        await session.select(path);
        const specification = new TopicSpecification(TopicType[name]);
        const stream = session.topicUpdate.newUpdateStreamBuilder().specification(specification).build(path, type);
        for (const value of values) {
            await stream.set(value);
        }
        const shown = (value) => (name === 'RECORD_V2' ? value.asFields() : name === 'INT64' ? value.toString() : plain(value));
        const expected = values.map((value) => (name === 'BINARY' ? value : name === 'INT64' ? `${value}` : shown(value)));
        assert.deepEqual((await seen.all('value', values.length)).map(({ value }) => shown(value)), expected, name);
    }
});

test('an update stream that adds its topic', async () => {
    const { CREATED, EXISTS } = TopicCreationResult;
    const specification = new TopicSpecification(TopicType.STRING, { PERSISTENT: 'false' });
    const build = (spec, path = 'Stream/added') =>
        session.topicUpdate.newUpdateStreamBuilder().specification(spec).build(path, string());
    assert.equal(await build(specification).set('one'), CREATED);
    const second = build(specification);
    assert.equal(await second.validate(), EXISTS);
    await second.set('two');
    assert.equal(await fetched('Stream/added', string()), 'two');
    await failsWith(build(new TopicSpecification(TopicType.STRING)).set('three'), 9004);
    assert.equal(await build(specification, 'Stream/empty').validate(), CREATED);
    const old = session.topicUpdate.createUpdateStream('Stream/old', string(), { specification });
    assert.equal(await old.set('by the older call'), CREATED);
});

test('an update stream ends with its topic, its constraint or another update', async () => {
    const stream = (path, options = (builder) => builder) =>
        options(session.topicUpdate.newUpdateStreamBuilder()).build(path, json());
    await failsWith(stream('Stream/nothing').set({}), 9000);
    await failsWith(stream('Stream/nothing').validate(), 9000);
    await session.topics.add('Stream/a', TopicType.JSON);
    await session.topics.add('Stream/number', TopicType.INT64);
    await failsWith(stream('Stream/number').set({}), 9001);

    const removed = stream('Stream/a');
    await removed.set({ n: 1 });
    await session.topics.remove('Stream/a');
    await failsWith(removed.set({ n: 2 }), INVALID_STREAM);

    await session.topics.add('Stream/a', TopicType.JSON);
    const overtaken = stream('Stream/a');
    await overtaken.set({ n: 1 });
    await session.topicUpdate.set('Stream/a', json(), { n: 2 });
    await failsWith(overtaken.set({ n: 3 }), INVALID_STREAM);
    await failsWith(overtaken.validate(), INVALID_STREAM);

    const first = stream('Stream/a');
    await first.set({ n: 4 });
    const second = stream('Stream/a');
    await second.set({ n: 5 });
    await failsWith(first.set({ n: 6 }), INVALID_STREAM);
    await second.set({ n: 7 });

    await failsWith(stream('Stream/a', (builder) => builder.constraint(constraints.noValue())).set({ n: 8 }), UNSATISFIED);
    const constrained = stream('Stream/a', (builder) =>
        builder.constraint(constraints.jsonValue().with('/n', 7, Operator.EQ)),
    );
    await constrained.set({ n: 9 });
    await constrained.set({ n: 10 });
    assert.deepEqual(await fetched('Stream/a'), { n: 10 });
    await withSession(sandbox, 'client', (client) =>
        failsWith(client.topicUpdate.newUpdateStreamBuilder().build('Stream/a', json()).set({}), 103),
    );
});

test('the constraint of a stream is checked when the stream begins', async () => {
    await session.topics.add('Stream/locked', TopicType.JSON);
    const lock = await session.lock('stream');
    const build = () =>
        session.topicUpdate.newUpdateStreamBuilder().constraint(constraints.locked(lock)).build('Stream/locked', json());
    const stream = build();
    await stream.validate();
    await lock.unlock();
    await stream.set({ n: 1 });
    assert.deepEqual(await fetched('Stream/locked'), { n: 1 });
    await failsWith(build().set({ n: 2 }), UNSATISFIED);
});

test('a stream outlives its connection, and is recreated only after a failure of the service', async () => {
    const proxy = await startProxy(sandbox);
    const writer = await connect(proxy, 'user', {
        reconnect: { timeout: 30_000, strategy: (again) => setTimeout(again, 100) },
    });
    await session.topics.add('Stream/recover', TopicType.JSON);
    const stream = writer.topicUpdate.newUpdateStreamBuilder().build('Stream/recover', json(), { attempts: 3, interval: 10 });
    await stream.set({ n: 1 });
    const lost = new Promise((resolve) => writer.on('disconnect', resolve));
    const back = new Promise((resolve) => writer.on('reconnect', resolve));
    proxy.cut();
    await lost;
    await back;
    await stream.set({ n: 2 });
    assert.deepEqual(await fetched('Stream/recover'), { n: 2 });
    // A stream that another update ended cannot be used again.
    await session.topicUpdate.set('Stream/recover', json(), { n: 3 });
    await failsWith(stream.set({ n: 4 }), INVALID_STREAM);
    assert.equal(stream.isRecoverable(), false);
    await assert.rejects(stream.recover());
    await writer.closeSession();
    proxy.close();
});

test('an update stream appends to a time series', async () => {
    const specification = new TopicSpecification(TopicType.TIME_SERIES, { TIME_SERIES_EVENT_VALUE_TYPE: 'json' });
    const stream = session.topicUpdate.newUpdateStreamBuilder().specification(specification).build('Stream/series', json());
    for (let n = 0; n < 3; n += 1) {
        await stream.set({ n });
    }
    const { events } = await session.timeseries.rangeQuery().as(json()).selectFrom('Stream/series');
    assert.deepEqual(events.map((event) => [event.sequence, plain(event.value).n]), [[0, 0], [1, 1], [2, 2]]);
    assert.equal(events[0].author, 'user');
});

test('JSON patches', async () => {
    const patch = async (value, operations, constraint) => {
        await session.topicUpdate.set('Patch/a', json(), value);
        const { failedOperation } = await session.topicUpdate.applyJsonPatch('Patch/a', operations, constraint);
        return { failed: failedOperation, value: await fetched('Patch/a') };
    };
    await session.topics.add('Patch/a', TopicType.JSON);
    for (const [value, operations, result, failed] of [
        [{ a: 1 }, [{ op: 'add', path: '/b', value: [1] }], { a: 1, b: [1] }],
        [{ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
        [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
        [{ a: 1, b: 2 }, [{ op: 'remove', path: '/a' }], { b: 2 }],
        [{ a: 1 }, [{ op: 'replace', path: '/a', value: 'x' }], { a: 'x' }],
        [{ a: { x: 1 } }, [{ op: 'move', from: '/a/x', path: '/y' }], { a: {}, y: 1 }],
        [{ a: 1 }, [{ op: 'copy', from: '/a', path: '/b' }], { a: 1, b: 1 }],
        [{ a: 1 }, [{ op: 'test', path: '/a', value: 1 }, { op: 'replace', path: '/a', value: 2 }], { a: 2 }],
        [{ a: 1 }, [{ op: 'replace', path: '/a', value: 2 }, { op: 'test', path: '/a', value: 1 }], { a: 1 }, 1],
        [{ a: 1 }, [{ op: 'remove', path: '/b' }], { a: 1 }, 0],
        [{ 'a/b': { '~': 1 } }, [{ op: 'replace', path: '/a~1b/~0', value: 2 }], { 'a/b': { '~': 2 } }],
    ]) {
        assert.deepEqual(await patch(value, operations), { failed, value: result }, JSON.stringify(operations));
    }
    assert.deepEqual((await patch({ a: 1 }, '[{"op":"add","path":"/b","value":2}]')).value, { a: 1, b: 2 });
    const one = constraints.jsonValue().with('/a', 1, Operator.EQ);
    assert.deepEqual((await patch({ a: 1 }, [{ op: 'remove', path: '/a' }], one)).value, {});
    await failsWith(patch({ a: 2 }, [{ op: 'remove', path: '/a' }], one), UNSATISFIED);

    await failsWith(session.topicUpdate.applyJsonPatch('Patch/a', 'no patch'), 106);
    await failsWith(session.topicUpdate.applyJsonPatch('Patch/nothing', []), 9000);
    await session.topics.add('Patch/text', TopicType.STRING);
    await failsWith(session.topicUpdate.applyJsonPatch('Patch/text', []), 9001);
    await withSession(sandbox, 'client', (client) => failsWith(client.topicUpdate.applyJsonPatch('Patch/a', []), 103));
});
