// The end of topics: removal by selector, and by the policies of the REMOVAL property.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { Seen, TopicSpecification, TopicType, connect, failsWith, json, pause, withSession } from '../support/sdk.mjs';

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

const INVALID_DETAILS = 4;
const removal = (policy) => new TopicSpecification(TopicType.JSON, { REMOVAL: policy });
const exists = async (path) => (await session.fetchRequest().fetch(path)).size() > 0;
/** Waits until a topic is gone; policies are looked at every second or so. */
async function gone(path, limit = 15_000) {
    const end = Date.now() + limit;
    while (await exists(path)) {
        assert.ok(Date.now() < end, `${path} is still there`);
        await pause(100);
    }
}

test('topics are removed by every kind of selector', async () => {
    for (const [selector, left] of [
        ['a', ['a/b', 'a/b/c', 'd']],
        ['>a', ['a/b', 'a/b/c', 'd']],
        ['?a/', ['a', 'd']],
        ['?a//', ['d']],
        ['?a/.*', ['a', 'a/b/c', 'd']],
        ['*Remove/.*/c', ['a', 'a/b', 'd']],
        ['#>Remove/a////>Remove/d', ['a/b', 'a/b/c']],
    ]) {
        for (const path of ['a', 'a/b', 'a/b/c', 'd']) {
            await session.topics.add(`Remove/${path}`, TopicType.JSON);
        }
        const full = /^[#*]/.test(selector) ? selector : selector.replace(/^([>?]?)/, '$1Remove/');
        const { removedCount } = await session.topics.remove(full);
        assert.equal(removedCount, 4 - left.length, selector);
        const there = (await session.fetchRequest().fetch('?Remove//')).results().map((topic) => topic.path());
        assert.deepEqual(there, left.map((path) => `Remove/${path}`), selector);
        await session.topics.remove('?Remove//');
    }
    assert.deepEqual(await session.topics.remove('?Remove//'), { removedCount: 0 });
    await session.topics.add('Remove/x', TopicType.JSON);
    await session.topics.add('Remove/y', TopicType.JSON);
    assert.deepEqual(await session.topics.remove('Remove/x', 'Remove/y'), { removedCount: 2 });
    await withSession(sandbox, 'client', (client) => failsWith(client.topics.remove('?Remove//'), 103));
});

test('subscribers are notified of a removal, and of a topic that is added again', async () => {
    await session.topics.add('Again/a', TopicType.JSON);
    const seen = Seen.stream(session, 'Again/a');
    await session.select('Again/a');
    await seen.all('subscribe', 1);
    await session.topics.remove('Again/a');
    const { reason } = await seen.find('the end', ({ kind }) => kind === 'unsubscribe');
    assert.match(reason, /remov/i);
    await session.topics.add('Again/a', TopicType.JSON);
    await session.topicUpdate.set('Again/a', json(), { again: true });
    await seen.all('subscribe', 2);
    assert.deepEqual((await seen.all('value', 1))[0].value, { again: true });
});

test('invalid policies are refused', async () => {
    for (const policy of [
        '',
        'when',
        'this session closes',
        'when this session',
        'when subscriptions < 1',
        'when subscriptions > 1 for 1m',
        'when subscriptions < x for 1m',
        'when no updates for 1y',
        "when no session has 'x'",
        'when time after yesterday',
        'when (this session closes',
        'when this session closes remove',
        "when this session closes and",
    ]) {
        await failsWith(session.topics.add('Bad/policy', removal(policy)), INVALID_DETAILS);
    }
});

// Policies are slow: wait for all at once.
describe('policies', { concurrency: true }, () => {
    test('a session takes its topics along', async () => {
        await withSession(sandbox, 'user', async (other) => {
            await other.topics.add('Gone/session', removal('when this session closes'));
            await other.topics.add('Gone/both', removal('when this session closes and no updates for 1d'));
            await other.topics.add('Gone/either', removal('when no updates for 1d or this session closes'));
            await pause(1500);
            assert.ok(await exists('Gone/session'));
        });
        await gone('Gone/session');
        await gone('Gone/either');
        assert.ok(await exists('Gone/both'));
    });

    test('a moment that has passed, in both ways of writing it', async () => {
        const soon = Date.now() + 1200;
        await session.topics.add('Gone/moment', removal(`when time after ${soon}`));
        await session.topics.add('Gone/later', removal(`when time after ${soon + 3_600_000}`));
        await session.topics.add('Gone/date', removal("when time after 'Tue, 3 Jun 2008 11:05:30 GMT'"));
        await session.topics.add('Gone/future', removal("when time after 'Sun, 3 Jun 2068 11:05:30 GMT'"));
        await gone('Gone/moment');
        assert.ok(Date.now() >= soon);
        await gone('Gone/date');
        assert.ok((await exists('Gone/later')) && (await exists('Gone/future')));
    });

    test('too few subscriptions, no updates', async () => {
        await session.topics.add('Gone/few', removal('when subscriptions < 1 for 1s'));
        await session.topics.add('Gone/some', removal('when subscriptions < 1 for 1s'));
        await session.topics.add('Gone/grace', removal('when local subscriptions < 1 for 1s after 1h'));
        await session.topics.add('Gone/stale', removal('when no updates for 2s'));
        await session.topics.add('Gone/fresh', removal('when no updates for 2s'));
        const seen = Seen.stream(session, 'Gone/some');
        await session.select('Gone/some');
        await seen.all('subscribe', 1);
        const updates = setInterval(() => session.topicUpdate.set('Gone/fresh', json(), { now: Date.now() }).catch(() => {}), 200);
        try {
            await gone('Gone/few');
            await gone('Gone/stale');
            assert.ok(await exists('Gone/some'));
            assert.ok(await exists('Gone/grace'));
            assert.ok(await exists('Gone/fresh'));
        } finally {
            clearInterval(updates);
        }
        await session.unsubscribe('Gone/some');
        await gone('Gone/some');
        await gone('Gone/fresh');
    });

    test('there is no session of a kind', async () => {
        const policy = `when no session has '$Principal is "client"' for 1s`;
        await withSession(sandbox, 'client', async () => {
            await session.topics.add('Gone/nobody', removal(policy));
            await pause(2500);
            assert.ok(await exists('Gone/nobody'));
        });
        await gone('Gone/nobody');
    });

    test('a policy may remove other topics, with the permissions of its creator', async () => {
        for (const path of ['Branch/a', 'Branch/a/b', 'Branch/c']) {
            await session.topics.add(path, TopicType.JSON);
        }
        await session.topics.add('Branch/policy', removal(`when time after ${Date.now()} remove '?Branch/a//'`));
        await gone('Branch/a');
        await gone('Branch/a/b');
        // It removes itself only if the selector says so.
        assert.ok(await exists('Branch/policy'));
        assert.ok(await exists('Branch/c'));
        await withSession(sandbox, 'admin', (admin) =>
            admin.security.updateSecurityStore('set "TOPIC_CONTROL" path "Branch/locked" permissions [SELECT_TOPIC READ_TOPIC]'),
        );
        await withSession(sandbox, 'admin', (admin) => admin.topics.add('Branch/locked/x', TopicType.JSON));
        await session.topics.add('Branch/all', removal(`when time after ${Date.now()} remove '?Branch//'`));
        await gone('Branch/all');
        await gone('Branch/c');
        assert.ok(await exists('Branch/locked/x'));
    });
});
