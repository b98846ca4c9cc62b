// Message actions: edit, delete, copy, by pointer, by keyboard and by a long touch.

import assert from 'node:assert/strict';

import { PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const joined = async (open, name, room, { kind = 'history', ...options } = {}) =>
    (await open(address({ name, room, kind }), options)).join();

scenario('an edit of an own message reaches everybody, also later visitors', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Edit'), await joined(open, 'Bob', 'Edit')];
    await ann.say('teh first');
    await ann.say('the second');
    await bob.shows('teh first', 'the second');
    await ann.shows({ state: 'sent' }, { state: 'sent' });

    await ann.use('teh first', 'tool-edit');
    assert.equal(await ann.$('composer').inputValue(), 'teh first');
    assert.match(await ann.$('purpose').innerText(), /Editing message/);
    await ann.$('composer').fill('the first');
    await ann.$('composer').press('Enter');
    for (const window of [ann, bob]) {
        await window.shows('the first', 'the second');
        assert.equal(await window.message('the first').getByTestId('edited').innerText(), 'edited');
        assert.equal(await window.message('the second').getByTestId('edited').innerText(), '');
    }
    assert.equal(await ann.$('composer').inputValue(), '');
    assert.equal(await ann.$('purpose').count(), 0);

    // The service keeps the original.
    await withSession(theatre.sandbox, 'admin', async (admin) => {
        await admin.security.updateSecurityStore(
            'set "ADMINISTRATOR" default path permissions [READ_TOPIC SELECT_TOPIC QUERY_OBSOLETE_TIME_SERIES_EVENTS]',
        );
        const result = await admin.timeseries.rangeQuery().forEdits().as(json()).selectFrom('Chat/Edit');
        const texts = result.events.map((event) => event.value.get().text);
        assert.ok(texts.includes('teh first') && texts.includes('the first'), `${texts}`);
    });

    const cem = await joined(open, 'Cem', 'Edit');
    await cem.shows('the first', 'the second');
    assert.equal(await cem.message('the first').getByTestId('edited').innerText(), 'edited');
});

scenario('the arrow up edits the last own message, and Esc leaves it as it was', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Arrow'), await joined(open, 'Bob', 'Arrow')];
    await ann.say('mine');
    await bob.shows('mine');
    await bob.say('his');
    await ann.shows({ text: 'mine', state: 'sent' }, 'his');
    await ann.$('composer').press('ArrowUp');
    await until('the text in the composer', () => ann.$('composer').inputValue(), (text) => text === 'mine');
    await ann.$('composer').press('End');
    await ann.$('composer').fill('');
    await ann.$('composer').press('Enter');
    await ann.$('note').filter({ hasText: 'A message can’t be empty.' }).waitFor();
    await ann.$('composer').pressSequentially(', changed');
    await ann.$('composer').press('Escape');
    assert.equal(await ann.$('composer').inputValue(), '');
    await ann.$('composer').press('ArrowUp');
    await until('the text in the composer', () => ann.$('composer').inputValue(), (text) => text === 'mine');
    await ann.$('composer').pressSequentially('!');
    await ann.$('composer').press('Enter');
    await bob.shows('mine!', 'his');

    // What was being written is there again afterwards.
    await ann.$('composer').fill('a thought');
    await ann.use('mine!', 'tool-edit');
    await ann.$('composer').fill('mine?');
    await ann.$('composer').press('Enter');
    await bob.shows('mine?', 'his');
    await until('the draft', () => ann.$('composer').inputValue(), (text) => text === 'a thought');
});

scenario('an own message is deleted after confirmation, and a placeholder remains', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Delete'), await joined(open, 'Bob', 'Delete')];
    await ann.say('keep me');
    await ann.say('forget me');
    await bob.shows('keep me', 'forget me');
    await ann.shows({ state: 'sent' }, { state: 'sent' });
    await ann.use('forget me', 'tool-delete');
    await ann.$('delete-confirm').waitFor();
    const [text, question] = await Promise.all(
        [ann.message('forget me').getByTestId('text'), ann.$('message-tools')].map((locator) => locator.boundingBox()),
    );
    assert.ok(question.y >= text.y + text.height, 'the message can be read while it is asked about');
    await ann.$('delete-keep').click();
    assert.equal(await ann.$('delete-confirm').count(), 0);
    await ann.$('tool-delete').click();
    await ann.$('delete-confirm').click();
    for (const window of [ann, bob]) {
        await window.shows('keep me', 'This message was deleted.');
    }
    const cem = await joined(open, 'Cem', 'Delete');
    await cem.shows('keep me', 'This message was deleted.');

    // Others' messages cannot be changed, and neither can a deleted one.
    for (const window of [ann, bob]) {
        await window.message('This message was deleted.').hover();
        await window.$('message-tools').waitFor();
        assert.equal(await window.$('tool-edit').count(), 0);
        assert.equal(await window.$('tool-copy').count(), 0);
    }
    await bob.message('keep me').hover();
    await bob.message('keep me').getByTestId('tool-reply').waitFor();
    assert.equal(await bob.$('tool-edit').count(), 0);
    assert.equal(await bob.$('tool-delete').count(), 0);
});

