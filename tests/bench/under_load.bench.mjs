// How smooth a page stays while many messages a second come into the room that it shows: the times between frames, the tasks
// that block the page for more than 50 ms, and whether it shows all messages in the end.
//
// `cargo xtask bench browser` runs this. A separate process sends the messages.

import assert from 'node:assert/strict';

import { PAGES, makeRoom, onStage, openRoom, option, startSpeaker, untilNewest } from './pages.mjs';
import { beside, median, percentile } from './report.mjs';

const RATE = 1000;
const SECONDS = option('SECONDS', 30);
const RUNS = option('RUNS', 3);
/** How many times slower the page’s processor is to be: machines differ more than pages. */
const SLOWDOWN = option('SLOWDOWN', 1);
const SAID_BEFORE = 20;

await onStage(async (stage) => {
    const found = Object.fromEntries(PAGES.map((folder) => [folder, []]));
    for (let run = 0; run < RUNS; run += 1) {
        // The two take turns.
        for (const folder of PAGES) {
            found[folder].push(await underLoad(stage, folder, `load ${run} ${folder}`));
        }
    }
    const row = (words, pick, digits, over = median) => [
        words,
        ...PAGES.map((folder) => over(found[folder].map(pick).filter((number) => number !== undefined))),
        digits,
    ];
    const worst = (numbers) => Math.max(...numbers);
    const slow = SLOWDOWN > 1 ? `, processor slowed down ${SLOWDOWN} times` : '';
    beside(`${RATE} messages a second for ${SECONDS} s into one room${slow}`, [
        row('messages a second that the service took', ({ rate }) => rate),
        row('frames a second', ({ frames, seconds }) => frames.length / seconds, 1),
        row('between frames, ms: median', ({ frames }) => median(frames), 1),
        row('between frames, ms: 99 of 100 are below', ({ frames }) => percentile(frames, 0.99), 1),
        row('between frames, ms: longest of all runs', ({ frames }) => worst(frames), 1, worst),
        row('tasks over 50 ms', ({ tasks }) => tasks.length),
        row('longest of them in all runs, ms', ({ tasks }) => worst([0, ...tasks]), 0, worst),
        row('messages said in a run', ({ said }) => said),
        row('messages that came into the document', ({ shown }) => shown),
        row('messages in the document in the end', ({ held }) => held),
        row('ms from the last acknowledgement until the last message is shown', ({ late }) => late),
    ]);
    console.log(
        `Medians of ${RUNS} ${RUNS === 1 ? 'run' : 'runs'} each, in turn, Chromium ${stage.browser.version()}. Our page keeps in the document what ` +
            'can be seen and some more, the other one, as a plain page does, all. Every run went on until the last message was shown.',
    );
});

async function underLoad(stage, folder, room) {
    await makeRoom(stage.sandbox, room, { said: SAID_BEFORE });
    const speaker = await startSpeaker(stage.sandbox, room);
    const page = await openRoom(stage, folder, stage.sandbox, room);
    try {
        const devtools = await page.context().newCDPSession(page);
        await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN });
        await page.evaluate(watch);
        const said = RATE * SECONDS;
        const { rate, at } = await speaker.say(SAID_BEFORE, said, RATE);
        await untilNewest(page, SAID_BEFORE + said - 1);
        const late = Math.max(0, Date.now() - at);
        assert.deepEqual(page.failures, []);
        return { rate, said, late, ...(await page.evaluate(() => window.stopWatching())) };
    } finally {
        speaker.stop();
        await page.context().close();
    }
}

/** In the page: records frames, long tasks, and messages that are added to the document. */
function watch() {
    const list = document.querySelector('[data-testid=message]').parentElement;
    const count = (nodes) => [...nodes].filter((node) => node.dataset?.testid === 'message').length;
    const [frames, tasks] = [[], []];
    let shown = 0;
    const added = (records) => records.forEach(({ addedNodes }) => (shown += count(addedNodes)));
    const messages = new MutationObserver(added);
    messages.observe(list, { childList: true });
    const noted = (entries) => entries.forEach(({ duration }) => tasks.push(duration));
    const long = new PerformanceObserver((found) => noted(found.getEntries()));
    long.observe({ type: 'longtask' });
    const started = performance.now();
    let last;
    let running = true;
    const frame = (now) => {
        if (last !== undefined) {
            frames.push(now - last);
        }
        last = now;
        if (running) {
            requestAnimationFrame(frame);
        }
    };
    requestAnimationFrame(frame);
    window.stopWatching = () => {
        running = false;
        added(messages.takeRecords());
        noted(long.takeRecords());
        return { frames, tasks, shown, held: count(list.children), seconds: (performance.now() - started) / 1000 };
    };
}
