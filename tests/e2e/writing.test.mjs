// Words are sent as they were meant: what an Enter is, how completion and undo work, and how large texts are handled.

import assert from 'node:assert/strict';

import { PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage('--max-message-size', '1000000');
const { scenario, address } = theatre;

const joined = async (open, name, room, { kind = 'history', ...options } = {}) =>
    (await open(address({ name, room, kind }), options)).join();

const draft = (window, expected) => until(`the draft “${expected}”`, () => window.$('composer').inputValue(), (text) => text === expected);

const offered = (window, ...expected) =>
    until(
        `the offers ${expected}`,
        () => window.$('completion-item').locator('bdi').allTextContents(),
        (found) => JSON.stringify(found) === JSON.stringify(expected),
    );

/** The end of a composition in Safari's order: its end, and then the Enter that ended it. True if the page took that Enter. */
const composedEnter = (window, id) =>
    window.$(id).evaluate((box) => {
        box.dispatchEvent(new CompositionEvent('compositionstart', { bubbles: true }));
        box.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true, data: 'か' }));
        const key = new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', keyCode: 229, isComposing: false, bubbles: true, cancelable: true });
        return !box.dispatchEvent(key);
    });

scenario('the Enter that ends a composition sends and chooses nothing', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Kana'), await joined(open, 'Bob', 'Kana')];
    await bob.say('first kana');
    await bob.say('second kana');
    await ann.shows('first kana', 'second kana');
    await ann.$('composer').fill('にほん');
    assert.equal(await composedEnter(ann, 'composer'), false);
    await draft(ann, 'にほん');
    // Completion.
    await ann.$('composer').fill('');
    await ann.$('composer').pressSequentially('@bo');
    await offered(ann, 'Bob');
    await ann.$('composer').press('ArrowDown');
    assert.equal(await composedEnter(ann, 'composer'), false);
    await draft(ann, '@bo');
    await ann.$('composer').press('Enter');
    await draft(ann, '@Bob ');
    // Emoji.
    await ann.$('emoji-button').click();
    await ann.$('emoji-search').fill('turtle');
    await until('it is found', () => ann.$('emoji-picker').locator('[data-emoji="🐢"]').count(), (count) => count === 1);
    assert.equal(await composedEnter(ann, 'emoji-search'), false);
    await ann.$('emoji-close').click();
    await until('the picker is closed', () => ann.$('emoji-picker').count(), (count) => count === 0);
    await draft(ann, '@Bob ');
    // Search.
    await ann.page.keyboard.press('Control+f');
    await ann.$('search').fill('kana');
    const place = () => ann.$('search-count').innerText();
    const before = await until('two are found', place, (words) => /2/.test(words));
    assert.equal(await composedEnter(ann, 'search'), false);
    assert.equal(await place(), before);
    await ann.$('search').press('Enter');
    await until('the next one', place, (words) => words !== before);
    // The switcher.
    await ann.page.keyboard.press('Control+K');
    await ann.$('goal').first().waitFor();
    assert.equal(await composedEnter(ann, 'switcher-search'), false);
    assert.equal(await ann.$('switcher').count(), 1);
    await ann.$('switcher-search').press('Enter');
    await until('it is closed', () => ann.$('switcher').count(), (count) => count === 0);
    await bob.shows('first kana', 'second kana');
});

scenario('on touch screens Enter breaks the line and the button sends, unless the setting says otherwise', async (open) => {
    const ann = await joined(open, 'Ann', 'Finger', { viewport: PHONE, hasTouch: true, isMobile: true });
    assert.equal(await ann.$('composer').getAttribute('enterkeyhint'), 'enter');
    await ann.$('composer').pressSequentially('one');
    await ann.$('composer').press('Enter');
    await ann.$('composer').pressSequentially('two');
    await draft(ann, 'one\ntwo');
    await ann.$('send-button').tap();
    await ann.shows('one\ntwo');
    await ann.$('composer').pressSequentially('three');
    await ann.$('composer').press('Control+Enter');
    await ann.shows('one\ntwo', 'three');

    const choose = async (window, value) => {
        await window.page.keyboard.press('Control+Comma');
        await window.page.locator('#settings-tab-looks').click();
        await window.$('enter-key').selectOption(value);
        await window.$('close-dialog').click();
        await until('the settings are closed', () => window.$('settings').count(), (count) => count === 0);
    };
    await choose(ann, 'send');
    assert.equal(await ann.$('composer').getAttribute('enterkeyhint'), 'send');
    await ann.reload();
    await ann.inRoom();
    await until('it is remembered', () => ann.$('composer').getAttribute('enterkeyhint'), (hint) => hint === 'send');
    await ann.$('composer').pressSequentially('four');
    await ann.$('composer').press('Enter');
    await ann.shows('one\ntwo', 'three', 'four');

    const bob = await joined(open, 'Bob', 'Finger');
    await choose(bob, 'line');
    await bob.$('composer').pressSequentially('a');
    await bob.$('composer').press('Enter');
    await bob.$('composer').pressSequentially('b');
    await draft(bob, 'a\nb');
    await bob.$('composer').press('Control+Enter');
    await bob.shows('one\ntwo', 'three', 'four', 'a\nb');
});

