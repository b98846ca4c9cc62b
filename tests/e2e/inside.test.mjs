// Diagnostics and lessons: the session's real traffic, without credentials.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { DESKTOP, PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const calls = (window) => window.$('calls').locator('pre').allTextContents();

scenario('the diagnostics show the session, its subscriptions and its messages, with their bytes', async (open) => {
    const room = 'Inside';
    const ann = await (await open(address({ name: 'Ann', room, kind: 'history' }))).join();
    await ann.$('diagnostics-button').click();
    await ann.$('diagnostics').waitFor();
    assert.match(await ann.$('session-id').innerText(), /^[0-9a-f]+-[0-9a-f]+$/);
    assert.equal(await ann.$('principal').innerText(), 'user');
    assert.equal(await ann.$('protocol-version').innerText(), '29');
    await until('a round trip', () => ann.$('round-trip').innerText(), (text) => /^\d+ ms/.test(text));
    assert.ok((await ann.$('selections').innerText()).includes(`>Chat/${room}`));
    assert.ok((await ann.$('topics').innerText()).includes(`Chat/${room}`));
    assert.match(await ann.$('topics').innerText(), /TIME_SERIES/);

    const before = await ann.$('sent').innerText();
    await ann.say('look at me');
    await until('the counters go on', () => ann.$('sent').innerText(), (text) => text !== before);
    const appended = ann.$('protocol-message').filter({ hasText: 'timeseries.append(' }).filter({ hasText: 'look at me' });
    await appended.locator('summary').first().click();
    assert.match(await appended.getByTestId('call').innerText(), /^timeseries\.append\("Chat\/Inside", \{.*"text":"look at me"/);
    assert.equal(await appended.getByTestId('hex').count(), 0, 'bytes come on demand');
    await appended.getByTestId('show-bytes').click();
    const field = async (name) => {
        const row = appended.getByTestId('field').filter({ has: ann.page.getByText(name, { exact: true }) });
        return (await row.locator('td').allTextContents()).join(' = ');
    };
    assert.equal(await field('service'), 'TimeSeriesAppend = 63');
    assert.match(await field('path'), /^"Chat\/Inside" = 0b 43 68 61 74/);
    assert.match(await field('value'), /^\{.*"text":"look at me".*\} = /);
    // Eight bytes a line, or sixteen.
    const hex = () => appended.getByTestId('hex').innerText();
    assert.match(await hex(), /^0000 {2}00 63( [0-9a-f]{2}){6} {2}/, 'a request to the service 0x63');
    await ann.$('wide').check();
    const wide = await until('sixteen bytes a line', hex, (text) => /^0000 {2}00 63( [0-9a-f]{2}){14} {2}/.test(text));
    assert.match(wide.replaceAll(/^.{55}|\n/gm, ''), /look at me/);
    const cut = () => appended.getByTestId('hex').evaluate((pre) => pre.scrollWidth - pre.clientWidth);
    assert.equal(await cut(), 0, 'nothing is cut off');
    assert.equal(await ann.overflow(), 0);
    // Nor on a phone, which has no space for the wide view.
    await ann.$('wide').uncheck();
    await ann.page.setViewportSize(PHONE);
    await ann.$('wide').waitFor({ state: 'hidden' });
    assert.equal(await cut(), 0);
    await ann.page.setViewportSize(DESKTOP);

    // It stays open while others come.
    await ann.say('and me');
    await until('another one', () => ann.$('protocol-message').filter({ hasText: 'time series append' }).count(), (count) => count >= 4);
    assert.ok(await ann.$('hex').first().isVisible());
    await ann.$('close-panel').click();
    await ann.$('diagnostics').waitFor({ state: 'detached' });
});

scenario('messages can be chosen by service, folded and saved', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Filter', kind: 'history' }))).join();
    await ann.say('choose me');
    await ann.$('diagnostics-button').click();
    await ann.$('folded').first().waitFor();
    const titles = () => ann.$('protocol-message').locator('.what').allTextContents();
    assert.deepEqual((await titles()).filter((title) => /ping/.test(title)), []);
    await ann.$('measure').click();
    await ann.$('fold').uncheck();
    await until('pings are shown', titles, (shown) => shown.some((title) => title === 'user ping'));
    await ann.$('service-filter').selectOption('time series append');
    await until('one service', titles, (shown) => shown.length > 0 && shown.every((title) => /time series append$/.test(title)));

    const saved = ann.page.waitForEvent('download');
    await ann.$('save-capture').click();
    const file = await (await saved).path();
    const lines = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    assert.match(lines[0].connect, /^\/diffusion\?v=29&/);
    assert.ok(lines.slice(1).every(({ from, hex }) => /^(client|server)$/.test(from) && /^([0-9a-f]{2})+$/.test(hex)));
    assert.ok(lines.some(({ hex }) => hex?.startsWith('0063')), 'the message is among them');
});

scenario('no password is shown, not even of a new account', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Secrets', kind: 'history' }));
    const secret = 'open sesame 42';
    await ann.$('create-account-link').click();
    await ann.fill({ 'account-name': 'morgiana', 'account-password': secret, 'account-password-again': secret });
    await ann.$('account-button').click();
    await ann.inRoom();
    await ann.$('lessons-button').click();
    await until('the call is there', () => calls(ann), (made) => made.includes('security.updateAuthenticationStore(…)'));
    await ann.$('diagnostics-button').click();
    await ann.$('diagnostics').waitFor();
    assert.equal(await ann.$('principal').innerText(), 'morgiana');
    await ann.$('fold').uncheck();
    await ann.$('protocol-message').first().waitFor();
    // Everything open, bytes and all.
    const bytesMissing = () =>
        ann.page.evaluate(() => {
            for (const details of document.querySelectorAll('#diagnostics details')) {
                details.open = true;
            }
            const bytes = [...document.querySelectorAll('#diagnostics details.bytes')];
            return bytes.length === 0 || bytes.some((details) => details.querySelector('[data-testid=hex]') === null);
        });
    await until('all bytes are shown', bytesMissing, (missing) => !missing);
    const shown = await ann.$('diagnostics').innerText();
    assert.match(shown, /bytes are hidden\./);
    const characters = shown.replaceAll(/^[0-9a-f]{4} .{26}/gm, '').replaceAll('\n', '');
    assert.ok(!shown.includes(secret) && !characters.includes(secret));
    assert.ok(!shown.includes('password'));
});
