// The rooms of a service: finding, creating, describing and archiving them, and links to them.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { TopicSpecification, TopicType, json, plain, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const join = async (open, name, room, kind = 'history') => (await open(address({ name, room, kind }))).join();

/** The rooms that the directory lists, by name. */
const listed = (window) =>
    window.$('directory-room').evaluateAll((items) =>
        Object.fromEntries(
            items.map((item) => [
                item.dataset.room,
                {
                    people: item.querySelector('[data-testid=directory-people]').textContent,
                    last: item.querySelector('[data-testid=directory-last]')?.textContent.split(' · ')[0] ?? '',
                    about: item.querySelector('.about')?.textContent ?? '',
                    archived: item.textContent.includes('archived'),
                },
            ]),
        ),
    );

async function directory(window) {
    await window.$('directory-button').click();
    await window.$('directory-list').waitFor();
}

async function create(window, fields, act = async () => {}) {
    await directory(window);
    await window.$('new-room-button').click();
    await window.$('new-room').waitFor();
    const { name, kind = 'history', about = '', keep } = fields;
    await window.$('new-room-form').getByTestId('room').fill(name);
    await window.$('new-room-form').getByTestId(`kind-${kind}`).check();
    await window.$('room-about').fill(about);
    if (keep !== undefined) {
        await window.$('room-keep').selectOption(keep);
    }
    await act();
    await window.$('create-room-button').click();
}

const titled = (window, name) => until(`${name} is shown`, () => window.$('room-title').innerText(), (title) => title === name);

const specification = (path) =>
    withSession(theatre.sandbox, 'user', async (session) => {
        const found = await session.fetchRequest().withProperties().fetch(path);
        return found.results()[0]?.specification();
    });

scenario('a room is created with a topic and a retained range, and others find it', async (open) => {
    const ann = await join(open, 'Ann', 'Lobby');
    await create(ann, { name: 'Garden/Tomatoes', about: 'Red ones', keep: '1000' });
    await titled(ann, 'Garden/Tomatoes');
    await ann.inRoom();
    await ann.say('They grow');
    await ann.shows({ text: 'They grow', state: 'sent' });
    await until('the subject', () => ann.$('room-topic').allInnerTexts(), ([words]) => words === 'Red ones');
    const { properties } = await specification('Chat/Garden/Tomatoes');
    assert.equal(properties.TIME_SERIES_RETAINED_RANGE, 'limit 1000');
    assert.equal(properties.TIME_SERIES_SUBSCRIPTION_RANGE, 'limit 100');

    const bob = await join(open, 'Bob', 'Lobby');
    await directory(bob);
    const rooms = await listed(bob);
    assert.deepEqual(rooms['Garden/Tomatoes'], { people: '1 person', last: 'Ann: They grow', about: 'Red ones', archived: false });
    assert.equal(rooms.Lobby.people, '2 people');
    await bob.$('directory-search').fill('red');
    assert.deepEqual(Object.keys(await listed(bob)), ['Garden/Tomatoes']);
    await bob.$('directory-search').fill('nothing of it');
    await bob.$('no-such-room').waitFor();
    await bob.$('directory-search').fill('tom');
    await bob.$('directory-room').click();
    await titled(bob, 'Garden/Tomatoes');
    await bob.inRoom();
    await bob.$('message').filter({ hasText: 'They grow' }).waitFor();
    assert.equal(await bob.$('room-topic').innerText(), 'Red ones');

    await create(bob, { name: 'Lobby' });
    await bob.fault(/A room named “Lobby” already exists/);
});

scenario('permissions are a choice for administrators, and explained to others', async (open) => {
    const ann = await join(open, 'Ann', 'Plain');
    await create(ann, { name: 'Open', kind: 'live' }, async () => {
        await ann.$('access-hint').waitFor();
        assert.match(await ann.$('access-hint').innerText(), /isn’t allowed to change permissions/);
        assert.ok(await ann.$('room-access').isDisabled());
    });
    await titled(ann, 'Open');

    const admin = await open(address({ name: 'Ada', room: 'Plain', kind: 'history' }));
    await admin.fill({ account: 'admin', password: 'password' });
    await admin.join();
    await create(admin, { name: 'News' }, async () => {
        await until('there is a choice', () => admin.$('room-access').isEnabled());
        await admin.$('room-access').selectOption('writers');
        await admin.$('room-role').selectOption('OPERATOR');
    });
    await titled(admin, 'News');
    await admin.inRoom();
    await admin.say('only I write');
    await admin.shows({ text: 'only I write', state: 'sent' });
    await create(admin, { name: 'Board' }, async () => {
        await until('there is a choice', () => admin.$('room-access').isEnabled());
        await admin.$('room-access').selectOption('role');
        await admin.$('room-role').selectOption('OPERATOR');
    });
    await titled(admin, 'Board');
    await admin.inRoom();

    await directory(ann);
    assert.ok((await listed(ann)).News, 'it may be read');
    assert.equal((await listed(ann)).Board, undefined, 'it may not even be seen');
    await ann.page.locator('[data-testid=directory-room][data-room=News]').click();
    await titled(ann, 'News');
    await ann.inRoom();
    await ann.$('message').filter({ hasText: 'only I write' }).waitFor();
    await ann.fault(/isn’t allowed to write in this room/);
});

