// Lesson 1: two windows chat in a live room.

import assert from 'node:assert/strict';

import { stage } from './stage.mjs';

const { scenario, address } = stage();

scenario('two windows read each other in a live room', async (open) => {
    const { host, port } = Object.fromEntries(new URL(address()).searchParams);
    const ann = await open(address().split('?')[0]);
    await ann.fill({ name: 'Ann', host, port, room: 'Lounge', 'kind-live': true });
    await ann.join();
    await ann.notice('Ann has joined');
    const bob = await open(address({ name: 'Bob', room: 'Lounge', kind: 'live' }));
    await bob.join();
    await ann.notice('Bob has joined');

    await ann.say('Hello, Bob');
    await bob.shows({ author: 'Ann', text: 'Hello, Bob', own: false, state: 'received' });
    await bob.say('Hello, Ann');
    await bob.say('How are you?');
    await ann.shows(
        { author: 'Ann', text: 'Hello, Bob', own: true, state: 'sent' },
        { author: 'Bob', text: 'Hello, Ann', own: false, state: 'received' },
        { author: 'Bob', text: 'How are you?', own: false, state: 'received' },
    );
    await bob.shows(
        { author: 'Ann', text: 'Hello, Bob', own: false },
        { author: 'Bob', text: 'Hello, Ann', own: true, state: 'sent' },
        { author: 'Bob', text: 'How are you?', own: true, state: 'sent' },
    );
});

scenario('own messages can be told from others’ at a glance', async (open) => {
    const [ann, bob] = await Promise.all(
        ['Ann', 'Bob'].map(async (name) => (await open(address({ name, room: 'Apart', kind: 'live' }))).join()),
    );
    await ann.say('mine');
    await bob.shows('mine');
    await bob.say('yours');
    await ann.shows('mine', 'yours');
    const looks = (text) =>
        ann.$('message').filter({ hasText: text }).getByTestId('text').locator('..').evaluate((element) => {
            const { left } = element.getBoundingClientRect();
            return { left, background: getComputedStyle(element).backgroundColor };
        });
    const [mine, yours] = [await looks('mine'), await looks('yours')];
    assert.notEqual(mine.left, yours.left, 'they stand elsewhere');
    assert.notEqual(mine.background, yours.background, 'they have another ground');
});

scenario('enter sends, shift and enter breaks the line, blanks are not sent', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Lines', kind: 'live' }))).join();
    const bob = await (await open(address({ name: 'Bob', room: 'Lines', kind: 'live' }))).join();
    await ann.$('composer').pressSequentially('one');
    await ann.$('composer').press('Shift+Enter');
    await ann.$('composer').pressSequentially('two');
    assert.equal(await ann.$('composer').inputValue(), 'one\ntwo');
    await ann.$('composer').press('Enter');
    assert.equal(await ann.$('composer').inputValue(), '');
    await bob.shows('one\ntwo');
    assert.equal(await bob.$('text').innerText(), 'one\ntwo', 'the break can be seen');

    await ann.$('composer').fill('  \n ');
    assert.ok(await ann.$('send-button').isDisabled());
    await ann.$('composer').press('Enter');
    await ann.$('composer').fill('by the button');
    await ann.$('send-button').click();
    await bob.shows('one\ntwo', 'by the button');
});

scenario('a later visitor of a live room sees its last message and those that follow', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Later', kind: 'live' }))).join();
    await ann.say('gone by then');
    await ann.say('the last one');
    await ann.shows({ text: 'gone by then', state: 'sent' }, { text: 'the last one', state: 'sent' });
    const bob = await (await open(address({ name: 'Bob', room: 'Later', kind: 'live' }))).join();
    await ann.notice('Bob has joined');
    await ann.say('afterwards');
    await bob.shows('the last one', 'afterwards');
});
