// The browser is killed under traffic: what the service in it acknowledged is there afterwards, and everything is there once.
//
// EFFUSION_KILLS says how often, 5 times unless told otherwise: a round takes several seconds.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

import { chromium } from 'playwright-core';

import { dist } from '../support/browser.mjs';
import { ChatWindow, until } from '../support/chat_window.mjs';
import { serveFolders } from '../support/static.mjs';

const KILLS = Number(process.env.EFFUSION_KILLS ?? 5);
/** How long people write before the browser is killed, in milliseconds: another time in each round. */
const trafficOf = (round) => 300 + ((round * 337) % 1_500);

/** Starts a browser with a profile, and opens a page in it. */
async function start(profile, address) {
    const child = spawn(
        process.env.EFFUSION_CHROMIUM || '/usr/bin/chromium',
        [
            ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
            '--headless=new',
            '--disable-gpu',
            '--disable-dev-shm-usage',
            '--disable-background-networking',
            '--disable-component-update',
            '--no-first-run',
            '--lang=en-GB',
            '--remote-debugging-port=0',
            `--user-data-dir=${profile}`,
            'about:blank',
        ],
        // A group of its own, so that all of its processes can be killed at once.
        { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
    );
    const exited = once(child, 'exit');
    const endpoint = await new Promise((resolve, reject) => {
        createInterface({ input: child.stderr }).on('line', (line) => {
            const [, found] = line.match(/DevTools listening on (ws:\S+)/) ?? [];
            if (found) {
                resolve(found);
            }
        });
        exited.then(() => reject(new Error('the browser has ended')));
    });
    const browser = await chromium.connectOverCDP(endpoint);
    const page = await browser.contexts()[0].newPage();
    const window = new ChatWindow(page);
    const acknowledged = new Set();
    await page.exposeFunction('acknowledged', (text) => acknowledged.add(text));
    await page.addInitScript(tellAcknowledged);
    await window.visit(address);
    return {
        window,
        /** The texts of the messages that the page has shown as sent, told at once. */
        acknowledged,
        async kill() {
            process.kill(-child.pid, 'SIGKILL');
            await exited;
            await browser.close().catch(() => {});
        },
    };
}

/** In the page: tells of each message as soon as it is shown as sent. */
function tellAcknowledged() {
    const told = new Set();
    const look = () => {
        for (const message of document.querySelectorAll('[data-testid=message][data-state=sent]')) {
            const text = message.querySelector('[data-testid=text]')?.textContent;
            if (text !== undefined && !told.has(text)) {
                told.add(text);
                window.acknowledged(text);
            }
        }
    };
    new MutationObserver(look).observe(document, { childList: true, subtree: true, attributeFilter: ['data-state'] });
}

/** How often each text is in what the service has stored. */
const stored = (window, texts) =>
    window.page.evaluate(
        (texts) =>
            new Promise((resolve, reject) => {
                const request = indexedDB.open('effusion-service /');
                // The service makes the database, not this test.
                request.onupgradeneeded = () => request.transaction.abort();
                request.onerror = () => reject(request.error);
                request.onsuccess = () => {
                    const store = request.result.transaction('records').objectStore('records');
                    const all = store.getAll(IDBKeyRange.bound('e', 'f'));
                    all.onsuccess = () => {
                        request.result.close();
                        const events = all.result.map((bytes) => new TextDecoder('latin1').decode(bytes));
                        resolve(texts.map((text) => events.filter((event) => event.includes(text)).length));
                    };
                };
            }),
        texts,
    );

test(`${KILLS} times killed, nothing acknowledged is lost, and nothing is there twice`, { timeout: 60_000 + KILLS * 30_000 }, async (t) => {
    const host = await serveFolders({ '/': dist });
    const profile = await mkdtemp(path.join(tmpdir(), 'effusion-killed-'));
    const address = (room) => `${host.origin}/?${new URLSearchParams({ name: 'Ann', room, kind: 'history' })}`;
    const total = { acknowledged: 0, pending: 0 };
    let running;
    try {
        for (let round = 0; round < KILLS; round += 1) {
            const room = `Round ${round}`;
            running = await start(profile, address(room));
            await running.window.join();
            const said = [];
            const { window, acknowledged } = running;
            await window.$('composer').focus();
            const end = Date.now() + trafficOf(round);
            while (Date.now() < end || acknowledged.size === 0) {
                said.push(`m-${round}-${said.length}.`);
                await window.page.keyboard.insertText(said.at(-1));
                await window.page.keyboard.press('Enter');
            }
            await running.kill();

            running = await start(profile, address(room));
            await running.window.join();
            // What the page has stored and not sent is sent now. Only what was typed just before and is in no database is gone.
            const found = await until(
                'nothing comes any more',
                async () => {
                    const before = await stored(running.window, said);
                    await new Promise((resolve) => setTimeout(resolve, 500));
                    return [before, await stored(running.window, said)];
                },
                ([before, now]) => before.join() === now.join(),
            ).then(([, now]) => now);
            const lost = said.filter((text, place) => acknowledged.has(text) && found[place] === 0);
            const twice = said.filter((_, place) => found[place] > 1);
            assert.deepEqual({ lost, twice }, { lost: [], twice: [] }, `round ${round}`);
            total.acknowledged += acknowledged.size;
            total.pending += said.filter((text, place) => !acknowledged.has(text) && found[place] === 1).length;
            await running.kill();
        }
        t.diagnostic(`${KILLS} kills: ${total.acknowledged} messages were acknowledged, ${total.pending} were under way and are there, 0 lost, 0 twice`);
    } finally {
        await running?.kill().catch(() => {});
        await host.close();
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
});
