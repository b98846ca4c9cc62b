// The service in the browser: no server but one of plain files. Tabs share it, and what it acknowledged is there tomorrow.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';

import { DESKTOP, dist, launch, launchWithProfile } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { serveFolders } from '../support/static.mjs';
import { scenario as withBrowser } from './stage.mjs';

const BELOW = '/some/where/';
const SECRET = 'a long secret';

let browser;
let host;
before(async () => {
    [browser, host] = await Promise.all([launch(), serveFolders({ '/': dist, [BELOW]: dist })]);
});
after(async () => {
    await browser?.close();
    await host?.close();
});

/** A test whose windows are tabs of one browser: `act` gets what opens them, and that browser's context. */
const scenario = (title, act, options = {}) =>
    withBrowser(title, () => browser, async (open) => {
        const context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB', serviceWorkers: 'block', ...options });
        await act((fields = {}, more = {}) => open(address(fields), { context, ...more }), context);
    });

const address = (fields, below = '/') => `${host.origin}${below}?${new URLSearchParams(fields)}`;

/** The workers of the service that run. */
async function workers() {
    const session = await browser.newBrowserCDPSession();
    const { targetInfos } = await session.send('Target.getTargets');
    const found = targetInfos.filter(({ type, url }) => type === 'shared_worker' && url.endsWith('/browser-service.js'));
    return { session, found };
}

/** Ends the worker at once, as a browser does that needs its memory. */
async function killWorker() {
    const { session, found } = await workers();
    assert.equal(found.length, 1, 'there is one worker for all tabs');
    await session.send('Target.closeTarget', { targetId: found[0].targetId });
    const isOld = ({ targetId }) => targetId === found[0].targetId;
    await until('the worker has ended', async () => (await workers()).found.some(isOld), (isThere) => !isThere);
}

/** Makes an account as in Lesson 3, which leads into the chat. */
async function account(open, name, room, remember = false) {
    const window = await open({ room });
    await window.$('create-account-link').click();
    await window.fill({ 'account-name': name, 'account-password': SECRET, 'account-password-again': SECRET, remember });
    await window.$('account-button').click();
    await window.inRoom();
    return window;
}

async function settingsOfService(window) {
    await window.$('settings-button').click();
    await window.$('settings-tab-services').click();
    await window.$('browser-service').waitFor();
}

/** Takes everything along as a file, from the settings. */
async function exported(window) {
    const [download] = await Promise.all([window.page.waitForEvent('download'), window.$('browser-export').click()]);
    return readFile(await download.path());
}

const AFRESH = /started afresh: its rooms, messages, and accounts were deleted/;
const REPLACED = /replaced with an imported file/;

/** Deletes everything, from the settings. */
async function startAfresh(window) {
    await window.$('browser-reset').click();
    await window.$('browser-confirm').click();
    await window.fault(AFRESH);
    const inView = (fault) => Math.round(fault.getBoundingClientRect().bottom) - innerHeight;
    await until('it is in view', () => window.$('fault').evaluate(inView), (below) => below <= 0);
}

scenario('a page from a static host starts with it, and nothing of it is in the first load', async (open) => {
    const before = host.requests.length;
    const ann = await open({});
    assert.match(await ann.$('join-about').innerText(), /stays in this browser/);
    const first = await readFile(`${dist}/index.html`, 'utf8');
    assert.equal(first.includes('browser-service'), false, 'the HTML names nothing of it');
    const asked = () => host.requests.slice(before).some((path) => /effusion-browser-service[^/]*\.wasm$/.test(path));
    await until('it starts while the form is filled in', asked);
    await ann.join({ name: 'Ann' });
    assert.match(new URL(ann.page.url()).search, /service=browser/);
    assert.equal(/host=|port=/.test(ann.page.url()), false);
});

scenario('a page with another service fetches nothing of it', async (open) => {
    const before = host.requests.length;
    const ann = await open({ host: '127.0.0.1', port: 9 });
    const fetched = () => host.requests.slice(before);
    await until('what goes on behind the form is there', fetched, (paths) => paths.some((path) => /split_chat/.test(path)));
    await ann.page.waitForLoadState('networkidle');
    assert.deepEqual(fetched().filter((path) => /browser-service/.test(path)), []);
    assert.equal((await workers()).found.length, 0);
});

