// Refusals, and the errors that the SDK makes of them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import {
    Seen,
    TopicSpecification,
    TopicType,
    connect,
    diffusion,
    failsWith,
    int64,
    json,
    pause,
    withSession,
} from '../support/sdk.mjs';

let sandbox;
before(async () => {
    sandbox = await startSandbox();
});
after(() => sandbox.stop());

/** The reasons for which `topics.add` fails, as the SDK numbers them. */
const AddFailure = { EXISTS_MISMATCH: 2, INVALID_DETAILS: 4, PERMISSIONS_FAILURE: 7, INVALID_NAME: 15 };

test('a topic does not replace one of another kind', async () => {
    await withSession(sandbox, 'user', async (session) => {
        await session.topics.add('Kind/a', TopicType.JSON);
        await failsWith(session.topics.add('Kind/a', TopicType.STRING), AddFailure.EXISTS_MISMATCH);
        const other = new TopicSpecification(TopicType.JSON, { PERSISTENT: 'false' });
        await failsWith(session.topics.add('Kind/a', other), AddFailure.EXISTS_MISMATCH);
        assert.deepEqual(await session.topics.add('Kind/a', TopicType.JSON), { added: false, topic: 'Kind/a' });
    });
});

test('a specification has to make sense', async () => {
    await withSession(sandbox, 'user', async (session) => {
        for (const specification of [
            new TopicSpecification(TopicType.TIME_SERIES),
            new TopicSpecification(TopicType.TIME_SERIES, { TIME_SERIES_EVENT_VALUE_TYPE: 'poem' }),
            new TopicSpecification(TopicType.TIME_SERIES, {
                TIME_SERIES_EVENT_VALUE_TYPE: 'json',
                TIME_SERIES_RETAINED_RANGE: 'for ever',
            }),
            new TopicSpecification(TopicType.JSON, { PUBLISH_VALUES_ONLY: 'perhaps' }),
        ]) {
            await failsWith(session.topics.add('Spec/a', specification), AddFailure.INVALID_DETAILS);
        }
        await failsWith(session.topics.add('Spec//a', TopicType.JSON), AddFailure.INVALID_NAME);
        await assert.rejects(session.topics.add('', TopicType.JSON));
        assert.equal((await session.fetchRequest().fetch('?Spec//')).size(), 0);
    });
});

test('a reader cannot write', async () => {
    await withSession(sandbox, 'user', async (user) => {
        await user.topics.add('Read/only', TopicType.JSON);
        await user.topics.add('Read/too', TopicType.JSON);
        await user.topicUpdate.set('Read/only', json(), { n: 1 });
    });
    await withSession(sandbox, 'client', async (client) => {
        await failsWith(client.topics.add('Read/more', TopicType.JSON), AddFailure.PERMISSIONS_FAILURE);
        await failsWith(client.topicUpdate.set('Read/only', json(), { n: 2 }), 103);
        await failsWith(client.timeseries.append('Read/only', { n: 2 }, json()), 103);
        await failsWith(client.topics.remove('Read/only'), 103);
        await failsWith(client.topics.remove('?Read//'), 103);
        const result = await client.fetchRequest().withValues(json()).fetch('Read/only');
        assert.deepEqual(result.results()[0].value().get(), { n: 1 });
        // Of several topics, only the permitted ones are removed.
        await withSession(sandbox, 'admin', (admin) =>
            admin.security.updateSecurityStore('set "CLIENT" path "Read/too" permissions [SELECT_TOPIC READ_TOPIC MODIFY_TOPIC]'),
        );
        assert.deepEqual(await client.topics.remove('?Read//'), { removedCount: 1 });
        const left = await client.fetchRequest().fetch('?Read//');
        assert.deepEqual(
            left.results().map((topic) => topic.path()),
            ['Read/only'],
        );
    });
});

test('a missing topic cannot be set', async () => {
    await withSession(sandbox, 'user', async (session) => {
        await failsWith(session.topicUpdate.set('No/such', json(), { n: 1 }), 9000);
        assert.deepEqual(await session.topics.remove('No/such'), { removedCount: 0 });
        await session.select('No/such');
        await session.unsubscribe('No/such');
    });
});

