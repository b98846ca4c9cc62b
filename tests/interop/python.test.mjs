// The vendor's SDK for Python, unmodified: python/main.py makes the calls, and each of its tests is one here.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { startSandbox } from '../support/sandbox.mjs';
import { withSession } from '../support/sdk.mjs';

const python = process.env.EFFUSION_PYTHON;
const main = fileURLToPath(new URL('python/main.py', import.meta.url));

const why = process.env.EFFUSION_NO_PYTHON ?? 'EFFUSION_PYTHON names no Python that has the package `diffusion`';

test('Python', { skip: python ? false : why }, async (t) => {
    const sandbox = await startSandbox();
    t.after(() => sandbox.stop());
    // What the SDK for Python has no calls for.
    await withSession(sandbox, 'admin', async (admin) => {
        await admin.security.updateAuthenticationStore(`
            add principal 'pythonista' 'secret' ['CLIENT' 'TOPIC_CONTROL']
            trust client proposed property 'team' if value matches '.*'`);
        await admin.security.updateSecurityStore(
            'set "TOPIC_CONTROL" path "Py/edit" permissions [SELECT_TOPIC READ_TOPIC UPDATE_TOPIC MODIFY_TOPIC EDIT_TIME_SERIES_EVENTS QUERY_OBSOLETE_TIME_SERIES_EVENTS]',
        );
    });
    const child = spawn(python, ['-B', main, `${sandbox.port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = [];
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    const exited = once(child, 'exit');
    let count = 0;
    for await (const line of createInterface({ input: child.stdout })) {
        const { name, error } = JSON.parse(line);
        count += 1;
        await t.test(name, () => assert.equal(error, null));
    }
    const [code, signal] = await exited;
    assert.deepEqual([code, signal], [0, null], log.slice(-5).join('\n'));
    assert.ok(count > 0, 'there were tests');
});
