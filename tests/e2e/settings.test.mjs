// Settings: saved services, appearance, and keyboard shortcuts.

import assert from 'node:assert/strict';

import { DESKTOP, PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const style = (window, name) => window.page.evaluate((name) => getComputedStyle(document.documentElement).getPropertyValue(name), name);

scenario('the fields of Advanced are fetched when it is opened, if they could not be before', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Late' }));
    let isCut = true;
    await ann.page.route(/split_room.*\.wasm/, (route) => (isCut ? route.abort() : route.continue()));
    const failed = ann.page.waitForEvent('requestfailed', (request) => /split_room/.test(request.url()));
    await ann.reload();
    await failed;
    isCut = false;
    await ann.$('advanced-summary').click();
    await ann.$('room').waitFor();
    ann.errors = ann.errors.filter((error) => !/ERR_FAILED|Failed to load resource|Failed to fetch/.test(error));
});

scenario('the fields of Advanced stay as they are when it is closed and opened', async (open) => {
    const ann = await open(address({ name: 'Ann' }));
    await ann.$('advanced-summary').click();
    const field = await ann.$('account').elementHandle();
    await ann.$('advanced-summary').click();
    await ann.$('account').waitFor({ state: 'hidden' });
    await ann.$('advanced-summary').click();
    await ann.$('account').waitFor();
    assert.ok(await field.evaluate((field) => field.isConnected));
});

scenario('a service is saved, renamed, chosen on the next visit, made the default and removed; never with a password', async (open) => {
    const { port } = theatre.sandbox;
    const ann = await (await open(address({ name: 'Ann', room: 'Kept', kind: 'history' }))).join();
    await ann.$('settings-button').click();
    await ann.$('settings-tab-services').click();
    await ann.$('no-services').waitFor();
    await ann.$('keep-service').click();
    await ann.$('keep-service').click();
    assert.equal(await ann.$('service-kept').count(), 1, 'the same one is kept once');
    await ann.$('service-name').fill('Workshop');
    await ann.$('service-name').press('Tab');
    await ann.$('service-default').check();
    assert.doesNotMatch(await ann.page.evaluate(() => localStorage.getItem('effusion.services')), /password/);
    await ann.$('close-dialog').click();

    // Another visit, to another host at first.
    const page = await ann.page.context().newPage();
    await page.goto(`${new URL(address()).origin}/`);
    const at = (id) => page.getByTestId(id);
    await at('join-form').waitFor();
    await at('advanced-summary').click();
    assert.equal(await at('port').inputValue(), `${port}`);
    assert.equal(await at('saved-service').locator('option:checked').innerText(), 'Workshop');
    await at('host').fill('elsewhere.example');
    assert.equal(await at('saved-service').locator('option:checked').innerText(), 'Other');
    await at('saved-service').selectOption({ label: 'Workshop' });
    assert.equal(await at('host').inputValue(), '127.0.0.1');
    await page.close();

    await ann.$('settings-button').click();
    await ann.$('settings-tab-services').click();
    await ann.$('service-choose').click();
    assert.equal(await ann.$('settings-tab-connection').getAttribute('aria-selected'), 'true');
    await ann.$('settings-tab-services').click();
    await ann.$('service-remove').click();
    await ann.$('no-services').waitFor();
    assert.equal(await ann.page.evaluate(() => localStorage.getItem('effusion.services')), null);
});

scenario('theme, contrast and density apply at once and are stored', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Looks', kind: 'history' }), { colorScheme: 'light' })).join();
    const body = () => ann.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await ann.$('settings-button').click();
    await ann.$('settings-tab-looks').click();
    const light = await body();
    await ann.$('theme').selectOption('dark');
    assert.notEqual(await body(), light);
    await ann.$('theme').selectOption('contrast');
    assert.equal(await body(), 'rgb(255, 255, 255)');
    const gap = await style(ann, '--gap-4');
    await ann.$('density').selectOption('compact');
    assert.notEqual(await style(ann, '--gap-4'), gap);

    await ann.reload();
    await ann.inRoom();
    assert.equal(await body(), 'rgb(255, 255, 255)');
    assert.notEqual(await style(ann, '--gap-4'), gap);
    await ann.$('settings-button').click();
    await ann.$('settings-tab-looks').click();
    await ann.$('theme').selectOption('system');
    await ann.$('density').selectOption('comfortable');
    assert.equal(await body(), light);
    assert.equal(await style(ann, '--gap-4'), gap);
});

scenario('announcements can be muted in the settings and in the room', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Quiet', kind: 'history' }))).join();
    const pressed = () => ann.$('pause-announcements').getAttribute('aria-pressed');
    assert.equal(await pressed(), 'false');
    await ann.$('settings-button').click();
    await ann.$('settings-tab-attention').click();
    await ann.$('quiet').check();
    await ann.$('do-not-disturb').check();
    await ann.$('close-dialog').click();
    assert.equal(await pressed(), 'true');
    await ann.reload();
    await ann.inRoom();
    assert.equal(await pressed(), 'true');
    await ann.$('settings-button').click();
    await ann.$('settings-tab-attention').click();
    assert.ok(await ann.$('do-not-disturb').isChecked());
    await ann.$('quiet').uncheck();
    assert.equal(await pressed(), 'false');
});

