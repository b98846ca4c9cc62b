// Fetch: reading topics without subscribing to them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { TopicSpecification, TopicType, connect, diffusion, failsWith, int64, json, plain, string, withSession } from '../support/sdk.mjs';

let sandbox;
let session;
before(async () => {
    sandbox = await startSandbox();
    session = await connect(sandbox, 'user');
    for (const path of ['a', 'a/b', 'a/c', 'a/c/x', 'a/c/y', 'a/d', 'b']) {
        await session.topics.add(path, new TopicSpecification(TopicType.JSON, { PERSISTENT: 'false' }));
        await session.topicUpdate.set(path, json(), { path });
    }
    await session.topics.add('n/string', TopicType.STRING);
    await session.topicUpdate.set('n/string', string(), 'text');
    await session.topics.add('n/int64', TopicType.INT64);
    await session.topicUpdate.set('n/int64', int64(), '9007199254740993');
    await session.topics.add('n/unset', TopicType.JSON);
    await session.topics.add('n/series', new TopicSpecification(TopicType.TIME_SERIES, { TIME_SERIES_EVENT_VALUE_TYPE: 'json' }));
    await session.timeseries.append('n/series', { n: 1 }, json());
    await session.timeseries.append('n/series', { n: 2 }, json());
});
after(async () => {
    await session.closeSession();
    await sandbox.stop();
});

const request = () => session.fetchRequest();
const paths = (result) => result.results().map((topic) => topic.path());

test('paths and types', async () => {
    const result = await request().fetch('?.*//');
    assert.deepEqual(
        result.results().map((topic) => [topic.path(), topic.type()]),
        [
            ...['a', 'a/b', 'a/c', 'a/c/x', 'a/c/y', 'a/d', 'b'].map((path) => [path, TopicType.JSON]),
            ['n/int64', TopicType.INT64],
            ['n/series', TopicType.TIME_SERIES],
            ['n/string', TopicType.STRING],
            ['n/unset', TopicType.JSON],
        ],
    );
    assert.equal(result.hasMore(), false);
    assert.equal((await request().fetch('nothing/here')).isEmpty(), true);
    const two = await request().fetch(['a/b', '?n/s.*']);
    assert.deepEqual(paths(two), ['a/b', 'n/series', 'n/string']);
});

test('ranges and limits, forwards and backwards', async () => {
    const all = '?[ab].*//';
    const cases = [
        [request().from('a/c/y'), ['a/c/y', 'a/d', 'b'], false],
        [request().after('a/c/y'), ['a/d', 'b'], false],
        [request().to('a/c'), ['a', 'a/b', 'a/c'], false],
        [request().before('a/c'), ['a', 'a/b'], false],
        [request().from('a/b').to('a/c/x'), ['a/b', 'a/c', 'a/c/x'], false],
        [request().first(2), ['a', 'a/b'], true],
        [request().after('a/b').first(2), ['a/c', 'a/c/x'], true],
        [request().first(7), ['a', 'a/b', 'a/c', 'a/c/x', 'a/c/y', 'a/d', 'b'], false],
    ];
    for (const [fetch, expected, more] of cases) {
        const result = await fetch.fetch(all);
        assert.deepEqual([paths(result), result.hasMore()], [expected, more]);
    }
    const last = await request().last(2).fetch(all);
    assert.deepEqual([paths(last).sort(), last.hasMore()], [['a/d', 'b'], true]);
});

test('types and values', async () => {
    const types = await request()
        .topicTypes([TopicType.STRING, TopicType.INT64])
        .fetch('?n/');
    assert.deepEqual(paths(types), ['n/int64', 'n/string']);

    const asJson = await request().withValues(json()).fetch('?.*//');
    const values = Object.fromEntries(asJson.results().map((topic) => [topic.path(), plain(topic.value())]));
    assert.deepEqual(values['a/c/x'], { path: 'a/c/x' });
    assert.equal(values['n/string'], 'text');
    assert.ok(!('n/series' in values));
    assert.ok(!values['n/unset'], 'a topic without a value has none');

    const numbers = await request().withValues(int64()).fetch('?n/');
    assert.deepEqual(paths(numbers), ['n/int64']);
    assert.equal(numbers.results()[0].value().toString(), '9007199254740993');

    const series = await request().topicTypes([TopicType.TIME_SERIES]).withValues(diffusion.datatypes.any()).fetch('?n/');
    assert.deepEqual(paths(series), ['n/series']);
    const event = series.results()[0].value();
    assert.deepEqual([event.sequence, event.author, json().readValue(event.value).get()], [1, 'user', { n: 2 }]);
});

test('properties and sizes', async () => {
    const result = await request().withProperties().withSizes().fetch(['a', '?n/s.*']);
    const [a, series, text] = result.results();
    assert.deepEqual(a.specification().properties, { PERSISTENT: 'false' });
    assert.deepEqual(series.specification().properties, { TIME_SERIES_EVENT_VALUE_TYPE: 'json' });
    assert.equal(series.valueCount(), 2);
    assert.ok(series.valueTotalSize().toNumber() > series.valueSize() && series.valueSize() > 0);
    assert.equal(text.valueSize(), 5, 'CBOR of "text"');
});

test('a tree is fetched level by level', async () => {
    const result = await request().limitDeepBranches(1, 1).fetch('?.*//');
    assert.deepEqual(paths(result), ['a', 'b', 'n/int64']);
});

test('a result has at most its maximum size, and the next one continues from there', async () => {
    const all = '?[ab].*//';
    const found = [];
    let after;
    for (let pages = 0; pages < 10; pages += 1) {
        let query = request().withValues(json()).maximumResultSize(40);
        if (after !== undefined) {
            query = query.after(after);
        }
        const result = await query.fetch(all);
        found.push(...paths(result));
        after = found.at(-1);
        if (!result.hasMore()) {
            assert.ok(pages > 0, 'it did not fit at once');
            break;
        }
        assert.ok(!result.isEmpty());
    }
    assert.deepEqual(found, ['a', 'a/b', 'a/c', 'a/c/x', 'a/c/y', 'a/d', 'b']);
});

test('options without an effect are accepted', async () => {
    // There are no reference topics, and so none whose publication is delayed.
    const result = await request().withUnpublishedDelayedTopics().first(1).fetch('a');
    assert.deepEqual(paths(result), ['a']);
    assert.equal((await request().topicTypes(diffusion.topics.FetchRequest.getAllTypes()).fetch('?n/')).size(), 4);
});

test('an invalid selector is refused', async () => {
    await failsWith(request().fetch('?('), 106);
    await failsWith(session.select('*[').then(() => {}), 106);
    await failsWith(session.topics.remove('?('), 106);
});

test('a session without permission to read a topic does not find it', async () => {
    await withSession(sandbox, 'admin', (admin) =>
        admin.security.updateSecurityStore('set "CLIENT" path "a/c" permissions []'),
    );
    await withSession(sandbox, 'client', async (client) => {
        const result = await client.fetchRequest().fetch('?a//');
        assert.deepEqual(paths(result), ['a', 'a/b', 'a/d']);
        // A pattern over whole paths needs the right to every path that it might match.
        await failsWith(client.fetchRequest().fetch('*a/.*'), 103);
        await failsWith(client.fetchRequest().fetch('a/c/x'), 103);
    });
});
