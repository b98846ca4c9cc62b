// WebKitGTK's small browser on a screen of its own, driven by WebDriver.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { Builder, By, Key } from 'selenium-webdriver';

import { until } from '../support/chat_window.mjs';
import { freePort } from '../support/port.mjs';

/** What WebDriver calls the keys. */
const KEYS = { Control: 'CONTROL', Enter: 'ENTER', Tab: 'TAB', ArrowUp: 'ARROW_UP', ArrowDown: 'ARROW_DOWN', Escape: 'ESCAPE' };

const SIZE = '1280x800x24';
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

function start(program, args, options = {}) {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore'], ...options });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
}

/** A virtual screen; resolves to its name. */
let screen;
async function startScreen() {
    const server = start('Xvfb', ['-displayfd', '1', '-screen', '0', SIZE, '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [number] = await once(createInterface({ input: server.stdout }), 'line');
    // It is stopped with the tests, and does not keep them running.
    server.stdout.destroy();
    server.unref();
    return `:${number}`;
}

/** Opens the browser with a profile of its own; see `Window` in `lessons.mjs` for what it can do. */
export async function openWebKit() {
    screen ??= startScreen();
    const port = await freePort();
    const driver = start(process.env.EFFUSION_WEBKIT_DRIVER || 'WebKitWebDriver', [`--port=${port}`], {
        env: {
            ...process.env,
            DISPLAY: await screen,
            // There is no graphics card to talk to.
            WEBKIT_DISABLE_DMABUF_RENDERER: '1',
            LIBGL_ALWAYS_SOFTWARE: '1',
        },
    });
    const listens = () => fetch(`http://127.0.0.1:${port}/status`).then(({ ok }) => ok, () => false);
    await until('WebKit’s driver listens', listens);
    const binary = process.env.EFFUSION_WEBKIT || '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';
    const browser = await new Builder()
        .usingServer(`http://127.0.0.1:${port}`)
        .withCapabilities({ browserName: 'MiniBrowser', 'webkitgtk:browserOptions': { binary, args: ['--automation'] } })
        .build();
    const find = (selector) => browser.findElement(By.css(selector));
    return {
        errors: () => [],
        visit: (address) => browser.get(address),
        run: (script, ...args) => browser.executeScript(`return (${script})(...arguments)`, ...args),
        click: (selector) => find(selector).click(),
        type: (selector, text) => find(selector).sendKeys(text),
        enter: (selector) => find(selector).sendKeys(Key.ENTER),
        press(selector, ...keys) {
            const typed = keys.map((key) => Key[KEYS[key]] ?? key);
            // What ends a chord is typed, too, where there is nothing to end.
            return find(selector).sendKeys(typed.length > 1 ? Key.chord(...typed) : typed[0]);
        },
        reload: () => browser.navigate().refresh(),
        async close() {
            await browser.quit();
            driver.kill();
        },
    };
}
