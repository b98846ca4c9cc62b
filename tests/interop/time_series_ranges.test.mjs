// Time series: retention, subscription range, edits and their permissions, and every form of range query.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

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
    timeseries,
    withSession,
} from '../support/sdk.mjs';

let sandbox;
let admin;
let session;
before(async () => {
    sandbox = await startSandbox();
    admin = await connect(sandbox, 'admin');
    session = await connect(sandbox, 'user');
});
after(async () => {
    await session.closeSession();
    await admin.closeSession();
    await sandbox.stop();
});

const AddFailure = { INVALID_DETAILS: 4 };
const series = (properties = {}) =>
    new TopicSpecification(TopicType.TIME_SERIES, {
        TIME_SERIES_EVENT_VALUE_TYPE: 'int64',
        TIME_SERIES_RETAINED_RANGE: 'limit 1000',
        ...properties,
    });
/** Lets the roles of a test do more at a path. */
const allow = (role, path, ...permissions) =>
    admin.security.updateSecurityStore(
        `set "${role}" path "${path}" permissions [SELECT_TOPIC READ_TOPIC ${permissions.join(' ')}]`,
    );
const query = () => session.timeseries.rangeQuery().as(int64());
const found = async (range, path) => (await range.selectFrom(path)).events.map(({ sequence }) => sequence);
const START = 1_700_000_000_000;

/** Adds a series whose event number n has the value n and the time START + n seconds. */
async function fill(path, count, properties) {
    await session.topics.add(path, series(properties));
    for (let n = 0; n < count; n += 1) {
        await session.timeseries.append(path, n, int64(), START + 1000 * n);
    }
}

