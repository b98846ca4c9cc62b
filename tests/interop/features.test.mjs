// docs/features.md names every call of the SDK's API, and no test that does not exist.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const page = await readFile(path.join(here, '../../docs/features.md'), 'utf8');

/** The parts of the API that reach the service, in the SDK's API documentation. */
const FEATURES = [
    ...['Session', 'SessionLock', 'Ping', 'Topics', 'FetchRequest', 'TopicControl', 'TopicNotifications'],
    ...['TopicNotificationRegistration', 'TopicUpdate', 'UpdateStreamBuilder', 'UpdateStream', 'RecoverableUpdateStream'],
    ...['UpdateConstraintFactory', 'UpdateConstraint', 'PartialJSON', 'TimeSeries', 'RangeQuery', 'Messages', 'Responder'],
    ...['ClientControl', 'SessionEventParametersBuilder', 'Security', 'SystemAuthenticationScriptBuilder'],
    ...['SecurityScriptBuilder', 'AuthenticatorCallback', 'TopicViews', 'Metrics', 'RemoteServers', 'SessionTrees'],
];

test('every call of the API is named', async () => {
    const sdk = path.dirname(createRequire(import.meta.url).resolve('diffusion/package.json'));
    const api = await readFile(path.join(sdk, 'typescript/diffusion.d.ts'), 'utf8');
    const missing = [];
    let count = 0;
    for (const feature of FEATURES) {
        const body = api
            .replace(/\/\*[\s\S]*?\*\//g, '')
            .match(new RegExp(`export (?:declare abstract class|interface) ${feature}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`));
        assert.ok(body, `there is no ${feature}`);
        const calls = new Set([...body[1].matchAll(/^\s*(?:abstract )?(\w+)\(/gm)].map(([, name]) => name));
        calls.delete('constructor');
        assert.ok(calls.size > 0, feature);
        count += calls.size;
        missing.push(...[...calls].map((name) => `${feature}.${name}`).filter((name) => !page.includes(`\`${name}\``)));
    }
    assert.deepEqual(missing, []);
    assert.ok(count > 100, `${count} calls`);
});

test('every call of our client that is named exists', async () => {
    const names = new Set();
    for (const crate of ['client', 'protocol']) {
        const source = path.join(here, '../../crates', crate, 'src');
        for (const name of (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.rs'))) {
            const text = await readFile(path.join(source, name), 'utf8');
            for (const [, found] of text.matchAll(/\bpub (?:const |async )*(?:fn|struct|enum|trait) (\w+)/g)) {
                names.add(found);
            }
        }
    }
    let columns = 0;
    const wrong = [];
    for (const table of page.split('\n\n').filter((part) => /^\|.*\| Client \|\n/.test(part))) {
        for (const row of table.split('\n').slice(2)) {
            columns += 1;
            const cell = row.trim().split('|').at(-2);
            const calls = [...cell.matchAll(/`([^`$]+)`/g)].map(([, call]) => call);
            assert.ok(calls.length > 0 || /by itself|as text|local|the same|–|^\s*$/.test(cell), row);
            wrong.push(...calls.filter((call) => !call.replace('::<T>', '').split('::').every((part) => names.has(part))));
        }
    }
    assert.deepEqual(wrong, []);
    assert.ok(columns > 60, `${columns} rows`);
});

test('every test that is named exists', async () => {
    const titles = new Map();
    for (const name of await readdir(here)) {
        if (name.endsWith('.test.mjs')) {
            const text = await readFile(path.join(here, name), 'utf8');
            titles.set(name.replace('.test.mjs', ''), text);
        }
    }
    const python = await Promise.all(
        (await readdir(path.join(here, 'python'))).filter((name) => name.endsWith('.py')).map((name) => readFile(path.join(here, 'python', name), 'utf8')),
    );
    titles.set('py', python.join('\n'));
    const named = [...page.matchAll(/`([a-z0-9_]+): ([^`]+)`/g)].filter(([, file]) => titles.has(file));
    assert.ok(named.length > 80, `${named.length} tests`);
    const wrong = named
        .filter(([, , title]) => title !== '…')
        .filter(([, file, title]) => !titles.get(file).includes(`test('${title}'`) && !titles.get(file).includes(`@test("${title}")`));
    assert.deepEqual(wrong.map(([text]) => text), []);
});