scenario('in a live room nothing can be edited', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Now', { kind: 'live' }), await joined(open, 'Bob', 'Now', { kind: 'live' })];
    await ann.say('now or never');
    await bob.shows('now or never');
    await ann.shows({ state: 'sent' });
    await ann.message('now or never').hover();
    await ann.$('tool-copy').waitFor();
    assert.equal(await ann.$('tool-edit').count(), 0);
    assert.equal(await ann.$('tool-delete').count(), 0);
    await ann.$('composer').press('ArrowUp');
    assert.equal(await ann.$('composer').inputValue(), '');
});

scenario('a refusal is reported, and nothing is lost', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Refuse'), await joined(open, 'Bob', 'Refuse')];
    await ann.say('as it was');
    await ann.shows({ text: 'as it was', state: 'sent' });
    await withSession(theatre.sandbox, 'admin', (admin) =>
        admin.security.updateSecurityStore(
            'set "TOPIC_CONTROL" path "Chat/Refuse" permissions [READ_TOPIC SELECT_TOPIC UPDATE_TOPIC MODIFY_TOPIC]',
        ),
    );
    await ann.use('as it was', 'tool-edit');
    await ann.$('composer').fill('as it should be');
    await ann.$('composer').press('Enter');
    const words = await until('a refusal', () => ann.$('note').allInnerTexts(), (notes) => notes.length > 0);
    assert.match(words[0], /Message not edited\. Your account isn’t allowed to edit messages/);
    assert.equal(await ann.$('composer').inputValue(), 'as it should be');
    await ann.shows('as it was');
    await ann.$('composer').press('Escape');
    await ann.use('as it was', 'tool-delete');
    await ann.$('delete-confirm').click();
    await until('another refusal', () => ann.$('note').innerText(), (note) => /Message not deleted\. Your account isn’t allowed to/.test(note));
    await bob.shows('as it was');
});

scenario('a message is one tab stop, and arrows lead to what is in it', async (open) => {
    const ann = await joined(open, 'Ann', 'Stops');
    await ann.say('see https://example.com/a and https://example.com/b\n```\nsome code\n```');
    await ann.say('below');
    await ann.shows({ state: 'sent' }, { state: 'sent' });
    await ann.message('below').hover();
    await ann.$('tool-quick').first().click();
    await ann.$('reaction').waitFor();
    await ann.page.mouse.move(0, 0);
    const stops = () => ann.$('message').evaluateAll((messages) =>
        messages.map((message) => [message, ...message.querySelectorAll('*')].filter((element) => element.tabIndex >= 0 && element.getClientRects().length > 0).length),
    );
    assert.deepEqual(await stops(), [1, 1]);
    const first = ann.$('message').first();
    await first.focus();
    await ann.$('message-tools').waitFor();
    assert.deepEqual(await stops(), [1, 1], 'with the buttons, too');
    const focused = () => ann.page.evaluate(() => document.activeElement.getAttribute('href') ?? document.activeElement.dataset.testid);
    await ann.page.keyboard.press('ArrowRight');
    assert.equal(await focused(), 'https://example.com/a');
    await ann.page.keyboard.press('ArrowRight');
    assert.equal(await focused(), 'https://example.com/b');
    await ann.page.keyboard.press('ArrowLeft');
    await ann.page.keyboard.press('ArrowLeft');
    assert.equal(await focused(), 'message');
    await ann.page.keyboard.press('Tab');
    assert.equal(await ann.page.evaluate(() => document.activeElement.querySelector('[data-testid=text]')?.textContent), 'below');
});

