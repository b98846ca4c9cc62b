// Hosts of the page that do not do as they should: the page starts all the same, or says what is wrong.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { after, test } from 'node:test';

import { addressAt, dist, openWindow } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { serveFolders } from '../support/static.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
/** A test of a page that may not start: what it complains about is expected. */
const hostile = (title, act) =>
    test(title, { timeout: 120_000 }, async () => {
        const windows = [];
        try {
            await act(async (address, options) => {
                const window = await openWindow(theatre.browser, options);
                windows.push(window);
                await window.page.goto(address);
                return window;
            });
        } finally {
            await Promise.all(windows.map((window) => window.close()));
        }
    });

const folders = [];
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** A copy of the page, or of another version of it: one of its files has another name. */
function copy(other = false) {
    const folder = mkdtempSync(path.join(tmpdir(), 'effusion-'));
    folders.push(folder);
    cpSync(dist, folder, { recursive: true });
    if (other) {
        const index = path.join(folder, 'index.html');
        const html = readFileSync(index, 'utf8');
        const [sheet] = html.match(/\w+-[0-9a-f]{8,}\.css/);
        renameSync(path.join(folder, sheet), path.join(folder, 'other-0123456789abcdef.css'));
        writeFileSync(index, html.replaceAll(sheet, 'other-0123456789abcdef.css'));
    }
    return folder;
}

const query = () => new URL(addressAt(theatre.sandbox, { name: 'Ann', room: 'Host', kind: 'history' })).search;
const html = readFileSync(path.join(dist, 'index.html'));
const isHtml = (file) => file.endsWith('/') || file.endsWith('.html');
const asHtml = { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: html };

/** The words that say why the page does not start. */
const reason = (window, pattern) =>
    until(`the reason ${pattern}`, () => window.page.locator('#loading').innerText(), (words) => pattern.test(words), 30_000);

const starts = (window) => window.$('join-form').waitFor();

for (const type of ['application/octet-stream', 'text/plain', undefined]) {
    hostile(`WebAssembly that the host calls ${type} is compiled all the same, also what comes later`, async (open) => {
        const host = await serveFolders({ '/': dist }, (file) =>
            file.endsWith('.wasm') ? { headers: type === undefined ? {} : { 'content-type': type } } : {},
        );
        const ann = await open(`${host.origin}/${query()}`);
        await starts(ann);
        await ann.join();
        await ann.say('**hello**');
        await ann.$('text').locator('strong').first().waitFor();
        await ann.$('settings-button').click();
        await ann.$('settings-form').waitFor();
        assert.deepEqual(ann.errors, []);
        await host.close();
    });
}

hostile('a host that answers everything with its page starts it, and keeps nothing wrong', async (open) => {
    let broken = false;
    const isProgram = (file) => /\.(js|wasm|css)$/.test(file);
    const host = await serveFolders({ '/': dist }, (file, answer) =>
        answer.status === 404 || (broken && isProgram(file) && !file.endsWith('start.js')) ? asHtml : {},
    );
    const ann = await open(`${host.origin}/${query()}`, { serviceWorkers: 'allow' });
    await starts(ann);
    const kept = () => ann.page.evaluate(async () => {
        const names = await caches.keys();
        const caches_ = await Promise.all(names.map((name) => caches.open(name)));
        const all = await Promise.all(caches_.map(async (cache) => Promise.all((await cache.keys()).map(async (request) => [request.url, (await cache.match(request)).headers.get('content-type')]))));
        return all.flat();
    });
    await until('the page is kept', kept, (files) => files.some(([url]) => url === `${host.origin}/`));
    for (const [url, type] of await kept()) {
        assert.equal(isHtml(new URL(url).pathname), /html/.test(type), `${url} as ${type}`);
    }
    // From now on the host has none of the files: what was kept starts.
    broken = true;
    await ann.page.reload();
    await starts(ann);
    await host.close();
});

