// The page as an app: it can be installed, starts offline, and announces new versions.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { addressAt, dist } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { serveFolders } from '../support/static.mjs';
import { stage } from './stage.mjs';

const BELOW = '/some/where/';
const theatre = stage();
const { scenario } = theatre;

const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** A copy of the page as another build would be: one of its files has another name. */
function otherVersion() {
    const folder = mkdtempSync(path.join(tmpdir(), 'effusion-'));
    folders.push(folder);
    cpSync(dist, folder, { recursive: true });
    const index = path.join(folder, 'index.html');
    const html = readFileSync(index, 'utf8');
    const [sheet] = html.match(/\w+-[0-9a-f]{8,}\.css/);
    const renamed = 'other-0123456789abcdef.css';
    renameSync(path.join(folder, sheet), path.join(folder, renamed));
    writeFileSync(index, html.replaceAll(sheet, renamed));
    return { folder, renamed };
}

/** Opens the page below a path of a host, to a sandbox elsewhere, and waits until all of it is cached. */
async function openKept(open, origin) {
    const { search } = new URL(addressAt(theatre.sandbox, { name: 'Ann', room: 'App', kind: 'history' }));
    const window = await open(`${origin}${BELOW}${search}`, { serviceWorkers: 'allow' });
    await until('the page is kept', () => kept(window), (urls) => urls.some((url) => url === `${origin}${BELOW}`));
    return window;
}

/** All cached files of the page. */
function kept(window) {
    return window.page.evaluate(async () => {
        const names = await caches.keys();
        const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
        return requests.flat().map(({ url }) => url);
    });
}

test('the manifest names what is there', () => {
    const manifest = JSON.parse(readFileSync(path.join(dist, 'manifest.webmanifest'), 'utf8'));
    assert.equal(manifest.start_url, './');
    assert.equal(manifest.display, 'standalone');
    const sizes = manifest.icons.map(({ src, sizes, type }) => {
        if (type === 'image/png') {
            const png = readFileSync(path.join(dist, src));
            assert.equal(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`, sizes, src);
        }
        return sizes;
    });
    assert.ok(sizes.includes('192x192') && sizes.includes('512x512'));
    assert.match(readFileSync(path.join(dist, 'index.html'), 'utf8'), /<link(?=[^>]*rel="?manifest)[^>]*href="?manifest.webmanifest/);
});

scenario('the page starts offline, below a path, and caches only its own files', async (open) => {
    const host = await serveFolders({ [BELOW]: dist });
    const ann = await openKept(open, host.origin);
    await ann.join();
    await ann.say('hello');
    await ann.shows({ text: 'hello', state: 'sent' });
    for (const url of await kept(ann)) {
        assert.ok(url.startsWith(`${host.origin}${BELOW}`), url);
        assert.match(url, /\/$|\.(css|js|json|png|svg|wasm|webmanifest)$/, url);
    }
    await host.close();

    await ann.reload();
    await ann.inRoom();
    await ann.shows('hello');
    // What is fetched on demand is there, too.
    await ann.$('settings-button').click();
    await ann.$('settings-form').waitFor();
    ann.errors = ann.errors.filter((error) => !/Failed to load resource|ERR_/.test(error));
});

scenario('a new version is announced, and loaded on request', async (open) => {
    const served = { [BELOW]: dist };
    const host = await serveFolders(served);
    const ann = await openKept(open, host.origin);
    const { folder, renamed } = otherVersion();
    // The page compares the host's HTML with its own as soon as it has all of it.
    const checked = ann.page.waitForResponse((response) => response.url() === `${host.origin}${BELOW}`);
    await ann.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await (await checked).finished();
    assert.equal(await ann.$('update-notice').count(), 0);

    served[BELOW] = folder;
    await ann.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await ann.$('update-notice').waitFor();
    await ann.$('update-later').click();
    await ann.$('update-notice').waitFor({ state: 'detached' });
    await ann.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await ann.$('update-reload').click();
    await ann.page.locator(`link[href$="${renamed}"]`).waitFor({ state: 'attached' });
    await ann.$('join-form').waitFor();
    await until('the new version is kept', () => kept(ann), (urls) => urls.some((url) => url.endsWith(renamed)));
    // And it is the one that starts from now on.
    await host.close();
    await ann.page.reload();
    await ann.page.locator(`link[href$="${renamed}"]`).waitFor({ state: 'attached' });
    await ann.$('join-form').waitFor();
    ann.errors = ann.errors.filter((error) => !/Failed to load resource|ERR_/.test(error));
});
