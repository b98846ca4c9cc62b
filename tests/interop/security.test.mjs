// Security: roles, path permissions, isolated paths, locked roles and principals, both scripts and their errors.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { Seen, TopicType, connect, diffusion, failsWith, json, pause, withSession } from '../support/sdk.mjs';

let sandbox;
let admin;
let user;
before(async () => {
    sandbox = await startSandbox();
    admin = await connect(sandbox, 'admin');
    user = await connect(sandbox, 'user');
});
after(async () => {
    await user.closeSession();
    await admin.closeSession();
    await sandbox.stop();
});

const REFUSED = 99;
const ACCESS_DENIED = 103;
const secure = (script) => admin.security.updateSecurityStore(script);
const store = (script) => admin.security.updateAuthenticationStore(script);
const signIn = (name) => connect(sandbox, name, { credentials: 'secret' });
const all = (set) => [...set].sort();

/** The errors for which a script is refused. */
async function mistakes(promise) {
    const error = await promise.then(
        () => assert.fail('the script was taken'),
        (why) => why,
    );
    const list = Array.isArray(error) ? error : error.errors ?? error.cause?.errors;
    assert.ok(Array.isArray(list), `${JSON.stringify(error)} ${error}`);
    return list.map(({ message, line, column }) => ({ message, line, column }));
}

test('a role’s permissions are read back as they were set', async () => {
    const script = admin.security
        .securityScriptBuilder()
        .setGlobalPermissions('R x', ['VIEW_SESSION', 'READ_TOPIC_VIEWS'])
        .setDefaultPathPermissions('R x', ['READ_TOPIC'])
        .setPathPermissions('R x', 'a/b', ['SELECT_TOPIC', 'UPDATE_TOPIC'])
        .setPathPermissions('R x', 'c', [])
        .setPathPermissions('R x', 'd', ['READ_TOPIC'])
        .removePathPermissions('R x', 'd')
        .setRoleIncludes('R x', ['CLIENT'])
        .setRolesForNamedSessions(['EVERYONE'])
        .setRolesForAnonymousSessions(['NOBODY'])
        .isolatePath('alone')
        .isolatePath('together')
        .deisolatePath('together')
        .build();
    await secure(script);
    const configuration = await admin.security.getSecurityConfiguration();
    const role = configuration.roles.find(({ name }) => name === 'R x');
    assert.deepEqual(all(role.global), ['READ_TOPIC_VIEWS', 'VIEW_SESSION']);
    assert.deepEqual(all(role.default), ['READ_TOPIC']);
    assert.deepEqual(Object.keys(Object.fromEntries(Object.entries(role.topic))).sort(), ['a/b', 'c']);
    assert.deepEqual(all(role.topic['a/b']), ['SELECT_TOPIC', 'UPDATE_TOPIC']);
    assert.deepEqual(all(role.topic.c), []);
    assert.deepEqual(all(role.roles), ['CLIENT']);
    assert.deepEqual(all(configuration.named), ['EVERYONE']);
    assert.deepEqual(all(configuration.anonymous), ['NOBODY']);
    const isolated = [...configuration.isolatedPaths];
    assert.deepEqual([isolated.includes('alone'), isolated.includes('together')], [true, false]);
    await secure('deisolate path "alone"\nset roles for named sessions []\nset roles for anonymous sessions []');
});

