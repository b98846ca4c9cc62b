// The page that plain trunk builds, without xtask: people can join a room with it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

import { launch, openWindow } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { freePort } from '../support/port.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { serveFolders } from '../support/static.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? path.join(root, 'target/web');
/** How long a build may take on a slow machine, in milliseconds. */
const BUILD_TIMEOUT = 1_500_000;

/** Starts trunk at the project's root. */
function trunk(...args) {
    const child = spawn('trunk', args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], detached: true });
    const exited = once(child, 'exit').then(([code, signal]) => code ?? signal);
    return {
        exited,
        /** Stops it with its child processes. */
        async stop() {
            process.kill(-child.pid, 'SIGTERM');
            await exited;
        },
    };
}

/** Two windows of the page at this address join a room of a sandbox and read each other; a third one the service in the browser. */
async function chat(page) {
    const [sandbox, browser] = await Promise.all([startSandbox(), launch()]);
    try {
        const { host, port } = sandbox;
        const open = async (name) => {
            const query = new URLSearchParams({ host, port, name, room: 'Plain', kind: 'live' });
            const window = await openWindow(browser);
            return (await window.visit(`${page}?${query}`)).join();
        };
        const ann = await open('Ann');
        const bob = await open('Bob');
        await ann.say('Hello, Bob');
        await bob.shows({ author: 'Ann', text: 'Hello, Bob' });
        // The service in the browser is there, too.
        const eve = await openWindow(browser);
        await eve.visit(`${page}?${new URLSearchParams({ service: 'browser', name: 'Eve', room: 'Plain', kind: 'history' })}`);
        await eve.join();
        await eve.say('Hello, me');
        await eve.shows({ author: 'Eve', text: 'Hello, me', state: 'sent' });
        assert.deepEqual([...ann.errors, ...bob.errors, ...eve.errors], []);
    } finally {
        await browser.close();
        await sandbox.stop();
    }
}

test('trunk build --release makes a page that works below any path', { timeout: BUILD_TIMEOUT }, async () => {
    const dist = path.join(target, 'plain');
    assert.equal(await trunk('build', '--release', '--dist', dist).exited, 0);
    const files = await serveFolders({ '/below/': dist });
    await chat(`${files.origin}/below/`).finally(() => files.close());
});

test('trunk serve makes a page that works', { timeout: BUILD_TIMEOUT }, async () => {
    const port = await freePort();
    const server = trunk('serve', '--port', `${port}`, '--dist', path.join(target, 'plain-served'));
    try {
        const page = `http://127.0.0.1:${port}/`;
        const answered = () => fetch(page).then(({ ok }) => ok, () => false);
        const ended = server.exited.then((code) => assert.fail(`trunk serve ended with ${code}`));
        await Promise.race([until('the page is served', answered, Boolean, BUILD_TIMEOUT), ended]);
        await chat(page);
    } finally {
        await server.stop();
    }
});
