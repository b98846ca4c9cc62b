// How long it takes from Join until the first message is visible, with the service in the browser and with the native sandbox on
// loopback: the same page, Chromium, file server and room. And how large the files of the service in the browser are.
//
// `cargo xtask bench browser` runs this.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { DESKTOP, dist, launch } from '../support/browser.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { serveFolders } from '../support/static.mjs';
import { option } from './pages.mjs';
import { median, table } from './report.mjs';

const LOADS = 3 * option('RUNS', 3);
const MESSAGES = 20;
/** How long somebody looks at the form, in milliseconds. */
const FORM_TIME = 1500;

const data = mkdtempSync(path.join(tmpdir(), 'effusion-bench-'));
const sandbox = await startSandbox({ data });
const files = await serveFolders({ '/': dist });
const browser = await launch();
try {
    const services = {
        'in the browser': { service: 'browser' },
        'native sandbox': { host: sandbox.host, port: sandbox.port },
    };
    const contexts = {};
    for (const [name, service] of Object.entries(services)) {
        contexts[name] = await browser.newContext({ viewport: DESKTOP, serviceWorkers: 'block' });
        await seed(contexts[name], service);
    }
    const rows = [];
    for (const [words, time] of [['after 1.5 s on the form', FORM_TIME], ['at once', 0]]) {
        const loads = Object.fromEntries(Object.keys(services).map((name) => [name, []]));
        // The first load warms caches and is not counted. The services take turns.
        for (let load = 0; load <= LOADS; load += 1) {
            for (const [name, service] of Object.entries(services)) {
                const found = await firstMessage(contexts[name], service, time);
                if (load > 0) {
                    loads[name].push(found);
                }
            }
        }
        const medians = Object.values(loads).map(median);
        rows.push([`Join pressed ${words}: median`, ...medians.map((it) => it.toFixed(0)), (medians[0] / medians[1]).toFixed(2)]);
        const best = Object.values(loads).map((times) => Math.min(...times));
        rows.push([`Join pressed ${words}: best`, ...best.map((it) => it.toFixed(0)), (best[0] / best[1]).toFixed(2)]);
    }
    table(['Milliseconds from Join to the first message shown', ...Object.keys(services), 'ratio'], rows);
    console.log(`${LOADS} loads each, in turn, a history room of ${MESSAGES} messages, Chromium ${browser.version()}.`);
} finally {
    await browser.close();
    await files.close();
    await sandbox.stop();
    rmSync(data, { recursive: true, force: true });
}

const worker = readdirSync(dist).filter((name) => name.includes('browser-service'));
assert.ok(worker.length >= 3);
const sizes = worker.map((name) => {
    const bytes = readFileSync(path.join(dist, name));
    return [name, bytes.length, gzipSync(bytes, { level: 9 }).length];
});
const sum = (column) => sizes.reduce((all, size) => all + size[column], 0);
console.log();
table(
    ['The service in the browser, bytes', 'raw', 'gzip -9'],
    [...sizes, ['together', sum(1), sum(2)]].map(([name, ...numbers]) => [name, ...numbers.map(String)]),
);

function address(service) {
    return `${files.origin}/?${new URLSearchParams({ ...service, room: 'Bench', kind: 'history', name: 'Bob' })}`;
}

async function seed(context, service) {
    const page = await context.newPage();
    await page.goto(address(service));
    await page.locator('[data-testid=join-button]:enabled').click();
    await page.locator('[data-testid=room-pane][data-state=open]').waitFor();
    for (let number = 0; number < MESSAGES; number += 1) {
        await page.getByTestId('composer').fill(`message ${number}`);
        await page.getByTestId('composer').press('Enter');
    }
    await page.locator('[data-testid=message][data-state=sent]').filter({ hasText: `message ${MESSAGES - 1}` }).waitFor();
    await page.close();
}

async function firstMessage(context, service, formTime) {
    const page = await context.newPage();
    try {
        const failures = [];
        page.on('pageerror', (error) => failures.push(`${error}`));
        // A copy of the room would be shown before the service says anything: only what came over the connection is measured.
        await page.addInitScript(() => indexedDB.deleteDatabase('effusion'));
        await page.goto(address(service));
        await page.locator('[data-testid=join-button]:enabled').waitFor();
        await page.waitForTimeout(formTime);
        const time = await page.evaluate(
            () =>
                new Promise((resolve) => {
                    const start = performance.now();
                    const observer = new MutationObserver(() => {
                        if (document.querySelector('[data-testid=message]') !== null) {
                            observer.disconnect();
                            // The callback of the frame after the one that paints it.
                            requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
                        }
                    });
                    observer.observe(document, { childList: true, subtree: true });
                    document.querySelector('[data-testid=join-button]').click();
                }),
        );
        assert.deepEqual(failures, []);
        return time;
    } finally {
        await page.close();
    }
}