test('the most specific path wins, and only that one counts', async () => {
    await store("add principal 'paths' 'secret' ['PATHS' 'MORE']");
    await secure(`
        set "PATHS" default path permissions [SELECT_TOPIC READ_TOPIC]
        set "PATHS" path "p" permissions [READ_TOPIC UPDATE_TOPIC]
        set "PATHS" path "p/q" permissions []
        set "MORE" path "p/q/r" permissions [MODIFY_TOPIC]
        set "MORE" path "p" permissions [SELECT_TOPIC]
        isolate path "lonely"
        set "INHERITED" path "lonely/inner" permissions [READ_TOPIC]
        set "PATHS" includes ["INHERITED"]
        set "INHERITED" permissions [VIEW_SESSION]`);
    const session = await signIn('paths');
    const at = async (path) => all(await session.security.getPathPermissions(path));
    assert.deepEqual(await at('elsewhere'), ['READ_TOPIC', 'SELECT_TOPIC']);
    assert.deepEqual(await at('p'), ['READ_TOPIC', 'SELECT_TOPIC', 'UPDATE_TOPIC']);
    assert.deepEqual(await at('p/x'), ['READ_TOPIC', 'SELECT_TOPIC', 'UPDATE_TOPIC']);
    assert.deepEqual(await at('pq'), ['READ_TOPIC', 'SELECT_TOPIC']);
    assert.deepEqual(await at('p/q'), []);
    assert.deepEqual(await at('p/q/x'), []);
    assert.deepEqual(await at('p/q/r/s'), ['MODIFY_TOPIC']);
    assert.deepEqual(await at('lonely'), []);
    assert.deepEqual(await at('lonely/inner/x'), ['READ_TOPIC']);
    assert.deepEqual(all(await session.security.getGlobalPermissions()), ['VIEW_SESSION']);
    await secure('remove "PATHS" permissions for path "p/q"\ndeisolate path "lonely"');
    assert.deepEqual(await at('p/q'), ['READ_TOPIC', 'SELECT_TOPIC', 'UPDATE_TOPIC']);
    assert.deepEqual(await at('lonely'), ['READ_TOPIC', 'SELECT_TOPIC']);
    await session.closeSession();
});

test('each path permission is required for its operations', async () => {
    await store("add principal 'each' 'secret' ['EACH']");
    await admin.topics.add('Each/topic', TopicType.JSON);
    await admin.topicUpdate.set('Each/topic', json(), { n: 1 });
    const session = await signIn('each');
    const may = (...permissions) => secure(`set "EACH" path "Each" permissions [${permissions.join(' ')}]`);
    await may();
    await failsWith(session.select('Each/topic'), ACCESS_DENIED);
    await failsWith(session.fetchRequest().fetch('Each/topic'), ACCESS_DENIED);
    await failsWith(session.topicUpdate.set('Each/topic', json(), {}), ACCESS_DENIED);
    await failsWith(session.topics.add('Each/new', TopicType.JSON), 7);
    await failsWith(session.topics.remove('Each/topic'), ACCESS_DENIED);
    await failsWith(session.lock('Each/lock'), ACCESS_DENIED);
    await failsWith(session.messages.sendRequest('Each/path', {}), ACCESS_DENIED);
    await failsWith(session.messages.sendRequest('Each/path', {}, admin.sessionId), ACCESS_DENIED);
    await may('SELECT_TOPIC');
    const seen = Seen.stream(session, 'Each/topic');
    await session.select('Each/topic');
    await pause(30);
    assert.deepEqual(seen.events, []);
    await may('SELECT_TOPIC', 'READ_TOPIC');
    await seen.all('value', 1);
    await may('UPDATE_TOPIC');
    await session.topicUpdate.set('Each/topic', json(), { n: 2 });
    await may('MODIFY_TOPIC');
    await session.topics.add('Each/new', TopicType.JSON);
    assert.deepEqual(await session.topics.remove('Each/new'), { removedCount: 1 });
    await may('ACQUIRE_LOCK');
    await (await session.lock('Each/lock')).unlock();
    await may('SEND_TO_MESSAGE_HANDLER');
    await failsWith(session.messages.sendRequest('Each/path', {}), 109);
    await may('SEND_TO_SESSION');
    await failsWith(session.messages.sendRequest('Each/path', {}, admin.sessionId), 109);
    await session.closeSession();
});

