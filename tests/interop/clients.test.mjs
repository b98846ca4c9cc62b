// Controlling other sessions: properties, filters, listeners, roles, subscriptions, closing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { Seen, TopicType, connect, diffusion, failsSaying, failsWith, json, pause, withSession } from '../support/sdk.mjs';

let sandbox;
let admin;
let unique = 0;
before(async () => {
    sandbox = await startSandbox();
    admin = await connect(sandbox, 'admin');
    await admin.security.updateAuthenticationStore(
        "trust client proposed property 'team' if value matches '.*'\ntrust client proposed property 'desk' if value matches '.*'",
    );
});
after(async () => {
    await admin.closeSession();
    await sandbox.stop();
});

const NO_SUCH_SESSION = 107;
const ACCESS_DENIED = 103;
const { PropertyKeys } = diffusion.clients;
/** Sessions of the same team, with what sets them apart; and the filter that means them. */
async function team(...members) {
    unique += 1;
    const name = `team${unique}`;
    const sessions = await Promise.all(
        members.map(({ principal, ...properties }) => connect(sandbox, principal ?? 'client', { properties: { team: name, ...properties } })),
    );
    return { name, sessions, filter: `team is '${name}'`, close: () => Promise.all(sessions.map((it) => it.closeSession())) };
}
const ended = (session) => new Promise((resolve) => session.on('close', resolve));

test('all properties of a session', async () => {
    const { sessions: [session], name, close } = await team({ desk: '7' });
    const before = Date.now();
    const own = await session.getSessionProperties();
    for (const properties of [own, await admin.clients.getSessionProperties(session.sessionId, PropertyKeys.ALL_PROPERTIES)]) {
        assert.equal(properties.$SessionId, session.sessionId.toString());
        assert.equal(properties.$Principal, 'client');
        assert.equal(properties.$ClientType, 'JAVASCRIPT_BROWSER');
        assert.equal(properties.$Transport, 'WEBSOCKET');
        assert.equal(properties.$ClientIP, '127.0.0.1');
        assert.deepEqual([...diffusion.stringToRoles(properties.$Roles)], ['CLIENT']);
        assert.ok(Math.abs(Number(properties.$StartTime) - before) < 20_000);
        assert.match(properties.$Environment, /NODE/);
        for (const key of ['$ServerName', '$Connector', '$Country', '$Language', '$Latitude', '$Longitude']) {
            assert.equal(typeof properties[key], 'string', key);
        }
        assert.deepEqual([properties.team, properties.desk], [name, '7']);
    }
    const some = await admin.clients.getSessionProperties(session.sessionId, ['$Principal', 'desk', 'nothing']);
    assert.deepEqual({ ...some }, { $Principal: 'client', desk: '7' });
    const user = await admin.clients.getSessionProperties(session.sessionId, PropertyKeys.ALL_USER_PROPERTIES);
    assert.deepEqual({ ...user }, { team: name, desk: '7' });
    await close();
    // The SDK has words of its own for a session that is gone.
    await failsSaying(admin.clients.getSessionProperties(session.sessionId, ['$Principal']), /invalid session/i);
});

test('user properties are set and removed, of one session and of many', async () => {
    const { sessions: [first, second], name, filter, close } = await team({ desk: '1' }, { desk: '2' });
    const former = await admin.clients.setSessionProperties(first.sessionId, { desk: '9', mood: 'calm', team: name });
    assert.equal(former.desk, '1');
    assert.equal(former.mood ?? null, null);
    const user = async (session) => ({ ...(await admin.clients.getSessionProperties(session.sessionId, PropertyKeys.ALL_USER_PROPERTIES)) });
    assert.deepEqual(await user(first), { desk: '9', mood: 'calm', team: name });
    await admin.clients.setSessionProperties(first.sessionId, new Map([['mood', null]]));
    assert.deepEqual(await user(first), { desk: '9', team: name });
    assert.equal(await admin.clients.setSessionPropertiesByFilter(filter, { floor: '3', desk: null }), 2);
    assert.deepEqual(await user(first), { floor: '3', team: name });
    assert.deepEqual(await user(second), { floor: '3', team: name });
    assert.equal(await admin.clients.setSessionPropertiesByFilter("$Principal is 'nobody'", { x: 'y' }), 0);
    // Fixed properties are the service's, but for place and language.
    const fixed = { $Principal: 'admin', $Country: 'nz', $Language: 'MI', $Latitude: 'south', $Longitude: '174.8' };
    await admin.clients.setSessionProperties(first.sessionId, fixed);
    const now = await admin.clients.getSessionProperties(first.sessionId, Object.keys(fixed));
    const kept = { $Principal: 'client', $Country: 'NZ', $Language: 'mi', $Latitude: 'NaN', $Longitude: '174.8' };
    assert.deepEqual({ ...now }, kept);
    await failsWith(first.clients.setSessionProperties(second.sessionId, { x: 'y' }), ACCESS_DENIED);
    await failsWith(first.clients.setSessionPropertiesByFilter('all', { x: 'y' }), ACCESS_DENIED);
    await close();
    await failsWith(admin.clients.setSessionProperties(first.sessionId, { x: 'y' }), NO_SUCH_SESSION);
});