scenario('a topic is saved for all, and an archived room is read-only', async (open) => {
    const ann = await join(open, 'Ann', 'Project');
    const bob = await join(open, 'Bob', 'Project');
    await ann.say('written before');
    await ann.message('written before').hover();
    await ann.$('tool-quick').first().click();
    await ann.$('reaction').waitFor();
    await ann.$('room-info-button').click();
    await ann.$('room-subject').fill('Ship it');
    await ann.$('subject-button').click();
    for (const window of [ann, bob]) {
        await until('the subject', () => window.$('room-topic').allInnerTexts(), ([words]) => words === 'Ship it');
    }
    await create(bob, { name: 'Aside' });
    await titled(bob, 'Aside');
    assert.deepEqual(await bob.$('room-item').locator('bdi').allTextContents(), ['Project', 'Aside']);
    await ann.$('room-info-button').click();
    await ann.$('archive-button').click();
    await ann.$('archive-question').waitFor();
    await ann.$('archive-confirm').click();
    await ann.$('archived').waitFor();
    assert.equal(await ann.$('composer').count(), 0);
    await ann.message('written before').hover();
    await ann.$('tool-copy').waitFor();
    const changing = ['tool-quick', 'tool-react', 'tool-reply', 'tool-edit', 'tool-delete'].map((tool) => ann.$(tool).count());
    assert.deepEqual(await Promise.all(changing), [0, 0, 0, 0, 0], 'nothing of it can be changed');
    assert.ok(await ann.$('reaction').isDisabled());
    assert.ok(await ann.$('reaction-more').isHidden());
    await until('it is the last', () => bob.$('room-item').locator('bdi').allTextContents(), (names) => `${names}` === 'Aside,Project');
    await bob.room('Project').click();
    await bob.$('archived').waitFor();
    const card = await withSession(theatre.sandbox, 'user', async (session) => {
        const found = await session.fetchRequest().withValues(json()).fetch('Effusion/rooms/Project');
        return plain(found.results()[0].value());
    });
    assert.deepEqual(card, { name: 'Project', kind: 'history', topic: 'Ship it', by: 'Ann', archived: true });
    await directory(bob);
    const rooms = await listed(bob);
    assert.equal(Object.keys(rooms).at(-1), 'Project', 'archived ones come last');
    assert.ok(rooms.Project.archived);
    await bob.$('close-dialog').click();
    await bob.$('reopen-button').click();
    await ann.$('composer').waitFor();
    await ann.say('again');
    await bob.shows('written before', 'again');
});

scenario('the sidebar’s order and drafts survive a reload', async (open) => {
    const ann = await join(open, 'Ann', 'One');
    for (const room of ['Two', 'Three']) {
        await create(ann, { name: room });
        await titled(ann, room);
        await ann.inRoom();
    }
    const order = () => ann.$('room-item').locator('bdi').allTextContents();
    assert.deepEqual(await order(), ['One', 'Two', 'Three']);
    await ann.room('Three').focus();
    await ann.page.keyboard.press('Alt+Shift+ArrowUp');
    await until('it has moved', order, (names) => `${names}` === 'One,Three,Two');
    await ann.room('One').dragTo(ann.room('Two'));
    await until('it was dragged', order, (names) => `${names}` === 'Three,Two,One');
    await ann.room('Two').click();
    await ann.$('composer').fill('not yet sent');
    await ann.room('One').click();
    await ann.$('composer').fill('nor this');
    await ann.reload();
    await ann.inRoom();
    assert.deepEqual(await order(), ['Three', 'Two', 'One']);
    assert.equal(await ann.$('room-title').innerText(), 'One');
    await until('what was begun is there', () => ann.$('composer').inputValue(), (text) => text === 'nor this');
    await ann.room('Two').click();
    await until('there, too', () => ann.$('composer').inputValue(), (text) => text === 'not yet sent');
    await ann.$('composer').press('Enter');
    await ann.shows('not yet sent');
    await ann.reload();
    await ann.inRoom();
    await ann.shows('not yet sent');
    assert.equal(await ann.$('composer').inputValue(), '');
});

