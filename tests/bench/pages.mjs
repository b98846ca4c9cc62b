// Both pages under the same conditions: our page and a minimal page built on the vendor's SDK (`sdk_page`), in the same Chromium, from
// the same file server, on the same sandbox; each with a profile of its own.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { DESKTOP, dist, launch } from '../support/browser.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';
import { serveFolders } from '../support/static.mjs';

/** The folder of another build of our page, which then stands in the place of the SDK's. */
const before = process.env.EFFUSION_BENCH_BESIDE;

/** Our page's folder on the file server, and the other's. */
export const PAGES = ['effusion', before === undefined ? 'sdk' : 'before'];

/** How long a page may take for one step, in milliseconds: long, since nothing here passes or fails by time. */
export const PATIENCE = 600_000;

/** How long a page is left alone once it is in a room, in milliseconds. */
const SETTLING = 1500;

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A whole number from the command line, or a default. */
export function option(name, otherwise) {
    const given = Number(process.env[`EFFUSION_BENCH_${name}`]);
    return Number.isInteger(given) && given > 0 ? given : otherwise;
}

/** Runs `measure` with everything started, and stops it all afterwards. */
export async function onStage(measure) {
    // A slow page is to be measured, not disconnected: its queue is practically unlimited.
    const sandbox = await startSandbox({ args: ['--max-queue-messages', '10000000', '--max-queue-bytes', `${1 << 30}`] });
    const files = await serveFolders({
        '/effusion/': dist,
        '/sdk/': here('sdk_page/'),
        '/sdk/lib/': here('../node_modules/diffusion/dist/'),
        ...(before !== undefined && { '/before/': before }),
    });
    const browser = await launch();
    try {
        await measure({ sandbox, files, browser });
    } finally {
        await browser.close();
        await files.close();
        await sandbox.stop();
    }
}

/** The text of a message by its number, which `untilNewest` reads again. */
export const textOf = (number) => `message ${number} of those that are said here, about as long as people write`;

/** Creates a history room that retains this many messages and gives new subscribers 100 of them, and sends the first ones. */
export async function makeRoom(sandbox, room, { retained = 100, said = 20 } = {}) {
    await withSession(sandbox, 'user', async (session) => {
        const specification = new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: `limit ${retained}`,
            TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100',
        });
        await session.topics.add(`Chat/${room}`, specification);
        for (let number = 0; number < said; number += 1) {
            const message = { text: textOf(number), name: 'Ann', timestamp: new Date().toISOString() };
            await session.timeseries.append(`Chat/${room}`, message, json());
        }
    });
}

/** The address of a page, set to a service and a room. */
export function addressOf(files, folder, { host, port }, room) {
    const query = new URLSearchParams({ host, port, room, kind: 'history', name: 'Bob' });
    return `${files.origin}/${folder}/?${query}`;
}

/** Opens a page in a room where something was said, and waits until one can write there. `first` runs in it before its own scripts. */
export async function openRoom({ browser, files }, folder, service, room, first = undefined) {
    const context = await browser.newContext({ viewport: DESKTOP, serviceWorkers: 'block' });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    page.failures = [];
    page.on('pageerror', (error) => page.failures.push(`${error}`));
    page.on('crash', () => page.failures.push('it crashed'));
    if (first !== undefined) {
        await page.addInitScript(first);
    }
    await page.goto(addressOf(files, folder, service, room));
    await page.locator('[data-testid=join-button]:enabled').click();
    await page.locator('[data-testid=message]').last().waitFor();
    await page.locator('[data-testid=composer]:enabled').waitFor();
    // Notices and presence are to be complete.
    await page.waitForTimeout(SETTLING);
    return page;
}

/** Waits until a page shows the message of this number as its newest. */
export async function untilNewest(page, number) {
    await page.waitForFunction(
        (wanted) => {
            const items = document.querySelector('[data-testid=message]').parentElement;
            const [, found] = items.lastElementChild?.textContent.match(/message (\d+) of/) ?? [];
            return Number(found) === wanted;
        },
        number,
        { timeout: PATIENCE },
    );
}

/**
 * A separate process that sends messages in a room.
 *
 * @returns {Promise<{say(first: number, count: number, rate: number): Promise<{rate: number, at: number}>, stop(): void}>}
 *   `say` resolves once the service has acknowledged all, to the messages a second that this came to, and when it was
 */
export async function startSpeaker({ host, port }, room) {
    const child = fork(here('speaker.mjs'), [host, `${port}`, room]);
    const answer = async () => {
        const [message] = await Promise.race([
            once(child, 'message'),
            once(child, 'exit').then(([code]) => {
                throw new Error(`the speaker ended with ${code}`);
            }),
        ]);
        return message;
    };
    await answer();
    return {
        async say(first, count, rate) {
            child.send({ first, count, rate });
            return answer();
        },
        stop() {
            child.disconnect();
        },
    };
}
