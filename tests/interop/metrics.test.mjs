// Metrics: what the service counts, and collectors of sessions and topics.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { Seen, TopicType, connect, diffusion, failsSaying, failsWith, json, withSession } from '../support/sdk.mjs';

let sandbox;
let admin;
before(async () => {
    sandbox = await startSandbox();
    admin = await connect(sandbox, 'admin');
});
after(async () => {
    await admin.closeSession();
    await sandbox.stop();
});

const ACCESS_DENIED = 103;
const request = () => admin.metrics.metricsRequest();
/** The collections of the only server there is, by name. */
async function fetched(query = request()) {
    const result = await query.fetch();
    const [server, ...others] = result.getServerNames();
    assert.deepEqual(others, []);
    return Object.fromEntries(result.getMetrics(server).map((collection) => [collection.name, collection]));
}
const value = (collection) => collection.samples[0].value;
/** The samples of a collector: `{labels: value}`. */
const of = (collection, collector) =>
    Object.fromEntries(
        (collection?.samples ?? [])
            .filter(({ labelValues }) => labelValues[0] === collector)
            .map((sample) => [sample.labelNames.slice(1).map((name, index) => `${name}=${sample.labelValues[index + 1]}`).join(), sample.value]),
    );

test('the service’s metrics', async () => {
    const before = await fetched();
    const topics = value(before.diffusion_topics);
    await withSession(sandbox, 'user', async (session) => {
        await session.topics.add('Metrics/a', TopicType.JSON);
        const seen = Seen.stream(session, 'Metrics/a');
        await session.select('Metrics/a');
        await seen.all('subscribe', 1);
        await session.topicUpdate.set('Metrics/a', json(), { n: 1 });
        await seen.all('value', 1);
        const during = await fetched();
        assert.equal(value(during.diffusion_sessions_open), value(before.diffusion_sessions_open) + 1);
        assert.equal(value(during.diffusion_topics), topics + 1);
        assert.equal(value(during.diffusion_subscriptions), value(before.diffusion_subscriptions) + 1);
        assert.ok(value(during.diffusion_inbound_messages) >= value(before.diffusion_inbound_messages) + 4);
        assert.ok(value(during.diffusion_outbound_bytes) > value(before.diffusion_outbound_bytes) + 50);
    });
    const after = await fetched();
    assert.equal(value(after.diffusion_sessions_open), value(before.diffusion_sessions_open));
    assert.equal(value(after.diffusion_sessions_opened), value(before.diffusion_sessions_opened) + 1);
    assert.deepEqual([after.diffusion_topics.unit, after.diffusion_topics.type], ['topics', 1]);
});

test('filters, by names and by a pattern', async () => {
    const names = async (query) => Object.keys(await fetched(query)).sort();
    assert.deepEqual(await names(request().filter(['diffusion_topics', 'diffusion_sessions_opened_total', 'none'])), ['diffusion_sessions_opened', 'diffusion_topics']);
    assert.deepEqual(await names(request().filter(/diffusion_sessions_(open|connected)/)), ['diffusion_sessions_connected', 'diffusion_sessions_open']);
    assert.deepEqual(await names(request().filter('nothing.*')), []);
    const [server] = (await request().fetch()).getServerNames();
    assert.ok((await names(request().server(server))).length > 5);
    assert.ok((await names(request().currentServer())).length > 5);
    await failsWith(request().server('elsewhere').fetch(), 106);
    await failsWith(request().filter('(').fetch(), 106);
});

