// The interface in other languages: the browser's, or a chosen one; also right to left.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const words = (code) => JSON.parse(readFileSync(fileURLToPath(new URL(`../../locales/${code}.json`, import.meta.url)), 'utf8'));
const root = (window) => window.page.evaluate(() => ({ lang: document.documentElement.lang, dir: document.documentElement.dir }));

for (const [locale, code, dir] of [
    ['es-MX', 'es', 'ltr'],
    ['de-AT', 'de', 'ltr'],
    ['ja-JP', 'ja', 'ltr'],
    ['ar-EG', 'ar', 'rtl'],
]) {
    scenario(`a browser in ${code} shows the page in ${code}, within every width`, async (open) => {
        const say = words(code);
        for (const viewport of [undefined, PHONE]) {
            const ann = await open(address({ name: 'Ann', room: 'Polyglot', kind: 'history' }), { locale, ...(viewport && { viewport }) });
            assert.deepEqual(await root(ann), { lang: code, dir });
            assert.equal(await ann.$('join-button').innerText(), say.common_join);
            assert.equal(await ann.overflow(), 0);
            await ann.join();
            assert.equal(await ann.overflow(), 0);
            assert.match(await ann.$('connection-state').innerText(), new RegExp(say.connection_connected));
            if (viewport) {
                await ann.$('menu-button').click();
            }
            await ann.$('settings-button').click();
            await ann.$('settings-form').waitFor();
            assert.equal(await ann.$('settings').getByRole('heading').innerText(), say.common_settings);
            assert.equal(await ann.overflow(), 0);
        }
    });
}

scenario('a browser in an unsupported language gets English', async (open) => {
    const ann = await open(address({ name: 'Ann' }), { locale: 'fi-FI' });
    assert.deepEqual(await root(ann), { lang: 'en', dir: 'ltr' });
    assert.equal(await ann.$('join-button').innerText(), 'Join');
});

scenario('a chosen language applies at once, and after a reload', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Babel', kind: 'history' }))).join();
    await ann.say('hello');
    await ann.shows('hello');
    await ann.$('composer').fill('half a th');
    await ann.$('settings-button').click();
    await ann.$('settings-tab-looks').click();
    await ann.$('language').selectOption('ar');
    await until('Arabic', () => root(ann), ({ lang, dir }) => lang === 'ar' && dir === 'rtl');
    // The settings stay where they were, in the other language.
    assert.equal(await ann.$('settings-tab-looks').innerText(), words('ar').settings_appearance);
    await ann.$('close-dialog').click();
    await ann.shows('hello');
    assert.equal(await ann.$('composer').inputValue(), 'half a th');
    const [sidebar, list] = await Promise.all(['#sidebar', '[data-testid=message-list]'].map((it) => ann.page.locator(it).boundingBox()));
    assert.ok(sidebar.x > list.x, 'the rooms stand at the right');

    await ann.reload();
    await ann.inRoom();
    assert.deepEqual(await root(ann), { lang: 'ar', dir: 'rtl' });
    await ann.$('settings-button').click();
    await ann.$('settings-tab-looks').click();
    await ann.$('language').selectOption('system');
    await until('English', () => root(ann), ({ lang, dir }) => lang === 'en' && dir === 'ltr');
    assert.equal(await ann.page.evaluate(() => localStorage.getItem('effusion.language')), null);
});

scenario('a language whose texts cannot be loaded leaves the page as it was', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Lost words', kind: 'history' }))).join();
    await ann.page.route('**/locales/de.json', (route) => route.abort());
    await ann.$('settings-button').click();
    await ann.$('settings-tab-looks').click();
    await ann.$('language').selectOption('de');
    await until('the choice is taken back', () => ann.$('language').inputValue(), (value) => value === 'system');
    assert.deepEqual(await root(ann), { lang: 'en', dir: 'ltr' });
    await ann.fault(/The language couldn’t be loaded\. Check your network/);
    await ann.$('language').selectOption('es');
    await ann.$('fault').waitFor({ state: 'detached' });
    ann.errors = ann.errors.filter((error) => !/Failed to load resource|ERR_FAILED/.test(error));
});

scenario('dates are written as the reader’s country writes them', async (open) => {
    const title = async (locale) => {
        const window = await (await open(address({ name: 'Ann', room: 'Dates', kind: 'history' }), { locale, timezoneId: 'Europe/Vienna' })).join();
        await window.say(`from ${locale}`);
        await window.$('text').filter({ hasText: `from ${locale}` }).waitFor();
        return window.page.locator('time[title]').first().getAttribute('title');
    };
    assert.match(await title('de-AT'), /^(Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag), \d+\. \p{L}+ \d{4}/u);
    assert.match(await title('es-ES'), /^\p{L}+, \d+ de \p{L}+ de \d{4}/u);
});
