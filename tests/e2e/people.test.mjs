// Presence: people who join, leave, type and crash, and services that do not support it.

import assert from 'node:assert/strict';

import { PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { json, plain, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

/** The list of members, as a reader sees it. */
export const members = (window) =>
    window.$('member').evaluateAll((items) =>
        items.map((item) => ({
            name: item.querySelector('[data-testid=member-name]').textContent,
            state: item.dataset.state,
            you: /\byou\b/.test(item.querySelector('small').textContent),
        })),
    );

const names = async (window) => (await members(window)).map(({ name }) => name);

async function peopleIn(window) {
    await window.$('members-button').click();
    await window.$('members').waitFor();
}

const shows = (window, ...wanted) =>
    until(`the members ${wanted}`, () => names(window), (found) => `${found}` === `${wanted}`, 15_000);

const count = (window, wanted) =>
    until(`${wanted} are there`, () => window.$('members-count').innerText(), (found) => found === `${wanted}`);

/** The cards of a room, as the service has them. */
function cards(room) {
    return withSession(theatre.sandbox, 'user', async (session) => {
        const found = await session.fetchRequest().withValues(json()).fetch(`?Effusion/members/${room}//`);
        return found.results().map((topic) => ({ path: topic.path(), ...plain(topic.value()) }));
    });
}

scenario('people come and go, and everyone sees who is there', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Hall', kind: 'history' }))).join();
    await count(ann, 1);
    await peopleIn(ann);
    assert.deepEqual(await members(ann), [{ name: 'Ann', state: 'online', you: true }]);
    const bob = await (await open(address({ name: 'bob', room: 'Hall', kind: 'history' }))).join();
    const cat = await (await open(address({ name: 'Cat', room: 'Hall', kind: 'history' }))).join();
    await shows(ann, 'Ann', 'bob', 'Cat');
    await count(ann, 3);
    await count(bob, 3);
    assert.deepEqual((await members(ann)).filter(({ you }) => you), [{ name: 'Ann', state: 'online', you: true }]);

    await cat.$('leave-button').click();
    await shows(ann, 'Ann', 'bob');
    await bob.close();
    await shows(ann, 'Ann');
    await count(ann, 1);
});

scenario('the windows of one person are one person, and a reload leaves no ghost', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Twice', kind: 'history' }))).join();
    await peopleIn(ann);
    const bob = await (await open(address({ name: 'Bob', room: 'Twice', kind: 'history' }))).join();
    const again = await (await open(address({ name: 'Bob', room: 'Twice', kind: 'history' }))).join();
    await until('three cards', () => cards('Twice'), (found) => found.length === 3);
    await shows(ann, 'Ann', 'Bob');
    await again.reload();
    await again.inRoom();
    await until('still three cards', async () => (await cards('Twice')).length, (found) => found === 3);
    await shows(ann, 'Ann', 'Bob');
    await bob.close();
    await until('two cards', async () => (await cards('Twice')).length, (found) => found === 2);
    await shows(ann, 'Ann', 'Bob');
    await again.close();
    await shows(ann, 'Ann');
});

scenario('a name has one colour for everyone', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Hue', kind: 'history' }))).join();
    const bob = await (await open(address({ name: 'Bob', room: 'Hue', kind: 'history' }))).join();
    await ann.say('my colour');
    await bob.shows({ author: 'Ann', text: 'my colour' });
    await peopleIn(bob);
    await shows(bob, 'Ann', 'Bob');
    const hue = (locator) => locator.evaluate((avatar) => getComputedStyle(avatar).getPropertyValue('--hue').trim());
    const inList = await hue(bob.page.locator('[data-testid=member][data-name=Ann] .avatar'));
    assert.match(inList, /^\d+$/);
    assert.equal(await hue(bob.$('message').locator('.avatar').first()), inList);
    assert.notEqual(await hue(bob.page.locator('[data-testid=member][data-name=Bob] .avatar')), inList);
});

scenario('typing is shown until it stops or the message is sent', async (open) => {
    const [ann, bob, cat] = await Promise.all(
        ['Ann', 'Bob', 'Cat'].map(async (name) => (await open(address({ name, room: 'Desk', kind: 'live' }))).join()),
    );
    await count(ann, 3);
    const typing = (words) => until(words, () => ann.$('typing').innerText(), (found) => found === words);
    await bob.$('composer').pressSequentially('I thi');
    await typing('Bob is typing…');
    await cat.$('composer').pressSequentially('And');
    await bob.$('composer').pressSequentially('nk');
    await typing('Bob and Cat are typing…');
    assert.equal(await bob.$('typing').innerText(), 'Cat is typing…', 'nobody is told of themselves');
    await bob.$('composer').press('Enter');
    await typing('Cat is typing…');
    await ann.shows('I think');
    // She does nothing more.
    await typing('');
    assert.equal(await cat.$('composer').inputValue(), 'And');
});

scenario('people who are away are shown as such until they return', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Away', kind: 'live' }))).join();
    const bob = await (await open(address({ name: 'Bob', room: 'Away', kind: 'live' }))).join();
    await peopleIn(ann);
    await shows(ann, 'Ann', 'Bob');
    const hide = (hidden) =>
        bob.page.evaluate((value) => {
            Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
            document.dispatchEvent(new Event('visibilitychange'));
        }, hidden);
    const state = (wanted) =>
        until(`Bob is ${wanted}`, async () => (await members(ann))[1]?.state, (found) => found === wanted, 30_000);
    await hide(true);
    await state('away');
    await hide(false);
    await state('online');
});

