// What a reply quotes is held against what its original says now.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const joined = async (open, name, room, options) => (await open(address({ name, room, kind: 'history' }), options)).join();

/** The quote of the reply with this text: what it shows, and how it differs from its original. */
const quote = (window, text) =>
    window.message(text).getByTestId('reply-quote').evaluate((button) => ({
        shown: `${button.querySelector('.author').textContent}: ${button.querySelector('.excerpt, .gone').textContent}`,
        state: button.dataset.state,
        remark: button.querySelector('[data-testid=quote-remark]')?.textContent ?? '',
    }));

const quotes = (window, text, shown, state, remark = /^$/) =>
    until(`the quote ${shown}, ${state}`, () => quote(window, text), (found) => found.shown === shown && found.state === state && remark.test(found.remark));

const edit = async (window, text, changed) => {
    await window.use(text, 'tool-edit');
    await window.$('composer').fill(changed);
    await window.$('composer').press('Enter');
    await window.message(changed).waitFor();
};

scenario('a quote follows its original, also after a reload', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Follow'), await joined(open, 'Bob', 'Follow')];
    await ann.say('Tea at five');
    await ann.shows({ state: 'sent' });
    await bob.use('Tea at five', 'tool-reply');
    // What is answered is edited before the answer is sent.
    await edit(ann, 'Tea at five', 'Tea at six');
    await until('what is answered', () => bob.$('purpose').innerText(), (words) => /Tea at six/.test(words));
    await bob.say('Gladly');
    for (const window of [ann, bob]) {
        await quotes(window, 'Gladly', 'Ann: Tea at six', 'true');
    }
    await edit(ann, 'Tea at six', 'Tea at seven');
    for (const window of [ann, bob]) {
        await quotes(window, 'Gladly', 'Ann: Tea at seven', 'edited', /edited/);
    }
    await bob.reload();
    await bob.inRoom();
    await quotes(bob, 'Gladly', 'Ann: Tea at seven', 'edited', /edited/);
    await ann.use('Tea at seven', 'tool-delete');
    await ann.$('delete-confirm').click();
    for (const window of [ann, bob]) {
        await quotes(window, 'Gladly', 'Ann: This message was deleted.', 'deleted');
    }
    await bob.reload();
    await bob.inRoom();
    await quotes(bob, 'Gladly', 'Ann: This message was deleted.', 'deleted');
});

scenario('quotes that are forged are marked, and those of what is not loaded are not called so', async (open) => {
    const room = 'Forged';
    const [ann, bob] = [await joined(open, 'Ann', room), await joined(open, 'Bob', room)];
    await ann.say('I stay');
    await ann.shows({ state: 'sent' });
    await withSession(theatre.sandbox, 'user', async (session) => {
        const { events } = await session.timeseries.rangeQuery().as(json()).selectFrom(`Chat/${room}`);
        const { sequence } = events.find(({ value }) => value.get().text === 'I stay');
        const send = (text, to, name, quoted) =>
            session.timeseries.append(`Chat/${room}`, { text, name: 'Eve', timestamp: '', reply: { to, name, text: quoted } }, json());
        await send('one', sequence, 'Ann', 'I quit');
        await send('two', sequence, 'Bob', 'I stay');
        await send('three', 4_000_000, 'Ann', 'I quit');
        await send('four', sequence, 'Ann', 'I stay');
    });
    for (const window of [ann, bob]) {
        await quotes(window, 'one', 'Ann: I stay', 'misquoted', /misquoted/);
        await quotes(window, 'two', 'Ann: I stay', 'misquoted', /misquoted/);
        await quotes(window, 'three', 'Ann: I quit', 'missing', /can’t be checked/);
        await quotes(window, 'four', 'Ann: I stay', 'true');
    }
});

scenario('an original from before what is loaded is fetched by a click', async (open) => {
    const room = 'Long ago';
    const path = `Chat/${room}`;
    await withSession(theatre.sandbox, 'control', async (session) => {
        const specification = new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: 'limit 1000',
            TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 20',
        });
        await session.topics.add(path, specification);
        const append = (value) => session.timeseries.append(path, { name: 'Ann', timestamp: '', ...value }, json());
        for (let number = 0; number < 300; number += 1) {
            await append({ text: `line ${number}` });
        }
        await append({ text: 'true', name: 'Eve', reply: { to: 5, name: 'Ann', text: 'line 5' } });
        await append({ text: 'forged', name: 'Eve', reply: { to: 105, name: 'Ann', text: 'I quit' } });
    });
    const bob = await joined(open, 'Bob', room);
    for (const [text, quoted] of [['true', 'line 5'], ['forged', 'I quit']]) {
        await quotes(bob, text, `Ann: ${quoted}`, 'not-loaded', /isn’t loaded/);
    }
    const back = async (text, ...expected) => {
        await bob.message(text).getByTestId('reply-quote').click();
        await bob.message(expected[0].slice('Ann: '.length)).waitFor();
        await bob.$('newest-button').click();
        await quotes(bob, text, ...expected);
    };
    await back('true', 'Ann: line 5', 'true');
    await back('forged', 'Ann: line 105', 'misquoted', /misquoted/);
});

scenario('what a search has found says what it says now', async (open) => {
    const ann = await joined(open, 'Ann', 'Found');
    await ann.say('a needle here');
    await ann.say('another needle');
    await ann.shows({ state: 'sent' }, { state: 'sent' });
    await ann.$('search-button').click();
    await ann.$('search').fill('needle');
    const found = () => ann.$('search-result').locator('[dir=auto]').allInnerTexts();
    await until('two results', found, (texts) => texts.length === 2);
    await edit(ann, 'a needle here', 'a needle there');
    await until('the new words', found, (texts) => texts.includes('a needle there'));
    await ann.use('another needle', 'tool-delete');
    await ann.$('delete-confirm').click();
    await until('one result', found, (texts) => texts.length === 1 && texts[0] === 'a needle there');
    assert.deepEqual(await ann.texts(), ['a needle there', 'This message was deleted.']);
});