scenario('what was completed or inserted is undone step by step', async (open) => {
    const permissions = ['clipboard-read', 'clipboard-write'];
    const [ann] = [await joined(open, 'Ann', 'Undo', { permissions }), await joined(open, 'Bob', 'Undo')];
    const undo = (expected) => ann.$('composer').press('Control+Z').then(() => draft(ann, expected));
    const redo = (expected) => ann.$('composer').press('Control+Y').then(() => draft(ann, expected));
    await ann.$('composer').pressSequentially('see :turt');
    await offered(ann, ':turtle:');
    await ann.$('composer').press('Tab');
    await draft(ann, 'see 🐢');
    await undo('see :turt');
    await redo('see 🐢');
    await ann.$('composer').pressSequentially(' :rocket:');
    await draft(ann, 'see 🐢 🚀');
    await undo('see 🐢 :rocket:');
    await redo('see 🐢 🚀');
    await ann.$('composer').press('Home');
    await ann.$('emoji-button').click();
    await ann.$('emoji-search').fill('heart');
    await ann.$('emoji-picker').locator('[data-emoji="❤️"]').first().click();
    await draft(ann, '❤️see 🐢 🚀');
    await undo('see 🐢 🚀');
    await redo('❤️see 🐢 🚀');
    await ann.$('composer').press('End');
    await ann.$('composer').pressSequentially(' @bo');
    await offered(ann, 'Bob');
    await ann.$('composer').press('ArrowDown');
    await ann.$('composer').press('Enter');
    await draft(ann, '❤️see 🐢 🚀 @Bob ');
    await undo('❤️see 🐢 🚀 @bo');
    // To the very beginning.
    for (let step = 0; step < 40 && (await ann.$('composer').inputValue()) !== ''; step += 1) {
        await ann.$('composer').press('Control+Z');
    }
    await draft(ann, '');

    const code = Array.from({ length: 20 }, (_, line) => `line ${line}`).join('\n');
    await ann.page.evaluate((words) => navigator.clipboard.writeText(words), code);
    await ann.$('composer').press('Control+V');
    await ann.$('snippet-make').click();
    await draft(ann, `\`\`\`\n${code}\n\`\`\``);
    await undo(`\`\`\`\n${code}`);
    await undo(code);
    for (let step = 0; step < 40 && (await ann.$('composer').inputValue()) !== ''; step += 1) {
        await ann.$('composer').press('Control+Z');
    }
    await draft(ann, '');
});

scenario('Enter sends as typed what is no unmistakable completion', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Typed'), await joined(open, 'Anna', 'Typed')];
    const said = [];
    for (const text of ['see :th', 'mail @an', 'by @', 'price :100']) {
        await ann.$('composer').pressSequentially(text);
        await ann.$('completion').waitFor();
        await ann.$('composer').press('Enter');
        said.push(text);
        await bob.shows(...said);
    }
    // Nobody is called System.
    await ann.$('composer').pressSequentially('@');
    await offered(ann, 'Anna');
    await ann.$('composer').fill('');
    for (const text of ['`:smile:`', '```\n:smile: @an\n```', 'https://a.example/:smile:/', 'a::smile:', '":smile:"', 'std::vec:smile:']) {
        await ann.$('composer').fill('');
        for (const [place, line] of text.split('\n').entries()) {
            if (place > 0) {
                await ann.$('composer').press('Shift+Enter');
            }
            await ann.$('composer').pressSequentially(line);
        }
        await ann.$('composer').pressSequentially(' ');
        await draft(ann, `${text} `);
        assert.equal(await ann.$('completion').count(), 0, text);
    }
    await ann.$('composer').fill('');
    await ann.$('composer').pressSequentially('`a` :smile: ');
    await draft(ann, '`a` 😄 ');
});