test('session metric collectors', async () => {
    const builder = () => diffusion.newSessionMetricCollectorBuilder();
    const { metrics } = admin;
    await metrics.putSessionMetricCollector(builder().groupByProperty('$Principal').maximumGroups(5).create('by principal', 'all'));
    await metrics.putSessionMetricCollector(builder().removeMetricsWithNoMatches(true).groupByProperty('$Principal').create('operators', "$Principal is 'operator'"));
    const { collectors } = await metrics.listSessionMetricCollectors();
    assert.deepEqual(
        collectors.map(({ name, sessionFilter, groupByProperties, maximumGroups, removeMetricsWithNoMatches }) => [name, sessionFilter, groupByProperties, maximumGroups, removeMetricsWithNoMatches]),
        [
            ['by principal', 'all', ['$Principal'], 5, false],
            ['operators', "$Principal is 'operator'", ['$Principal'], 2147483647, true],
        ],
    );
    await withSession(sandbox, 'operator', async () => {
        const { diffusion_session_collector_open: open } = await fetched();
        assert.deepEqual(of(open, 'by principal'), { '$Principal=admin': 1, '$Principal=operator': 1 });
        assert.deepEqual(of(open, 'operators'), { '$Principal=operator': 1 });
    });
    const { diffusion_session_collector_open: open } = await fetched();
    assert.deepEqual(of(open, 'by principal'), { '$Principal=admin': 1, '$Principal=operator': 0 });
    assert.deepEqual(of(open, 'operators'), {});
    await failsSaying(metrics.putSessionMetricCollector(builder().create('by principal', 'nonsense')), /filter/i);
    assert.equal((await metrics.listSessionMetricCollectors()).collectors.length, 2);
    await metrics.removeSessionMetricCollector('by principal');
    await metrics.removeSessionMetricCollector('operators');
    await metrics.removeSessionMetricCollector('never there');
    assert.deepEqual((await metrics.listSessionMetricCollectors()).collectors, []);
});

test('topic metric collectors', async () => {
    const builder = () => diffusion.newTopicMetricCollectorBuilder();
    const { metrics } = admin;
    for (const [path, type] of [['Count/a/x', TopicType.JSON], ['Count/a/y', TopicType.STRING], ['Count/b', TopicType.JSON]]) {
        await admin.topics.add(path, type);
    }
    await metrics.putTopicMetricCollector(builder().groupByTopicType(true).create('by type', '?Count//'));
    await metrics.putTopicMetricCollector(builder().groupByPathPrefixParts(2).maximumGroups(1).create('by path', '?Count//'));
    const { collectors } = await metrics.listTopicMetricCollectors();
    assert.deepEqual(
        collectors.map(({ name, topicSelector, groupByTopicType, groupByPathPrefixParts, maximumGroups }) => [name, topicSelector, groupByTopicType, groupByPathPrefixParts, maximumGroups]),
        [
            ['by path', '?Count//', false, 2, 1],
            ['by type', '?Count//', true, 0, 2147483647],
        ],
    );
    const { diffusion_topic_collector_topics: topics } = await fetched();
    assert.deepEqual(of(topics, 'by type'), { 'topic_type=Json': 2, 'topic_type=String': 1 });
    assert.deepEqual(of(topics, 'by path'), { 'path_prefix=Count/a': 2 });
    await metrics.removeTopicMetricCollector('by type');
    assert.equal((await metrics.listTopicMetricCollectors()).collectors.length, 1);
    await failsWith(metrics.putTopicMetricCollector(builder().create('bad', '?(')), 106);
});

test('permissions for metrics', async () => {
    const collector = diffusion.newSessionMetricCollectorBuilder().create('c', 'all');
    const topics = diffusion.newTopicMetricCollectorBuilder().create('t', '?a//');
    const changes = ({ metrics }) => [
        metrics.putSessionMetricCollector(collector),
        metrics.removeSessionMetricCollector('c'),
        metrics.putTopicMetricCollector(topics),
        metrics.removeTopicMetricCollector('t'),
    ];
    const looks = ({ metrics }) => [metrics.listSessionMetricCollectors(), metrics.listTopicMetricCollectors(), metrics.metricsRequest().fetch()];
    await withSession(sandbox, 'client', async (client) => {
        for (const call of [...changes(client), ...looks(client)]) {
            await failsWith(call, ACCESS_DENIED);
        }
    });
    await withSession(sandbox, 'operator', async (operator) => {
        await Promise.all(looks(operator));
        for (const call of changes(operator)) {
            await failsWith(call, ACCESS_DENIED);
        }
    });
});