test('each global permission is required for its operations', async () => {
    await store("add principal 'global' 'secret' ['GLOBAL']");
    const session = await signIn('global');
    const { clients, security } = session;
    const may = (...permissions) => secure(`set "GLOBAL" permissions [${permissions.join(' ')}]`);
    const listener = { onSessionEvent() {}, onClose() {}, onError() {} };
    const every = diffusion.newSessionEventParametersBuilder().build();
    const handler = { onRequest() {}, onError() {}, onClose() {} };
    const authenticator = { authenticate() {}, onClose() {}, onError() {} };
    const calls = {
        view: () => clients.getSessionProperties(admin.sessionId),
        listen: () => clients.addSessionEventListener(listener, every),
        modify: () => clients.setSessionProperties(admin.sessionId, { x: '1' }),
        close: () => clients.close("$Principal is 'nobody'"),
        roles: () => clients.changeRoles("$Principal is 'nobody'", [], ['X']),
        conflate: () => clients.setConflated("$Principal is 'nobody'", true),
        handle: async () => (await session.messages.addRequestHandler('Global/path', handler)).close(),
        authenticate: async () => (await security.setAuthenticator('after-system-handler', authenticator)).close(),
        viewSecurity: () => security.getSecurityConfiguration(),
        viewPrincipals: () => security.getSystemAuthenticationConfiguration(),
        modifySecurity: () => security.updateSecurityStore('set "NONE" permissions []'),
        modifyPrincipals: () => security.updateAuthenticationStore("ignore client proposed property 'none'"),
    };
    for (const [permissions, allowed] of [
        [[], []],
        [['VIEW_SESSION'], ['view']],
        [['MODIFY_SESSION'], ['close', 'roles', 'conflate']],
        [['VIEW_SESSION', 'MODIFY_SESSION'], ['view', 'modify', 'close', 'roles', 'conflate']],
        [['REGISTER_HANDLER'], ['handle']],
        [['VIEW_SESSION', 'REGISTER_HANDLER'], ['view', 'listen', 'handle']],
        [['AUTHENTICATE', 'REGISTER_HANDLER'], ['authenticate', 'handle']],
        [['VIEW_SECURITY'], ['viewSecurity', 'viewPrincipals']],
        [['MODIFY_SECURITY'], ['modifySecurity', 'modifyPrincipals']],
    ]) {
        await may(...permissions);
        assert.deepEqual(all(await security.getGlobalPermissions()), all(permissions));
        for (const [name, call] of Object.entries(calls)) {
            if (allowed.includes(name)) {
                await call();
            } else {
                await failsWith(call(), ACCESS_DENIED).catch((why) => assert.fail(`${name} with ${permissions}: ${why.message}`));
            }
        }
    }
    await session.closeSession();
});

test('a changed permission applies at once, to every session that has the role', async () => {
    await admin.topics.add('Live/a', TopicType.JSON);
    await admin.topics.add('Live/b', TopicType.JSON);
    await admin.topicUpdate.set('Live/a', json(), { n: 1 });
    await store("add principal 'live' 'secret' ['LIVE']");
    const sessions = await Promise.all([signIn('live'), signIn('live')]);
    await secure('set "LIVE" default path permissions [SELECT_TOPIC READ_TOPIC]');
    const seen = sessions.map((session) => Seen.stream(session, '?Live/'));
    await Promise.all(sessions.map((session) => session.select('?Live/')));
    await Promise.all(seen.map((it) => it.all('subscribe', 2)));
    await secure('set "LIVE" path "Live/a" permissions [SELECT_TOPIC]');
    for (const it of seen) {
        const { path, reason } = await it.find('the end', ({ kind }) => kind === 'unsubscribe');
        assert.equal(path, 'Live/a');
        assert.match(reason, /authori/i);
    }
    await secure('remove "LIVE" permissions for path "Live/a"');
    await Promise.all(seen.map((it) => it.all('subscribe', 3)));
    await Promise.all(seen.map((it) => it.all('value', 2)));
    // Roles that a session loses, and gains.
    await admin.clients.changeRoles(sessions[0].sessionId, ['LIVE'], []);
    assert.equal((await seen[0].all('unsubscribe', 3)).length, 3);
    await admin.clients.changeRoles(sessions[0].sessionId, [], ['LIVE']);
    await seen[0].all('subscribe', 5);
    assert.equal(seen[1].events.filter(({ kind }) => kind === 'unsubscribe').length, 1);
    await Promise.all(sessions.map((session) => session.closeSession()));
});

test('roles of anonymous and of named sessions', async () => {
    await store("add principal 'plain' 'secret'");
    await secure(`
        set roles for anonymous sessions ["GUEST"]
        set roles for named sessions ["MEMBER"]
        set "GUEST" permissions [VIEW_SERVER]
        set "MEMBER" permissions [CONTROL_SERVER]`);
    const rights = async (session) => {
        const permissions = all(await session.security.getGlobalPermissions());
        const { $Roles } = await admin.clients.getSessionProperties(session.sessionId, ['$Roles']);
        await session.closeSession();
        return [permissions, all(diffusion.stringToRoles($Roles))];
    };
    assert.deepEqual(await rights(await signIn('plain')), [['CONTROL_SERVER'], ['MEMBER']]);
    assert.deepEqual(await rights(await connect(sandbox, undefined)), [['VIEW_SERVER'], ['CLIENT', 'GUEST']]);
    await secure('set roles for anonymous sessions []\nset roles for named sessions []');
    assert.deepEqual(await rights(await signIn('plain')), [[], []]);
});