hostile('a page that comes before its files waits for them, and says so', async (open) => {
    const missing = new Set(readdirSync(dist).filter((file) => /-[0-9a-f]{8,}.*\.wasm$/.test(file)).map((file) => `/${file}`));
    for (const answer of [{ status: 404, headers: { 'content-type': 'text/plain' }, body: 'no' }, asHtml]) {
        let isWhole = false;
        const host = await serveFolders({ '/': dist }, (file) => (!isWhole && missing.has(file) ? answer : {}));
        const ann = await open(`${host.origin}/${query()}`);
        await reason(ann, /does not have all of its files/);
        isWhole = true;
        await starts(ann);
        await host.close();
    }
});

hostile('a style sheet that the host lacks, or has HTML for, is told as that', async (open) => {
    for (const answer of [{ status: 404, headers: { 'content-type': 'text/plain' }, body: 'no' }, asHtml]) {
        let isWhole = false;
        const host = await serveFolders({ '/': dist }, (file) => (!isWhole && file.endsWith('.css') ? answer : {}));
        const ann = await open(`${host.origin}/${query()}`);
        await reason(ann, /does not have all of its files/);
        assert.doesNotMatch(await ann.page.locator('body').innerText(), /slash|is loading/);
        isWhole = true;
        await starts(ann);
        await host.close();
    }
});

hostile('a part that the host lacks is told as that, where it can be seen, and is there when it is asked for again', async (open) => {
    let isGone = false;
    const host = await serveFolders({ '/': dist }, (file, answer) => (isGone && /split_/.test(file) ? { ...answer, status: 404, headers: {}, body: '' } : {}));
    const ann = await open(`${host.origin}/${query()}`);
    await starts(ann);
    await ann.join();
    await until('the chat is there', () => ann.$('composer').count(), Boolean);
    isGone = true;
    await ann.$('settings-button').click();
    const words = ann.$('part-missing').first();
    await until('the words', () => words.innerText(), (text) => /its host doesn’t have the file/.test(text));
    assert.ok(await words.evaluate((element) => element.getBoundingClientRect().bottom <= window.innerHeight));
    await ann.$('part-missing-close').click();
    await words.waitFor({ state: 'detached' });
    await ann.$('settings-button').click();
    await words.waitFor();
    isGone = false;
    await ann.$('settings-button').click();
    await ann.$('settings').waitFor();
    assert.equal(await words.count(), 0);
    await host.close();
});

hostile('a new version is taken only with all its files', async (open) => {
    const next = copy(true);
    const sheet = '/other-0123456789abcdef.css';
    const served = { '/': dist };
    let hasSheet = false;
    const host = await serveFolders(served, (file) => (file === sheet && !hasSheet ? asHtml : {}));
    const ann = await open(`${host.origin}/${query()}`, { serviceWorkers: 'allow' });
    await starts(ann);
    await until('the page is kept', () => ann.page.evaluate(async () => (await caches.match(location.origin + '/')) !== undefined));
    served['/'] = next;
    await ann.page.reload();
    await starts(ann);
    assert.equal(await ann.page.locator(`link[href$="${sheet.slice(1)}"]`).count(), 0, 'the version before');
    await ann.page.evaluate(() => window.dispatchEvent(new Event('online')));
    assert.equal(await ann.$('update-notice').count(), 0, 'nothing is offered that does not start');
    hasSheet = true;
    await ann.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await ann.$('update-notice').waitFor();
    await ann.$('update-reload').click();
    await ann.page.locator(`link[href$="${sheet.slice(1)}"]`).waitFor({ state: 'attached' });
    await starts(ann);
    await host.close();
});

