// Several rooms at once, and moving between them.

import assert from 'node:assert/strict';

import { DESKTOP, PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const { scenario, address } = stage();

async function another(window, room, kind) {
    await window.$('another-room-button').click();
    await window.$('room-form').getByTestId('room').fill(room);
    await window.$('room-form').getByTestId(`kind-${kind}`).check();
    await window.$('room-button').click();
    await until('the room is shown', () => window.$('room-title').innerText(), (title) => title === room);
    await window.inRoom();
}

const unread = (window, room) =>
    window.room(room).evaluate((item) => Number.parseInt(item.querySelector('[data-testid=unread]')?.textContent ?? '0', 10));

scenario('several rooms at once: each keeps its messages, and the others count unread ones', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Red', kind: 'live' }))).join();
    await another(ann, 'Blue', 'history');
    assert.deepEqual(await ann.$('room-item').locator('bdi').allTextContents(), ['Red', 'Blue']);
    assert.equal(await ann.room('Blue').getAttribute('aria-current'), 'page');

    const bob = await (await open(address({ name: 'Bob', room: 'Red', kind: 'live' }))).join();
    await ann.say('blue one');
    await bob.say('red one');
    await bob.say('red two');
    await until('two are unread', () => unread(ann, 'Red'), (count) => count === 2);
    assert.equal(await ann.page.title(), '(2) Blue – Effusion');
    assert.equal(await unread(ann, 'Blue'), 0);
    await ann.shows('blue one');

    await ann.room('Red').click();
    await ann.shows({ author: 'Bob', text: 'red one' }, { author: 'Bob', text: 'red two' });
    assert.equal(await unread(ann, 'Red'), 0);
    assert.equal(await ann.page.title(), 'Red – Effusion');
    await ann.say('red three');
    await bob.shows('red one', 'red two', { author: 'Ann', text: 'red three' });
    assert.equal(await unread(ann, 'Blue'), 0, 'what one says oneself is not unread');

    // A draft stays in its room.
    await ann.$('composer').fill('unfinished');
    await ann.room('Blue').click();
    assert.equal(await ann.$('composer').inputValue(), '');
    await ann.room('Red').click();
    assert.equal(await ann.$('composer').inputValue(), 'unfinished');
});

scenario('leaving a room ends its messages and keeps the others', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Stay', kind: 'history' }))).join();
    await another(ann, 'Go', 'history');
    const bob = await (await open(address({ name: 'Bob', room: 'Go', kind: 'history' }))).join();
    await bob.say('hello');
    await ann.shows('hello');
    await ann.$('leave-button').click();
    await until('the other room is shown', () => ann.$('room-title').innerText(), (title) => title === 'Stay');
    assert.deepEqual(await ann.$('room-item').locator('bdi').allTextContents(), ['Stay']);
    await bob.say('are you still there?');
    await bob.shows('hello', { text: 'are you still there?', state: 'sent' });
    await ann.say('I stayed');
    await ann.shows('I stayed');

    await ann.$('leave-button').click();
    await ann.$('no-rooms').waitFor();
    await until('the keyboard goes on there', () => ann.page.evaluate(() => document.activeElement.id), (id) => id === 'no-rooms');
    await ann.$('no-rooms').getByRole('button').click();
    await ann.$('room-form').getByTestId('room').fill('Go');
    await ann.$('room-form').getByTestId('kind-history').check();
    await ann.$('room-button').click();
    await ann.shows('hello', 'are you still there?');
});

scenario('the theme is the system’s or the chosen one, which is stored', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Colours' }), { colorScheme: 'light' })).join();
    const dark = () =>
        ann.page.evaluate(() => {
            const canvas = document.createElement('canvas').getContext('2d');
            canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
            canvas.fillRect(0, 0, 1, 1);
            return canvas.getImageData(0, 0, 1, 1).data[1] < 128;
        });
    assert.equal(await dark(), false);
    await ann.page.emulateMedia({ colorScheme: 'dark' });
    assert.equal(await dark(), true, 'as the system');
    await ann.$('settings-button').click();
    await ann.$('settings-tab-looks').click();
    await ann.$('theme').selectOption('light');
    assert.equal(await dark(), false);
    await ann.reload();
    await ann.inRoom();
    assert.equal(await dark(), false);
    await ann.$('settings-button').click();
    await ann.$('settings-tab-looks').click();
    await ann.$('theme').selectOption('system');
    assert.equal(await dark(), true);
});

scenario('on a phone the rooms are in a drawer', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Pocket', kind: 'live' }), { viewport: PHONE, hasTouch: true })).join();
    const sidebar = ann.page.locator('#sidebar');
    assert.ok(!(await inSight(sidebar)), 'it is closed at first');
    await ann.$('menu-button').click();
    await until('it opens', () => inSight(sidebar));
    await another(ann, 'Sleeve', 'live');
    await until('joining closes it', () => inSight(sidebar), (visible) => !visible);
    await ann.$('menu-button').click();
    await until('it opens', () => inSight(sidebar));
    await ann.room('Pocket').click();
    await until('choosing closes it', () => inSight(sidebar), (visible) => !visible);
    assert.equal(await ann.$('room-title').innerText(), 'Pocket');
    await ann.$('menu-button').click();
    await until('it has the focus', () => ann.page.evaluate(() => document.activeElement.closest('#sidebar') !== null));
    await ann.page.keyboard.press('Escape');
    await until('Escape closes it', () => inSight(sidebar), (visible) => !visible);
    await until('the focus is back', () => ann.page.evaluate(() => document.activeElement.id), (id) => id === 'menu-button');
    await ann.say('from my pocket');
    await ann.shows({ text: 'from my pocket', state: 'sent' });
    assert.equal(await ann.overflow(), 0);
    await ann.page.setViewportSize(DESKTOP);
    await until('there is room for it', () => inSight(sidebar));
});