scenario('three tabs talk, and the third reads what was said before', async (open) => {
    const ann = await (await open({ name: 'Ann', room: 'Tea', kind: 'history' })).join();
    const bob = await (await open({ name: 'Bob', room: 'Tea', kind: 'history' })).join();
    await ann.say('hello from a tab');
    await bob.shows({ author: 'Ann', text: 'hello from a tab', own: false });
    await ann.shows({ text: 'hello from a tab', own: true, state: 'sent' });
    await bob.say('hello back');
    const eve = await (await open({ name: 'Eve', room: 'Tea', kind: 'history' })).join();
    await eve.shows('hello from a tab', 'hello back');
    await bob.notice('Eve has joined');
    const { found } = await workers();
    assert.equal(found.length, 1, 'there is one worker for all tabs');
    // The messages are real ones: diagnostics show them as they show a WebSocket's.
    await eve.$('diagnostics-button').click();
    await until('messages are shown', () => eve.$('protocol-messages').locator('li').count(), (count) => count > 5);
});

scenario('a new live room of a fresh browser ticks all of lesson 1', async (open) => {
    const ann = await (await open({ name: 'Ann', room: 'First', kind: 'live' })).join();
    await ann.$('lessons-button').click();
    const ticks = (...names) => {
        const done = () => ann.page.locator('[data-testid=step][data-done=true]').evaluateAll((steps) => steps.map(({ dataset }) => dataset.step));
        return until(`ticked: ${names}`, done, (found) => `${found}` === `${names}`);
    };
    await ticks('connect', 'add', 'stream', 'select');
    const call = await ann.page.locator('[data-step=select]').getByTestId('made-call').locator('pre').first().innerText();
    assert.equal(call, 'select(">Chat/First")');
    await ann.say('hello');
    const bob = await (await open({ name: 'Bob', room: 'First', kind: 'live' })).join();
    await bob.say('hello back');
    await ticks('connect', 'add', 'stream', 'select', 'set', 'receive');
});

scenario('an invitation speaks of the service in this browser, and one click more leads in without a password', async (open) => {
    const ann = await account(open, 'ann', 'Home');
    await ann.say('come in');
    const invitation = { service: 'browser', room: 'Away', kind: 'history' };
    const guest = await open(invitation);
    await guest.page.getByText('You’re invited to ⁨Away⁩').waitFor();
    assert.deepEqual(await guest.filled('name', 'account', 'password'), { name: 'ann', account: 'ann', password: '' });
    assert.match(await guest.$('use-shared').innerText(), /shared account of the service in this browser: it needs no password/);
    await guest.$('use-shared').click();
    await guest.page.getByText('You’re using the shared account of the service in this browser.').waitFor();
    assert.ok(!/sandbox/i.test(await guest.$('join-form').innerText()), 'no sandbox is there');
    await guest.join({ name: 'Gus' });
    await guest.say('as a guest');
    await guest.shows({ author: 'Gus', text: 'as a guest', state: 'sent' });

    // Who has the password remembered comes in as themselves.
    await account(open, 'eve', 'Home', true);
    const again = await open({ ...invitation, room: 'Elsewhere' });
    assert.equal(await again.$('advanced').getAttribute('open'), null, 'nothing is missing');
    await again.join();
    assert.match(await again.signedInAs(), /eve in this browser/);
});

scenario('a reload, all tabs closed and a killed worker lose nothing', async (open, context) => {
    const ann = await (await open({ name: 'Ann', room: 'Kept', kind: 'history' })).join();
    await ann.say('one');
    await ann.shows({ text: 'one', state: 'sent' });
    await ann.reload();
    await ann.inRoom();
    await ann.shows('one');

    // The page notices by itself, and goes on with the worker that takes its place.
    await killWorker();
    await ann.say('two');
    await ann.shows({ text: 'one' }, { text: 'two', state: 'sent' });
    assert.equal((await workers()).found.length, 1);

    await ann.page.close();
    await until('the worker has ended', async () => (await workers()).found.length, (count) => count === 0);
    const again = await (await open({ name: 'Ann', room: 'Kept', kind: 'history' })).join();
    await again.shows('one', 'two');
    assert.equal(context.pages().length, 1);
});