test('filters', async () => {
    const { sessions, name, close } = await team({ desk: '1', principal: 'client' }, { desk: '2', principal: 'user' }, { principal: 'control' });
    const [one, two, none] = ['client', 'user', 'control'];
    const everyone = [one, none, two].sort();
    for (const [filter, expected] of [
        ['all', everyone],
        ["$Principal is 'client'", [one]],
        ['$Principal is "client"', [one]],
        ["$Principal IS 'client'", [one]],
        ["$Principal eq 'client'", [one]],
        ["$Principal ne 'client'", [none, two]],
        ["not $Principal is 'client'", [none, two]],
        ["desk is '1' or desk is '2'", [one, two]],
        ["desk is '1' and $Principal is 'user'", []],
        ["desk is '1' and $Principal is 'user' or desk is '2'", [two]],
        ["desk is '2' and ($Principal is 'user' or $Principal is 'client')", [two]],
        ["desk ne '1'", [two]],
        ['has desk', [one, two]],
        ['not has desk', [none]],
        ["desk in '1' '3'", [one]],
        ["desk in ['1', '2']", [one, two]],
        ["desk matches '[0-9]'", [one, two]],
        ["$Principal matches 'c.*'", [one, none]],
        ["$Principal matches 'c'", []],
        ["hasRoles ['CLIENT']", [one, two]],
        ["hasRoles ['CLIENT' 'TOPIC_CONTROL']", [two]],
        ["hasRoles 'TOPIC_CONTROL'", [none, two]],
        [`$SessionId is '${sessions[0].sessionId}'`, [one]],
        ["$ClientIP is '127.0.0.1'", everyone],
        ["nothing is 'x'", []],
        ["desk is ''", []],
    ]) {
        const mark = `mark${(unique += 1)}`;
        const count = await admin.clients.setSessionPropertiesByFilter(`team is '${name}' and (${filter})`, { mark });
        const marked = [];
        for (const session of sessions) {
            const properties = await admin.clients.getSessionProperties(session.sessionId, ['mark', '$Principal']);
            if (properties.mark === mark) {
                marked.push(properties.$Principal);
            }
        }
        assert.deepEqual([count, marked.sort()], [expected.length, [...expected].sort()], filter);
    }
    for (const filter of ['', 'nonsense', "$Principal is", "$Principal = 'x'", "$Principal is 'x", "($Principal is 'x'", "desk matches '('", "all all"]) {
        await failsSaying(admin.clients.close(filter), /filter/i);
    }
    await close();
});

/** A session event listener that records its events. */
async function listen(build = (builder) => builder, by = admin) {
    const events = [];
    const parameters = build(diffusion.newSessionEventParametersBuilder()).build();
    const registration = await by.clients.addSessionEventListener(
        {
            onSessionEvent: (event) => events.push(event),
            onClose: () => events.push('closed'),
            onError: (error) => events.push(error),
        },
        parameters,
    );
    return { events, registration };
}
async function until(what, condition) {
    const end = Date.now() + 10_000;
    while (!condition()) {
        assert.ok(Date.now() < end, what);
        await pause(10);
    }
}

