// The JavaScript that the page's lessons show, run with the vendor's SDK in the order of the lessons.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { startSandbox } from '../support/sandbox.mjs';

const folder = new URL('../../src/features/lessons/snippets/', import.meta.url);
/** In the order of the lessons, and what each prints. */
const SNIPPETS = {
    connect: /^Session [0-9a-f]+-[0-9a-f]+ is open\.$/,
    add: /^The topic was added\.$/,
    stream: /^$/,
    select: /^Subscribed to Chat\/Lesson 1\.$/,
    set: /^The topic has the value .*hello/s,
    receive: /^Received .*hello, 'everybody'.*Ann/s,
    specification: /^The topic was added\.$/,
    append: /^Event 0 by user\.$/,
    late: /^Event 0 by user: .*hello/s,
    edit: /^Event 2 edits event 1\.$/,
    range: /^Event 0 by user: .*Event 2 by user: .*\(edited\)/s,
    script: /^The script has \d+ characters\.$/,
    store: /^The account was added\.$/,
    account: /^Signed in as ann\.$/,
    permissions: /MODIFY_SECURITY/i,
    rules: /^The rules are .*heck/s,
    hide: /^Event 3 hides what event 1 said\.$/,
    mute: /^ann may only read from now on\.$/,
};

let sandbox;
before(async () => {
    sandbox = await startSandbox();
});
after(() => sandbox.stop());

test('every snippet of the lessons works', async () => {
    const values = {
        host: sandbox.host,
        port: sandbox.port,
        secure: false,
        service_path: '/diffusion',
        principal: 'user',
        registrar: 'auth-handler',
        moderator: 'admin',
        password: 'password',
        account: 'ann',
        name: 'Ann',
        text: "hello, \\'everybody\\'",
        live: 'Chat/Lesson 1',
        history: 'Chat/Lesson 2',
    };
    const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'));
    assert.deepEqual(files.sort(), Object.keys(SNIPPETS).map((name) => `${name}.mjs`).sort());
    for (const [name, prints] of Object.entries(SNIPPETS)) {
        const template = readFileSync(new URL(`${name}.mjs`, folder), 'utf8');
        const code = template.replaceAll(/\{\{(\w+)\}\}/g, (_, value) => values[value] ?? assert.fail(`${name}: ${value}`));
        const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
            cwd: fileURLToPath(new URL('..', import.meta.url)),
        });
        const { stdout } = await run.catch((error) => assert.fail(`${name}: ${error.stderr}`));
        assert.match(stdout.trim(), prints, name);
    }
});