scenario('reduced motion is respected', async (open) => {
    const ann = await open(address({ name: 'Ann' }), { reducedMotion: 'reduce' });
    assert.equal(await style(ann, '--quick'), '0s');
    const bob = await open(address({ name: 'Bob' }), { reducedMotion: 'no-preference' });
    assert.notEqual(await style(bob, '--quick'), '0s');
});

scenario('shortcuts open their list and the settings, and switch rooms', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'First', kind: 'history' }))).join();
    await ann.$('another-room-button').click();
    await ann.$('room-form').getByTestId('room').fill('Second');
    await ann.$('room-button').click();
    await ann.inRoom();
    const title = (name) => until(`the room ${name}`, () => ann.$('room-title').innerText(), (shown) => shown === name);
    await title('Second');
    await ann.page.keyboard.press('Alt+ArrowDown');
    await title('First');
    await ann.page.keyboard.press('Alt+ArrowUp');
    await title('Second');

    // In the box, it is what it is.
    await ann.$('composer').fill('really');
    await ann.$('composer').press('End');
    await ann.page.keyboard.type('?');
    assert.equal(await ann.$('composer').inputValue(), 'really?');
    await ann.$('composer').fill('');
    await ann.$('settings-button').focus();
    await ann.page.keyboard.press('?');
    await ann.$('keyboard').waitFor();
    assert.ok((await ann.$('keyboard').locator('kbd').count()) > 8);
    await ann.page.keyboard.press('Escape');
    await ann.$('keyboard').waitFor({ state: 'detached' });
    await ann.page.keyboard.press('Control+,');
    await ann.$('settings').waitFor();
    await ann.$('settings-tab-connection').focus();
    await ann.page.keyboard.press('ArrowLeft');
    assert.equal(await ann.$('settings-tab-keys').getAttribute('aria-selected'), 'true');
    await ann.page.keyboard.press('Escape');
    await ann.$('settings').waitFor({ state: 'detached' });
});

scenario('the tabs of the settings stay where they are, whichever is open', async (open) => {
    for (const viewport of [DESKTOP, PHONE]) {
        const ann = await (await open(address({ name: 'Ann', room: 'First', kind: 'history' }), { viewport })).join();
        if (viewport === PHONE) {
            await ann.$('menu-button').click();
        }
        await ann.$('settings-button').click();
        const tabs = ann.$('settings').getByRole('tab');
        const places = [];
        await tabs.first().waitFor();
        for (const tab of await tabs.all()) {
            await tab.click();
            assert.equal(await tab.getAttribute('aria-selected'), 'true');
            // On a phone they are one row, which scrolls to the open one.
            places.push(await tabs.first().evaluate((first) => {
                const { x, y, width, height } = first.getBoundingClientRect();
                return { x: x + first.parentElement.scrollLeft, y, width, height };
            }));
        }
        assert.equal(places.length, 5);
        for (const place of places) {
            assert.deepEqual(place, places[0]);
        }
    }
});

scenario('the search opens with Caps Lock on', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'First', kind: 'history' }))).join();
    await ann.page.evaluate(() => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'F', ctrlKey: true, bubbles: true })));
    await ann.$('search').waitFor();
});

scenario('with the system’s colours one sees what is chosen, where the focus is, and how the connection stands', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'First', kind: 'history' }), { forcedColors: 'active' })).join();
    await ann.goTo('Second');
    const outline = (element) => {
        const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
        return outlineStyle !== 'none' && outlineWidth !== '0px' && !outlineColor.startsWith('rgba(0, 0, 0, 0)');
    };
    assert.ok(await ann.page.locator('[aria-current]').first().evaluate(outline), 'the room that is shown');
    assert.ok(!(await ann.room('First').evaluate(outline)), 'and no other');
    await ann.page.keyboard.press('Tab');
    assert.ok(await ann.page.evaluate(`(${outline})(document.activeElement)`), 'the focus');
    const dot = await ann.page.locator('.connection').first().evaluate((element) => getComputedStyle(element, '::before').backgroundColor);
    assert.notEqual(dot, 'rgb(255, 255, 255)', 'the connection');
    await ann.$('composer').fill(':sm');
    await ann.page.getByRole('option').first().waitFor();
    await ann.page.keyboard.press('ArrowDown');
    assert.ok(await ann.page.locator('[role=option][aria-selected=true]').evaluate(outline), 'the chosen completion');
    await ann.page.keyboard.press('Escape');
    await ann.$('composer').fill('');
    await ann.$('settings-button').click();
    assert.ok(await ann.page.locator('[role=tab][aria-selected=true]').evaluate(outline), 'the open tab');
});

scenario('the page is as high as what a keyboard on the screen leaves of it', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'First', kind: 'history' }), { viewport: PHONE });
    await ann.join();
    const composer = () => ann.$('composer').boundingBox().then(({ y, height }) => y + height);
    const resize = (height) => ann.page.evaluate((height) => {
        Object.defineProperty(visualViewport, 'height', { value: height, configurable: true });
        visualViewport.dispatchEvent(new Event('resize'));
    }, height);
    const before = await composer();
    await resize(400);
    await until('the box is over the keyboard', composer, (bottom) => bottom <= 400);
    await resize(PHONE.height);
    await until('the box is where it was', composer, (bottom) => bottom === before);
});