test('a listener is notified of sessions that open, change and close', async () => {
    const { SessionState, SessionEventStreamEventType: Kind } = diffusion.clients;
    const { sessions: [session], name, filter, close } = await team({ desk: '1' });
    const id = session.sessionId.toString();
    const { events, registration } = await listen((builder) => builder.filter(filter).properties('$Principal', 'desk'));
    await until('the session that is there', () => events.length === 1);
    assert.ok(events[0].isOpenEvent());
    assert.deepEqual([events[0].sessionId.toString(), { ...events[0].properties }], [id, { $Principal: 'client', desk: '1' }]);

    const other = await connect(sandbox, 'user', { properties: { team: name } });
    await until('the new session', () => events.length === 2);
    assert.deepEqual([events[1].sessionId.toString(), { ...events[1].properties }], [other.sessionId.toString(), { $Principal: 'user' }]);
    await connect(sandbox, 'user').then((stranger) => stranger.closeSession());

    await admin.clients.setSessionProperties(session.sessionId, { desk: '2' });
    await until('the change', () => events.length === 3);
    assert.deepEqual([events[2].type, events[2].properties.desk, events[2].changedProperties.desk], [Kind.PROPERTIES, '2', '1']);
    // Properties that were not requested are not sent.
    await admin.clients.setSessionProperties(session.sessionId, { mood: 'calm' });

    await other.closeSession();
    await until('the end', () => events.length === 4);
    assert.deepEqual([events[3].state, events[3].closeReason], [SessionState.CLOSED, diffusion.clients.CloseReason === undefined ? 4 : events[3].closeReason]);
    await registration.close();
    await close();
    await pause(50);
    assert.equal(events.filter((event) => typeof event === 'object').length, 4);
});

test('a listener may select sessions that open after an instant, or all', async () => {
    const { sessions: [session], filter, close } = await team({});
    const late = await listen((builder) => builder.filter(filter).properties(PropertyKeys.ALL_PROPERTIES).after(Date.now() + 3_600_000));
    const all = await listen((builder) => builder.filter(filter).properties(PropertyKeys.ALL_PROPERTIES));
    await until('all', () => all.events.length === 1);
    assert.equal(all.events[0].properties.$SessionId, session.sessionId.toString());
    assert.deepEqual(late.events, []);
    await assert.rejects(listen((builder) => builder.filter('nonsense')));
    await withSession(sandbox, 'client', (client) => failsWith(listen(undefined, client), ACCESS_DENIED));
    await close();
    await Promise.all([late.registration.close(), all.registration.close()]);
});

test('a listener of the older kind', async () => {
    const told = [];
    const control = await connect(sandbox, 'control');
    let deregister;
    await new Promise((resolve, reject) => {
        control.clients.setSessionPropertiesListener(['$Principal', 'desk'], {
            onActive: (remove) => {
                deregister = remove;
                resolve();
            },
            onClose: () => told.push('closed'),
            onError: reject,
            onSessionOpen: (id, properties) => told.push(['open', id.toString(), properties.desk]),
            onSessionEvent: (id, type, properties, previous) => told.push(['event', id.toString(), type, properties.desk, previous.desk]),
            onSessionClose: (id, properties, reason) => told.push(['close', id.toString(), reason]),
        });
    });
    const { sessions: [session], close } = await team({ desk: '1' });
    const id = session.sessionId.toString();
    await admin.clients.setSessionProperties(session.sessionId, { desk: '2' });
    await close();
    const mine = () => told.filter((event) => event[1] === id);
    await until('three events', () => mine().length === 3);
    assert.deepEqual(mine()[0], ['open', id, '1']);
    assert.deepEqual(mine()[1].slice(3), ['2', '1']);
    assert.equal(mine()[2][0], 'close');
    await deregister();
    await control.closeSession();
});

test('roles of a session are changed by its id and by a filter', async () => {
    const { sessions: [first, second], filter, close } = await team({}, {});
    const roles = async (session) => [...diffusion.stringToRoles((await admin.clients.getSessionProperties(session.sessionId, ['$Roles'])).$Roles)].sort();
    await failsWith(first.topics.add('Roles/a', TopicType.JSON), 7);
    await admin.clients.changeRoles(first.sessionId, [], ['TOPIC_CONTROL']);
    assert.deepEqual(await roles(first), ['CLIENT', 'TOPIC_CONTROL']);
    await first.topics.add('Roles/a', TopicType.JSON);
    assert.equal(await admin.clients.changeRoles(filter, ['CLIENT'], ['OPERATOR']), 2);
    assert.deepEqual([await roles(first), await roles(second)], [['OPERATOR', 'TOPIC_CONTROL'], ['OPERATOR']]);
    assert.equal(await admin.clients.changeRoles("$Principal is 'nobody'", [], ['X']), 0);
    await failsWith(first.clients.changeRoles(second.sessionId, [], ['ADMINISTRATOR']), ACCESS_DENIED);
    await failsWith(first.clients.changeRoles(filter, [], ['ADMINISTRATOR']), ACCESS_DENIED);
    await failsSaying(admin.clients.changeRoles('nonsense', [], ['X']), /filter/i);
    await close();
    await failsWith(admin.clients.changeRoles(first.sessionId, [], ['X']), NO_SUCH_SESSION);
});

