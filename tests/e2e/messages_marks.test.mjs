// The state of a message: sending, sent, seen.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const joined = async (open, name, room) => (await open(address({ name, room, kind: 'history' }))).join();

const delivery = (window, pattern) =>
    until(`a mark that says ${pattern}`, () => window.$('delivery').last().innerText(), (words) => pattern.test(words.replace(/[\u2068\u2069]/g, '')));

scenario('the last own message shows who has seen it', async (open) => {
    const ann = await joined(open, 'Ann', 'Marks');
    await ann.say('alone');
    await ann.shows({ state: 'sent' });
    await delivery(ann, /^Sent\s*$/);
    const bob = await joined(open, 'Bob', 'Marks');
    await bob.shows('alone');
    await delivery(ann, /^Sent · seen by Bob$/);
    const cem = await joined(open, 'Cem', 'Marks');
    await cem.shows('alone');
    await delivery(ann, /^Sent · seen by Bob, Cem$/);
    await cem.say('/nick Cemil');
    await delivery(ann, /^Sent · seen by Bob, Cemil$/);
    await joined(open, 'Dee', 'Marks');
    await delivery(ann, /^Sent · seen by 3 people$/);
    await ann.say('another');
    await bob.shows('alone', 'another');
    await delivery(ann, /seen by 3 people/);
    await until('one mark only', () => ann.$('delivery').locator('visible=true').count(), (count) => count === 1);
});

scenario('a long text is folded, and can be unfolded', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Long'), await joined(open, 'Bob', 'Long')];
    const long = Array.from({ length: 80 }, (_, line) => `line ${line}`).join('\n');
    await ann.say(long);
    await ann.say('short');
    await bob.shows(long, 'short');
    assert.equal(await bob.$('show-all').count(), 1);
    const height = () => bob.$('text').first().evaluate((text) => text.clientHeight);
    const folded = await height();
    assert.ok(folded < 400, `${folded}`);
    await bob.$('show-all').click();
    assert.ok((await height()) > 1_000);
    await bob.$('show-all').click();
    assert.equal(await height(), folded);
});
