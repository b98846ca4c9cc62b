// Session locks: one session at a time, in order, and released when the session or its connection is lost.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startProxy } from '../support/proxy.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { connect, diffusion, failsWith, pause, withSession } from '../support/sdk.mjs';

let sandbox;
let one;
let two;
let admin;
before(async () => {
    sandbox = await startSandbox();
    [one, two, admin] = await Promise.all(['user', 'user', 'admin'].map((name) => connect(sandbox, name)));
});
after(async () => {
    await Promise.all([one, two, admin].map((session) => session.closeSession()));
    await sandbox.stop();
});

const { SessionLockScope } = diffusion.locks;
/** Whether a promise is still open after a moment. */
const waits = async (promise) => (await Promise.race([promise, pause(100).then(() => 'waits')])) === 'waits';

test('a lock has one owner, and the next in the queue receives it', async () => {
    const first = await one.lock('Lock/a');
    assert.equal(first.getName(), 'Lock/a');
    assert.equal(first.isOwned(), true);
    assert.equal(first.getScope(), SessionLockScope.UNLOCK_ON_SESSION_LOSS);
    const wanted = two.lock('Lock/a');
    assert.ok(await waits(wanted));
    assert.equal(await first.unlock(), true);
    assert.equal(first.isOwned(), false);
    const second = await wanted;
    assert.equal(second.isOwned(), true);
    assert.ok(second.getSequence().greaterThan(first.getSequence()));
    assert.equal(await first.unlock(), false);
    assert.equal(await second.unlock(), true);
});

test('a session that acquires its lock again has it', async () => {
    const lock = await one.lock('Lock/twice');
    const again = await one.lock('Lock/twice');
    assert.equal(again.getSequence().toString(), lock.getSequence().toString());
    assert.ok(await waits(two.lock('Lock/other').then((other) => other.unlock()).then(() => two.lock('Lock/twice'))));
    await lock.unlock();
});

test('a session that ends releases its locks', async () => {
    const third = await connect(sandbox, 'user');
    await third.lock('Lock/end');
    const wanted = one.lock('Lock/end');
    assert.ok(await waits(wanted));
    await third.closeSession();
    await (await wanted).unlock();
});

test('a lost connection releases what was bound to the connection', async () => {
    const proxy = await startProxy(sandbox);
    const third = await connect(proxy, 'user', { reconnect: { timeout: 30_000, strategy: (again) => setTimeout(again, 500) } });
    const brief = await third.lock('Lock/connection', SessionLockScope.UNLOCK_ON_CONNECTION_LOSS);
    const lasting = await third.lock('Lock/session');
    assert.equal(brief.getScope(), SessionLockScope.UNLOCK_ON_CONNECTION_LOSS);
    const back = new Promise((resolve) => third.on('reconnect', resolve));
    const wanted = one.lock('Lock/connection');
    const notGiven = one.lock('Lock/session');
    assert.ok(await waits(wanted));
    proxy.cut();
    await (await wanted).unlock();
    await back;
    assert.equal(brief.isOwned(), false);
    assert.equal(lasting.isOwned(), true);
    assert.ok(await waits(notGiven));
    assert.equal(await lasting.unlock(), true);
    await (await notGiven).unlock();
    await third.closeSession();
    proxy.close();
});

test('the holders of locks', async () => {
    const lock = await one.lock('Lock/seen');
    const details = await admin.clients.getSessionLock('Lock/seen');
    assert.equal(details.sessionId.toString(), one.sessionId.toString());
    assert.equal(details.sequence.toString(), lock.getSequence().toString());
    assert.equal(typeof details.serverName, 'string');
    const all = await admin.clients.getSessionLocks();
    assert.ok('Lock/seen' in all);
    assert.equal(all['Lock/seen'].sessionId.toString(), one.sessionId.toString());
    await lock.unlock();
    assert.equal((await admin.clients.getSessionLock('Lock/seen')) ?? null, null);
    await failsWith(one.clients.getSessionLock('Lock/seen'), 103);
    await failsWith(one.clients.getSessionLocks(), 103);
});

test('permissions for locks', async () => {
    await withSession(sandbox, 'client', async (client) => {
        await failsWith(client.lock('Lock/denied'), 103);
        await admin.security.updateSecurityStore('set "CLIENT" path "Lock/open" permissions [ACQUIRE_LOCK]');
        await (await client.lock('Lock/open/x')).unlock();
        await failsWith(client.lock('Lock/denied'), 103);
    });
});
