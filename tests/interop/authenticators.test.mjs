// Control authentication handlers: clients that decide who may sign in.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { connect, diffusion, failsWith, withSession } from '../support/sdk.mjs';

let sandbox;
before(async () => {
    sandbox = await startSandbox();
});
after(() => sandbox.stop());

const REFUSED = 99;
const FIRST = 'before-system-handler';
const LAST = 'after-system-handler';

/** Registers a handler that decides with `decide`; returns its requests, and how to close it. */
async function handler(name, decide) {
    const session = await connect(sandbox, 'control');
    const asked = [];
    const registration = await session.security.setAuthenticator(name, {
        authenticate(principal, credentials, properties, proposed, callback) {
            asked.push({ principal, credentials, properties, proposed });
            decide(callback, principal, proposed);
        },
        onClose() {},
        onError() {},
    });
    return {
        asked,
        session,
        async close() {
            await registration.close();
            await session.closeSession();
        },
    };
}
const text = (credentials) => (typeof credentials === 'string' ? credentials : Buffer.from(credentials ?? []).toString());

test('a handler allows principals that the store does not know, with roles and properties of its choice', async () => {
    const last = await handler(LAST, (callback, principal, proposed) =>
        principal === 'stranger' ? callback.allow({ ...proposed, team: 'guests', $Roles: diffusion.rolesToString(['OPERATOR']) }) : callback.deny(),
    );
    const session = await connect(sandbox, 'stranger', { credentials: 'any', properties: { wish: 'x' } });
    const properties = await session.getSessionProperties();
    assert.deepEqual([properties.$Principal, properties.team, properties.wish], ['stranger', 'guests', 'x']);
    assert.ok(diffusion.stringToRoles(properties.$Roles).has('OPERATOR'));
    assert.equal(last.asked.length, 1);
    const [{ principal, credentials, properties: fixed, proposed }] = last.asked;
    assert.deepEqual([principal, text(credentials), proposed.wish], ['stranger', 'any', 'x']);
    assert.equal(fixed.$ClientIP, '127.0.0.1');
    await failsWith(connect(sandbox, 'another'), REFUSED);
    // The store answers first for those it knows.
    await (await connect(sandbox, 'client')).closeSession();
    await failsWith(connect(sandbox, 'client', { credentials: 'wrong' }), REFUSED);
    assert.equal(last.asked.length, 2);
    await session.closeSession();
    await last.close();
    await failsWith(connect(sandbox, 'stranger'), REFUSED);
});

test('handlers are asked in order, and the first decision counts', async () => {
    let decision = 'abstain';
    const last = await handler(LAST, (callback) => callback.allow());
    const first = await handler(FIRST, (callback) => callback[decision]());
    const known = () => connect(sandbox, 'client').then((session) => session.closeSession());
    const unknown = () => connect(sandbox, 'stranger').then((session) => session.closeSession());
    await known();
    assert.deepEqual([first.asked.length, last.asked.length], [1, 0]);
    await unknown();
    assert.deepEqual([first.asked.length, last.asked.length], [2, 1]);
    decision = 'deny';
    await failsWith(known(), REFUSED);
    await failsWith(unknown(), REFUSED);
    assert.deepEqual([first.asked.length, last.asked.length], [4, 1]);
    decision = 'allow';
    await connect(sandbox, 'client', { credentials: 'not even right' }).then((session) => session.closeSession());
    // Anonymous sessions are asked about, too.
    decision = 'deny';
    await failsWith(connect(sandbox, undefined), REFUSED);
    assert.equal(first.asked.at(-1).principal, '');
    decision = 'abstain';
    await last.close();
    await failsWith(unknown(), REFUSED);
    await known();
    await first.close();
});

test('a session that authenticates again is checked as well', async () => {
    const first = await handler(FIRST, (callback, principal) => (principal === 'promoted' ? callback.allow({ $Roles: '"OPERATOR"', rank: '2' }) : callback.abstain()));
    await withSession(sandbox, 'client', async (session) => {
        assert.equal(await session.security.reauthenticate('promoted', 'x', {}), true);
        const properties = await session.getSessionProperties();
        assert.deepEqual([properties.$Principal, properties.rank], ['promoted', '2']);
        assert.equal(await session.security.reauthenticate('nobody', 'x', {}), false);
    });
    await first.close();
});

test('a handler that does not respond abstains after a while', async () => {
    const silent = await handler(FIRST, () => {});
    const start = Date.now();
    await (await connect(sandbox, 'client', { connectionTimeout: 30_000 })).closeSession();
    const waited = Date.now() - start;
    assert.ok(waited > 5_000 && waited < 25_000, `${waited} ms`);
    await silent.close();
});

test('a handler that closes during a request abstains', async () => {
    const leaving = await handler(FIRST, () => leaving.session.closeSession());
    await (await connect(sandbox, 'client')).closeSession();
    assert.equal(leaving.asked.length, 1);
});

test('permissions for handlers, and their names', async () => {
    const nothing = { authenticate() {}, onClose() {}, onError() {} };
    await withSession(sandbox, 'client', (client) => failsWith(client.security.setAuthenticator(FIRST, nothing), 103));
    await withSession(sandbox, 'admin', (admin) => failsWith(admin.security.setAuthenticator(FIRST, nothing), 103));
    await withSession(sandbox, 'control', async (control) => {
        await assert.rejects(control.security.setAuthenticator('no-such-handler', nothing));
        const registration = await control.security.setAuthenticator(FIRST, nothing);
        await assert.rejects(control.security.setAuthenticator(FIRST, nothing));
        await registration.close();
    });
});