/** Counts how often a page asks for the worker. */
const counting = `window.asked = 0;
    window.SharedWorker = class extends SharedWorker {
        constructor(...address) {
            super(...address);
            window.asked += 1;
        }
    };`;

scenario('the end of the worker is noticed at once, by all tabs, each time', async (open) => {
    const join = async (name) => (await open({ name, room: 'Quick', kind: 'history' }, { first: counting })).join();
    const [ann, bob] = [await join('Ann'), await join('Bob')];
    const asked = ({ page }) => page.evaluate(() => window.asked);
    const said = [];
    for (const text of ['once', 'twice']) {
        const before = new Map(await Promise.all([ann, bob].map(async (tab) => [tab, await asked(tab)])));
        await killWorker();
        for (const tab of [ann, bob]) {
            // An unanswered ping tells after four seconds at the earliest.
            await until('it asks for another worker', () => asked(tab), (count) => count > before.get(tab), 3_000);
        }
        said.push(text);
        await ann.say(text);
        await bob.shows(...said);
    }
});

scenario('a worker that is killed under traffic loses nothing, and nothing is there twice', async (open) => {
    const join = async (name) => (await open({ name, room: 'Busy', kind: 'history' })).join();
    const tabs = [await join('Ann'), await join('Bob')];
    const said = [];
    const write = async (tab, round) => {
        for (let count = 0; count < 8; count += 1) {
            const text = `${tabs.indexOf(tab)}-${round}-${count}`;
            said.push(text);
            await tab.say(text);
        }
    };
    for (let round = 0; round < 4; round += 1) {
        const writing = Promise.all(tabs.map((tab) => write(tab, round)));
        await new Promise((resolve) => setTimeout(resolve, 100 * round));
        await killWorker();
        await writing;
    }
    const all = (texts) => texts.toSorted().join() === said.toSorted().join();
    for (const tab of [...tabs, await join('Eve')]) {
        await until('every message is there once', () => tab.texts(), all, 60_000);
        await until('nothing is on its way', () => tab.page.locator('[data-state=sending], [data-state=failed]').count(), (count) => count === 0);
    }
});

scenario('it has accounts, rights, moderation and direct messages', async (open) => {
    const ann = await account(open, 'ann', 'Club');
    const bob = await account(open, 'bob', 'Club');
    await bob.$('members-button').click();
    await bob.page.locator('[data-testid=member][data-name=ann]').click();
    await bob.$('write-to').click();
    await until('the conversation is shown', () => bob.$('room-title').innerText(), (title) => title === 'ann');
    await bob.say('only for you');
    await until('ann has a message', () => ann.room('bob').count(), (count) => count === 1);

    const mia = await open({ name: 'Mia', room: 'Club' });
    await mia.join({ account: 'admin', password: 'password' });
    await mia.$('board-button').click();
    await mia.$('duty').filter({ hasText: 'Moderating in this window' }).waitFor();
    await mia.fill({ 'rule-words': 'heck', 'rule-mute-after': '1', 'rule-mute-lasts': '0' });
    await mia.$('rules-button').click();
    await mia.$('board-note').filter({ hasText: 'Rules applied.' }).waitFor();
    await ann.say('what the heck');
    await mia.page.locator('[data-testid=log-row][data-deed=muted]').waitFor();

    const wrong = await open({ name: 'Eve', room: 'Club' });
    await wrong.fill({ account: 'ann', password: 'a guess' });
    await wrong.$('join-button').click();
    await wrong.fault(/password/);
});

scenario('it works below a path, with a service of its own there', async (open, context) => {
    const ann = await (await open({ name: 'Ann', room: 'Here', kind: 'history' })).join();
    await ann.say('at the root');
    await ann.shows({ text: 'at the root', state: 'sent' });
    const page = await context.newPage();
    await page.goto(address({ name: 'Bob', room: 'Here', kind: 'history' }, BELOW));
    await page.getByTestId('join-button').click();
    await page.locator('[data-testid="room-pane"][data-state="open"]').waitFor();
    await page.getByTestId('composer').fill('below');
    await page.getByTestId('composer').press('Enter');
    await page.locator('[data-testid=message][data-state=sent]').waitFor();
    assert.deepEqual(await page.getByTestId('message').getByTestId('text').allInnerTexts(), ['below']);
    await ann.shows('at the root');
});

