// The memory that a page uses after many messages in the room that it shows: JavaScript's heap, the browser's own objects
// for the page (its document above all), WebAssembly's memory and other buffers; after the garbage was collected.
//
// `cargo xtask bench browser` runs this. The messages come in portions, the next one when the page shows the one before, so
// that only what the page keeps is counted.

import assert from 'node:assert/strict';

import { heap, noteMemories } from '../support/heap.mjs';
import { PAGES, makeRoom, onStage, openRoom, option, startSpeaker, untilNewest } from './pages.mjs';
import { beside } from './report.mjs';

const MESSAGES = option('MESSAGES', 100_000);
const PORTION = 2000;
const RATE = 5000;
const SAID_BEFORE = 20;
const MEGABYTE = 1_000_000;

await onStage(async (stage) => {
    const found = {};
    for (const folder of PAGES) {
        found[folder] = await fill(stage, folder, `heap ${folder}`);
    }
    const row = (words, moment, pick, digits = 1) => [words, ...PAGES.map((folder) => pick(found[folder][moment])), digits];
    const megabytes = (of) => (heap) => heap[of] / MEGABYTE;
    beside(`Megabytes of a page in a room of ${MESSAGES} messages`, [
        row(`in all, after ${SAID_BEFORE} messages`, 'before', megabytes('all')),
        row(`in all, after ${MESSAGES} messages`, 'after', megabytes('all')),
        row('  JavaScript’s heap', 'after', megabytes('script')),
        row('  the browser’s objects of the page', 'after', megabytes('document')),
        row('  WebAssembly’s memory', 'after', megabytes('wasm')),
        row('  other buffers', 'after', megabytes('buffers')),
        ['bytes more for each message', ...PAGES.map((folder) => (found[folder].after.all - found[folder].before.all) / MESSAGES)],
        row('elements in the document', 'after', ({ elements }) => elements, 0),
    ]);
    console.log(
        `1 run each, Chromium ${stage.browser.version()}, after a garbage collection. Our page keeps every message in WebAssembly’s memory, and in the ` +
            'document what can be seen and some more; the other one, as a plain page does, keeps all in the document, and nothing else.',
    );
});

async function fill(stage, folder, room) {
    await makeRoom(stage.sandbox, room, { retained: MESSAGES + SAID_BEFORE, said: SAID_BEFORE });
    const speaker = await startSpeaker(stage.sandbox, room);
    const page = await openRoom(stage, folder, stage.sandbox, room, noteMemories);
    try {
        const before = await heap(page);
        const end = SAID_BEFORE + MESSAGES;
        for (let first = SAID_BEFORE; first < end; first += PORTION) {
            const next = Math.min(first + PORTION, end);
            await speaker.say(first, next - first, RATE);
            await untilNewest(page, next - 1);
        }
        const after = await heap(page);
        assert.deepEqual(page.failures, []);
        return { before, after };
    } finally {
        speaker.stop();
        await page.context().close();
    }
}