test('a value has to fit its topic', async () => {
    await withSession(sandbox, 'user', async (session) => {
        await session.topics.add('Fit/number', TopicType.INT64);
        await failsWith(session.topicUpdate.set('Fit/number', json(), { n: 1 }), 9001);
        await session.topicUpdate.set('Fit/number', int64(), 7);
        const specification = new TopicSpecification(TopicType.JSON);
        await failsWith(session.topicUpdate.set('Fit/number', json(), { n: 1 }, { specification }), 9004);
        const result = await session.fetchRequest().withValues(int64()).fetch('Fit/number');
        assert.equal(result.results()[0].value().toString(), '7');
    });
});

test('a constraint that does not hold changes nothing', async () => {
    await withSession(sandbox, 'user', async (session) => {
        const constraints = diffusion.updateConstraints();
        const { UpdateConstraintOperator } = diffusion.topicUpdate;
        const set = (value, constraint) => session.topicUpdate.set('Constraint/a', json(), value, { constraint });
        await session.topics.add('Constraint/a', TopicType.JSON);
        await set({ n: 1 }, constraints.noValue());
        await failsWith(set({ n: 2 }, constraints.noValue()), 9012);
        await set({ n: 2 }, constraints.value({ n: 1 }, json()));
        await failsWith(set({ n: 3 }, constraints.value({ n: 1 }, json())), 9012);
        await set({ n: 3 }, constraints.jsonValue().with('/n', 2, UpdateConstraintOperator.EQ).without('/m'));
        await failsWith(set({ n: 4 }, constraints.jsonValue().with('/n', 2, UpdateConstraintOperator.EQ)), 9012);
        await failsWith(set({ n: 4 }, constraints.jsonValue().without('/n')), 9012);
        const both = constraints.jsonValue().with('/n', 1, UpdateConstraintOperator.GT);
        await set({ n: 3, m: 1 }, both.and(constraints.jsonValue().without('/m')));
        const result = await session.fetchRequest().withValues(json()).fetch('Constraint/a');
        assert.deepEqual(result.results()[0].value().get(), { n: 3, m: 1 });
    });
});

test('removing a permission ends subscriptions, granting one begins them', async () => {
    const admin = await connect(sandbox, 'admin');
    await withSession(sandbox, 'control', async (user) => {
        await user.topics.add('Rights/room', TopicType.JSON);
        await user.topicUpdate.set('Rights/room', json(), { n: 1 });
        await withSession(sandbox, 'client', async (client) => {
            const seen = Seen.stream(client, 'Rights/room');
            await client.select('Rights/room');
            await seen.all('value', 1);
            await admin.security.updateSecurityStore('set "CLIENT" path "Rights" permissions []');
            const { reason } = await seen.find('the end', ({ kind }) => kind === 'unsubscribe');
            assert.match(reason, /authori[sz]/i);
            await user.topicUpdate.set('Rights/room', json(), { n: 2 });
            await pause(50);
            assert.equal((await seen.all('value', 1)).length, 1);
            await admin.security.updateSecurityStore('set "CLIENT" path "Rights" permissions [SELECT_TOPIC READ_TOPIC]');
            const values = await seen.all('value', 2);
            assert.deepEqual(values[1].value, { n: 2 });
        });
    });
    await admin.closeSession();
});

test('the security store stays as it is when a script is invalid', async () => {
    await withSession(sandbox, 'admin', async (admin) => {
        const configuration = async () => JSON.stringify(await admin.security.getSecurityConfiguration());
        const before = await configuration();
        for (const script of [
            'set "CLIENT" permissions [VIEW_SESSION]\nset "CLIENT" permissions [NO_SUCH_PERMISSION]',
            'set "CLIENT" path',
            'sit "CLIENT" permissions []',
        ]) {
            await assert.rejects(admin.security.updateSecurityStore(script));
        }
        assert.equal(await configuration(), before);
    });
});