const withoutSharedWorkers = 'delete window.SharedWorker';

scenario('without shared workers it is one tab’s, and another tab is told so', async (open) => {
    const ann = await open({ name: 'Ann', room: 'Alone', kind: 'history' }, { first: withoutSharedWorkers });
    assert.match(await ann.$('join-about').innerText(), /stays in this tab/);
    await ann.join();
    await ann.say('mine');
    await ann.shows({ text: 'mine', state: 'sent' });
    assert.equal((await workers()).found.length, 0);

    const bob = await open({ name: 'Bob', room: 'Alone', kind: 'history' });
    await bob.$('join-button').click();
    await bob.fault(/Another tab of this browser has the service.*Close the other tab/s);
    await ann.page.close();
    await bob.join();
    await bob.shows('mine');

    await settingsOfService(bob);
    await startAfresh(bob);
    await bob.join();
    await bob.say('mine alone');
    await bob.shows({ text: 'mine alone', state: 'sent' });
});

scenario('everything is taken along as a file, and a new start asks first', async (open) => {
    const ann = await account(open, 'ann', 'Packed');
    await ann.say('take me along');
    await ann.shows({ text: 'take me along', state: 'sent' });
    await settingsOfService(ann);
    const file = await exported(ann);
    assert.match(file.toString('latin1'), /^Effusion service 2\n/);
    assert.equal(file.includes(SECRET), false, 'no password is in it, only hashes');

    await ann.$('browser-reset').click();
    await ann.$('browser-cancel').click();
    await ann.$('browser-question').waitFor({ state: 'detached' });
    await startAfresh(ann);
    // The account is gone, and so is its room.
    const guest = await (await open({ name: 'Gus', room: 'Packed', kind: 'history' })).join({ account: 'user', password: 'password' });
    assert.deepEqual(await guest.texts(), []);
    const gone = await open({ name: 'ann', room: 'Packed' });
    await gone.fill({ account: 'ann', password: SECRET });
    await gone.$('join-button').click();
    await gone.fault(/password/);

    await settingsOfService(guest);
    const choose = (buffer) => guest.$('browser-file').setInputFiles({ name: 'a.effusion', mimeType: '', buffer });
    const changed = (file, place) => Buffer.from(file.map((byte, at) => (at === place ? byte ^ 0x80 : byte)));
    // Files had no checksum, and no length, once.
    const records = file.subarray('Effusion service 2\n'.length + 8 + 32);
    const old = Buffer.concat([Buffer.from('Effusion service 1\n'), records]);
    const path = old.indexOf('Chat/Packed');
    for (const [broken, words] of [
        [Buffer.from('something else'), 'This file is no export of Effusion, or a newer version made it.'],
        [Buffer.from('Effusion service 3\n'), 'This file is no export of Effusion, or a newer version made it.'],
        [file.subarray(0, -1), 'This file is damaged or incomplete.'],
        [changed(file, file.length - 5), 'This file is damaged or incomplete.'],
        [changed(old, path), 'This file is damaged or incomplete.'],
        [Buffer.concat([file, Buffer.from('\r\n')]), 'This file has bytes after its end.'],
    ]) {
        await choose(broken);
        await guest.$('browser-confirm').click();
        const fault = await guest.fault(new RegExp(words));
        assert.equal(fault.trim(), `${words} Nothing was changed. Choose another exported file.`);
    }
    await guest.$('close-dialog').click();
    await guest.say('nothing has changed');
    await guest.shows({ text: 'nothing has changed', state: 'sent' });
    await settingsOfService(guest);
    await choose(old);
    await guest.$('browser-confirm').click();
    await guest.fault(REPLACED);
    await guest.join({ password: 'password' });
    await guest.shows('take me along');
    await settingsOfService(guest);
    await choose(file);
    await guest.$('browser-confirm').click();
    await guest.fault(REPLACED);
    await gone.$('join-button').click();
    await gone.inRoom();
    await gone.shows({ author: 'ann', text: 'take me along' });
});