test('anonymous connections: allowed, denied, abstained', async () => {
    const anonymous = async () => (await admin.security.getSystemAuthenticationConfiguration()).anonymous;
    const builder = () => admin.security.authenticationScriptBuilder();
    await store(builder().allowAnonymousConnections(['CLIENT', 'GUEST']).build());
    const { action, roles } = await anonymous();
    assert.deepEqual([action, all(roles)], ['allow', ['CLIENT', 'GUEST']]);
    await (await connect(sandbox, undefined)).closeSession();
    for (const [script, expected] of [
        [builder().denyAnonymousConnections().build(), 'deny'],
        [builder().abstainAnonymousConnections().build(), 'abstain'],
    ]) {
        await store(script);
        assert.equal((await anonymous()).action, expected);
        await failsWith(connect(sandbox, undefined), REFUSED);
    }
    await store(builder().allowAnonymousConnections(['CLIENT']).build());
});

test('principals: added, changed, locked, removed', async () => {
    const builder = () => admin.security.authenticationScriptBuilder();
    await store(builder().addPrincipal('ann', 'secret', ['A', 'B'], 'warden').addPrincipal('ben', 'secret').build());
    const principals = async () => (await admin.security.getSystemAuthenticationConfiguration()).principals;
    const ann = (await principals()).find(({ name }) => name === 'ann');
    assert.deepEqual([all(ann.roles), ann.lockingPrincipal], [['A', 'B'], 'warden']);
    await store(builder().assignRoles('ben', ['C']).setPassword('ben', 'other').verifyPassword('ben', 'other').build());
    assert.deepEqual(all((await principals()).find(({ name }) => name === 'ben').roles), ['C']);
    await (await connect(sandbox, 'ben', { credentials: 'other' })).closeSession();
    await mistakes(store(builder().verifyPassword('ben', 'secret').build()));
    // Only its warden changes what is locked.
    for (const script of [
        builder().assignRoles('ann', ['X']),
        builder().setPassword('ann', 'x'),
        builder().removePrincipal('ann'),
    ]) {
        const [{ message, line }] = await mistakes(store(script.build()));
        assert.match(message, /lock/i);
        assert.equal(line, 1);
    }
    await store(builder().addPrincipal('warden', 'secret', ['ADMINISTRATOR']).build());
    const warden = await signIn('warden');
    await warden.security.updateAuthenticationStore("assign roles 'ann' ['X']");
    assert.deepEqual(all((await principals()).find(({ name }) => name === 'ann').roles), ['X']);
    await warden.security.updateAuthenticationStore("remove principal 'ann'");
    await failsWith(signIn('ann'), REFUSED);
    // A role can be locked as well.
    await secure(admin.security.securityScriptBuilder().setRoleLockedByPrincipal('LOCKED', 'warden').build());
    const [{ message }] = await mistakes(secure('set "LOCKED" permissions [VIEW_SERVER]'));
    assert.match(message, /lock/i);
    await warden.security.updateSecurityStore('set "LOCKED" permissions [VIEW_SERVER]');
    const role = (await admin.security.getSecurityConfiguration()).roles.find(({ name }) => name === 'LOCKED');
    assert.deepEqual([all(role.global), role.lockingPrincipal], [['VIEW_SERVER'], 'warden']);
    await warden.closeSession();
});

test('properties that a client proposes count if they are trusted', async () => {
    const propose = async (properties) => {
        const session = await connect(sandbox, 'client', { properties });
        const got = await session.getSessionProperties();
        await session.closeSession();
        return Object.fromEntries(Object.entries(got).filter(([name]) => !name.startsWith('$')));
    };
    const proposed = { colour: 'red', size: '12', other: 'x' };
    assert.deepEqual(await propose(proposed), {});
    await store(
        admin.security
            .authenticationScriptBuilder()
            .trustClientProposedPropertyIn('colour', ['red', 'green'])
            .trustClientProposedPropertyMatches('size', '[0-9]+')
            .build(),
    );
    assert.deepEqual(await propose(proposed), { colour: 'red', size: '12' });
    assert.deepEqual(await propose({ colour: 'blue', size: '12x' }), {});
    const { trustedClientProposedProperties: trusted } = await admin.security.getSystemAuthenticationConfiguration();
    assert.deepEqual(all(trusted.colour.values), ['green', 'red']);
    assert.equal(trusted.size.regex, '[0-9]+');
    await store("ignore client proposed property 'colour'");
    assert.deepEqual(await propose(proposed), { size: '12' });
    // Fixed properties are not the client's.
    assert.equal((await propose({ $Principal: 'admin', $Roles: '"ADMINISTRATOR"' })).$Principal, undefined);
});

