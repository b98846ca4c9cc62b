// Lesson 2: a history room is a time series; later subscribers receive its events.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import {
    Seen,
    TopicSpecification,
    TopicType,
    connect,
    failsWith,
    json,
    pause,
    plain,
    string,
    timeseries,
    withSession,
} from '../support/sdk.mjs';

let sandbox;
before(async () => {
    sandbox = await startSandbox();
});
after(() => sandbox.stop());

const history = (properties = {}) =>
    new TopicSpecification(TopicType.TIME_SERIES, {
        TIME_SERIES_EVENT_VALUE_TYPE: 'json',
        TIME_SERIES_RETAINED_RANGE: 'limit 100',
        TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100',
        ...properties,
    });

const message = (text) => ({ text, name: 'Alice', timestamp: 1_700_000_000_000 });

/** Adds a time series and appends messages to it. */
async function fill(session, path, texts, properties) {
    await session.topics.add(path, history(properties));
    for (const text of texts) {
        await session.timeseries.append(path, message(text), json());
    }
}

const texts = (result) => result.events.map((event) => plain(event.value).text);
const sequences = (result) => result.events.map((event) => event.sequence);

test('a later subscriber receives the history, and then new events', async () => {
    const room = 'Chat/history';
    const alice = await connect(sandbox, 'user');
    const before = Date.now();
    await alice.topics.add(room, history());
    for (const [index, text] of ['one', 'two', 'three'].entries()) {
        const metadata = await alice.timeseries.append(room, message(text), json());
        assert.equal(metadata.sequence, index);
        assert.equal(metadata.author, 'user');
        assert.ok(metadata.timestamp >= before - 1000 && metadata.timestamp <= Date.now() + 1000);
    }

    const bob = await connect(sandbox, 'client');
    const events = Seen.stream(bob, room, timeseries(json()));
    const values = Seen.stream(bob, room, json());
    await bob.select(room);
    await events.all('value', 3);
    await alice.timeseries.append(room, message('four'), json());
    const came = await events.all('value', 4);
    assert.deepEqual(
        came.map(({ value }) => [value.sequence, value.author, value.value.text]),
        [
            [0, 'user', 'one'],
            [1, 'user', 'two'],
            [2, 'user', 'three'],
            [3, 'user', 'four'],
        ],
    );
    assert.equal(came[0].old, undefined);
    assert.equal(came[3].old.value.text, 'three');
    // A stream of plain JSON is given the values of the events.
    assert.deepEqual(
        (await values.all('value', 4)).map(({ value }) => value.text),
        ['one', 'two', 'three', 'four'],
    );
    const { specification } = events.events[0];
    assert.equal(specification.properties.TIME_SERIES_RETAINED_RANGE, 'limit 100');
    await Promise.all([alice.closeSession(), bob.closeSession()]);
});

test('the subscription range limits the history that subscribers receive', async () => {
    await withSession(sandbox, 'user', async (session) => {
        const cases = {
            'limit 2': ['three', 'four'],
            'last 1h': ['one', 'two', 'three', 'four'],
            'last 1h limit 3': ['two', 'three', 'four'],
        };
        for (const [index, [range, expected]] of Object.entries(cases).entries()) {
            const path = `Ranges/${index}`;
            await fill(session, path, ['one', 'two', 'three', 'four'], { TIME_SERIES_SUBSCRIPTION_RANGE: range });
            const seen = Seen.stream(session, path);
            await session.select(path);
            await seen.all('value', expected.length);
            await session.timeseries.append(path, message('end'), json());
            const values = await seen.all('value', expected.length + 1);
            assert.deepEqual(
                values.map(({ value }) => value.text),
                [...expected, 'end'],
                range,
            );
        }
        // Without a subscription range, the last event alone.
        await session.topics.add('Ranges/none', new TopicSpecification(TopicType.TIME_SERIES, { TIME_SERIES_EVENT_VALUE_TYPE: 'json' }));
        for (const text of ['one', 'two']) {
            await session.timeseries.append('Ranges/none', message(text), json());
        }
        const seen = Seen.stream(session, 'Ranges/none');
        await session.select('Ranges/none');
        await seen.find('the last event', ({ kind }) => kind === 'value');
        await pause(50);
        assert.deepEqual(
            (await seen.all('value', 1)).map(({ value }) => value.text),
            ['two'],
        );
    });
});

