// The page in one file, and a plain page, opened from a disk.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { dist, launch, openWindow } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { scenario } from './stage.mjs';

const file = process.env.EFFUSION_SINGLE_FILE ?? path.join(dist, 'effusion.html');
const skip = existsSync(file) ? false : '`cargo xtask build --single-file` has not been run';
const address = (fields) => `${pathToFileURL(file)}?${new URLSearchParams(fields)}`;

let browser, sandbox;
before(async () => {
    [browser, sandbox] = await Promise.all([launch(), startSandbox({ args: ['--allow-origin', 'null'] })]);
});
after(() => Promise.all([browser?.close(), sandbox?.stop()]));

const walk = (title, act) =>
    skip ? test(title, { skip }) : scenario(title, () => browser, act);

walk('the file runs the service itself, and keeps what was said', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Disk', kind: 'history' }));
    await ann.join();
    await ann.say('from a file');
    await ann.shows({ text: 'from a file', state: 'sent' });
    await ann.$('lessons-button').click();
    await ann.$('lessons').waitFor();
    await ann.reload();
    await ann.inRoom();
    await ann.shows('from a file');
    // It is not only the page's copy: the service numbers what comes next after it.
    await ann.say('and on');
    await ann.shows({ text: 'from a file' }, { text: 'and on', state: 'sent' });
    await ann.$('lessons-button').click();
    await until('an event from before', () => ann.page.locator('[data-step=late]').getAttribute('data-done'), (done) => done === 'true');
});

walk('a second window of the file is told that the first one has the service, and has it afterwards', async (open) => {
    const context = await browser.newContext();
    const ann = await (await open(address({ name: 'Ann', room: 'Only', kind: 'history' }), { context })).join();
    const bob = await open(address({ name: 'Bob', room: 'Only', kind: 'history' }), { context });
    await bob.$('join-button').click();
    await bob.fault(/Another tab of this browser has the service/);
    await ann.page.close();
    await bob.join();
});

walk('the file joins a service that allows the origin null', async (open) => {
    const { host, port } = sandbox;
    const window = (name) => open(address({ name, host, port, room: 'Both', kind: 'live' }));
    const [ann, bob] = [await window('Ann'), await window('Bob')];
    await ann.join();
    await bob.join();
    await ann.say('hello from a file');
    await bob.shows({ author: 'Ann', text: 'hello from a file', own: false });
});

walk('the file has all languages and its own policy', async (open) => {
    const ann = await open(address({ room: 'Sprache' }), { locale: 'de-DE' });
    assert.equal(await ann.page.evaluate(() => document.documentElement.lang), 'de');
    await ann.page.getByText('Live-Räume', { exact: false }).first().waitFor();
    const policy = await ann.page.locator('meta[http-equiv]').getAttribute('content');
    assert.ok(!/unsafe-inline|'self' 'wasm/.test(policy) && /'sha256-/.test(policy), policy);
});

scenario('a plain page that is opened from a disk says what to do', () => browser, async () => {
    // It complains, as nothing of it can be fetched.
    const { page } = await openWindow(browser);
    await page.goto(pathToFileURL(path.join(dist, 'index.html')).href);
    await page.getByText('Effusion was opened as a file').waitFor();
    await page.context().close();
});
