// How long it takes from the key that sends a message until one's own message is shown: in the document, and painted. Our page
// shows it at once, as being sent; the minimal page on the vendor's SDK when the service has distributed it, as a plain
// page does. The time until our page knows that the service has it is printed, too.
//
// `cargo xtask bench browser` runs this.

import assert from 'node:assert/strict';

import { PAGES, makeRoom, onStage, openRoom, option } from './pages.mjs';
import { startDelay } from './delay.mjs';
import { beside, median } from './report.mjs';

const SENDS = 7 * option('RUNS', 3);
const ROUND_TRIP = 150;

await onStage(async (stage) => {
    const delay = await startDelay(stage.sandbox, ROUND_TRIP);
    const networks = { 'this machine’s loopback': stage.sandbox, [`${ROUND_TRIP} ms there and back`]: delay };
    const rows = [];
    for (const [index, [network, service]] of Object.entries(networks).entries()) {
        const pages = {};
        for (const folder of PAGES) {
            const room = `own ${index} ${folder}`;
            await makeRoom(stage.sandbox, room, { said: 100 });
            pages[folder] = await openRoom(stage, folder, service, room);
        }
        const times = Object.fromEntries(PAGES.map((folder) => [folder, []]));
        // The first one warms up: it is not counted. The two take turns.
        for (let send = 0; send <= SENDS; send += 1) {
            for (const folder of PAGES) {
                await pages[folder].bringToFront();
                const time = await ownMessage(pages[folder], `my own message ${send}, which I have just written`);
                if (send > 0) {
                    times[folder].push(time);
                }
            }
        }
        for (const [what, words] of Object.entries({ shown: 'in the document', painted: 'painted', sent: 'the service has it' })) {
            const [ours, theirs] = PAGES.map((folder) => median(times[folder].map((time) => time[what])));
            rows.push([`${words}, ${network}`, ours, theirs, 1]);
        }
        for (const page of Object.values(pages)) {
            assert.deepEqual(page.failures, []);
            await page.context().close();
        }
    }
    delay.close();
    beside('Milliseconds from Enter to the own message', rows);
    console.log(
        `Medians of ${SENDS} messages each, in turn, Chromium ${stage.browser.version()}. “Painted” is the beginning of the frame after ` +
            'the one that shows it, so that it is a frame or two (17 ms each) at least.',
    );
});

async function ownMessage(page, text) {
    const composer = page.locator('[data-testid=composer]');
    await composer.fill(text);
    await page.evaluate(watch, text);
    await composer.press('Enter');
    return page.evaluate(() => window.ownMessage);
}

/** In the page: records when Enter is pressed, and the states of the message after that. */
function watch(text) {
    const list = document.querySelector('[data-testid=message]').parentElement;
    window.ownMessage = new Promise((resolve) => {
        const time = {};
        let pressed;
        const check = () => {
            if (Object.keys(time).length === 3) {
                observer.disconnect();
                resolve(time);
            }
        };
        const look = () => {
            const item = list.lastElementChild;
            if (!item?.textContent.includes(text)) {
                return;
            }
            if (time.shown === undefined) {
                time.shown = performance.now() - pressed;
                requestAnimationFrame(() =>
                    requestAnimationFrame(() => {
                        time.painted = performance.now() - pressed;
                        check();
                    }),
                );
            }
            // The other page shows nothing before the service has it.
            if (time.sent === undefined && item.dataset.state !== 'sending') {
                time.sent = performance.now() - pressed;
                check();
            }
        };
        const observer = new MutationObserver(look);
        observer.observe(list, { childList: true, subtree: true, attributeFilter: ['data-state'] });
        addEventListener('keydown', (event) => (pressed = event.timeStamp), { capture: true, once: true });
    });
}
