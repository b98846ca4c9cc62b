// Lesson 2: a history room keeps its messages for later visitors.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const joined = async (open, name, room) => (await open(address({ name, room, kind: 'history' }))).join();

scenario('a third window joins later and sees the messages, their authors, and its own', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Archive'), await joined(open, 'Bob', 'Archive')];
    await ann.say('first');
    await bob.shows('first');
    await bob.say('second');
    await ann.shows('first', 'second');
    await ann.say('third');
    await bob.shows({ author: 'Ann', text: 'first' }, { author: 'Bob', text: 'second' }, { author: 'Ann', text: 'third' });

    const cem = await joined(open, 'Cem', 'Archive');
    await cem.shows(
        { author: 'Ann', text: 'first', own: false, state: 'received' },
        { author: 'Bob', text: 'second', own: false, state: 'received' },
        { author: 'Ann', text: 'third', own: false, state: 'received' },
    );
    const times = await cem.$('message').locator('time').allTextContents();
    assert.ok(times.length === 3 && times.every((time) => /\d{1,2}:\d{2}/.test(time)), `local times: ${times}`);

    const annAgain = await joined(open, 'Ann', 'Archive');
    await annAgain.shows({ text: 'first', own: true }, { text: 'second', own: false }, { text: 'third', own: true });
    await annAgain.say('fourth');
    await cem.shows('first', 'second', 'third', { author: 'Ann', text: 'fourth', own: false });
});

scenario('of more than a hundred messages the newest hundred are retained', async (open) => {
    const ann = await joined(open, 'Ann', 'Crowded');
    await ann.say('the very first');
    await ann.shows({ text: 'the very first', state: 'sent' });
    await withSession(theatre.sandbox, 'user', async (session) => {
        for (let count = 1; count <= 130; count += 1) {
            const message = { text: `number ${count}`, name: 'Counter', timestamp: new Date().toISOString() };
            await session.timeseries.append('Chat/Crowded', message, json());
        }
    });
    await ann.$('text').filter({ hasText: /^number 130$/ }).waitFor();

    const bob = await joined(open, 'Bob', 'Crowded');
    await bob.$('text').filter({ hasText: /^number 130$/ }).waitFor();
    await bob.shows(...Array.from({ length: 100 }, (_, index) => `number ${index + 31}`));
});

scenario('where the service retains more than a hundred, earlier ones can be loaded', async (open) => {
    await withSession(theatre.sandbox, 'user', async (session) => {
        await session.topics.add('Chat/Deep', new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: 'limit 1000',
            TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100',
        }));
        for (let count = 1; count <= 120; count += 1) {
            await session.timeseries.append('Chat/Deep', { text: `number ${count}`, name: 'Counter', timestamp: '' }, json());
        }
    });
    const ann = await joined(open, 'Ann', 'Deep');
    await ann.$('text').filter({ hasText: /^number 120$/ }).waitFor();
    await until('all of the hundred are there', () => ann.texts(), (texts) => texts[0] === 'number 21');
    // A mouse would scroll up to it, which asks for earlier ones by itself.
    await ann.$('earlier-button').evaluate((button) => button.click());
    await ann.shows(...Array.from({ length: 120 }, (_, index) => `number ${index + 1}`));
});