test('the retained range limits the stored history', async () => {
    await withSession(sandbox, 'user', async (session) => {
        const numbers = Array.from({ length: 15 }, (_, number) => `${number}`);
        await fill(session, 'Retained/3', numbers, { TIME_SERIES_RETAINED_RANGE: 'limit 3' });
        const kept = await session.timeseries.rangeQuery().as(json()).selectFrom('Retained/3');
        assert.deepEqual(texts(kept), ['12', '13', '14']);
        assert.deepEqual(sequences(kept), [12, 13, 14]);
        // By default the last ten.
        await session.topics.add('Retained/default', new TopicSpecification(TopicType.TIME_SERIES, { TIME_SERIES_EVENT_VALUE_TYPE: 'json' }));
        for (const number of numbers) {
            await session.timeseries.append('Retained/default', message(number), json());
        }
        const byDefault = await session.timeseries.rangeQuery().as(json()).selectFrom('Retained/default');
        assert.deepEqual(texts(byDefault), numbers.slice(5));
    });
});

test('range queries select by sequence, count and time', async () => {
    const path = 'Query/all';
    await withSession(sandbox, 'user', async (session) => {
        const numbers = Array.from({ length: 10 }, (_, number) => `${number}`);
        await fill(session, path, numbers);
        const query = () => session.timeseries.rangeQuery().as(json());
        const cases = [
            [query(), numbers],
            [query().from(7), ['7', '8', '9']],
            [query().from(2).to(4), ['2', '3', '4']],
            [query().fromStart().to(1), ['0', '1']],
            [query().from(0).toStart(), ['0']],
            [query().fromStart().toStart(), []],
            [query().fromLast(3), ['7', '8', '9']],
            [query().fromStart().next(2), ['0', '1']],
            [query().from(8).to(6), ['6', '7', '8']],
            [query().from(50), []],
            [query().limit(4), ['6', '7', '8', '9']],
            [query().from(2).to(7).limit(2), ['6', '7']],
            [query().fromLastMillis(3_600_000), numbers],
            [query().from(new Date(0)).to(new Date(Date.now() + 60_000)), numbers],
            [query().from(new Date(Date.now() + 60_000)), []],
            [query().fromStart().nextMillis(3_600_000), numbers],
            [query().fromLast(1).previousMillis(3_600_000), numbers],
            [query().fromStart().untilLastMillis(0), numbers],
        ];
        for (const [index, [range, expected]] of cases.entries()) {
            assert.deepEqual(texts(await range.selectFrom(path)), expected, `query ${index}`);
        }
        const all = await query().selectFrom(path);
        assert.deepEqual([all.selectedCount, all.isComplete], [10, true]);
        const some = await query().limit(4).selectFrom(path);
        assert.deepEqual([some.selectedCount, some.isComplete], [10, false]);
        assert.equal(all.streamStructure.name, 'VALUE_EVENT_STREAM');
    });
});

