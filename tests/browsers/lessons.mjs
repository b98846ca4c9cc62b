// The tutorial's three lessons, walked by two windows of a browser that Playwright cannot drive.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { addressAt, dist } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { startSandbox } from '../support/sandbox.mjs';

/** A test that takes longer, in milliseconds, fails. */
const LIMIT = 180_000;

/** The page in one file. */
const single = process.env.EFFUSION_SINGLE_FILE ?? path.join(dist, 'effusion.html');

const at = (id) => `[data-testid="${id}"]`;

/**
 * What a browser's driver can do.
 *
 * @typedef {object} Driver
 * @property {() => string[]} errors what the page threw
 * @property {(address: string) => Promise<void>} visit
 * @property {(script: Function, ...args: any[]) => Promise<any>} run calls a function in the page
 * @property {(selector: string) => Promise<void>} click
 * @property {(selector: string, text: string) => Promise<void>} type types in place of what is selected
 * @property {(selector: string) => Promise<void>} enter presses Enter in a field
 * @property {(selector: string, ...keys: string[]) => Promise<void>} press presses keys together in a field
 * @property {() => Promise<void>} reload
 * @property {() => Promise<void>} close
 */

/** A window with the page in it. */
export class Window {
    /** @param {Driver} driver */
    constructor(driver) {
        this.driver = driver;
    }

    /** Waits until an element is there and can be used. */
    ready(id) {
        const usable = (selector) => document.querySelector(selector)?.matches(':enabled, :not(button, input, textarea)') === true;
        return until(`${id} can be used`, () => this.driver.run(usable, at(id)));
    }

    async click(id) {
        await this.ready(id);
        await this.driver.click(at(id));
    }

    async type(id, text) {
        await this.ready(id);
        const select = (selector) => {
            const field = document.querySelector(selector);
            field.focus();
            field.select();
        };
        await this.driver.run(select, at(id));
        await this.driver.type(at(id), text);
    }

    async join() {
        await this.click('join-button');
        await this.inRoom();
    }

    async inRoom() {
        const state = (pane, connection) => [
            document.querySelector(pane)?.dataset.state,
            document.querySelector(connection)?.dataset.state,
        ];
        const look = () => this.driver.run(state, at('room-pane'), at('connection-state'));
        await until('the window is in the room', look, (found) => `${found}` === 'open,connected');
    }

    async say(text) {
        await this.type('composer', text);
        await this.driver.enter(at('composer'));
    }

    /** Waits for exactly these messages: `[author, text, state]` each. */
    async shows(...expected) {
        const read = (message, author, text) =>
            [...document.querySelectorAll(message)].map((item) => [
                item.querySelector(author)?.textContent,
                item.querySelector(text)?.textContent,
                item.dataset.state,
            ]);
        const look = () => this.driver.run(read, at('message'), at('author'), at('text'));
        await until(`the messages ${JSON.stringify(expected)}`, look, (found) => JSON.stringify(found) === JSON.stringify(expected));
    }
}

/**
 * A sandbox for the tests of a file, and a way to write them.
 *
 * @param {string} name of the browser
 * @param {() => Promise<Driver>} openDriver
 */
export function stageFor(name, openDriver) {
    let sandbox;
    before(async () => {
        sandbox = await startSandbox({ args: ['--static', dist, '--allow-origin', 'null'] });
    });
    after(() => sandbox?.stop());

    /** A test with windows, which are closed at its end. */
    return (title, act) =>
        test(`${name}: ${title}`, { timeout: LIMIT }, async () => {
            const windows = [];
            const open = async (fields, file) => {
                const window = new Window(await openDriver());
                windows.push(window);
                const { host, port } = sandbox;
                const query = new URLSearchParams({ host, port, ...fields });
                await window.driver.visit(file ? `${pathToFileURL(file)}?${query}` : addressAt(sandbox, fields));
                return window;
            };
            try {
                await act(open);
                assert.deepEqual(windows.flatMap((window) => window.driver.errors()), []);
            } finally {
                await Promise.allSettled(windows.map((window) => window.driver.close()));
            }
        });
}

/** Walks the lessons. */
export function walkLessons(name, openDriver) {
    const lesson = stageFor(name, openDriver);
    lesson('lesson 1: two windows read each other in a live room', async (open) => {
        const room = { room: 'Lounge', kind: 'live' };
        const [ann, bob] = [await open({ ...room, name: 'Ann' }), await open({ ...room, name: 'Bob' })];
        await ann.join();
        await bob.join();
        await ann.say('Hello, Bob');
        await bob.shows(['Ann', 'Hello, Bob', 'received']);
        await bob.say('Hello, Ann');
        await ann.shows(['Ann', 'Hello, Bob', 'sent'], ['Bob', 'Hello, Ann', 'received']);
        await bob.shows(['Ann', 'Hello, Bob', 'received'], ['Bob', 'Hello, Ann', 'sent']);
    });

    lesson('lesson 2: who comes later sees what was said', async (open) => {
        const room = { room: 'Archive', kind: 'history' };
        const ann = await open({ ...room, name: 'Ann' });
        await ann.join();
        await ann.say('first');
        await ann.say('second');
        await ann.shows(['Ann', 'first', 'sent'], ['Ann', 'second', 'sent']);
        const bob = await open({ ...room, name: 'Bob' });
        await bob.join();
        await bob.shows(['Ann', 'first', 'received'], ['Ann', 'second', 'received']);
        await bob.say('third');
        await ann.shows(['Ann', 'first', 'sent'], ['Ann', 'second', 'sent'], ['Bob', 'third', 'received']);
    });

    lesson('lesson 3: an account is made, and works from then on', async (open) => {
        const password = 'a long secret';
        const dora = await open({ room: 'Club' });
        await dora.click('create-account-link');
        await dora.type('account-name', 'dora');
        await dora.type('account-password', password);
        await dora.type('account-password-again', password);
        await dora.click('account-button');
        await dora.inRoom();
        await dora.say('I have an account');
        await dora.shows(['dora', 'I have an account', 'sent']);

        const later = await open({ name: 'dora', room: 'Club' });
        await later.click('advanced-summary');
        await later.type('account', 'dora');
        await later.type('password', password);
        await later.join();
        await later.shows(['dora', 'I have an account', 'received']);
    });
    lesson('the service in the browser keeps what was said', async (open) => {
        const ann = await open({ service: 'browser', name: 'Ann', room: 'Here', kind: 'history' });
        await ann.join();
        await ann.say('first');
        await ann.shows(['Ann', 'first', 'sent']);
        await ann.driver.run(() => location.reload());
        await ann.inRoom();
        await ann.shows(['Ann', 'first', 'received']);
        await ann.say('second');
        await ann.shows(['Ann', 'first', 'received'], ['Ann', 'second', 'sent']);
    });

    const skip = existsSync(single) ? false : '`cargo xtask build --single-file` has not been run';
    const disk = skip ? (title) => test(`${name}: ${title}`, { skip }) : lesson;
    disk('the page in one file runs the service, opened from a disk', async (open) => {
        const ann = await open({ service: 'browser', name: 'Ann', room: 'Disk', kind: 'history' }, single);
        await ann.join();
        await ann.say('from a file');
        await ann.shows(['Ann', 'from a file', 'sent']);
    });
    disk('the page in one file joins a service, opened from a disk', async (open) => {
        const ann = await open({ name: 'Ann', room: 'Disk', kind: 'live' }, single);
        await ann.join();
        await ann.say('from a file');
        await ann.shows(['Ann', 'from a file', 'sent']);
    });
}
