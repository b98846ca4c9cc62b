// Words are neither lost nor changed nor missed, in browsers that Playwright cannot drive.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { stageFor } from './lessons.mjs';

const COMPOSER = '#composer';

const read = (window, script, ...args) => window.driver.run(script, ...args);
const draft = (window, expected) =>
    until(`the draft ${JSON.stringify(expected)}`, () => read(window, () => document.querySelector('#composer')?.value), (found) => found === expected);
const told = (window, id, pattern) =>
    until(`${id}: ${pattern}`, () => read(window, (id) => document.querySelector(`[data-testid=${id}]`)?.innerText ?? '', id), (text) => pattern.test(text));
/** Has the browser say whether the window has the focus. */
const setFocus = (window, has) =>
    read(window, (has) => {
        document.hasFocus = () => has;
        window.dispatchEvent(new Event(has ? 'focus' : 'blur'));
    }, has);

/** Waits until what belongs to the box has been fetched. */
const ready = (window) => window.ready('emoji-button');

export function walkWords(name, openDriver) {
    const walk = stageFor(name, openDriver);

    walk('a draft and an edit survive a reload, each as what it is', async (open) => {
        const ann = await open({ room: 'Drafts', kind: 'history', name: 'Ann' });
        await ann.join();
        await ann.say('first');
        await ann.shows(['Ann', 'first', 'sent']);
        await ready(ann);
        await ann.type('composer', 'A');
        await draft(ann, 'A');
        await read(ann, () => document.querySelector('[data-testid=message]').focus());
        await ann.click('tool-edit');
        await draft(ann, 'first');
        await ann.driver.type(COMPOSER, '!');
        await until('the edit', () => read(ann, () => document.querySelector('#composer').value), (text) => text.includes('first') || text.includes('!'));
        const edited = await read(ann, () => document.querySelector('#composer').value);
        await until('it is stored', () => read(ann, () => JSON.stringify({ ...localStorage })), (stored) => stored.includes(JSON.stringify(edited).slice(1, -1)));
        await ann.driver.reload();
        await ann.inRoom();
        await draft(ann, edited);
        await told(ann, 'purpose', /Editing/);
        await ann.click('purpose-cancel');
        await draft(ann, 'A');
        await ann.shows(['Ann', 'first', 'received']);
    });

    walk('the Enter that ends a composition sends nothing', async (open) => {
        const ann = await open({ room: 'Kana', kind: 'history', name: 'Ann' });
        await ann.join();
        await ready(ann);
        await ann.type('composer', 'kana');
        const taken = await read(ann, () => {
            const box = document.querySelector('#composer');
            box.dispatchEvent(new CompositionEvent('compositionstart', { bubbles: true }));
            box.dispatchEvent(new CompositionEvent('compositionend', { bubbles: true, data: 'か' }));
            const key = new KeyboardEvent('keydown', { key: 'Enter', code: 'Enter', keyCode: 229, isComposing: false, bubbles: true, cancelable: true });
            return !box.dispatchEvent(key);
        });
        assert.equal(taken, false);
        await draft(ann, 'kana');
        await ann.driver.enter(COMPOSER);
        await ann.shows(['Ann', 'kana', 'sent']);
    });

    walk('a completed emoji is undone', async (open) => {
        const ann = await open({ room: 'Undo', kind: 'history', name: 'Ann' });
        await ann.join();
        await ready(ann);
        await ann.type('composer', 'see :turt');
        await until('an offer', () => read(ann, () => document.querySelectorAll('[data-testid=completion-item]').length), (count) => count > 0);
        await ann.driver.press(COMPOSER, 'Tab');
        await draft(ann, 'see 🐢');
        // WebKit's driver does not reach the key for it.
        await read(ann, () => document.execCommand('undo'));
        await draft(ann, 'see :turt');
    });

    walk('a text that is too large says so before it is sent, and stays', async (open) => {
        const ann = await open({ room: 'Large', kind: 'history', name: 'Ann' });
        await ann.join();
        await ready(ann);
        await read(ann, () => {
            const box = document.querySelector('#composer');
            box.value = 'x'.repeat(3_000_000);
            box.dispatchEvent(new Event('input', { bubbles: true }));
        });
        await until('the button is off', () => read(ann, () => document.querySelector('[data-testid=send-button]').disabled), Boolean);
        assert.equal(await read(ann, () => document.querySelector('#composer').value.length), 3_000_000);
        await ann.type('composer', 'shorter');
        await ann.driver.enter(COMPOSER);
        await ann.shows(['Ann', 'shorter', 'sent']);
    });

    walk('each paragraph has its own direction, and code is left to right', async (open) => {
        const ann = await open({ room: 'Directions', kind: 'history', name: 'Ann' });
        await ann.join();
        await ready(ann);
        await read(ann, () => {
            const box = document.querySelector('#composer');
            box.value = 'hello\n\nשלום `a.b`';
            box.dispatchEvent(new Event('input', { bubbles: true }));
        });
        await ann.driver.enter(COMPOSER);
        const directions = () => read(ann, () => [...document.querySelectorAll('[data-testid=text] p, [data-testid=text] code')].map((it) => `${it.localName} ${getComputedStyle(it).direction}`));
        await until('the paragraphs', directions, (found) => `${found}` === 'p ltr,p rtl,code ltr');
    });

    walk('a window without the focus does not read', async (open) => {
        const room = { room: 'Focus', kind: 'history' };
        const [ann, bob] = [await open({ ...room, name: 'Ann' }), await open({ ...room, name: 'Bob' })];
        await ann.join();
        await bob.join();
        await setFocus(ann, false);
        await bob.say('are you there?');
        await until('it is unread', () => read(ann, () => document.title), (title) => title.startsWith('(1) '));
        await setFocus(ann, true);
        await until('it is read', () => read(ann, () => document.title), (title) => title === 'Focus – Effusion');
    });

    walk('a room opens at its newest message', async (open) => {
        const room = { room: 'Sixty', kind: 'history' };
        const ann = await open({ ...room, name: 'Ann' });
        await ann.join();
        await ready(ann);
        for (let count = 0; count < 40; count += 1) {
            await ann.type('composer', `number ${count}`);
            await ann.driver.enter(COMPOSER);
        }
        await until('all are sent', () => read(ann, () => [...document.querySelectorAll('[data-testid=text]')].at(-1)?.textContent), (text) => text === 'number 39');
        const bob = await open({ ...room, name: 'Bob' });
        await bob.join();
        const left = () => read(bob, () => {
            const list = document.querySelector('[data-testid=message-list]').closest('.scroll') ?? document.querySelector('.scroll');
            return [[...document.querySelectorAll('[data-testid=text]')].at(-1)?.textContent, Math.round(list.scrollHeight - list.scrollTop - list.clientHeight)];
        });
        await until('the newest message', left, ([text, below]) => text === 'number 39' && below <= 1);
        // It stays there while the rest of the page comes.
        await ready(bob);
        await until('the newest message, still', left, ([text, below]) => text === 'number 39' && below <= 1);
    });

    walk('a reload keeps the tab’s session, and signing out clears the password', async (open) => {
        const password = 'a long secret';
        const dora = await open({ room: 'Out' });
        await dora.click('create-account-link');
        await dora.type('account-name', `${name}-out`);
        await dora.type('account-password', password);
        await dora.type('account-password-again', password);
        await dora.click('account-button');
        await dora.inRoom();
        // Without a service worker there is nowhere to hold a password that is not stored.
        const canHold = await read(dora, () => 'serviceWorker' in navigator);
        if (canHold) {
            const works = () => read(dora, () => navigator.serviceWorker.getRegistration().then((it) => Boolean(it?.active)));
            await until('the service worker', works, Boolean);
            await dora.driver.reload();
            await dora.inRoom();
        }
        const stored = () => read(dora, () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
        assert.ok(!(await stored()).includes(password));
        await dora.click('settings-button');
        await dora.click('sign-out');
        await dora.ready('join-button');
        assert.equal(await read(dora, () => document.querySelector('#password')?.value ?? ''), '');
        await dora.driver.reload();
        await dora.ready('join-button');
    });
}
