// The fixture of each test file: a sandbox that serves the built page, and a browser.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { addressAt, dist, launch, openWindow } from '../support/browser.mjs';
import { startSandbox } from '../support/sandbox.mjs';

/** A test that takes longer, in milliseconds, fails. */
const LIMIT = 180_000;
const pictures = fileURLToPath(new URL('../../target/e2e/', import.meta.url));

/** Starts both before the tests of a file, the sandbox with additional arguments, and stops them afterwards. */
export function stage(...args) {
    const stage = {
        sandbox: undefined,
        browser: undefined,
        /** The page's address, with fields that it fills in. */
        address: (fields = {}) => addressAt(stage.sandbox, fields),
        /** A test on this stage. */
        scenario: (title, act, limit) => scenario(title, () => stage.browser, act, limit),
    };
    before(async () => {
        [stage.sandbox, stage.browser] = await Promise.all([startSandbox({ args: ['--static', dist, ...args] }), launch()]);
    });
    after(async () => {
        const [, ended] = await Promise.all([stage.browser?.close(), stage.sandbox?.stop()]);
        const log = stage.sandbox?.log.filter((line) => !line.includes('They are for development'));
        assert.deepEqual({ ...ended, log }, { code: 0, signal: null, log: [] }, 'how the sandbox ended, and what it warned of');
    });
    return stage;
}

/**
 * A test with windows, which are closed at its end. It fails, too, if a page in one of them threw an error, or asked any
 * host but the page's own and the service for something. If it fails, pictures of the windows are in target/e2e.
 *
 * @param {string} title
 * @param {() => import('playwright-core').Browser} browser
 * @param {(open: (address: string, options?: object) => Promise<import('../support/chat_window.mjs').ChatWindow>) => Promise<void>} act
 * @param {number} limit in milliseconds
 */
export function scenario(title, browser, act, limit = LIMIT) {
    test(title, { timeout: limit }, async () => {
        const windows = [];
        try {
            await act(async (address, options) => {
                const window = await openWindow(browser(), options);
                windows.push(window);
                return window.visit(address);
            });
            for (const window of windows) {
                assert.deepEqual(window.errors, [], 'what the page complained about');
            }
        } catch (error) {
            await Promise.all(windows.map((window, index) => keepPicture(window, `${title} ${index + 1}`)));
            throw error;
        } finally {
            await Promise.all(windows.map((window) => window.close()));
        }
    });
}

async function keepPicture(window, name) {
    mkdirSync(pictures, { recursive: true });
    const file = path.join(pictures, `${name.replace(/[^a-z0-9]+/gi, '-')}.png`);
    // A crashed window has no picture; the failure itself is reported in any case.
    await window.page.screenshot({ path: file }).catch((error) => console.log(`no picture: ${error.message}`));
    if (window.errors.length > 0) {
        console.log(`${name}: ${window.errors.join('\n')}`);
    }
}
