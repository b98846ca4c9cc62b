// Nobody passes for somebody else: names that look alike, notices that are none, values without a name.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const joined = async (open, name, room, fields = {}) => (await open(address({ name, room, kind: 'history', ...fields }))).join();

/** Appends values to a room as a principal. */
const append = (principal, room, ...values) =>
    withSession(theatre.sandbox, principal, async (session) => {
        for (const value of values) {
            await session.timeseries.append(`Chat/${room}`, value, json());
        }
    });

const said = (name, text) => ({ name, text, timestamp: '' });

/** The author, account and colour of the messages. */
const senders = (window) =>
    window.$('message').evaluateAll((messages) =>
        messages.map((message) => [
            message.querySelector('[data-testid=author]').textContent,
            message.querySelector('.head [data-testid=account]')?.textContent ?? '',
            message.querySelector('.head').style.getPropertyValue('--hue'),
        ]),
    );

const shows = (window, expected) =>
    until(`the senders ${JSON.stringify(expected)}`, () => senders(window), (found) => JSON.stringify(found.map(([name, account]) => [name, account])) === JSON.stringify(expected));

scenario('two accounts of one name are told apart, everywhere', async (open) => {
    const room = 'Namesakes';
    const ann = await joined(open, 'Ann', room);
    await append('user', room, said('Bob', 'one'));
    await shows(ann, [['Bob', '']]);
    await append('control', room, said('Bob', 'two'));
    await shows(ann, [['Bob', 'user'], ['Bob', 'control']]);
    const [[, , first], [, , second]] = await senders(ann);
    assert.notEqual(first, second, 'another colour');
    assert.ok(await ann.message('two').evaluate((message) => message.classList.contains('heads')), 'a heading of its own');

    // In the list of members, typing, in reactions and in suggestions.
    const bob = await joined(open, 'Bob', room);
    // Only then is anybody told that he types.
    await until('both are listed', () => ann.$('members-count').innerText(), (count) => count === '2');
    await bob.$('composer').fill('hm');
    await until('who is typing', () => ann.$('typing').innerText(), (words) => /Bob \(user\)/.test(words));
    await bob.message('one').hover();
    await bob.message('one').getByTestId('tool-quick').first().click();
    await until('who has reacted', () => ann.$('reaction').getAttribute('title'), (title) => /Bob \(user\)/.test(title ?? ''));
    await ann.$('composer').pressSequentially('@Bo');
    await until('the suggestion', () => ann.$('completion').innerText(), (words) => /Several accounts/.test(words));
    await ann.$('composer').fill('');
});

scenario('letters that look like others are shown by their numbers', async (open) => {
    const room = 'Alike';
    const ann = await joined(open, 'Ann', room);
    await append('user', room, said('Bob', 'me'), said('B\u043eb', 'me too'), said('Zoë', 'and me'), said('B\u200bob', 'hidden'), said('\u202eboB', 'turned'));
    await shows(ann, [['Bob', 'user'], ['B\u043eb', 'user · U+043E'], ['Zoë', ''], ['B[U+200B]ob', ''], ['[U+202E]boB', '']]);
    // And the form does not take what cannot be seen.
    const eve = await open(address({ name: 'B\u200bob', room, kind: 'history' }));
    await eve.$('join-button').click();
    await eve.problem('name', /invisible characters/);
});

scenario('a System that says anything else is a person, and values that are no messages are told once', async (open) => {
    const room = 'System';
    const ann = await joined(open, 'Ann', room);
    const texts = ['Send me your password', 'Your account ends, Bob has joined', '**Bob** has joined', 'Bob\nhas joined'];
    await append('user', room, ...texts.map((text) => said('System', text)), said('SYSTEM', 'me too'), said('Admin', 'and me'), said('System', 'Cem has joined'), 1, { x: 2 }, [3], true);
    await shows(ann, [...texts.map(() => ['System', 'user']), ['SYSTEM', 'user'], ['Admin', 'user']]);
    await ann.notice('Cem has joined');
    await ann.notice('4 values that aren’t chat messages');
    assert.equal(await ann.message('Send me your password').getAttribute('data-own'), 'false');
});

scenario('values of another shape are messages if they have a text, by their author if they have no name', async (open) => {
    const room = 'Shapes';
    const ann = await joined(open, 'Ann', room);
    await append('control', room, 'just a text', { text: 'no name' }, { text: 'blank name', name: '  ' }, { message: 'another member', from: 'Bot' }, { text: 'a number', name: 7 });
    const author = 'control';
    await ann.shows(
        { text: 'just a text', author },
        { text: 'no name', author },
        { text: 'blank name', author },
        { text: 'another member', author: 'Bot' },
        { text: 'a number', author },
    );
});

scenario('in a live room nobody knows the account of a name that several have', async (open) => {
    const room = 'Live namesakes';
    const ann = await joined(open, 'Ann', room, { kind: 'live' });
    const [bob, other] = [await joined(open, 'Bob', room, { kind: 'live' }), await open(address({ name: 'Bob', room, kind: 'live' }))];
    await bob.say('which one?');
    await shows(ann, [['Bob', '']]);
    await other.fill({ account: 'control', password: 'password' });
    await other.join();
    await shows(ann, [['Bob', 'account unknown']]);
    await ann.$('members-button').click();
    await until('three members', () => ann.$('member-name').allInnerTexts(), (names) => names.join() === 'Ann,Bob,Bob');
    const hues = await ann.$('member').locator('.avatar').evaluateAll((avatars) => avatars.map((avatar) => avatar.style.getPropertyValue('--hue')));
    assert.equal(new Set(hues).size, 3, 'each has a colour of their own');
    // A name stands for nobody then.
    await ann.say('/mute Bob');
    await until('the accounts', () => ann.$('note').innerText(), (words) => /Several accounts use the name “Bob”: control, user/.test(words));
});

scenario('rooms whose names look the same are told apart in the list and in the directory', async (open) => {
    const ann = await joined(open, 'Ann', 'Tea');
    await ann.goTo('T\u0435a');
    const mark = ann.room('T\u0435a').getByTestId('room-mark');
    await until('the mark', () => mark.innerText(), (words) => words === 'U+0435');
    assert.equal(await ann.room('Tea').getByTestId('room-mark').count(), 0);
    await ann.$('directory-button').click();
    const listed = ann.$('directory').getByTestId('room-mark');
    await until('the mark in the directory', () => listed.allInnerTexts(), (words) => words.join() === 'U+0435');
});

scenario('a room whose name has what cannot be seen is shown for what it is before anybody joins', async (open) => {
    const ann = await open(address({ room: 'T\u200bea\u202e' }));
    await until('the invitation', () => ann.$('join-form').locator('h1').innerText(), (words) => words.includes('T[U+200B]ea[U+202E]'));
    await ann.join({ name: 'Ann' });
    assert.equal(await ann.$('room-title').innerText(), 'T[U+200B]ea[U+202E]');
    assert.match(await ann.page.title(), /^T\[U\+200B\]ea\[U\+202E\] /);
    // Who names no room is invited to none.
    const bob = await open(address({ room: ' ' }));
    assert.ok(!/invited/.test(await bob.$('join-form').locator('h1').innerText()));
});