test('events are retained by the retained range', async () => {
    for (const [range, kept] of [
        [undefined, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]],
        ['limit 3', [17, 18, 19]],
        ['LIMIT 3', [17, 18, 19]],
        ['last 2s', [17, 18, 19]],
        ['last 2500ms', [17, 18, 19]],
        ['last 5s limit 2', [18, 19]],
        ['limit 10 last 1s', [18, 19]],
        ['last 1h limit 4', [16, 17, 18, 19]],
        ['last 0s', [19]],
    ]) {
        const path = `Kept/${range}`;
        await fill(path, 20, { TIME_SERIES_RETAINED_RANGE: range ?? 'limit 10' });
        assert.deepEqual(await found(query(), path), kept, range);
    }
    const standard = new TopicSpecification(TopicType.TIME_SERIES, { TIME_SERIES_EVENT_VALUE_TYPE: 'int64' });
    await session.topics.add('Kept/standard', standard);
    for (let n = 0; n < 12; n += 1) {
        await session.timeseries.append('Kept/standard', n, int64());
    }
    assert.deepEqual(await found(query(), 'Kept/standard'), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test('an invalid range is refused', async () => {
    for (const range of ['', 'limit', 'limit x', 'limit -1', 'last', 'last 5', 'last 5y', 'first 5', 'limit 5 last', 'limit 5, last 5s']) {
        await failsWith(session.topics.add('Bad/range', series({ TIME_SERIES_RETAINED_RANGE: range })), AddFailure.INVALID_DETAILS);
        await failsWith(session.topics.add('Bad/range', series({ TIME_SERIES_SUBSCRIPTION_RANGE: range })), AddFailure.INVALID_DETAILS);
    }
    await failsWith(session.topics.add('Bad/range', series({ CONFLATION: 'always' })), AddFailure.INVALID_DETAILS);
    await failsWith(session.topics.add('Bad/range', series({ CONFLATION: 'conflate' })), AddFailure.INVALID_DETAILS);
});

test('a new subscriber receives the subscription range', async () => {
    for (const [properties, given] of [
        [{}, [9]],
        [{ TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 3' }, [7, 8, 9]],
        [{ TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100' }, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
        [{ TIME_SERIES_SUBSCRIPTION_RANGE: 'last 2s' }, [7, 8, 9]],
        [{ TIME_SERIES_SUBSCRIPTION_RANGE: 'last 5s limit 2' }, [8, 9]],
        // With deltas, the latest event is always there.
        [{ TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 0' }, [9]],
        [{ PUBLISH_VALUES_ONLY: 'true' }, []],
        [{ PUBLISH_VALUES_ONLY: 'true', TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 0' }, []],
        [{ PUBLISH_VALUES_ONLY: 'true', TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 2' }, [8, 9]],
    ]) {
        const path = `Given/${Object.values(properties).join()}`;
        await fill(path, 10, properties);
        await withSession(sandbox, 'client', async (client) => {
            const seen = Seen.stream(client, path, timeseries(int64()));
            await client.select(path);
            await seen.all('subscribe', 1);
            await session.timeseries.append(path, 10, int64());
            await seen.find('the new event', ({ kind, value }) => kind === 'value' && value.sequence === 10);
            const values = seen.events.filter(({ kind }) => kind === 'value');
            assert.deepEqual(
                values.map(({ value }) => value.sequence),
                [...given, 10],
                JSON.stringify(properties),
            );
        });
    }
});

test('an edit has the metadata of its original, and refers to originals only', async () => {
    const path = 'Edit/all';
    await allow('TOPIC_CONTROL', path, 'UPDATE_TOPIC MODIFY_TOPIC EDIT_TIME_SERIES_EVENTS QUERY_OBSOLETE_TIME_SERIES_EVENTS');
    await fill(path, 3);
    const original = (await query().selectFrom(path)).events[1];
    const seen = Seen.stream(session, path, timeseries(int64()));
    await session.select(path);
    await seen.all('value', 1);
    const metadata = await session.timeseries.edit(path, 1, 100, int64());
    assert.equal(metadata.sequence, 3);
    assert.equal(metadata.author, 'user');
    const event = await seen.find('the edit', ({ kind, value }) => kind === 'value' && value.sequence === 3);
    assert.equal(event.value.original, 1);
    const [, edited] = (await query().selectFrom(path)).events;
    assert.equal(edited.isEditEvent, true);
    assert.equal(plain(edited.value).toString(), '100');
    assert.deepEqual(
        [edited.originalEvent.sequence, Number(edited.originalEvent.timestamp), edited.originalEvent.author],
        [1, Number(original.timestamp), 'user'],
    );
    await session.timeseries.edit(path, 1, 101, int64());
    assert.deepEqual(await found(query(), path), [0, 4, 2]);
    await failsWith(session.timeseries.edit(path, 3, 7, int64()), 9002);
    await failsWith(session.timeseries.edit(path, 99, 7, int64()), 9002);
    await failsWith(session.timeseries.edit(path, 1, 'seven', string()), 9001);
    await failsWith(session.timeseries.edit('Edit/nothing', 1, 7, int64()), 103);
    await allow('TOPIC_CONTROL', 'Edit/nothing', 'UPDATE_TOPIC EDIT_TIME_SERIES_EVENTS');
    await failsWith(session.timeseries.edit('Edit/nothing', 1, 7, int64()), 9000);
});

test('a new subscriber receives the latest edits', async () => {
    const path = 'Edit/latest';
    await allow('TOPIC_CONTROL', path, 'UPDATE_TOPIC MODIFY_TOPIC EDIT_TIME_SERIES_EVENTS');
    await fill(path, 3, { TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100' });
    await session.timeseries.edit(path, 0, 100, int64());
    await session.timeseries.edit(path, 0, 101, int64());
    await withSession(sandbox, 'client', async (client) => {
        const seen = Seen.stream(client, path, timeseries(int64()));
        await client.select(path);
        await seen.find('the last event', ({ kind, value }) => kind === 'value' && value.sequence === 4);
        assert.deepEqual(
            (await seen.all('value', 4)).map(({ value }) => [value.sequence, value.original]),
            [[0, undefined], [1, undefined], [2, undefined], [4, 0]],
        );
    });
});

test('permissions for edits, and for seeing them', async () => {
    const path = 'Rights/series';
    await fill(path, 2);
    await failsWith(session.timeseries.edit(path, 0, 7, int64()), 103);
    await failsWith(query().forEdits().selectFrom(path), 103);
    await failsWith(query().forValues().editRange().from(1).selectFrom(path), 103);

    await allow('TOPIC_CONTROL', path, 'UPDATE_TOPIC EDIT_OWN_TIME_SERIES_EVENTS');
    await session.timeseries.edit(path, 0, 7, int64());
    await withSession(sandbox, 'control', async (other) => {
        // An event of another's.
        await failsWith(other.timeseries.edit(path, 1, 8, int64()), 103);
        const { sequence } = await other.timeseries.append(path, 9, int64());
        await other.timeseries.edit(path, sequence, 10, int64());
    });
    // The right to edit is nothing without the right to update.
    await allow('TOPIC_CONTROL', path, 'EDIT_TIME_SERIES_EVENTS');
    await failsWith(session.timeseries.edit(path, 1, 7, int64()), 103);
    await failsWith(session.timeseries.append(path, 7, int64()), 103);

    await allow('TOPIC_CONTROL', path, 'UPDATE_TOPIC EDIT_TIME_SERIES_EVENTS QUERY_OBSOLETE_TIME_SERIES_EVENTS');
    await withSession(sandbox, 'control', (other) => other.timeseries.edit(path, 1, 8, int64()));
    assert.deepEqual(await found(query().forEdits(), path), [0, 1, 2, 3, 4, 5]);
    assert.deepEqual(await found(query().forEdits().latestEdits(), path), [0, 1, 2, 3, 4, 5]);

    // No right to read, no query.
    await admin.security.updateSecurityStore(`set "CLIENT" path "${path}" permissions [SELECT_TOPIC]`);
    await withSession(sandbox, 'client', (client) => failsWith(client.timeseries.rangeQuery().selectFrom(path), 103));
});

test('view ranges by every anchor and span', async () => {
    const path = 'View/series';
    await allow('TOPIC_CONTROL', path, 'UPDATE_TOPIC MODIFY_TOPIC EDIT_TIME_SERIES_EVENTS QUERY_OBSOLETE_TIME_SERIES_EVENTS');
    await fill(path, 10);
    const at = (second) => new Date(START + 1000 * second);
    for (const [range, expected] of [
        [query(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
        [query().from(7), [7, 8, 9]],
        [query().from(2).to(4), [2, 3, 4]],
        [query().from(4).to(2), [2, 3, 4]],
        [query().from(99), []],
        [query().to(1), [0, 1]],
        [query().from(3).toStart(), [0, 1, 2, 3]],
        [query().fromStart().next(2), [0, 1]],
        [query().from(3).next(2), [3, 4]],
        [query().from(3).previous(2), [2, 3]],
        [query().fromLast(3), [7, 8, 9]],
        [query().fromLast(3).untilLast(1), [7, 8]],
        [query().untilLast(7), [0, 1, 2]],
        [query().fromLast(4).next(2), [6, 7]],
        [query().fromLast(4).previous(2), [5, 6]],
        [query().from(at(7)), [7, 8, 9]],
        [query().from(at(6.5)).to(at(8.5)), [7, 8]],
        [query().from(at(2)).to(4), [2, 3, 4]],
        [query().from(2).to(at(4)), [2, 3, 4]],
        [query().fromLastMillis(2000), [7, 8, 9]],
        [query().fromLastMillis(5000).nextMillis(2000), [4, 5, 6]],
        [query().from(5).previousMillis(2000), [3, 4, 5]],
        [query().from(at(5)).nextMillis(1500), [5, 6]],
        [query().untilLastMillis(7000), [0, 1, 2]],
        [query().from(at(-5)).to(at(1)), [0, 1]],
    ]) {
        assert.deepEqual(await found(range, path), expected, JSON.stringify(range));
    }
    // An edit stands where its original stands.
    await session.timeseries.edit(path, 2, 200, int64());
    assert.deepEqual(await found(query().from(1).to(3), path), [1, 10, 3]);
    assert.deepEqual(await found(query().from(10), path), []);
    assert.deepEqual(await found(query().fromLast(3), path), [7, 8, 9]);
});

test('a limit keeps the end of the selection, and reports that there is more', async () => {
    const path = 'Limit/series';
    await fill(path, 10);
    const limited = await query().from(2).to(8).limit(3).selectFrom(path);
    assert.deepEqual(limited.events.map(({ sequence }) => sequence), [6, 7, 8]);
    assert.deepEqual([limited.selectedCount, limited.isComplete], [7, false]);
    const all = await query().from(2).to(8).limit(7).selectFrom(path);
    assert.deepEqual([all.events.length, all.selectedCount, all.isComplete], [7, 7, true]);
    const none = await query().limit(0).selectFrom(path);
    assert.deepEqual([none.events.length, none.selectedCount, none.isComplete], [0, 10, false]);
    const rest = await query().from(2).to(5).selectFrom(path);
    assert.deepEqual(rest.merge(limited).events.map(({ sequence }) => sequence), [2, 3, 4, 5, 6, 7, 8]);
});

test('edit ranges', async () => {
    const path = 'Edits/series';
    await allow('TOPIC_CONTROL', path, 'UPDATE_TOPIC MODIFY_TOPIC EDIT_TIME_SERIES_EVENTS QUERY_OBSOLETE_TIME_SERIES_EVENTS');
    await fill(path, 4);
    // 4 and 6 edit 1, 5 edits 2.
    for (const original of [1, 2, 1]) {
        await session.timeseries.edit(path, original, 10 * original, int64());
    }
    for (const [range, expected] of [
        [query().forValues(), [0, 6, 5, 3]],
        [query().forValues().editRange().to(4), [0, 4, 2, 3]],
        [query().forValues().editRange().from(4).to(5), [4, 5]],
        [query().forValues().from(1).to(2).editRange().from(5), [6, 5]],
        [query().forEdits(), [0, 1, 2, 3, 4, 5, 6]],
        [query().forEdits().from(1).to(1), [1, 4, 6]],
        [query().forEdits().from(1).to(2).latestEdits(), [1, 2, 5, 6]],
        [query().forEdits().from(1).to(2).allEdits().from(5), [5, 6]],
        [query().forEdits().from(1).to(2).latestEdits().to(4), [1, 2, 4]],
        [query().forEdits().latestEdits().fromLast(1), [6]],
        [query().forEdits().fromLast(5), [2, 3, 5]],
        [query().forEdits().limit(2), [5, 6]],
    ]) {
        const result = await range.selectFrom(path);
        assert.deepEqual(result.events.map(({ sequence }) => sequence), expected, JSON.stringify(range));
    }
});

test('events of every type', async () => {
    const { datatypes } = diffusion;
    for (const [name, type, value] of [
        ['json', json(), { deep: [1, { x: null }] }],
        ['string', string(), 'text'],
        ['int64', int64(), '9007199254740993'],
        ['double', double(), 2.5],
        ['binary', datatypes.binary(), Buffer.from([1, 2, 3])],
        ['record_v2', datatypes.recordv2(), datatypes.recordv2().valueBuilder().addFields(['a', 'b']).build()],
    ]) {
        const path = `Types/${name}`;
        await session.topics.add(path, series({ TIME_SERIES_EVENT_VALUE_TYPE: name }));
        await session.timeseries.append(path, value, type);
        const [event] = (await session.timeseries.rangeQuery().as(type).selectFrom(path)).events;
        const shown = (it) => (name === 'record_v2' ? it.asFields() : name === 'int64' ? `${it}` : plain(it));
        assert.deepEqual(shown(event.value), shown(value), name);
        const wrong = name === 'string' ? json() : string();
        await failsWith(session.timeseries.append(path, 'x', wrong), 9001);
    }
});

test('an event may have its own time, but none before the latest', async () => {
    const path = 'Time/series';
    await fill(path, 3);
    const metadata = await session.timeseries.append(path, 3, int64(), START + 2000);
    assert.equal(Number(metadata.timestamp), START + 2000);
    await failsWith(session.timeseries.append(path, 3, int64(), START + 1999), 106);
    await session.topicUpdate.set(path, int64(), 4);
    assert.deepEqual(await found(query(), path), [0, 1, 2, 3, 4]);
});

test('a topic that is no time series has no events', async () => {
    await session.topics.add('Plain/json', TopicType.JSON);
    await failsWith(session.timeseries.rangeQuery().selectFrom('Plain/json'), 9001);
    await failsWith(session.timeseries.append('Plain/json', {}, json()), 9001);
    await failsWith(session.timeseries.rangeQuery().selectFrom('Plain/nothing'), 9000);
    await failsWith(session.timeseries.append('Plain/nothing', {}, json()), 9000);
});
