// Lesson 1: a live room is a JSON topic; writers set its value, readers have a stream.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { Seen, TopicSpecification, TopicType, connect, diffusion, failsWith, json, withSession } from '../support/sdk.mjs';

let sandbox;
before(async () => {
    sandbox = await startSandbox();
});
after(() => sandbox.stop());

const message = (text, name = 'Alice') => ({ text, name, timestamp: 1_700_000_000_000 });

test('two sessions receive each other’s messages in a room', async () => {
    const [alice, bob] = await Promise.all([connect(sandbox, 'user'), connect(sandbox, 'user')]);
    const room = 'Chat/lesson-1';

    assert.deepEqual(await alice.topics.add(room, TopicType.JSON), { added: true, topic: room });
    assert.deepEqual(await bob.topics.add(room, TopicType.JSON), { added: false, topic: room });

    const [atAlice, atBob] = [alice, bob].map((session) => Seen.stream(session, room));
    await Promise.all([alice.select(room), bob.select(room)]);
    const subscribed = await atAlice.find('the subscription', ({ kind }) => kind === 'subscribe');
    assert.equal(subscribed.path, room);
    assert.equal(subscribed.specification.type, TopicType.JSON);
    await atBob.find('the subscription', ({ kind }) => kind === 'subscribe');

    await alice.topicUpdate.set(room, json(), message('hello'));
    await bob.topicUpdate.set(room, json(), message('hi there', 'Bob'));
    await bob.topicUpdate.set(room, json(), message('hi there again', 'Bob'));
    for (const seen of [atAlice, atBob]) {
        const values = await seen.all('value', 3);
        assert.deepEqual(
            values.map(({ path, value, old }) => ({ path, value, old })),
            [
                { path: room, value: message('hello'), old: undefined },
                { path: room, value: message('hi there', 'Bob'), old: message('hello') },
                { path: room, value: message('hi there again', 'Bob'), old: message('hi there', 'Bob') },
            ],
        );
    }

    await bob.unsubscribe(room);
    const { reason } = await atBob.find('the end of the subscription', ({ kind }) => kind === 'unsubscribe');
    assert.match(reason, /requested by this client/i);
    await alice.topicUpdate.set(room, json(), message('anyone here?'));
    await atAlice.all('value', 4);
    assert.equal((await atBob.all('value', 3)).length, 3, 'who unsubscribed is told nothing more');

    assert.deepEqual(await alice.topics.remove(room), { removedCount: 1 });
    const removed = await atAlice.find('the removal', ({ kind }) => kind === 'unsubscribe');
    assert.match(removed.reason, /removed/i);
    await Promise.all([alice.closeSession(), bob.closeSession()]);
});

test('a later subscriber receives the last value', async () => {
    const room = 'Chat/late';
    await withSession(sandbox, 'user', async (alice) => {
        await alice.topics.add(room, TopicType.JSON);
        await alice.topicUpdate.set(room, json(), message('first'));
        await alice.topicUpdate.set(room, json(), message('second'));
    });
    await withSession(sandbox, 'user', async (bob) => {
        const seen = Seen.stream(bob, room);
        await bob.select(room);
        const { value, old } = await seen.find('the value', ({ kind }) => kind === 'value');
        assert.deepEqual({ value, old }, { value: message('second'), old: undefined });
    });
});

test('a selection includes topics that are added later', async () => {
    await withSession(sandbox, 'user', async (session) => {
        const seen = Seen.stream(session, '?Later//');
        await session.select('?Later//');
        await session.topics.add('Later/a/b', TopicType.JSON);
        await session.topicUpdate.set('Later/a/b', json(), { n: 1 });
        await session.topics.add('Other/a', TopicType.JSON);
        await session.topicUpdate.set('Other/a', json(), { n: 2 });
        await session.topics.add('Later', TopicType.JSON);
        await session.topicUpdate.set('Later', json(), { n: 3 });
        const values = await seen.all('value', 2);
        assert.deepEqual(
            values.map(({ path, value }) => [path, value.n]),
            [
                ['Later/a/b', 1],
                ['Later', 3],
            ],
        );
    });
});

