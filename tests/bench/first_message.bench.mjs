// How long it takes from navigation until the first message can be seen, for our page and for a least page built on the
// vendor's SDK: the same Chromium, the same file server, the same sandbox, the same room; a fresh profile for each load.
// A script in the page presses Join as soon as there is such a button to press, so that nobody's typing is measured.
//
// `cargo xtask bench` runs this.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

import { DESKTOP, dist, launch } from '../support/browser.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';
import { serveFolders } from '../support/static.mjs';
import { median, table } from './report.mjs';

const LOADS = 9;
const MESSAGES = 100;
const ROOM = 'first message';

/** Chromium's emulation of networks for what comes by HTTP: milliseconds there and back, bytes a second. */
const NETWORKS = {
    'this machine’s loopback': undefined,
    'slow mobile network (HTTP at 1.6 Mbit/s, 150 ms)': { latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 },
};

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const sandbox = await startSandbox();
const files = await serveFolders({
    '/effusion/': dist,
    '/sdk/': here('sdk_page/'),
    '/sdk/lib/': here('../node_modules/diffusion/dist/'),
});
const browser = await launch();
try {
    await fillRoom();
    const pages = { Effusion: 'effusion', 'SDK and least page': 'sdk' };
    const rows = [];
    for (const [network, conditions] of Object.entries(NETWORKS)) {
        const times = Object.fromEntries(Object.keys(pages).map((page) => [page, []]));
        // The first load warms caches outside of the browser: it is not counted. The two take turns.
        for (let load = 0; load <= LOADS; load += 1) {
            for (const [page, folder] of Object.entries(pages)) {
                const time = await firstMessage(folder, conditions);
                if (load > 0) {
                    times[page].push(time);
                }
            }
        }
        for (const page of Object.keys(pages)) {
            const sorted = [...times[page]].sort((a, b) => a - b);
            rows.push([`${page}, ${network}`, ...[median(sorted), sorted[0], sorted.at(-1)].map((time) => time.toFixed(0))]);
        }
    }
    table(['Milliseconds from navigation to the first message shown', 'median', 'best', 'worst'], rows);
    console.log(`${LOADS} loads each with an empty cache, files gzipped, a history room of ${MESSAGES} messages, Chromium ${browser.version()}.`);
} finally {
    await browser.close();
    await files.close();
    await sandbox.stop();
}

/** Says as much in the room as a newcomer gets. */
async function fillRoom() {
    await withSession(sandbox, 'user', async (session) => {
        const range = `limit ${MESSAGES}`;
        const specification = new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: range,
            TIME_SERIES_SUBSCRIPTION_RANGE: range,
        });
        await session.topics.add(`Chat/${ROOM}`, specification);
        for (let index = 0; index < MESSAGES; index += 1) {
            const message = { text: `message ${index} of those that wait here`, name: 'Ann', timestamp: new Date().toISOString() };
            await session.timeseries.append(`Chat/${ROOM}`, message, json());
        }
    });
}

async function firstMessage(folder, conditions) {
    const context = await browser.newContext({ viewport: DESKTOP });
    try {
        const page = await context.newPage();
        const failures = [];
        page.on('pageerror', (error) => failures.push(`${error}`));
        if (conditions !== undefined) {
            const devtools = await context.newCDPSession(page);
            await devtools.send('Network.emulateNetworkConditions', { offline: false, ...conditions });
        }
        await page.addInitScript(watch);
        const query = new URLSearchParams({ host: sandbox.host, port: sandbox.port, room: ROOM, kind: 'history', name: 'Bob' });
        await page.goto(`${files.origin}/${folder}/?${query}`);
        const time = await page.waitForFunction(() => window.firstMessage, undefined, { timeout: 60_000 }).catch(async (error) => {
            throw new Error(`${folder} shows ${await page.locator('body').innerText()}`, { cause: error });
        });
        assert.deepEqual(failures, []);
        return await time.jsonValue();
    } finally {
        await context.close();
    }
}

/** In the page: presses Join once, and notes when the first message has been painted, in milliseconds since navigation. */
function watch() {
    let joined = false;
    let seen = false;
    const look = () => {
        const button = document.querySelector('[data-testid=join-button]');
        if (!joined && button?.disabled === false) {
            joined = true;
            button.click();
        }
        if (!seen && document.querySelector('[data-testid=message]') !== null) {
            seen = true;
            observer.disconnect();
            // The callback of the frame after the one that paints it.
            requestAnimationFrame(() => requestAnimationFrame(() => (window.firstMessage = performance.now())));
        }
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { childList: true, subtree: true, attributeFilter: ['disabled'] });
}