hostile('a part that is missing has the new version announced at once', async (open) => {
    const served = { '/': dist };
    const host = await serveFolders(served, (file, answer) => (answer.status === 404 ? {} : {}));
    const ann = await open(`${host.origin}/${query()}`);
    await starts(ann);
    await ann.join();
    await until('the chat is there', () => ann.$('composer').count(), Boolean);
    // The next version has other names for all parts.
    const next = copy(true);
    for (const file of readdirSync(next).filter((file) => file.includes('split_') && file.endsWith('.wasm'))) {
        rmSync(path.join(next, file));
    }
    served['/'] = next;
    await ann.$('settings-button').click();
    await ann.$('update-notice').waitFor();
    await host.close();
});

hostile('an answer that was redirected is kept so that the page starts from it', async (open) => {
    let isThere = true;
    const host = await serveFolders({ '/app/': dist }, (file) => {
        if (!isThere) {
            return { status: 503, headers: {}, body: '' };
        }
        // As hosts do that call their page by its file.
        return file === '/app/' ? { status: 302, headers: { location: '/app/index.html' }, body: '' } : {};
    });
    const ann = await open(`${host.origin}/app/${query()}`, { serviceWorkers: 'allow' });
    await starts(ann);
    await until('the page is kept', () => ann.page.evaluate(async () => (await caches.match(`${location.origin}/app/`)) !== undefined));
    isThere = false;
    await host.close();
    await ann.page.goto(`${host.origin}/app/${query()}`);
    await starts(ann);
});

hostile('an address below which nothing is says what is missing', async (open) => {
    const host = await serveFolders({ '/sub/': dist }, (file) => (file === '/sub' ? asHtml : {}));
    const ann = await open(`${host.origin}/sub`);
    await until('the words', () => ann.page.locator('.unstyled').innerText(), (words) => /does not end in a slash/.test(words));
    assert.doesNotMatch(await ann.page.locator('body').innerText(), /is loading/);
    // With it, nothing is said.
    await ann.page.goto(`${host.origin}/sub/${query()}`);
    await starts(ann);
    assert.equal(await ann.page.locator('.unstyled').isVisible(), false);
    await host.close();
});

hostile('a policy that forbids WebAssembly is told, in the language of the reader', async (open) => {
    const host = await serveFolders({ '/': dist }, (file, { headers }) =>
        isHtml(file) ? { headers: { ...headers, 'content-security-policy': "script-src 'self'" } } : {},
    );
    await reason(await open(`${host.origin}/`), /policy .* forbids WebAssembly/);
    await reason(await open(`${host.origin}/`, { locale: 'de-DE' }), /Sicherheitsrichtlinie/);
    await host.close();
});

hostile('a page that was opened as a file is told so', async (open) => {
    await reason(await open(pathToFileURL(path.join(dist, 'index.html')).href), /opened as a file/);
});

hostile('a host that is gone is told as that, and the page starts when it is back', async (open) => {
    let isThere = false;
    const host = await serveFolders({ '/': dist }, (file) => (isThere || !/\.wasm$/.test(file) ? {} : { status: 503, headers: {}, body: '' }));
    const ann = await open(`${host.origin}/${query()}`);
    await reason(ann, /does not have all of its files/);
    isThere = true;
    await starts(ann);
    await host.close();
});

hostile('a page that the sandbox has served behind a proxy proposes the service beside it', async (open) => {
    const told = Buffer.from(String(html).replace('<title>', '<meta name="effusion-origin" content="true"><title>'));
    const host = await serveFolders({ '/app/': dist }, (file, answer) => (isHtml(file) ? { ...answer, body: told } : {}));
    const ann = await open(`${host.origin}/app/`);
    await starts(ann);
    await ann.$('advanced-summary').click();
    const field = (name) => ann.$(name).inputValue();
    assert.deepEqual([await field('port'), await field('path')], [new URL(host.origin).port, '/app/diffusion']);
    // What cannot be a path is told, and what an empty one means is shown.
    await ann.$('path').fill('ws://evil.example/');
    await ann.$('join-button').click();
    await ann.problem('path', /only a path/);
    await ann.$('path').fill('');
    await ann.$('port').focus();
    await until('the usual path', () => field('path'), (path) => path === '/diffusion');
    await host.close();
});
