// The service's limits, as the SDK reports them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { TopicType, connect, failsWith, pause, string, withSession } from '../support/sdk.mjs';

let sandbox;
before(async () => {
    sandbox = await startSandbox({
        args: [
            ...['--sign-in-attempts', '3', '--max-topics-per-principal', '2'],
            ...['--max-message-rate', '100', '--max-sessions-per-address', '5'],
        ],
    });
});
after(() => sandbox.stop());

/** The reason for which `topics.add` fails, as the SDK numbers them. */
const LICENSE_LIMIT = 11;

const refusal = (principal, credentials) =>
    connect(sandbox, undefined, { principal, credentials }).then(
        (session) => session.closeSession().then(() => assert.fail('a session was opened')),
        (error) => error,
    );

test('the topics of a principal are limited', async () => {
    await withSession(sandbox, 'user', async (session) => {
        await session.topics.add('Limit/a', TopicType.STRING);
        await session.topics.add('Limit/b', TopicType.STRING);
        await failsWith(session.topics.add('Limit/c', TopicType.STRING), LICENSE_LIMIT);
        // One that is there is no new one, and a place can be given back.
        assert.equal((await session.topics.add('Limit/a', TopicType.STRING)).added, false);
        await session.topics.remove('>Limit/a');
        assert.equal((await session.topics.add('Limit/c', TopicType.STRING)).added, true);
    });
});

test('a session that sends too fast is slowed down, and loses nothing', async () => {
    await withSession(sandbox, 'control', async (session) => {
        await session.topics.add('Rate/a', TopicType.STRING);
        const started = Date.now();
        const updates = Array.from({ length: 400 }, (_, number) => session.topicUpdate.set('Rate/a', string(), `${number}`));
        await Promise.all(updates);
        // A burst of 200, and 100 in each second after.
        assert.ok(Date.now() - started >= 1_900, `it took ${Date.now() - started} ms`);
        const [found] = (await session.fetchRequest().withValues(string()).fetch('>Rate/a')).results();
        assert.equal(found.value(), '399');
    });
});

test('the sessions of an address are limited', async () => {
    const sessions = await Promise.all(Array.from({ length: 5 }, () => connect(sandbox, 'client')));
    const error = await refusal('client', 'password');
    assert.ok(error !== undefined);
    await Promise.all(sessions.map((session) => session.closeSession()));
    await withSession(sandbox, 'client', async () => {});
});

test('password guessing is slowed down, and the right password opens a session again', async () => {
    for (let count = 0; count < 3; count += 1) {
        await refusal('operator', 'wrong');
    }
    // Not looked at: it is right, but it comes too early.
    const early = await refusal('operator', 'password');
    const wrong = await refusal('admin', 'wrong');
    assert.notEqual(`${early.id ?? early.message ?? early}`, `${wrong.id ?? wrong.message ?? wrong}`, 'they can be told apart');
    await pause(1_100);
    await withSession(sandbox, 'operator', async () => {});
});