test('selectors of every kind select the right topics', async () => {
    await withSession(sandbox, 'user', async (session) => {
        const paths = ['S/a', 'S/a/b', 'S/ab', 'S/c', 'S/c/d/e'];
        for (const path of paths) {
            await session.topics.add(path, TopicType.JSON);
            await session.topicUpdate.set(path, json(), { path });
        }
        const cases = {
            'S/a': ['S/a'],
            '>S/a': ['S/a'],
            '?S/a.*': ['S/a', 'S/ab'],
            '?S/a/': ['S/a/b'],
            '?S/a//': ['S/a', 'S/a/b'],
            '*S/.*b': ['S/a/b', 'S/ab'],
            '?S//': paths,
            '#>S/a////>S/c': ['S/a', 'S/c'],
        };
        for (const [selector, expected] of Object.entries(cases)) {
            const result = await session.fetchRequest().fetch(selector);
            assert.deepEqual(
                result.results().map((topic) => topic.path()),
                expected,
                selector,
            );
        }
    });
});

test('values of any size and shape arrive unchanged, as deltas or whole', async () => {
    const long = 'x'.repeat(40_000);
    const values = [
        { text: 'plain' },
        { text: 'plain', more: [1, -1, 1.5, 0.1, 123_456_789_012, true, false, null, { deep: [[[]]] }] },
        { text: '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u0000 \u202e ünïcödé 👩‍👩‍👧' },
        { text: long },
        { text: `${long.slice(0, 20_000)}!${long.slice(20_000)}` },
        'just a string',
        12,
        [],
        { text: 'plain' },
    ];
    const room = 'Chat/values';
    const [writer, reader] = await Promise.all([connect(sandbox, 'user'), connect(sandbox, 'client')]);
    await writer.topics.add(room, TopicType.JSON);
    const seen = Seen.stream(reader, room);
    await reader.select(room);
    await seen.find('the subscription', ({ kind }) => kind === 'subscribe');
    for (const value of values) {
        await writer.topicUpdate.set(room, json(), value);
    }
    const came = await seen.all('value', values.length);
    assert.deepEqual(
        came.map(({ value }) => value),
        values,
    );
    assert.deepEqual(
        came.map(({ old }) => old),
        [undefined, ...values.slice(0, -1)],
    );
    await Promise.all([writer.closeSession(), reader.closeSession()]);
});

test('a topic is added and set in one call', async () => {
    await withSession(sandbox, 'user', async (session) => {
        const specification = new TopicSpecification(TopicType.JSON);
        const { CREATED, EXISTS } = diffusion.topicUpdate.TopicCreationResult;
        const set = (text) => session.topicUpdate.set('Chat/both', json(), message(text), { specification });
        assert.equal(await set('one'), CREATED);
        assert.equal(await set('two'), EXISTS);
        const result = await session.fetchRequest().withValues(json()).fetch('Chat/both');
        assert.deepEqual(result.results()[0].value().get(), message('two'));
    });
});

test('an update stream sets values in order', async () => {
    const room = 'Chat/update-stream';
    const [writer, reader] = await Promise.all([connect(sandbox, 'user'), connect(sandbox, 'client')]);
    const seen = Seen.stream(reader, room);
    await reader.select(room);
    const stream = writer.topicUpdate.createUpdateStream(room, json(), {
        specification: new TopicSpecification(TopicType.JSON),
    });
    const texts = ['one', 'two', 'three', 'four'];
    for (const text of texts) {
        await stream.set(message(text));
    }
    assert.deepEqual(stream.get().get?.() ?? stream.get(), message('four'));
    const values = await seen.all('value', texts.length);
    assert.deepEqual(
        values.map(({ value }) => value.text),
        texts,
    );
    await stream.validate();
    await writer.topics.remove(room);
    await assert.rejects(stream.set(message('too late')));
    await Promise.all([writer.closeSession(), reader.closeSession()]);
});

test('a value of another type is refused', async () => {
    await withSession(sandbox, 'user', async (session) => {
        await session.topics.add('Chat/typed', TopicType.STRING);
        await failsWith(session.topicUpdate.set('Chat/typed', json(), message('x')), 9001);
    });
});