scenario('the quick switcher opens rooms by keyboard alone', async (open) => {
    const bob = await join(open, 'Bob', 'Alpha');
    await create(bob, { name: 'Beta', kind: 'live' });
    await titled(bob, 'Beta');
    const ann = await join(open, 'Ann', 'Alpha');
    await ann.page.keyboard.press('Control+K');
    await until('the box has the focus', () => ann.page.evaluate(() => document.activeElement.id), (id) => id === 'switcher-search');
    const goals = () => ann.$('goal').evaluateAll((items) => items.map((item) => item.dataset.name));
    await until('it knows all rooms', goals, (names) => names.includes('Alpha') && names.includes('Beta'));
    await ann.page.keyboard.type('bet');
    await until('it finds one', goals, (names) => `${names}` === 'Beta');
    await ann.page.keyboard.press('Enter');
    await titled(ann, 'Beta');
    await ann.inRoom();
    await ann.say('here I am');
    await bob.shows('here I am');
    await ann.page.keyboard.press('Control+K');
    await until('the list is there', goals, (names) => names.length > 2);
    assert.deepEqual((await goals()).slice(0, 2), ['Alpha', 'Beta'], 'what is open comes first');
    const active = () => ann.$('goal').and(ann.page.locator('[aria-selected=true]')).getAttribute('data-name');
    await ann.page.keyboard.press('ArrowDown');
    await until('the second', active, (name) => name === 'Beta');
    await ann.page.keyboard.press('ArrowUp');
    await until('the first', active, (name) => name === 'Alpha');
    await ann.page.keyboard.press('Enter');
    await titled(ann, 'Alpha');
    await ann.page.keyboard.press('Control+K');
    await ann.$('switcher').waitFor();
    await ann.page.keyboard.press('Escape');
    await ann.$('switcher').waitFor({ state: 'hidden' });
});

scenario('an address leads to a room and to a message in it', async (open) => {
    // More than the subscription range: the message has to be requested.
    const sequence = await withSession(theatre.sandbox, 'user', async (session) => {
        const specification = new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: 'limit 1000',
            TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100',
        });
        await session.topics.add('Chat/Deep/End', specification);
        const appended = [];
        for (let number = 0; number < 300; number += 1) {
            const message = { text: `number ${number}`, name: 'Ann', timestamp: new Date().toISOString() };
            appended.push(session.timeseries.append('Chat/Deep/End', message, json()));
        }
        return (await Promise.all(appended))[7].sequence;
    });
    const hash = `#${new URLSearchParams({ room: 'Deep/End', kind: 'history', message: sequence })}`;
    const bob = await open(`${address({ name: 'Bob' })}${hash}`);
    await bob.join();
    await titled(bob, 'Deep/End');
    const inSight = (window) =>
        window
            .$('message')
            .filter({ hasText: /number 7$/ })
            .or(window.$('message').filter({ has: window.page.getByText('number 7', { exact: true }) }))
            .first()
            .evaluate((item) => {
                const { top, bottom } = item.getBoundingClientRect();
                return top >= 0 && bottom <= innerHeight;
            })
            .catch(() => false);
    await until('the message is in sight', () => inSight(bob));

    // In a window that is in another room already, too.
    const cat = await join(open, 'Cat', 'Elsewhere');
    await cat.page.evaluate((to) => {
        location.hash = to;
    }, hash);
    await titled(cat, 'Deep/End');
    await until('the message is in sight', () => inSight(cat));
    assert.deepEqual(await cat.$('room-item').locator('bdi').allTextContents(), ['Elsewhere', 'Deep/End']);

    await cat.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await cat.$('room-info-button').click();
    await cat.$('copy-room-link').click();
    await until('it is said', () => cat.$('note').innerText(), (note) => /Link copied/.test(note));
    const link = new URL(await cat.page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(link.searchParams.get('room'), 'Deep/End');
    assert.deepEqual(Object.fromEntries(new URLSearchParams(link.hash.slice(1))), { room: 'Deep/End', kind: 'history' });
    assert.equal(link.searchParams.has('name'), false);
});