scenario('two names with the shared account have read each for themselves', async (open) => {
    const join = async (name) => (await open({ name, room: 'Tea', kind: 'history' })).join();
    const [ann, bob] = [await join('Ann'), await join('Bob')];
    await bob.goTo('Elsewhere');
    await ann.page.bringToFront();
    for (const text of ['one', 'two']) {
        await ann.say(text);
        await ann.shows(...(text === 'one' ? [text] : ['one', text]).map((text) => ({ text, state: 'sent' })));
    }
    await until('Bob has read neither', () => bob.room('Tea').getByTestId('unread').innerText(), (count) => /^2\b/.test(count));
});

for (const kind of ['history', 'live']) {
    scenario(`a new start ends the sessions of all tabs, which say so and begin anew: ${kind}`, async (open) => {
        const join = async (name) => (await open({ name, room: 'Tea', kind })).join();
        const [ann, bob] = [await join('Ann'), await join('Bob')];
        await ann.say('to be deleted');
        await bob.shows('to be deleted');
        await bob.goTo('Third', kind);
        await bob.room('Tea').click();
        await bob.$('composer').fill('a draft');
        await settingsOfService(ann);
        if (kind === 'history') {
            // Of what Ann changes there is nothing left either.
            await ann.$('close-dialog').click();
            await ann.use('to be deleted', 'tool-edit');
            await ann.$('composer').fill('changed');
            await settingsOfService(ann);
        }
        await startAfresh(ann);
        await bob.fault(AFRESH);
        assert.equal(await bob.$('message').count(), 0);

        await bob.join();
        assert.equal(await bob.$('room-title').innerText(), 'Tea', 'the room that was shown, not the one that was joined last');
        assert.equal(await bob.$('composer').inputValue(), 'a draft');
        const eve = await join('Eve');
        await bob.say('from the second tab');
        await bob.shows({ text: 'from the second tab', own: true, state: 'sent' });
        await eve.shows('from the second tab');
        await ann.join();
        if (kind === 'history') {
            await ann.shows('from the second tab');
            assert.equal(await ann.$('composer').inputValue(), 'changed');
            assert.equal(await ann.$('purpose').count(), 0, 'it is a draft, and no edit');
        }
        await ann.say('from the first tab');
        for (const tab of [bob, eve]) {
            await tab.message('from the first tab').waitFor();
        }
        assert.equal(await bob.page.getByText('to be deleted').count(), 0);
    });
}

scenario('a file that is brought back ends the sessions of all tabs, too', async (open) => {
    const join = async (name) => (await open({ name, room: 'Filed', kind: 'history' })).join();
    const [ann, bob] = [await join('Ann'), await join('Bob')];
    await ann.say('in the file');
    await bob.shows('in the file');
    await settingsOfService(ann);
    const file = await exported(ann);
    await bob.say('after it');
    await bob.shows('in the file', { text: 'after it', state: 'sent' });
    await ann.$('browser-file').setInputFiles({ name: 'a.effusion', mimeType: '', buffer: file });
    await ann.$('browser-confirm').click();
    for (const tab of [ann, bob]) {
        await tab.fault(REPLACED);
        await tab.join();
        await tab.shows('in the file');
    }
    await bob.say('anew');
    await ann.shows('in the file', 'anew');
});

scenario('a browser that clears the data of the site is a new start, too', async (open, context) => {
    const ann = await (await open({ name: 'Ann', room: 'Cleared', kind: 'history' })).join();
    await ann.say('to be cleared');
    await ann.shows({ text: 'to be cleared', state: 'sent' });
    const session = await context.newCDPSession(ann.page);
    await session.send('Storage.clearDataForOrigin', { origin: host.origin, storageTypes: 'indexeddb' });
    await ann.fault(AFRESH);
    await ann.join();
    await ann.say('anew');
    await ann.shows({ text: 'anew', state: 'sent' });
});

/** A page that gets no worker while it is cut off, as one that sleeps. */
const cutOff = `window.dead = [];
    window.SharedWorker = class extends SharedWorker {
        get port() {
            if (!window.isCutOff) {
                return super.port;
            }
            const { port1, port2 } = new MessageChannel();
            window.dead.push(port2);
            return port1;
        }
    };`;

