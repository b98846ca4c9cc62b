// How long it takes from navigation until the first message is visible, for our page and for a minimal page built on the
// vendor's SDK: the same Chromium, the same file server, the same sandbox, the same room; a fresh profile for each load.
// A script in the page presses Join as soon as the button is enabled, so that no typing is measured.
//
// `cargo xtask bench browser` runs this.

import assert from 'node:assert/strict';

import { DESKTOP } from '../support/browser.mjs';
import { PAGES, PATIENCE, addressOf, makeRoom, onStage, option } from './pages.mjs';
import { beside, median } from './report.mjs';

const LOADS = 3 * option('RUNS', 3);
const MESSAGES = 100;
const ROOM = 'first message';

/** Chromium's emulation of networks for what comes by HTTP: milliseconds there and back, bytes a second. */
const NETWORKS = {
    'this machine’s loopback': undefined,
    'slow mobile network (HTTP at 1.6 Mbit/s, 150 ms)': { latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 },
};

await onStage(async (stage) => {
    await makeRoom(stage.sandbox, ROOM, { said: MESSAGES });
    const rows = [];
    let fetched;
    for (const [network, conditions] of Object.entries(NETWORKS)) {
        const loads = Object.fromEntries(PAGES.map((folder) => [folder, []]));
        // The first load warms caches outside of the browser and is not counted. The pages take turns.
        for (let load = 0; load <= LOADS; load += 1) {
            for (const folder of PAGES) {
                const found = await firstMessage(stage, folder, conditions);
                if (load > 0) {
                    loads[folder].push(found);
                }
            }
        }
        const times = PAGES.map((folder) => loads[folder].map(({ time }) => time).sort((a, b) => a - b));
        rows.push([`${network}: median`, ...times.map(median)]);
        rows.push([`${network}: best`, ...times.map((sorted) => sorted[0])]);
        rows.push([`${network}: worst`, ...times.map((sorted) => sorted.at(-1))]);
        fetched = PAGES.map((folder) => median(loads[folder].map(({ bytes }) => bytes / 1000)));
    }
    beside('Milliseconds from navigation to the first message shown', [...rows, ['kB fetched until then, gzipped', ...fetched, 1]]);
    console.log(
        `${LOADS} loads each, in turn, with an empty cache, a history room of ${MESSAGES} messages, Chromium ${stage.browser.version()}.`,
    );
});

async function firstMessage({ browser, files, sandbox }, folder, conditions) {
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
        await page.goto(addressOf(files, folder, sandbox, ROOM));
        const found = await page.waitForFunction(() => window.firstMessage, undefined, { timeout: PATIENCE }).catch(async (error) => {
            throw new Error(`${folder} shows ${await page.locator('body').innerText()}`, { cause: error });
        });
        assert.deepEqual(failures, []);
        return await found.jsonValue();
    } finally {
        await context.close();
    }
}

/**
 * In the page: presses Join once, and records when the first message has been painted, in milliseconds since navigation, and
 * how many bytes were fetched until then.
 */
function watch() {
    let joined = false;
    let seen = false;
    const note = () => {
        const time = performance.now();
        const fetched = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
        window.firstMessage = { time, bytes: fetched.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0) };
    };
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
            requestAnimationFrame(() => requestAnimationFrame(note));
        }
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { childList: true, subtree: true, attributeFilter: ['disabled'] });
}