test('edits are seen in the history and by subscribers', async () => {
    const path = 'Edits/room';
    const [admin, user] = await Promise.all([connect(sandbox, 'admin'), connect(sandbox, 'user')]);
    await fill(user, path, ['A', 'B']);
    await failsWith(user.timeseries.edit(path, 0, message('X'), json()), 103);
    await admin.security.updateSecurityStore(
        admin.security
            .securityScriptBuilder()
            .setPathPermissions('TOPIC_CONTROL', 'Edits', [
                'READ_TOPIC',
                'SELECT_TOPIC',
                'UPDATE_TOPIC',
                'MODIFY_TOPIC',
                'EDIT_TIME_SERIES_EVENTS',
                'QUERY_OBSOLETE_TIME_SERIES_EVENTS',
            ])
            .build(),
    );

    const seen = Seen.stream(user, path, timeseries(json()));
    await user.select(path);
    await seen.all('value', 2);
    const first = await user.timeseries.edit(path, 0, message('X'), json());
    assert.deepEqual([first.sequence, first.author], [2, 'user']);
    await user.timeseries.edit(path, 0, message('Y'), json());
    const came = await seen.all('value', 4);
    assert.deepEqual(
        came.map(({ value }) => [value.sequence, value.original, value.value.text]),
        [
            [0, undefined, 'A'],
            [1, undefined, 'B'],
            [2, 0, 'X'],
            [3, 0, 'Y'],
        ],
    );

    const query = () => user.timeseries.rangeQuery().as(json());
    const values = await query().forValues().selectFrom(path);
    assert.deepEqual(texts(values), ['Y', 'B']);
    assert.deepEqual(sequences(values), [3, 1]);
    assert.deepEqual(
        values.events.map((event) => [event.isEditEvent, event.originalEvent.sequence]),
        [
            [true, 0],
            [false, 1],
        ],
    );
    assert.deepEqual(texts(await query().forEdits().allEdits().selectFrom(path)), ['A', 'B', 'X', 'Y']);
    assert.deepEqual(texts(await query().forEdits().latestEdits().selectFrom(path)), ['A', 'B', 'Y']);
    assert.deepEqual(texts(await query().forValues().editRange().to(2).selectFrom(path)), ['X', 'B']);

    await failsWith(user.timeseries.edit(path, 17, message('Z'), json()), 9002);
    await failsWith(user.timeseries.edit(path, 2, message('Z'), json()), 9002);
    // Readers see values, but not what was edited.
    await withSession(sandbox, 'client', async (client) => {
        const readable = await client.timeseries.rangeQuery().as(json()).selectFrom(path);
        assert.deepEqual(texts(readable), ['Y', 'B']);
        await failsWith(client.timeseries.rangeQuery().forEdits().as(json()).selectFrom(path), 103);
    });
    await Promise.all([admin.closeSession(), user.closeSession()]);
});

test('an own event can be edited with the permission for own events alone', async () => {
    const path = 'Own/room';
    const [admin, user] = await Promise.all([connect(sandbox, 'admin'), connect(sandbox, 'user')]);
    await admin.security.updateSecurityStore(
        `set "TOPIC_CONTROL" path "Own" permissions [READ_TOPIC SELECT_TOPIC UPDATE_TOPIC MODIFY_TOPIC EDIT_OWN_TIME_SERIES_EVENTS]`,
    );
    await fill(user, path, ['mine']);
    await withSession(sandbox, 'control', (control) => control.timeseries.append(path, message('theirs'), json()));
    assert.equal((await user.timeseries.edit(path, 0, message('mine, mended'), json())).sequence, 2);
    await failsWith(user.timeseries.edit(path, 1, message('theirs, bent'), json()), 103);
    await Promise.all([admin.closeSession(), user.closeSession()]);
});

test('appended values must fit the time series', async () => {
    await withSession(sandbox, 'user', async (session) => {
        await session.topics.add('Fit/json', history());
        await session.topics.add('Fit/live', TopicType.JSON);
        await failsWith(session.timeseries.append('Fit/json', 'text', string()), 9001);
        await failsWith(session.timeseries.append('Fit/live', message('x'), json()), 9001);
        await failsWith(session.timeseries.append('Fit/nowhere', message('x'), json()), 9000);
        await failsWith(session.timeseries.rangeQuery().selectFrom('Fit/nowhere'), 9000);
        await failsWith(session.timeseries.rangeQuery().selectFrom('Fit/live'), 9001);
    });
});

test('a value is set on a time series as on any topic', async () => {
    await withSession(sandbox, 'user', async (session) => {
        await session.topics.add('Set/history', history());
        await session.topicUpdate.set('Set/history', json(), message('set'));
        await session.timeseries.append('Set/history', message('appended'), json());
        const all = await session.timeseries.rangeQuery().as(json()).selectFrom('Set/history');
        assert.deepEqual(texts(all), ['set', 'appended']);
    });
});
