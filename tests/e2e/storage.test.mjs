// A browser that stores nothing, or has no space left: that is said once, and what is written is not lost while the page is open.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

/** Nothing is stored: neither small things nor a database. */
const forbidden = () => {
    const refuse = () => {
        throw new DOMException('no', 'SecurityError');
    };
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) {
        Object.defineProperty(window, name, { get: refuse });
    }
};

/** There is no space left for anything, and no transaction is completed. */
const full = () => {
    Storage.prototype.setItem = () => {
        throw new DOMException('full', 'QuotaExceededError');
    };
    IDBObjectStore.prototype.put = function () {
        this.transaction.abort();
        throw new DOMException('full', 'QuotaExceededError');
    };
};

/** Small things have their place, but what takes much space has none. */
const small = () => {
    const set = Storage.prototype.setItem;
    Storage.prototype.setItem = function (key, value) {
        if (value.length > 100_000) {
            throw new DOMException('full', 'QuotaExceededError');
        }
        set.call(this, key, value);
    };
};

for (const [what, first] of Object.entries({ forbidden, full })) {
    scenario(`storage is ${what}: said once, and nothing is lost while the page is open`, async (open) => {
        const room = `No storage ${what}`;
        const ann = await (await open(address({ name: 'Ann', room, kind: 'history' }), { first })).join();
        await ann.$('not-stored').waitFor();
        assert.match(await ann.$('not-stored').innerText(), /isn’t storing anything more/);
        await ann.$('not-stored-close').click();
        await ann.$('composer').fill('a draft');
        await ann.goTo(`${room} two`);
        await ann.say('hello');
        await ann.shows({ text: 'hello', state: 'sent' });
        await ann.room(room).click();
        await until('the draft is back', () => ann.$('composer').inputValue(), (text) => text === 'a draft');
        await ann.$('composer').press('Enter');
        await ann.shows({ text: 'a draft', state: 'sent' });
        await ann.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        assert.equal(await ann.$('not-stored').count(), 0, 'it is not said again');
        ann.errors = ann.errors.filter((error) => !/QuotaExceeded|SecurityError|full|IDB/.test(error));
    });
}

scenario('a large draft has its place beside the small ones', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Large', kind: 'history' }), { first: small })).join();
    const large = 'x'.repeat(200_000);
    await ann.$('composer').fill(large);
    await ann.goTo('Little');
    await ann.$('composer').fill('a little one');
    const stored = () => ann.page.evaluate(() => localStorage.getItem('effusion.drafts') ?? '');
    await until('both are stored', stored, (drafts) => drafts.includes('a little one') && drafts.includes('\\u0000'));
    await ann.reload();
    await ann.inRoom();
    for (const [room, draft] of [['Little', 'a little one'], ['Large', large]]) {
        await ann.room(room).click();
        await until(`the draft in ${room} is there`, () => ann.$('composer').inputValue(), (text) => text === draft);
    }
    // What is no draft any more takes no space.
    await ann.$('composer').fill('');
    await until('it is gone', async () => ((await stored()).includes('\\u0000') ? 1 : 0), (count) => count === 0);
    assert.equal(await ann.$('not-stored').count(), 0);
});

scenario('a draft that is too large for the device takes no other one along', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Large', kind: 'history' }), { first: full })).join();
    await ann.$('composer').fill('x'.repeat(200_000));
    await ann.goTo('Little');
    await ann.$('not-stored').waitFor();
    await ann.room('Large').click();
    await until('it is still there', () => ann.$('composer').inputValue(), (text) => text.length === 200_000);
    ann.errors = ann.errors.filter((error) => !/QuotaExceeded|full|IDB/.test(error));
});

scenario('what was written is not lost where a part of the page does not come', async (open) => {
    const room = 'Parts';
    const bob = await (await open(address({ name: 'Bob', room, kind: 'history' }))).join();
    await bob.say('Tea?');
    const ann = await (await open(address({ name: 'Ann', room, kind: 'history' }))).join();
    await ann.use('Tea?', 'tool-reply');
    await ann.$('composer').fill('Yes, please');
    await until('the draft is stored', () => ann.page.evaluate(() => localStorage.getItem('effusion.drafts')), (drafts) => /Yes, please/.test(drafts ?? ''));
    // From now on nothing comes but what the page starts with, and the chat itself.
    let isCut = true;
    await ann.page.route(/split_.*\.wasm/, (route) => (isCut && !/chat/.test(route.request().url()) ? route.abort() : route.continue()));
    await ann.reload();
    await ann.inRoom();
    await ann.shows('Tea?');
    await ann.$('part-missing').waitFor();
    isCut = false;
    await ann.$('part-missing').getByRole('button', { name: 'Reload' }).click();
    await until('the draft is there', () => ann.$('composer').inputValue(), (text) => text === 'Yes, please');
    await ann.$('composer').press('Enter');
    await bob.shows('Tea?', { text: 'Yes, please', author: 'Ann' });
    assert.match(await bob.message('Yes, please').getByTestId('reply-quote').innerText(), /Bob Tea\?/);
    ann.errors = ann.errors.filter((error) => !/ERR_FAILED|Failed to load resource|Failed to fetch/.test(error));
});