test('an error in the security script is reported by line and column, and nothing is changed', async () => {
    const configuration = async () => JSON.stringify(await admin.security.getSecurityConfiguration());
    const before = await configuration();
    for (const [script, line, column] of [
        ['sit "A" permissions []', 1, 1],
        ['set "NEW" permissions [VIEW_SESSION]\nset "NEW" permission []', 2, 11],
        ['set "NEW" permissions [VIEW_SESSION]\n\n   set "NEW" path "a" permissions [NO_SUCH]', 3, 36],
        ['set "NEW" permissions [READ_TOPIC]', 1, 24],
        ['set "NEW" default path permissions [VIEW_SESSION]', 1, 37],
        ['set "NEW" permissions [', 1, 24],
        ['set "NEW', 1, 5],
        // What parses but cannot be carried out is reported by its command.
        ['set "NEW" path "a//b" permissions []', 1, 1],
        ['isolate path', 1, 13],
    ]) {
        const [first] = await mistakes(secure(script));
        assert.deepEqual([first.line, first.column], [line, column], `${script}: ${first.message}`);
    }
    assert.equal(await configuration(), before);
    // Comments and empty lines are no mistakes.
    await secure('\n# a remark\nset "REMARKED" permissions [VIEW_SESSION] # and another\n\n');
});

test('an error in the authentication script is reported by line and column, and nothing is changed', async () => {
    const configuration = async () => JSON.stringify(await admin.security.getSystemAuthenticationConfiguration());
    const before = await configuration();
    for (const [script, line, column] of [
        ["add principal 'new' 'x'\nadd principle 'x' 'y'", 2, 5],
        ["add principal 'new' 'x'\n  remove principal 'nobody'", 2, undefined],
        ["add principal 'new'", 1, 20],
        ["add principal 'new' 'x' ['A'", 1, 29],
        ["add principal 'client' 'x'", 1, undefined],
        ["assign roles 'nobody' ['A']", 1, undefined],
        ["allow anonymous connection ['A']", 1, 17],
        ["trust client proposed property '$Principal' if value in ['admin']", 1, undefined],
        ["trust client proposed property 'x' if value matches '('", 1, undefined],
        ["add principal '' 'x'", 1, undefined],
    ]) {
        const [first] = await mistakes(store(script));
        assert.equal(first.line, line, `${script}: ${first.message}`);
        assert.equal(first.column, column ?? first.column, `${script}: ${first.message}`);
    }
    assert.equal(await configuration(), before);
});

test('a session authenticates again, or as another principal', async () => {
    await store("add principal 'twin' 'secret' ['CLIENT' 'TOPIC_CONTROL']");
    await withSession(sandbox, 'client', async (session) => {
        await failsWith(session.topics.add('Twin/a', TopicType.JSON), 7);
        assert.equal(await session.security.reauthenticate('twin', 'wrong', {}), false);
        assert.equal(session.getPrincipal(), 'client');
        assert.equal(await session.security.reauthenticate('twin', 'secret', {}), true);
        assert.equal((await session.getSessionProperties()).$Principal, 'twin');
        await session.topics.add('Twin/a', TopicType.JSON);
        await session.security.changePrincipal('client', 'password');
        assert.equal(session.security.getPrincipal(), 'client');
        await failsWith(session.topics.add('Twin/b', TopicType.JSON), 7);
        await assert.rejects(session.security.changePrincipal('client', 'wrong'));
    });
});

test('a session whose authentication is revoked ends', async () => {
    const session = await connect(sandbox, 'client');
    const closed = new Promise((resolve) => session.on('close', resolve));
    await failsWith(user.security.revokeAuthentication(session.sessionId), ACCESS_DENIED);
    await secure('set "REVOKER" permissions [AUTHENTICATE MODIFY_SESSION]');
    await store("add principal 'revoker' 'secret' ['REVOKER']");
    const revoker = await signIn('revoker');
    await revoker.security.revokeAuthentication(session.sessionId);
    assert.equal((await closed).id, 1);
    await failsWith(revoker.security.revokeAuthentication(session.sessionId), 107);
    await revoker.closeSession();
});