scenario('the card holds what its owner has seen', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Seen', kind: 'history' }))).join();
    const bob = await (await open(address({ name: 'Bob', room: 'Seen', kind: 'history' }))).join();
    await ann.say('one');
    await ann.say('two');
    await bob.shows('one', 'two');
    const newest = await withSession(theatre.sandbox, 'user', async (session) => {
        const { events } = await session.timeseries.rangeQuery().as(json()).selectFrom('Chat/Seen');
        return events.at(-1).sequence;
    });
    await until(
        'both have seen it',
        async () => (await cards('Seen')).map(({ seen }) => seen),
        (seen) => seen.length === 2 && seen.every((sequence) => sequence === newest),
    );
});

scenario('a window that crashes disappears by itself', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Crash', kind: 'live' }))).join();
    await peopleIn(ann);
    const bob = await (await open(address({ name: 'Bob', room: 'Crash', kind: 'live' }))).join();
    await shows(ann, 'Ann', 'Bob');
    const crashed = bob.page.waitForEvent('crash');
    bob.page.goto('chrome://crash').catch(() => {});
    await crashed;
    bob.errors.length = 0;
    await until('Bob is gone', () => names(ann), (found) => `${found}` === 'Ann', 45_000);
});

scenario('a session that replaces another one adds its card again', async (open) => {
    const other = await startSandbox();
    try {
        const fields = { host: other.host, port: other.port, room: 'Again', kind: 'history' };
        const ann = await (await open(address({ ...fields, name: 'Ann' }))).join();
        const bob = await (await open(address({ ...fields, name: 'Bob' }))).join();
        await peopleIn(ann);
        await shows(ann, 'Ann', 'Bob');
        await other.kill();
        await ann.connection('recovering');
        const after = await startSandbox({ port: other.port });
        try {
            await ann.connection('connected');
            await bob.connection('connected');
            await shows(ann, 'Ann', 'Bob');
            const found = await withSession(after, 'user', (session) => session.fetchRequest().fetch('?Effusion/members//'));
            assert.equal(found.results().length, 2);
        } finally {
            await after.kill();
        }
    } finally {
        await other.kill();
    }
});

// In a page that is not split there is nothing to fetch, and the list is there from the start.
scenario('a list of people that could not be fetched is fetched again once the device is online', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Offline', kind: 'history' }));
    const refused = [];
    await ann.page.route(/_room\.wasm$/, (route) => {
        refused.push(route.request().url());
        return route.abort();
    });
    await ann.join();
    await ann.say('hello');
    await ann.shows({ text: 'hello', state: 'sent' });
    await until('it was refused, or is there', async () => refused.length + (await cards('Offline')).length, (found) => found > 0);
    assert.equal((await cards('Offline')).length, refused.length > 0 ? 0 : 1);
    await ann.page.unroute(/_room\.wasm$/);
    await ann.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await count(ann, 1);
    ann.errors = ann.errors.filter((error) => !/Failed to (load resource|fetch)|ERR_FAILED/.test(error));
});

scenario('at 390 pixels the list lies over the room, and Escape closes it', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Small', kind: 'live' }), { viewport: PHONE })).join();
    await count(ann, 1);
    await peopleIn(ann);
    const box = await ann.$('members').boundingBox();
    assert.ok(box.x > 0 && Math.round(box.x + box.width) === 390 && box.height > 800, JSON.stringify(box));
    assert.equal(await ann.overflow(), 0);
    await until('it has the focus', () => ann.page.evaluate(() => document.activeElement.id), (id) => id === 'members');
    await ann.page.keyboard.press('Escape');
    await ann.$('members').waitFor({ state: 'detached' });
    await until('the focus is back', () => ann.page.evaluate(() => document.activeElement.id), (id) => id === 'members-button');
});

scenario('where the service hides people or the list, the page says so and the room works', async (open) => {
    await withSession(theatre.sandbox, 'admin', (admin) =>
        admin.security.updateAuthenticationStore(
            admin.security.authenticationScriptBuilder().addPrincipal('mute', 'secret', ['CLIENT']).build(),
        ),
    );
    const ann = await (await open(address({ name: 'Ann', room: 'Shy', kind: 'history' }))).join();
    await ann.say('hello');
    const mute = await open(address({ name: 'Mute', room: 'Shy', kind: 'history' }));
    await mute.fill({ account: 'mute', password: 'secret' });
    await mute.join();
    await mute.$('message').filter({ hasText: 'hello' }).waitFor();
    await peopleIn(mute);
    await until('it is told', () => mute.$('listing').allInnerTexts(), ([words]) => /Others can’t see that you’re here/.test(words ?? ''));
    await shows(mute, 'Ann');

    const { sandbox } = theatre;
    const permit = (permissions) =>
        withSession(sandbox, 'admin', (admin) => {
            const script = admin.security.securityScriptBuilder();
            return admin.security.updateSecurityStore(
                (permissions === undefined ? script.isolatePath('Effusion') : script.deisolatePath('Effusion')).build(),
            );
        });
    await permit();
    try {
        const bob = await (await open(address({ name: 'Bob', room: 'Shy', kind: 'history' }))).join();
        await bob.$('message').filter({ hasText: 'hello' }).waitFor();
        await peopleIn(bob);
        await until('it is told', () => bob.$('listing').allInnerTexts(), ([words]) => /doesn’t show who is in this room/.test(words ?? ''));
        await bob.say('still talking');
        await bob.$('message').filter({ hasText: 'still talking' }).and(bob.page.locator('[data-state=sent]')).waitFor();
        assert.deepEqual(await names(bob), []);
    } finally {
        await permit([]);
    }
});