scenario('message actions work by keyboard alone', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Keys'), await joined(open, 'Bob', 'Keys')];
    await ann.say('one');
    await ann.say('two');
    await bob.shows('one', 'two');
    await ann.shows({ state: 'sent' }, { state: 'sent' });
    await ann.page.getByRole('region', { name: 'Messages' }).focus();
    const focused = () => ann.page.evaluate(() => document.activeElement.querySelector('[data-testid=text]')?.textContent);
    await ann.page.keyboard.press('ArrowUp');
    assert.equal(await focused(), 'two');
    await ann.page.keyboard.press('ArrowUp');
    assert.equal(await focused(), 'one');
    await ann.page.keyboard.press('ArrowDown');
    await ann.page.keyboard.press('ArrowUp');
    await ann.page.keyboard.press('Enter');
    const tool = () => ann.page.evaluate(() => document.activeElement.dataset.testid);
    for (let step = 0; step < 12 && (await tool()) !== 'tool-delete'; step += 1) {
        await ann.page.keyboard.press('ArrowRight');
    }
    assert.equal(await tool(), 'tool-delete');
    await ann.page.keyboard.press('Enter');
    await until('the focus on the question', tool, (id) => id === 'delete-confirm');
    await ann.page.keyboard.press('Enter');
    await bob.shows('This message was deleted.', 'two');
    await until('the focus in the composer', tool, (id) => id === 'composer');
});

scenario('text and link of a message are copied', async (open) => {
    const permissions = ['clipboard-read', 'clipboard-write'];
    const ann = await joined(open, 'Ann', 'Copy', { permissions });
    await ann.say('copy *me*');
    await ann.shows({ state: 'sent' });
    const copied = () => ann.page.evaluate(() => navigator.clipboard.readText());
    await ann.$('message').hover();
    await ann.$('tool-copy').click();
    await until('the note', () => ann.$('note').innerText(), (note) => /Text copied/.test(note));
    assert.equal(await copied(), 'copy *me*');
    await ann.$('message').hover();
    await ann.$('tool-link').click();
    await until('the note', () => ann.$('note').innerText(), (note) => /Link copied/.test(note));
    const link = new URL(await copied());
    const part = new URLSearchParams(link.hash.slice(1));
    assert.equal(link.searchParams.get('room'), 'Copy');
    assert.match(part.get('message'), /^\d+$/);
    assert.equal(link.searchParams.get('name'), null);
});

scenario('on a phone a long touch opens the menu', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Touch', { viewport: PHONE, hasTouch: true, isMobile: true }), await joined(open, 'Bob', 'Touch')];
    await ann.say('press me');
    await bob.shows('press me');
    await ann.shows({ state: 'sent' });
    const touch = async (id, hold) => {
        const box = await ann.$(id).first().boundingBox();
        const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
        const client = await ann.page.context().newCDPSession(ann.page);
        await client.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] });
        await new Promise((resolve) => setTimeout(resolve, hold));
        await client.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    };
    await touch('text', 60);
    // By the time that this has come, a menu would be there.
    await bob.say('pressed?');
    await ann.shows('press me', 'pressed?');
    assert.equal(await ann.$('message-tools').count(), 0, 'a short touch does nothing');
    await touch('text', 900);
    await ann.$('message-tools').waitFor();
    assert.equal(await ann.overflow(), 0);
    await ann.$('tool-edit').tap();
    await ann.$('composer').fill('pressed');
    await ann.$('send-button').tap();
    await bob.shows('pressed', 'pressed?');
});

scenario('a moderator’s change is marked, and an edit by the SDK is an edit', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Watched'), await joined(open, 'Bob', 'Watched')];
    await withSession(theatre.sandbox, 'user', async (session) => {
        const value = { text: 'a bad word', name: 'Eve', timestamp: '' };
        const { sequence } = await session.timeseries.append('Chat/Watched', value, json());
        await ann.shows('a bad word');
        await session.timeseries.edit('Chat/Watched', sequence, { ...value, text: 'a nice word' }, json());
        for (const window of [ann, bob]) {
            await window.shows('a nice word');
            assert.equal(await window.$('edited').innerText(), 'edited');
        }
        await session.timeseries.edit('Chat/Watched', sequence, { ...value, text: 'a ■■■■ word', bleeped: true }, json());
        for (const window of [ann, bob]) {
            await window.shows('a ■■■■ word');
            assert.equal(await window.$('edited').innerText(), 'edited by a moderator');
        }
    });
});
