// Diagnostics and lessons: the session's real traffic, without credentials.

import assert from 'node:assert/strict';

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
    const hex = await appended.getByTestId('hex').innerText();
    assert.match(hex, /^0000 {2}00 63 /, 'a request to the service 0x63');
    assert.match(hex.replaceAll(/^.{55}|\n/gm, ''), /look at me/);
    assert.equal(await ann.overflow(), 0);

    // It stays open while others come.
    await ann.say('and me');
    await until('another one', () => ann.$('protocol-message').filter({ hasText: 'time series append' }).count(), (count) => count >= 4);
    assert.ok(await ann.$('hex').first().isVisible());
    await ann.$('close-panel').click();
    await ann.$('diagnostics').waitFor({ state: 'detached' });
});

scenario('the lessons show which call each action made', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Lesson', kind: 'live' }))).join();
    await ann.$('lessons-button').click();
    await ann.$('lessons').waitFor();
    assert.equal(await ann.$('lesson').count(), 3);
    const done = () => ann.$('step').evaluateAll((steps) => steps.map((step) => step.dataset.done === 'true'));
    await until('what was done is ticked', done, ([add, select, set]) => add && select);
    await ann.say('value');
    const [add, , set] = await Promise.all([0, 1, 2].map((step) => ann.$('step').nth(step)));
    await set.getByTestId('made-call').waitFor();
    assert.equal(await add.locator('pre').first().innerText(), 'topics.add("Chat/Lesson", JSON)');
    await until('the value is set', () => set.locator('pre').first().innerText(), (text) => text.includes('"text":"value"'));
    assert.match(await set.locator('pre').first().innerText(), /^topicUpdate\.set\("Chat\/Lesson", json, \{/);
    assert.ok((await calls(ann)).some((call) => call.startsWith('select(">Chat/Lesson")')));
    const [link] = await ann.$('lesson').locator('a').all();
    assert.match(await link.getAttribute('href'), /^https:\/\/docs\.diffusiondata\.com\//);
    assert.equal(await link.getAttribute('rel'), 'noopener noreferrer');
    assert.equal(await ann.overflow(), 0);
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
    const characters = shown.replaceAll(/^[0-9a-f]{4} .{50}/gm, '').replaceAll('\n', '');
    assert.ok(!shown.includes(secret) && !characters.includes(secret));
    assert.ok(!shown.includes('password'));
});
