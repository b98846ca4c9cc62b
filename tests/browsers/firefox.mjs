// Firefox, driven by its own WebDriver BiDi.

import puppeteer from 'puppeteer-core';

/** Opens Firefox with a profile of its own; see `Window` in `lessons.mjs` for what it can do. */
export async function openFirefox() {
    const browser = await puppeteer.launch({ browser: 'firefox', executablePath: process.env.EFFUSION_FIREFOX || '/usr/bin/firefox-esr' });
    const page = await browser.newPage();
    await page.setViewport({ width: 1280, height: 800 });
    const errors = [];
    page.on('pageerror', (error) => errors.push(`${error}`));
    return {
        errors: () => errors,
        visit: (address) => page.goto(address),
        run: (script, ...args) => page.evaluate(script, ...args),
        click: (selector) => page.click(selector),
        type: (selector, text) => page.type(selector, text),
        async enter(selector) {
            await page.focus(selector);
            await page.keyboard.press('Enter');
        },
        async press(selector, ...keys) {
            await page.focus(selector);
            for (const key of keys.slice(0, -1)) {
                await page.keyboard.down(key);
            }
            await page.keyboard.press(keys.at(-1));
            for (const key of keys.slice(0, -1).reverse()) {
                await page.keyboard.up(key);
            }
        },
        reload: () => page.reload(),
        close: () => browser.close(),
    };
}