scenario('the list of rooms shows the one that is open, wherever it stands', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Shelf 1', kind: 'live' }), { viewport: { width: 1280, height: 400 } })).join();
    for (let number = 2; number <= 9; number += 1) {
        await another(ann, `Shelf ${number}`, 'live');
    }
    const isInSight = (name) =>
        ann.room(name).evaluate((item) => {
            const [list, own] = [item.closest('nav'), item].map((element) => element.getBoundingClientRect());
            return own.top >= list.top - 1 && own.bottom <= list.bottom + 1;
        });
    await ann.reload();
    await ann.inRoom();
    await until('the last one is in sight', () => isInSight('Shelf 9'));
    assert.equal(await isInSight('Shelf 1'), false, 'there is no space for all');
    await ann.page.keyboard.press('Alt+ArrowDown');
    await until('the first one is in sight', () => isInSight('Shelf 1'));
});

/** Whether some of an element is within the window and shown. */
function inSight(locator) {
    return locator.evaluate((element) => {
        const { left, right } = element.getBoundingClientRect();
        return element.checkVisibility({ visibilityProperty: true }) && right > 0 && left < innerWidth;
    });
}

scenario('the keyboard alone joins, writes, changes rooms and leaves', async (open) => {
    const window = await open(address({ room: 'Keys', kind: 'live' }));
    const focus = () => window.page.evaluate(() => document.activeElement?.dataset.testid ?? document.activeElement?.dataset.room ?? '');
    const tabTo = (what) =>
        until(
            `Tab comes to ${what}`,
            async () => {
                const found = await focus();
                if (found !== what) {
                    await window.page.keyboard.press('Tab');
                }
                return found;
            },
            (found) => found === what,
        );
    const { keyboard } = window.page;
    await tabTo('name');
    await keyboard.type('Kay');
    await keyboard.press('Enter');
    await window.inRoom();
    await tabTo('composer');
    await keyboard.type('no mouse');
    await keyboard.press('Enter');
    await window.shows({ author: 'Kay', text: 'no mouse', own: true, state: 'sent' });

    await tabTo('another-room-button');
    await keyboard.press('Enter');
    await tabTo('room');
    await keyboard.press('Control+A');
    await keyboard.type('Strings');
    await keyboard.press('Enter');
    await until('the room is shown', () => window.$('room-title').innerText(), (title) => title === 'Strings');
    await tabTo('room-item');
    await keyboard.press('Enter');
    await until('the first room is shown', () => window.$('room-title').innerText(), (title) => title === 'Keys');

    await tabTo('settings-button');
    await keyboard.press('Enter');
    await window.$('settings').waitFor();
    await keyboard.press('Escape');
    await window.$('settings').waitFor({ state: 'hidden' });
    assert.equal(await focus(), 'settings-button', 'the focus is where it was');
    await tabTo('leave-button');
    await keyboard.press('Enter');
    await until('the other room is shown', () => window.$('room-title').innerText(), (title) => title === 'Strings');
});

scenario('the focus is visible, and a screen reader has a live log and names', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Reader', kind: 'history' }))).join();
    await ann.say('hello');
    await ann.shows({ text: 'hello', state: 'sent' });
    const log = ann.page.getByRole('log');
    assert.equal(await log.count(), 1);
    // What comes into the list is not always new: what is new is said beside it.
    assert.equal(await log.getAttribute('aria-live'), 'off');
    assert.match(await log.innerText(), /hello/);
    assert.equal(await ann.page.getByRole('status').first().innerText(), 'Connected');
    const nameless = await ann.page.evaluate(() =>
        [...document.querySelectorAll('button, input, textarea, select, a[href]')]
            .filter((element) => element.checkVisibility() && !element.closest('[aria-hidden=true]') && element.ariaHidden !== 'true')
            .filter((element) => {
                const label = element.labels?.length > 0 ? element.labels[0].textContent : '';
                return [element.ariaLabel, element.textContent, label, element.title].every((name) => !name?.trim());
            })
            .map((element) => element.outerHTML),
    );
    assert.deepEqual(nameless, []);
    await ann.page.keyboard.press('Tab');
    for (let step = 0; step < 8; step += 1) {
        await ann.page.keyboard.press('Tab');
        const seen = await ann.page.evaluate(() => {
            const focused = document.activeElement;
            const style = getComputedStyle(focused);
            const outlined = style.outlineStyle !== 'none' && style.outlineWidth !== '0px';
            // The body has it on the way through the browser's own buttons.
            return focused === document.body || outlined || style.boxShadow !== 'none' ? '' : focused.outerHTML;
        });
        assert.equal(seen, '', 'the focus is marked');
    }
});
