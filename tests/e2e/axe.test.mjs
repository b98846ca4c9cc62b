// Accessibility: axe-core finds nothing on any screen, in both themes and on a phone; everything fits at twice the size; and
// a whole visit works by keyboard alone.

import assert from 'node:assert/strict';

import { violations } from '../support/axe.mjs';
import { DESKTOP, PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

/** Opens every screen and dialog, and calls `look` on each. */
async function walk(open, options, look) {
    const phone = options.viewport.width < 800;
    const room = `Access ${options.colorScheme} ${options.viewport.width}`;
    const ann = await open(address({ name: 'Ann', room, kind: 'history' }), options);
    await look(ann, 'join');
    await ann.$('join-form').getByTestId('name').fill('');
    await ann.$('join-button').click();
    await look(ann, 'join with a problem');
    await ann.$('create-account-link').click();
    await ann.$('account-form').waitFor();
    await look(ann, 'account');
    await ann.$('account-back').click();
    await ann.join({ name: 'Ann' });
    await look(ann, 'an empty room');
    const bob = await (await open(address({ name: 'Bob', room, kind: 'history' }), options)).join();
    await ann.say('hello **you**, see https://example.com');
    await bob.say('hello @Ann `code`');
    await ann.$('text').filter({ hasText: 'code' }).waitFor();
    await ann.say('fine');
    await ann.$('text').filter({ hasText: 'fine' }).waitFor();
    await look(ann, 'room');
    const drawer = async () => {
        if (phone) {
            await ann.$('menu-button').click();
        }
    };
    if (phone) {
        await drawer();
        await look(ann, 'drawer');
        await ann.page.keyboard.press('Escape');
    }
    for (const dialog of ['another-room', 'settings']) {
        await drawer();
        await ann.$(`${dialog}-button`).click();
        await ann.$(dialog).waitFor();
        await look(ann, dialog);
        if (dialog === 'settings') {
            for (const tab of await ann.$('settings').getByRole('tab').all()) {
                await tab.click();
                await look(ann, await tab.innerText());
            }
            await ann.$('settings-tab-services').click();
            await ann.$('keep-service').click();
            await look(ann, 'a service kept');
        }
        await ann.$(dialog).getByTestId('close-dialog').click();
    }
    for (const panel of ['lessons', 'diagnostics']) {
        await drawer();
        await ann.$(`${panel}-button`).click();
        await ann.$(panel).waitFor();
        if (panel === 'diagnostics') {
            await ann.$('protocol-message').first().locator('summary').first().click();
        }
        await look(ann, panel);
        await ann.$('close-panel').click();
    }
    await ann.$('members-button').click();
    await ann.$('members').waitFor();
    await look(ann, 'members');
    await ann.$('close-panel').click();
    await ann.$('search-button').click();
    await ann.$('search').fill('hello');
    await ann.$('search-result').first().waitFor();
    await look(ann, 'search');
    await ann.$('close-panel').click();

    await ann.$('room-info-button').click();
    await ann.$('room-info').waitFor();
    await look(ann, 'about the room');
    await ann.page.keyboard.press('Escape');
    await drawer();
    await ann.$('my-profile').click();
    await ann.$('profile').waitFor();
    await look(ann, 'profile');
    await ann.page.keyboard.press('Escape');
    await drawer();
    await ann.$('directory-button').click();
    await ann.$('directory-room').first().waitFor();
    await look(ann, 'directory');
    await ann.$('new-room-button').click();
    await ann.$('new-room').waitFor();
    await look(ann, 'new room');
    await ann.page.keyboard.press('Escape');
    await ann.$('new-room').waitFor({ state: 'detached' });
    await ann.page.keyboard.press('Control+k');
    await ann.$('goal').first().waitFor();
    await look(ann, 'switcher');
    await ann.page.keyboard.press('Escape');
    await ann.$('emoji-button').click();
    await ann.$('emoji').first().waitFor();
    await look(ann, 'emoji');
    await ann.page.keyboard.press('Escape');
    await ann.$('message').last().hover();
    await ann.$('message-tools').waitFor();
    await look(ann, 'what to do with a message');
    await ann.$('composer').fill('/');
    await ann.$('completion-item').first().waitFor();
    await look(ann, 'commands');
    await ann.$('composer').fill('');
    await bob.close();
    await ann.$('leave-button').click();
    await ann.$('no-rooms').waitFor();
    await look(ann, 'no rooms');
}

for (const viewport of [DESKTOP, PHONE]) {
    for (const colorScheme of ['light', 'dark']) {
        scenario(`axe-core finds nothing at ${viewport.width} pixels, ${colorScheme}`, async (open) => {
            const found = [];
            await walk(open, { viewport, colorScheme, reducedMotion: 'reduce' }, async (window, where) => {
                found.push(...(await violations(window)).map((violation) => `${where}: ${violation}`));
                found.push(...window.errors.splice(0).map((error) => `${where}: ${error.slice(0, 200)}`));
                if ((await window.overflow()) > 0) {
                    found.push(`${where}: something is wider than the window`);
                }
            });
            assert.deepEqual(found, []);
        });
    }
}

scenario('axe-core finds nothing with high contrast', async (open) => {
    for (const colorScheme of ['light', 'dark']) {
        const ann = await open(address({ name: 'Ann', room: `Contrast ${colorScheme}`, kind: 'history' }), { colorScheme, reducedMotion: 'reduce' });
        await ann.page.evaluate(() => localStorage.setItem('effusion.theme', 'contrast'));
        await ann.reload();
        assert.deepEqual(await violations(ann), []);
        await ann.join();
        await ann.say('hello');
        await ann.shows({ text: 'hello', state: 'sent' });
        assert.deepEqual(await violations(ann), []);
    }
});

scenario('axe-core finds nothing on the moderator’s board', async (open) => {
    const room = 'Overseen';
    const bob = await (await open(address({ name: 'Bob', room, kind: 'history' }))).join();
    for (const [viewport, colorScheme] of [
        [DESKTOP, 'light'],
        [PHONE, 'dark'],
    ]) {
        const mia = await open(address({ name: 'Mia', room, kind: 'history' }), { viewport, colorScheme, reducedMotion: 'reduce' });
        await mia.join({ account: 'admin', password: 'password' });
        if (viewport === PHONE) {
            await mia.$('menu-button').click();
        }
        await mia.$('board-button').click();
        await mia.$('duty').waitFor();
        await mia.fill({ 'rule-words': 'heck' });
        await mia.$('rules-button').click();
        await mia.$('board-note').waitFor();
        await bob.say(`heck ${colorScheme}`);
        await mia.$('flag').first().waitFor();
        for (const panel of ['', 'lessons']) {
            if (panel) {
                await mia.$(`${panel}-button`).click();
                await mia.$(panel).waitFor();
            }
            assert.deepEqual(await violations(mia), [], `${colorScheme} ${panel}`);
            assert.equal(await mia.overflow(), 0);
        }
        await mia.close();
    }
});

scenario('everything fits at twice the size', async (open) => {
    // As browsers zoom: the window has half as many pixels, of twice the size.
    const half = { width: DESKTOP.width / 2, height: DESKTOP.height / 2 };
    await walk(open, { viewport: half, deviceScaleFactor: 2, colorScheme: 'light' }, async (window, where) => {
        assert.equal(await window.overflow(), 0, where);
    });
});

scenario('joining, writing, changing rooms and settings, and leaving work by keyboard alone', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Keys', kind: 'history' }));
    const { keyboard } = ann.page;
    const focused = () => ann.page.evaluate(() => document.activeElement?.dataset.testid ?? '');
    /** Presses Tab until this has the focus; fails after a full round. */
    const reach = async (id, key = 'Tab') => {
        for (let step = 0; step < 60; step += 1) {
            if ((await focused()) === id) {
                const ring = await ann.page.evaluate(() => {
                    const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
                    return outlineStyle !== 'none' || boxShadow !== 'none';
                });
                assert.ok(ring, `${id} shows that it has the focus`);
                return;
            }
            await keyboard.press(key);
        }
        assert.fail(`${id} cannot be reached by ${key}`);
    };
    await reach('advanced-summary');
    await keyboard.press('Enter');
    await reach('room');
    await keyboard.press('Control+A');
    await keyboard.type('Clavier');
    await reach('join-button');
    await keyboard.press('Enter');
    await ann.inRoom();
    await reach('composer');
    await keyboard.type('typed');
    await keyboard.press('Enter');
    await ann.shows({ text: 'typed', state: 'sent' });

    await reach('another-room-button', 'Shift+Tab');
    await keyboard.press('Enter');
    await ann.$('another-room').waitFor();
    await reach('room');
    await keyboard.type('Organ');
    await keyboard.press('Enter');
    await until('the other room', () => ann.$('room-title').innerText(), (title) => title === 'Organ');
    await ann.inRoom();
    await keyboard.press('Alt+ArrowUp');
    await until('the first room', () => ann.$('room-title').innerText(), (title) => title === 'Clavier');
    await until('the box has the focus', focused, (id) => id === 'composer');

    await reach('settings-button', 'Shift+Tab');
    await keyboard.press('Enter');
    await until('the name has the focus', focused, (id) => id === 'name');
    await reach('settings-tab-connection', 'Shift+Tab');
    await keyboard.press('ArrowRight');
    await keyboard.press('ArrowRight');
    await reach('theme');
    await keyboard.press('d');
    await until('dark', () => ann.page.evaluate(() => document.documentElement.dataset.theme), (theme) => theme === 'dark');
    await keyboard.press('Escape');
    await ann.$('settings').waitFor({ state: 'detached' });
    await until('the focus is back', focused, (id) => id === 'settings-button');
    await reach('leave-button');
    await keyboard.press('Enter');
    await ann.room('Clavier').waitFor({ state: 'detached' });
    await ann.room('Organ').waitFor();
});
