// Topic notifications: which topics there are, without subscribing to them; and handlers of topics that are not there.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { Seen, TopicSpecification, TopicType, connect, diffusion, failsWith, json, pause, withSession } from '../support/sdk.mjs';

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

const KINDS = ['added', 'selected', 'removed', 'deselected'];

/** A listener that records its notifications. */
async function listen(by = session) {
    const told = [];
    const registration = await by.notifications.addListener({
        onTopicNotification: (path, specification, type) => told.push(`${KINDS[type]} ${path} ${specification.type.name ?? ''}`.trim()),
        onDescendantNotification: (path, type) => told.push(`below: ${KINDS[type]} ${path}`),
        onClose: () => told.push('closed'),
        onError: (error) => told.push(`error ${error}`),
    });
    return {
        registration,
        /** The notifications since the last call. */
        async told() {
            await by.pingServer();
            return told.splice(0).map((line) => line.replace(/ (JSON|STRING)$/i, ''));
        },
    };
}

test('a listener is notified of existing, added and removed topics', async () => {
    await session.topics.add('Note/a', TopicType.JSON);
    const { registration, told } = await listen();
    assert.deepEqual(await told(), []);
    await registration.select('?Note//');
    assert.deepEqual(await told(), ['selected Note/a']);
    await session.topics.add('Note/b', TopicType.STRING);
    assert.deepEqual(await told(), ['added Note/b']);
    await session.topics.add('Elsewhere', TopicType.STRING);
    await session.topics.remove('Note/a');
    assert.deepEqual(await told(), ['removed Note/a']);
    await registration.deselect('?Note//');
    assert.deepEqual(await told(), ['deselected Note/b']);
    await session.topics.add('Note/c', TopicType.JSON);
    assert.deepEqual(await told(), []);
    await registration.select('Note/b', 'Note/c');
    assert.deepEqual((await told()).sort(), ['selected Note/b', 'selected Note/c']);
    registration.close();
    await session.topics.remove('?Note//');
    assert.deepEqual((await told()).filter((line) => line !== 'closed'), []);
});

test('a listener receives the specification', async () => {
    const specification = new TopicSpecification(TopicType.JSON, { PRIORITY: 'high' });
    let resolve;
    const came = new Promise((done) => {
        resolve = done;
    });
    const registration = await session.notifications.addListener({
        onTopicNotification: (path, given) => resolve([path, given.type, { ...given.properties }]),
        onDescendantNotification: () => {},
        onClose: () => {},
        onError: () => {},
    });
    await registration.select('Spec/told');
    await session.topics.add('Spec/told', specification);
    assert.deepEqual(await came, ['Spec/told', TopicType.JSON, { PRIORITY: 'high' }]);
    registration.close();
});

test('of branches below, only their existence is reported', async () => {
    const { registration, told } = await listen();
    await session.topics.add('Tree/a/b/c', TopicType.JSON);
    await registration.select('Tree');
    assert.deepEqual(await told(), ['below: selected Tree/a/b/c']);
    // Only the first below: what is below that one again is not told.
    await session.topics.add('Tree/a', TopicType.JSON);
    assert.deepEqual(await told(), ['below: added Tree/a']);
    await session.topics.add('Tree/b/c', TopicType.JSON);
    assert.deepEqual(await told(), ['below: added Tree/b/c']);
    await session.topics.add('Tree', TopicType.JSON);
    assert.deepEqual(await told(), ['added Tree']);
    await session.topics.remove('?Tree//');
    const lines = await told();
    assert.ok(lines.includes('removed Tree') && lines.includes('below: removed Tree/b/c'), lines.join());
    registration.close();
});

test('a listener is notified only of what its session may see', async () => {
    await withSession(sandbox, 'admin', (admin) =>
        admin.security.updateSecurityStore('set "CLIENT" path "Secret" permissions []'),
    );
    await withSession(sandbox, 'client', async (client) => {
        const { registration, told } = await listen(client);
        await withSession(sandbox, 'admin', (admin) => admin.topics.add('Secret/a', TopicType.JSON));
        await session.topics.add('Open/a', TopicType.JSON);
        await registration.select('?Open//');
        assert.deepEqual(await told(), ['selected Open/a']);
        await failsWith(registration.select('?Secret//'), 103);
        assert.match((await told()).join(), /^error .*SELECT_TOPIC/);
    });
});

test('a handler of missing topics may add them', async () => {
    const control = await connect(sandbox, 'admin');
    const asked = [];
    await new Promise((resolve, reject) => {
        control.topics.addMissingTopicHandler('Missing', {
            onRegister: resolve,
            onClose: () => asked.push('closed'),
            onError: (_path, error) => reject(error),
            onMissingTopic: ({ path, selector, sessionProperties, serverNames }) => {
                asked.push([path, selector.toString?.() ?? `${selector}`, sessionProperties.$Principal, serverNames.length]);
                control.topics
                    .add('Missing/room', TopicType.JSON)
                    .then(() => control.topicUpdate.set('Missing/room', json(), { made: true }));
            },
        });
    });
    await withSession(sandbox, 'client', async (client) => {
        const seen = Seen.stream(client, '?Missing//');
        await client.select('Missing/room');
        assert.deepEqual((await seen.all('value', 1))[0].value, { made: true });
        assert.equal(asked.length, 1);
        assert.equal(asked[0][2], 'client');
        // What is there is not missed.
        await client.select('Missing/room');
        await client.select('Other/room');
        await pause(50);
        assert.equal(asked.length, 1);
    });
    await control.closeSession();
    await withSession(sandbox, 'client', async (client) => {
        const error = await new Promise((resolve) => {
            client.topics
                .addMissingTopicHandler('Missing', { onRegister: () => resolve(), onClose: () => {}, onError: (_path, why) => resolve(why), onMissingTopic: () => {} })
                .catch(resolve);
        });
        assert.equal(error?.id ?? error?.cause?.id, diffusion.errors.ACCESS_DENIED.id);
    });
});