test('sessions are closed by id and by a filter', async () => {
    const { sessions: [first, second, third], filter } = await team({ desk: '1' }, { desk: '2' }, { desk: '2' });
    const ends = [first, second, third].map(ended);
    await failsWith(first.clients.close(second.sessionId), ACCESS_DENIED);
    await failsWith(first.clients.close(filter), ACCESS_DENIED);
    await admin.clients.close(first.sessionId);
    assert.equal((await ends[0]).id, 1);
    await failsWith(admin.clients.close(first.sessionId), NO_SUCH_SESSION);
    assert.equal(await admin.clients.close(`${filter} and desk is '2'`), 2);
    assert.deepEqual((await Promise.all(ends)).map(({ id }) => id), [1, 1, 1]);
    assert.equal(await admin.clients.close(filter), 0);
});

test('sessions are subscribed and unsubscribed by others', async () => {
    for (const path of ['Sub/a', 'Sub/b', 'Sub/secret']) {
        await admin.topics.add(path, TopicType.JSON);
    }
    await admin.security.updateSecurityStore('set "CLIENT" path "Sub/secret" permissions [SELECT_TOPIC]');
    const { sessions: [first, second], filter, close } = await team({ desk: '1' }, { desk: '2' });
    const seen = [first, second].map((session) => Seen.stream(session, '?Sub/'));
    const events = (index, kind) => seen[index].events.filter((event) => event.kind === kind).map(({ path }) => path).sort();
    await admin.clients.subscribe(first.sessionId, 'Sub/a');
    await seen[0].all('subscribe', 1);
    assert.equal(await admin.clients.subscribe(filter, '?Sub/'), 2);
    await Promise.all(seen.map((it) => it.all('subscribe', 2)));
    // A session cannot be subscribed to what it may not read.
    assert.deepEqual(events(1, 'subscribe'), ['Sub/a', 'Sub/b']);
    const selections = await admin.clients.getTopicSelections(first.sessionId);
    assert.deepEqual(
        selections[''].map(({ selector, selectionType }) => [selector.toString(), selectionType]),
        [['>Sub/a', 0], ['?Sub/', 0]].slice(selections[''].length === 2 ? 0 : 1),
    );
    await admin.clients.unsubscribe(first.sessionId, 'Sub/a');
    const [{ reason }] = await seen[0].all('unsubscribe', 1);
    assert.match(reason, /server|control|another/i);
    assert.equal(await admin.clients.unsubscribe(`${filter} and desk is '2'`, '?Sub/'), 1);
    await seen[1].all('unsubscribe', 2);
    await failsWith(first.clients.subscribe(second.sessionId, 'Sub/a'), ACCESS_DENIED);
    await failsWith(first.clients.unsubscribe(filter, 'Sub/a'), ACCESS_DENIED);
    await failsSaying(admin.clients.subscribe('nonsense', 'Sub/a'), /filter/i);
    await close();
    await failsWith(admin.clients.subscribe(first.sessionId, 'Sub/a'), NO_SUCH_SESSION);
    await failsWith(admin.clients.getTopicSelections(first.sessionId), NO_SUCH_SESSION);
});

test('selections have scopes', async () => {
    for (const path of ['Scope/a', 'Scope/b']) {
        await admin.topics.add(path, TopicType.JSON);
    }
    const { sessions: [session], close } = await team({});
    const seen = Seen.stream(session, '?Scope/');
    await session.selectWithScope('?Scope/', 'one');
    await session.selectWithScope('Scope/a', 'two');
    await seen.all('subscribe', 2);
    await session.unsubscribeWithScope('?Scope/', 'one');
    // The other scope still wants it.
    assert.deepEqual((await seen.all('unsubscribe', 1)).map(({ path }) => path), ['Scope/b']);
    await admin.clients.unsubscribeAllScopes(session.sessionId, 'Scope/a');
    await seen.all('unsubscribe', 2);
    await session.selectWithScope('Scope/a', 'one');
    await session.select('Scope/b');
    await seen.all('subscribe', 4);
    await session.unsubscribeAllScopes('?Scope/');
    await seen.all('unsubscribe', 4);
    await close();
});

test('conflation of a session is switched', async () => {
    const { sessions: [session], filter, close } = await team({});
    await admin.clients.setConflated(session.sessionId, false);
    await admin.clients.setConflated(session.sessionId, true);
    assert.equal(await admin.clients.setConflated(filter, true), 1);
    await failsWith(session.clients.setConflated(session.sessionId, true), ACCESS_DENIED);
    await failsSaying(admin.clients.setConflated('nonsense', true), /filter/i);
    await close();
    await failsWith(admin.clients.setConflated(session.sessionId, true), NO_SUCH_SESSION);
});
