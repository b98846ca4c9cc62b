// A session's rights are checked for everything that is done for it, and nothing reveals what it may not see. The broker's
// own tests (crates/broker/tests/rights.rs) have the kinds one by one; here they go over the wire, against a running sandbox.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { connect as connectSdk, diffusion } from '../support/sdk.mjs';
import { RawClient, Service, Type, bytes, cbor, pause, properties, sized, varint } from '../support/wire.mjs';

const ACCESS_DENIED = 103;
const INVALID_STREAM = 9013;
const SESSION_EVENT = 0x52;
const UNLOCK_ON_CONNECTION_LOSS = 1;

let sandbox;
let admin;
before(async () => {
    sandbox = await startSandbox();
    admin = await RawClient.connect(sandbox, 'admin');
});
after(() => sandbox.stop());

/** Signs in with an account of its own. */
async function account(name, roles, options) {
    const list = roles.map((role) => `'${role}'`).join(' ');
    await admin.configure({ authentication: `add principal '${name}' 'password' [${list}]` });
    return RawClient.connect(sandbox, name, 'password', options);
}

/** Takes roles from the sessions of a principal. */
const takeRoles = (principal, roles) => {
    const list = bytes(varint(roles.length), ...roles.map(sized));
    return admin.ask(Service.CHANGE_ROLES_FILTER, bytes(sized(`$Principal is '${principal}'`), list, varint(0)));
};

test('a listener ends, and receives nothing more, once its permission is removed', async () => {
    const spy = await account('spy', ['CLIENT_CONTROL']);
    const every = bytes(1, 0, 1, varint(1), sized('*F'), 1, varint(0), varint(5));
    await spy.ask(Service.SESSION_EVENTS, every);
    await pause(200);
    assert.ok(spy.requests.includes(SESSION_EVENT), 'it is told while it may be');
    await takeRoles('spy', ['CLIENT_CONTROL']);
    await spy.ping();
    spy.requests.length = 0;
    await (await RawClient.connect(sandbox, 'client')).close();
    await spy.ping();
    assert.deepEqual(spy.requests, []);
    assert.equal((await spy.refusal(Service.SESSION_EVENTS, every))?.code, ACCESS_DENIED);
    await spy.close();
});

test('the SDK knows that its registrations have ended', async () => {
    await admin.configure({
        authentication: "add principal 'sdk' 'password' ['CLIENT_CONTROL' 'AUTHENTICATION_HANDLER']",
    });
    const session = await connectSdk(sandbox, 'sdk', 'password');
    const ended = [];
    const end = (what) => ({ onClose: () => ended.push(what), onError: () => ended.push(what) });
    const parameters = diffusion.newSessionEventParametersBuilder().build();
    await session.clients.addSessionEventListener({ onSessionEvent() {}, ...end('events') }, parameters);
    await session.messages.addRequestHandler('abuse', { onRequest() {}, ...end('requests') });
    const authenticator = { authenticate() {}, ...end('authenticator') };
    await session.security.setAuthenticator('after-system-handler', authenticator);
    await takeRoles('sdk', ['CLIENT_CONTROL', 'AUTHENTICATION_HANDLER']);
    for (let waited = 0; waited < 3_000 && ended.length < 3; waited += 20) {
        await pause(20);
    }
    assert.deepEqual(ended.toSorted(), ['authenticator', 'events', 'requests']);
    await session.closeSession();
});

test("another session's update stream does not exist", async () => {
    await admin.add('Effusion/moderation/secret');
    const created = await admin.ask(Service.CREATE_STREAM, bytes(sized('Effusion/moderation/secret'), Type.JSON, 0));
    const stream = bytes(...Array.from({ length: 4 }, () => varint(created.long())));
    const nobody = await RawClient.connect(sandbox);
    for (const [service, body] of [
        [Service.CHECK_STREAM, stream],
        [Service.SET_STREAM, bytes(stream, sized(cbor({ n: 2 })))],
    ]) {
        const refusal = await nobody.refusal(service, body);
        assert.equal(refusal?.code, INVALID_STREAM);
        assert.ok(!refusal.text.includes('secret'), refusal.text);
    }
    await admin.ask(Service.SET_STREAM, bytes(stream, sized(cbor({ n: 1 }))));
    await nobody.close();
});

