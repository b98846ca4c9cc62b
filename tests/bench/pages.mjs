// Both pages on the same stage: our page and a least page built on the vendor's SDK (`sdk_page`), in the same Chromium, from
// the same file server, on the same sandbox; each with a profile of its own.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { DESKTOP, dist, launch } from '../support/browser.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';
import { serveFolders } from '../support/static.mjs';

/** Our page's folder on the file server, and the other's. */
export const PAGES = ['effusion', 'sdk'];

/** How long a page may take for what it is asked, in milliseconds: long, since nothing here passes or fails by time. */
export const PATIENCE = 600_000;

/** How long a page is left alone once it is in a room, in milliseconds. */
const SETTLING = 1500;

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A whole number that the command was given, or what it is otherwise. */
export function option(name, otherwise) {
    const given = Number(process.env[`EFFUSION_BENCH_${name}`]);
    return Number.isInteger(given) && given > 0 ? given : otherwise;
}

/** Runs `measure` with everything in place, and ends it all after. */
export async function onStage(measure) {
    // Who is slow is to be seen to be slow, not to be sent away: as much waits for it as there is.
    const sandbox = await startSandbox({ args: ['--max-queue-messages', '10000000', '--max-queue-bytes', `${1 << 30}`] });
    const files = await serveFolders({
        '/effusion/': dist,
        '/sdk/': here('sdk_page/'),
        '/sdk/lib/': here('../node_modules/diffusion/dist/'),
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

/** The text of a message by its number, of which `newest` reads it again. */
export const textOf = (number) => `message ${number} of those that are said here, about as long as people write`;

/** Makes a history room that keeps so many messages and gives 100 of them to newcomers, and says the first ones in it. */
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
    // What comes in beside the messages, such as that one has come in, is to be over.
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
 * A process of its own that says messages in a room.
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
