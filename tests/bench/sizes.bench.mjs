// What a browser fetches of the page until it can be used, beside the page's budgets: gzipped as `gzip -9` does, as the browser
// itself counted it.
//
// `cargo xtask bench sizes` runs this. It tells of what exceeds a limit; nothing fails by it.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { DESKTOP, dist } from '../support/browser.mjs';
import { PATIENCE, addressOf, makeRoom, onStage } from './pages.mjs';
import { table } from './report.mjs';

const ROOM = 'sizes';
/** How long nothing more must have been fetched until a room is complete, in milliseconds. */
const SILENCE = 2000;

await onStage(async ({ browser, files, sandbox }) => {
    await makeRoom(sandbox, ROOM, { said: 20 });
    const form = await load(browser, `${files.origin}/effusion/`, 'form');
    const room = await load(browser, addressOf(files, 'effusion', sandbox, ROOM), 'message');
    const sdk = gzipped(fileURLToPath(new URL('../node_modules/diffusion/dist/diffusion.js', import.meta.url)));
    const chunks = readdirSync(dist).filter((name) => /\.(css|js|wasm)$/.test(name) && !form.names.has(name) && name !== 'service-worker.js');
    const all = chunks.reduce((sum, name) => sum + gzipped(path.join(dist, name)), 0);
    const rows = [
        ['until the join form can be used', form.until, 90, 120, `the vendor’s SDK, without any page: ${kilobytes(sdk)}`],
        ['until the first message is shown', room.until, 193, 230, 'the SDK with Vue’s runtime, without any page: 193.1'],
        ['until a room is complete, with members and composer', room.all, 260, 340, 'the tutorial’s page as published, without its pictures: 264.0'],
        [`everything that is fetched on demand: ${chunks.length} files`, all, 500, 600, ''],
    ];
    table(
        ['kB, gzipped', 'now', 'aim', 'limit', '', 'beside it'],
        rows.map(([words, bytes, aim, limit, anchor]) => {
            const verdict = bytes > limit * 1000 ? 'OVER THE LIMIT' : bytes > aim * 1000 ? 'within the limit' : 'as aimed at';
            return [words, kilobytes(bytes), `${aim}`, `${limit}`, verdict, anchor];
        }),
    );
    console.log(`Files fetched: ${form.count} until the form, ${room.count} until the message, ${room.names.size} until the room is complete.`);
});

/**
 * Opens the page with an empty cache, and joins where there is a form and a message is waited for.
 *
 * @param {'form' | 'message'} moment what is waited for
 * @returns {Promise<{until: number, count: number, all: number, names: Set<string>}>} the bytes and the number of the files whose fetching began
 *   before that moment, the bytes of all until nothing more is fetched, and the names of the files: all, or those until the form
 */
async function load(browser, address, moment) {
    const context = await browser.newContext({ viewport: DESKTOP, serviceWorkers: 'block' });
    try {
        const page = await context.newPage();
        await page.addInitScript(watch, moment);
        await page.goto(address);
        await page.waitForFunction(() => window.moment, undefined, { timeout: PATIENCE });
        if (moment === 'message') {
            await page.locator('[data-testid=composer]:enabled').waitFor({ timeout: PATIENCE });
        }
        await page.waitForFunction(
            (silence) => performance.now() - Math.max(...window.fetched().map(({ responseEnd }) => responseEnd)) > silence,
            SILENCE,
            { timeout: PATIENCE },
        );
        const found = await page.evaluate(() => window.fetched().map(({ name, startTime, encodedBodySize }) => ({ name, startTime, bytes: encodedBodySize })));
        const at = await page.evaluate(() => window.moment);
        const before = found.filter(({ startTime }) => startTime < at);
        const sum = (files) => files.reduce((sum, { bytes }) => sum + bytes, 0);
        const names = new Set((moment === 'form' ? before : found).map(({ name }) => new URL(name).pathname.split('/').pop()));
        return { until: sum(before), count: before.length, all: sum(found), names };
    } finally {
        await context.close();
    }
}

/** In the page: notes when the form can be used, or when the first message is there, for which it presses Join. */
function watch(moment) {
    window.fetched = () => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    let joined = false;
    const observer = new MutationObserver(() => {
        const button = document.querySelector('[data-testid=join-button]:enabled');
        if (moment === 'message' && button !== null && !joined) {
            joined = true;
            button.click();
        }
        if (moment === 'form' ? button !== null : document.querySelector('[data-testid=message]') !== null) {
            window.moment = performance.now();
            observer.disconnect();
        }
    });
    observer.observe(document, { childList: true, subtree: true, attributeFilter: ['disabled'] });
}

function gzipped(file) {
    return gzipSync(readFileSync(file), { level: 9 }).length;
}

function kilobytes(bytes) {
    return (bytes / 1000).toFixed(1);
}