test('removal reveals nothing of hidden topics', async () => {
    const user = await RawClient.connect(sandbox, 'user');
    const series = { TIME_SERIES_EVENT_VALUE_TYPE: 'json', OWNER: '$Principal is "user"' };
    await user.add('Effusion/direct/hidden', Type.TIME_SERIES, series);
    const nobody = await RawClient.connect(sandbox);
    const text = async (selector) => String(await nobody.refusal(Service.REMOVE_TOPICS, sized(selector)));
    for (const selector of ['?Effusion/direct/.*', '?.*//', '*Effusion/direct/hid.*']) {
        assert.ok(!(await text(selector)).includes('hidden'), selector);
    }
    const there = await text('*Effusion/direct/hidden');
    assert.equal(there.replaceAll('hidden', 'absent'), await text('*Effusion/direct/absent'));
    assert.equal(await user.remove('>Effusion/direct/hidden'), 1);
    await Promise.all([nobody.close(), user.close()]);
});

test('an inbox is neither removed nor replaced by others', async () => {
    const roles = ['CLIENT', 'TOPIC_CONTROL'];
    const [ann, bob, eve] = await Promise.all(['ann', 'bob', 'eve'].map((name) => account(name, roles)));
    const inbox = 'Effusion/direct/ann';
    const series = (owner) => ({ TIME_SERIES_EVENT_VALUE_TYPE: 'json', OWNER: `$Principal is "${owner}"` });
    await bob.add(inbox, Type.TIME_SERIES, series('ann'));
    for (const selector of [`>${inbox}`, '?Effusion/direct/.*', '?.*//']) {
        assert.equal(await eve.remove(selector), 0, selector);
    }
    assert.equal((await eve.add(inbox, Type.TIME_SERIES, series('eve')).catch((error) => error)).code, 9004);
    await bob.append(inbox, { text: 'for ann' });
    assert.equal(await ann.remove(`>${inbox}`), 1);
    await Promise.all([ann.close(), bob.close(), eve.close()]);
});

test('a stranger cannot guess a value by constraints', async () => {
    const user = await RawClient.connect(sandbox, 'user');
    const series = { TIME_SERIES_EVENT_VALUE_TYPE: 'json', OWNER: '$Principal is "nobody"' };
    await user.add('Effusion/direct/nobody', Type.TIME_SERIES, series);
    await user.append('Effusion/direct/nobody', 1);
    // Whether these are the value's bytes.
    const [VALUE, IS, BINARY] = [2, 1, 4];
    const constraint = bytes(VALUE, IS, BINARY, sized(cbor(1)));
    for (const path of ['Effusion/direct/nobody', 'Effusion/direct/none']) {
        const body = bytes(sized(path), Type.JSON, sized(cbor(2)), constraint);
        assert.equal((await user.refusal(Service.SET_TOPIC, body))?.code, ACCESS_DENIED, path);
    }
    await user.close();
});

test('a lock is released with its connection, noticed or not', async () => {
    const lock = bytes(sized('abuse'), varint(1), UNLOCK_ON_CONNECTION_LOSS);
    const holder = await RawClient.connect(sandbox, 'control', 'password', { reconnectTimeout: 60_000 });
    await holder.ask(Service.ACQUIRE_LOCK, lock);
    const other = await RawClient.connect(sandbox, 'user');
    const granted = other.ask(Service.ACQUIRE_LOCK, lock);
    const back = await RawClient.connect(sandbox, 'control', 'password', {
        reconnectTimeout: 60_000,
        token: holder.token,
        sent: 2,
        received: holder.received,
    });
    assert.equal(back.code, 105);
    await granted;
    await Promise.all([back.close(), other.close()]);
});

test('others can sign in soon, whatever one session requests', async () => {
    const eve = await RawClient.connect(sandbox, 'client');
    const body = bytes(sized('client'), 1, sized('password'), properties({}));
    let stop = false;
    const floods = Array.from({ length: 40 }, async () => {
        while (!stop) {
            await eve.refusal(Service.REAUTHENTICATE, body);
        }
    });
    await pause(200);
    const times = [];
    for (let n = 0; n < 10; n += 1) {
        const start = performance.now();
        await (await RawClient.connect(sandbox, 'control')).close();
        times.push(performance.now() - start);
    }
    stop = true;
    await Promise.all(floods);
    // Some of it is the time for a connection on a busy machine.
    assert.ok(Math.max(...times) < 2_000, `${Math.round(Math.max(...times))} ms`);
    await eve.close();
});
