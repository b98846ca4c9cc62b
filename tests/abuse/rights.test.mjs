// What a session may do is looked at whenever something is done for it, and nothing is told of what it may not see. The broker's
// own tests (crates/broker/tests) have the kinds one by one; here they go over the wire, against a sandbox that runs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { RawClient, Service, sized } from '../support/wire.mjs';

let sandbox;
before(async () => {
    sandbox = await startSandbox();
});
after(() => sandbox.stop());

test('who may not write is told so', async () => {
    const user = await RawClient.connect(sandbox, 'user');
    await user.add('Abuse/topic');
    const client = await RawClient.connect(sandbox, 'client');
    const refusal = await client.refusal(Service.REMOVE_TOPICS, sized('>Abuse/topic'));
    assert.equal(refusal?.code, 103);
    assert.equal(await user.remove('>Abuse/topic'), 1);
    await Promise.all([client.close(), user.close()]);
});