scenario('a tab that slept through a new start sends nothing of before without asking', async (open) => {
    const join = async (name, more) => (await open({ name, room: 'Slept', kind: 'history' }, more)).join();
    const ann = await join('Ann');
    const bob = await join('Bob', { first: cutOff });
    await bob.page.evaluate(() => (window.isCutOff = true));
    await killWorker();
    await ann.say('to be deleted');
    await ann.shows({ text: 'to be deleted', state: 'sent' });
    await bob.say('not sent yet');
    await bob.page.locator('[data-testid=message][data-state=sending]').waitFor();
    await settingsOfService(ann);
    await startAfresh(ann);
    await ann.join();
    await bob.page.evaluate(() => {
        window.isCutOff = false;
        window.dead.forEach((port) => port.postMessage([1001, '']));
    });
    await bob.fault(AFRESH);

    await bob.join();
    const told = bob.page.getByText(/Not sent. It was written before the service in this browser was started afresh/);
    await told.waitFor();
    // It is not forgotten that it was not to be sent.
    await bob.reload();
    await bob.inRoom();
    await told.waitFor();
    await bob.say('written since');
    await ann.shows('written since');
    await bob.$('retry').click();
    await ann.shows('written since', 'not sent yet');
    await told.waitFor({ state: 'detached' });
});

withBrowser('a browser without space refuses in words, and keeps what it has', () => browser, async (open) => {
    // Chromium limits the space of profiles on disk only.
    const profile = await mkdtemp(path.join(tmpdir(), 'effusion-full-'));
    const context = await launchWithProfile(profile);
    try {
        const page = await context.newPage();
        await page.goto(`${host.origin}/manifest.webmanifest`);
        const session = await context.newCDPSession(page);
        await session.send('Storage.overrideQuotaForOrigin', { origin: host.origin, quotaSize: 400_000 });
        const ann = await (await open(address({ name: 'Ann', room: 'Full', kind: 'history' }), { context })).join();
        await ann.say('before');
        await ann.shows({ text: 'before', state: 'sent' });
        // The browser compresses what it stores, but not this.
        for (let count = 0; count < 5; count += 1) {
            await ann.say(randomBytes(135_000).toString('hex'));
        }
        await ann.page.getByText(/Not sent. This browser has no space left .* Free space on this device .* “Start afresh”/).first().waitFor();
        assert.equal((await ann.messages())[0].text, 'before');
        await session.send('Storage.overrideQuotaForOrigin', { origin: host.origin });
        const again = async () => {
            const [retry] = await ann.$('retry').all();
            // What is clicked may be sent already.
            await retry?.click({ timeout: 1_000 }).catch(() => {});
            await ann.page.waitForTimeout(200);
            return ann.$('retry').count();
        };
        await until('it is sent once there is space', again, (count) => count === 0, 60_000);
        await ann.reload();
        await ann.inRoom();
    } finally {
        await context.close();
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
});

scenario(
    'it starts without a network',
    async (open, context) => {
        const own = await serveFolders({ [BELOW]: dist });
        const at = `${own.origin}${BELOW}?${new URLSearchParams({ name: 'Ann', room: 'Off', kind: 'history' })}`;
        const page = await context.newPage();
        await page.goto(at);
        const kept = () =>
            page.evaluate(async () => {
                const names = await caches.keys();
                const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
                return requests.flat().map(({ url }) => url);
            });
        await until('the page is kept', kept, (urls) => urls.some((url) => url === `${own.origin}${BELOW}`));
        assert.ok((await kept()).some((url) => /effusion-browser-service[^/]*\.wasm$/.test(url)), 'the service is kept with it');
        await own.close();
        await page.reload();
        await page.getByTestId('join-button').click();
        await page.locator('[data-testid="room-pane"][data-state="open"]').waitFor();
        await page.getByTestId('composer').fill('nobody needed');
        await page.getByTestId('composer').press('Enter');
        await page.locator('[data-testid=message][data-state=sent]').waitFor();
    },
    { serviceWorkers: 'allow' },
);
