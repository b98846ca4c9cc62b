// Chromium, and the windows of a test in it.

import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { ChatWindow } from './chat_window.mjs';
import { slowDown, unsteady } from './unsteady.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The built page. */
export const dist = path.resolve(root, process.env.EFFUSION_DIST ?? 'dist');

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

/** Starts Chromium, with additional arguments: the one that the environment names, or the system's. */
export function launch(...args) {
    return chromium.launch(options(...args));
}

/** Starts Chromium with a profile in a folder, as people have one. */
export function launchWithProfile(folder) {
    return chromium.launchPersistentContext(folder, { ...options(), viewport: DESKTOP, locale: 'en-GB', serviceWorkers: 'block' });
}

function options(...args) {
    return {
        executablePath: process.env.EFFUSION_CHROMIUM || '/usr/bin/chromium',
        args: [
            // Chromium's sandbox does not work as root, which is common in containers.
            ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-default-apps',
            '--disable-dev-shm-usage',
            '--disable-gpu',
            '--disable-sync',
            '--no-first-run',
            ...args,
        ],
    };
}

/** Opens an empty window with its own profile and storage. `first` runs in each page before its own scripts. */
export async function openWindow(browser, { first, context: shared, ...options } = {}) {
    const context = shared ?? (await browser.newContext({ viewport: DESKTOP, locale: 'en-GB', serviceWorkers: 'block', ...options }));
    context.setDefaultTimeout(20_000);
    if (first !== undefined) {
        await context.addInitScript(first);
    }
    const page = await context.newPage();
    if (unsteady) {
        await slowDown(page);
    }
    return new ChatWindow(page);
}

/** The address of the page that a sandbox serves, set to that sandbox, with more fields that it fills in. */
export function addressAt({ host, port }, fields = {}) {
    return `http://${host}:${port}/?${new URLSearchParams({ host, port, ...fields })}`;
}