scenario('a large text is pasted, edited, and comes back by undoing', async (open) => {
    const ann = await joined(open, 'Ann', 'Large', { permissions: ['clipboard-read', 'clipboard-write'] });
    await ann.$('emoji-button').waitFor();
    const box = ann.$('composer');
    const text = 'some words and more '.repeat(75_000);
    await ann.page.evaluate((text) => navigator.clipboard.writeText(text), text);
    await box.press('Control+V');
    await box.press('x');
    assert.equal((await box.inputValue()).length, text.length + 1);
    await box.press('Control+A');
    await box.press('Delete');
    assert.equal(await box.inputValue(), '');
    await box.press('Control+Z');
    assert.equal((await box.inputValue()).length, text.length + 1);
});

scenario('what is sent right before the page is loaded again is not lost', async (open) => {
    const ann = await joined(open, 'Ann', 'Reloaded');
    const sent = [];
    for (let number = 1; number <= 8; number += 1) {
        sent.push(`number ${number}`);
        await ann.$('composer').fill(sent.at(-1));
        await ann.$('composer').press('Enter');
        await ann.message(sent.at(-1)).waitFor();
        await ann.reload();
        await ann.inRoom();
        await ann.shows(...sent);
    }
    assert.equal(await ann.page.evaluate(() => localStorage.getItem('effusion.left')), null);
});

scenario('the limit is told before sending, and a refused message can be edited', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Limit'), await joined(open, 'Bob', 'Limit')];
    const large = 'x'.repeat(1_000_000);
    await ann.$('composer').evaluate((box, text) => {
        box.value = text;
        box.dispatchEvent(new Event('input', { bubbles: true }));
    }, large);
    await ann.$('too-large').waitFor();
    assert.match(await ann.$('too-large').innerText(), /too large: .* bytes\. The service accepts up to .* bytes\. Shorten it/);
    assert.ok(await ann.$('send-button').isDisabled());
    await ann.$('composer').press('Enter');
    assert.equal((await ann.$('composer').inputValue()).length, large.length, 'nothing is lost');
    await ann.$('composer').evaluate((box) => {
        box.value = 'short enough';
        box.dispatchEvent(new Event('input', { bubbles: true }));
    });
    assert.equal(await ann.$('too-large').count(), 0);
    await ann.$('composer').press('Enter');
    await bob.shows('short enough');

    // What the service refuses can be written anew, in front of what was begun since.
    const allow = (permissions) =>
        withSession(theatre.sandbox, 'admin', (admin) =>
            admin.security.updateSecurityStore(`set "TOPIC_CONTROL" path "Chat/Limit" permissions [${permissions}]`),
        );
    await allow('READ_TOPIC SELECT_TOPIC');
    await ann.$('composer').fill('  refused\n  twice');
    await ann.$('composer').press('Enter');
    await ann.$('edit-unsent').waitFor();
    // There is no box until the right is back.
    await allow('READ_TOPIC SELECT_TOPIC UPDATE_TOPIC');
    await ann.page.evaluate(() => window.dispatchEvent(new Event('focus')));
    await ann.$('composer').fill('since then');
    await ann.$('edit-unsent').click();
    await draft(ann, '  refused\n  twice\nsince then');
    await ann.shows('short enough');
});

scenario('only what is drawn as a mention alerts', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Named'), await joined(open, 'Bob', 'Named')];
    await ann.$('another-room-button').click();
    await ann.$('room-form').getByTestId('room').fill('Away');
    await ann.$('room-button').click();
    await until('the other room', () => ann.$('room-title').innerText(), (title) => title === 'Away');
    const badge = () => ann.room('Named').evaluate((item) => {
        const unread = item.querySelector('[data-testid=unread]');
        return `${unread?.textContent ?? ''} ${item.querySelector('[data-testid=unread-mentions]') !== null}`;
    });
    const silent = ['`@Ann`', '```\n@Ann\n```', 'https://a.example/@Ann', '[x](https://a.example/@Ann)', 'mail@ann'];
    for (const text of silent) {
        await bob.say(text);
    }
    await until('all are unread', badge, (found) => found.includes('5'));
    assert.match(await badge(), /false/);
    await bob.say('**@ann**, look');
    await until('it is a mention', badge, (found) => /true/.test(found));
    await ann.room('Named').click();
    await until('one is drawn', () => ann.$('mention').count(), (count) => count === 1);
});
