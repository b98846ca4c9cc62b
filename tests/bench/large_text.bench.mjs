// How long the composer takes for a large text, beside a bare box of the same size and font in the same page: from the keys that
// paste it, type into it, and undo, until the browser has drawn that.
//
// `cargo xtask bench browser` runs this.

import assert from 'node:assert/strict';

import { makeRoom, onStage, openRoom } from './pages.mjs';
import { median, table } from './report.mjs';

const KEYS = 5;
const LINE = `${'some words and more '.repeat(50)}\n`;
const TEXTS = { '20,000 lines': 'a line of text\n'.repeat(20_000), '1 MB': LINE.repeat(1_000), '5 MB': LINE.repeat(5_000) };

await onStage(async (stage) => {
    await makeRoom(stage.sandbox, 'large');
    const page = await openRoom(stage, 'effusion', stage.sandbox, 'large');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const rows = [];
    for (const [words, text] of Object.entries(TEXTS)) {
        const [bare, ours] = [await write(page, text, true), await write(page, text, false)];
        for (const step of Object.keys(ours)) {
            rows.push([`${words}: ${step}`, ours[step].toFixed(0), bare[step].toFixed(0)]);
        }
    }
    assert.deepEqual(page.failures, []);
    await page.context().close();
    table(['Milliseconds for a large text', 'composer', 'bare box'], rows);
    console.log(`1 run each, a key the median of ${KEYS}, Chromium ${stage.browser.version()}.`);
});

/** Pastes a text into the composer or into a bare box, types some, and undoes all of it. */
async function write(page, text, bare) {
    await page.evaluate(
        ([text, bare]) => {
            const composer = document.querySelector('#composer');
            const box = bare ? document.createElement('textarea') : composer;
            if (bare) {
                box.dir = 'auto';
                box.id = 'bare';
                box.style.cssText = `position: fixed; inset: auto 0 0 0; width: ${composer.clientWidth}px; height: 200px; font: ${getComputedStyle(composer).font}`;
                document.body.append(box);
            }
            box.focus();
            return navigator.clipboard.writeText(text);
        },
        [text, bare],
    );
    const took = async (keys) => {
        const start = performance.now();
        await page.keyboard.press(keys);
        await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
        return performance.now() - start;
    };
    const box = page.locator(bare ? '#bare' : '#composer');
    const length = () => box.evaluate(({ value }) => value.length);
    const paste = await took('Control+V');
    const keys = [];
    for (let key = 0; key < KEYS; key += 1) {
        keys.push(await took('x'));
    }
    assert.equal(await length(), text.length + KEYS);
    let undo = 0;
    while ((await length()) > 0) {
        undo += await took('Control+Z');
    }
    if (bare) {
        await box.evaluate((box) => box.remove());
    }
    return { paste, 'a key': median(keys), 'all undone': undo };
}
