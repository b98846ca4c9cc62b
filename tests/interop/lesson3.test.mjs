// Lesson 3: accounts. A session with the right to it adds a principal, which can then sign in.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { TopicType, connect, failsSaying, failsWith, json, withSession } from '../support/sdk.mjs';

let sandbox;
before(async () => {
    sandbox = await startSandbox();
});
after(() => sandbox.stop());

/** Runs a script as the registrar that the tutorial has. */
const asRegistrar = (script) => withSession(sandbox, 'auth-handler', (session) => session.security.updateAuthenticationStore(script));

const signIn = (principal, credentials) => connect(sandbox, principal, { credentials });
const AUTHENTICATION_FAILED = 99;

test('an account is created, and its owner signs in and chats', async () => {
    await failsWith(signIn('alice', 'secret'), AUTHENTICATION_FAILED);
    await withSession(sandbox, 'auth-handler', async (registrar) => {
        const script = registrar.security
            .authenticationScriptBuilder()
            .addPrincipal('alice', 'secret', ['CLIENT', 'TOPIC_CONTROL'])
            .build();
        await registrar.security.updateAuthenticationStore(script);
    });
    const alice = await signIn('alice', 'secret');
    assert.equal(alice.getPrincipal(), 'alice');
    await alice.topics.add('Chat/alice', TopicType.JSON);
    await alice.topicUpdate.set('Chat/alice', json(), { text: 'hello' });
    await alice.closeSession();
    await failsWith(signIn('alice', 'Secret'), AUTHENTICATION_FAILED);
    await failsWith(signIn('alice', ''), AUTHENTICATION_FAILED);
    await failsWith(signIn('Alice', 'secret'), AUTHENTICATION_FAILED);
});

test('names and passwords may contain quotes, backslashes and other scripts', async () => {
    const name = `Zoë "the \\ cat" O'Hara 👩‍👩‍👧`;
    const password = `p'a"s\\s 𝔴𝔬𝔯𝔡`;
    await withSession(sandbox, 'auth-handler', (registrar) =>
        registrar.security.updateAuthenticationStore(
            registrar.security.authenticationScriptBuilder().addPrincipal(name, password, ['CLIENT']).build(),
        ),
    );
    const session = await signIn(name, password);
    assert.equal(session.getPrincipal(), name);
    await session.closeSession();
    await failsWith(signIn(name, `${password} `), AUTHENTICATION_FAILED);
});

test('the manual\'s way of writing scripts is read too', async () => {
    await asRegistrar('add principal "carol" "secret" ["CLIENT", "TOPIC_CONTROL"]\nset password "carol" "changed"');
    await failsWith(signIn('carol', 'secret'), AUTHENTICATION_FAILED);
    await (await signIn('carol', 'changed')).closeSession();
    await asRegistrar('remove principal "carol"');
    await failsWith(signIn('carol', 'changed'), AUTHENTICATION_FAILED);
});

test('a script that fails reports why, and changes nothing', async () => {
    await asRegistrar("add principal 'dave' 'secret' ['CLIENT']");
    for (const [script, why] of [
        ["add principal 'dave' 'other'", /dave/],
        ["add principal 'erin' 'x'\nremove principal 'nobody'", /nobody/],
        ["add principal 'erin' 'x'\nadd principle 'frank' 'y'", /line 2|\[2|2:|principle/],
        ["add principal 'erin", /./],
        ["add principal 'erin' 'x' ['CLIENT'", /./],
        ["set password 'nobody' 'x'", /nobody/],
    ]) {
        await failsSaying(asRegistrar(script), why);
    }
    await failsWith(signIn('erin', 'x'), AUTHENTICATION_FAILED);
    await (await signIn('dave', 'secret')).closeSession();
});

test('only sessions with the permission can create accounts', async () => {
    for (const principal of [undefined, 'client', 'user', 'control']) {
        await withSession(sandbox, principal, async (session) => {
            await failsWith(session.security.updateAuthenticationStore("add principal 'mallory' 'x'"), 103);
            await failsWith(session.security.updateSecurityStore('set "CLIENT" permissions [MODIFY_SECURITY]'), 103);
        });
    }
    await failsWith(signIn('mallory', 'x'), AUTHENTICATION_FAILED);
});

test('a new account can do what its roles allow', async () => {
    await asRegistrar("add principal 'reader' 'secret' ['CLIENT']");
    await withSession(sandbox, 'user', (user) => user.topics.add('Chat/roles', TopicType.JSON));
    const reader = await signIn('reader', 'secret');
    await reader.select('Chat/roles');
    await failsWith(reader.topicUpdate.set('Chat/roles', json(), { text: 'x' }), 103);
    await failsSaying(reader.topics.add('Chat/other', TopicType.JSON), /permission|103|denied/i);
    await reader.closeSession();
    await asRegistrar("assign roles 'reader' ['CLIENT' 'TOPIC_CONTROL']");
    const writer = await signIn('reader', 'secret');
    await writer.topicUpdate.set('Chat/roles', json(), { text: 'x' });
    await writer.closeSession();
});

test('anonymous sessions are allowed or denied by the store', async () => {
    const anonymous = () => connect(sandbox, undefined);
    const session = await anonymous();
    assert.equal(session.getPrincipal() ?? '', '');
    await session.closeSession();
    await asRegistrar('deny anonymous connections');
    await failsWith(anonymous(), AUTHENTICATION_FAILED);
    await asRegistrar("allow anonymous connections ['CLIENT']");
    await (await anonymous()).closeSession();
});

test('the store can be read with the permission', async () => {
    await withSession(sandbox, 'admin', async (admin) => {
        const configuration = await admin.security.getSystemAuthenticationConfiguration();
        const names = configuration.principals.map(({ name }) => name);
        for (const name of ['admin', 'auth-handler', 'client', 'control', 'operator', 'user']) {
            assert.ok(names.includes(name), name);
        }
        const user = configuration.principals.find(({ name }) => name === 'user');
        assert.deepEqual([...user.roles].sort(), ['CLIENT', 'TOPIC_CONTROL']);
        const security = await admin.security.getSecurityConfiguration();
        assert.ok(security.roles.some(({ name }) => name === 'ADMINISTRATOR'));
    });
    await withSession(sandbox, 'client', async (client) => {
        await failsWith(client.security.getSystemAuthenticationConfiguration(), 103);
    });
});
