// Malicious or unusual texts are shown literally.

import assert from 'node:assert/strict';

import { DESKTOP, PHONE } from '../support/browser.mjs';
import { json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const HOSTILE = [
    '<img src=x onerror="window.harmed = 1">',
    '<script>window.harmed = 2</script>',
    '<a href="javascript:window.harmed = 3">click</a>',
    'javascript:window.harmed=4',
    '"><svg onload=window.harmed=5>',
    '&lt;b&gt; &amp; &#x3c;',
    '{{constructor.constructor("window.harmed = 6")()}}',
    '${window.harmed = 7}',
    '\u202eright to left\u202c \u0000 \u200b\ufeff',
    'Z̸̢͍͕̱͇̓͗a̴l̶g̷o̸ 👩‍👩‍👧‍👦 ﷽',
];

for (const kind of ['live', 'history']) {
    scenario(`texts and names with markup are shown as text in a ${kind} room`, async (open) => {
        const room = `Arena ${kind}`;
        const ann = await (await open(address({ name: 'Ann <b>&', room, kind }))).join();
        const bob = await (await open(address({ name: '"><img src=x onerror=window.harmed=8>', room, kind }))).join();
        for (const text of HOSTILE) {
            await ann.say(text);
        }
        for (const window of [ann, bob]) {
            await window.shows(...HOSTILE.map((text) => ({ text, author: 'Ann <b>&' })));
        }
        await bob.say('and I');
        await ann.$('text').filter({ hasText: 'and I' }).waitFor();
        for (const window of [ann, bob]) {
            const found = await window.page.evaluate(() => ({
                harmed: window.harmed,
                made: document.querySelectorAll('[role=log] :is(img, script, a, b)').length,
            }));
            assert.deepEqual(found, { harmed: undefined, made: 0 });
        }
    });
}

scenario('a room’s name with markup is shown as text', async (open) => {
    const name = '<i>Room</i> & "more" 🌊';
    const ann = await (await open(address({ name: 'Ann', room: name, kind: 'history' }))).join();
    assert.equal(await ann.$('room-title').innerText(), name);
    await ann.say('here');
    await ann.shows({ text: 'here', state: 'sent' });
    const bob = await (await open(address({ name: 'Bob', room: name, kind: 'history' }))).join();
    await bob.shows('here');
});

for (const [screen, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    scenario(`long texts stay within a ${screen}'s screen`, async (open) => {
        const room = `Wide ${screen}`;
        const ann = await (await open(address({ name: 'W'.repeat(64), room, kind: 'history' }), { viewport })).join();
        const texts = ['x'.repeat(10_000), `https://example.com/${'path/'.repeat(400)}`, 'word '.repeat(2_000).trim(), '👍'.repeat(500)];
        for (const text of texts) {
            await ann.say(text);
        }
        await ann.shows(...texts.map((text) => ({ text, state: 'sent' })));
        assert.equal(await ann.overflow(), 0);
        await ann.$('composer').fill('y'.repeat(10_000));
        assert.equal(await ann.overflow(), 0);
    });
}

scenario('invalid messages do not break a room', async (open) => {
    const values = [42, 'a bare text', [null], [], {}, { text: 1, name: {} }, { text: ['a'] }, { name: 'no text' }, { text: 'no name' }];
    await withSession(theatre.sandbox, 'user', async (session) => {
        for (const kind of ['live', 'history']) {
            const room = `Junk ${kind}`;
            const ann = await (await open(address({ name: 'Ann', room, kind }))).join();
            for (const value of values) {
                await (kind === 'live'
                    ? session.topicUpdate.set(`Chat/${room}`, json(), value)
                    : session.timeseries.append(`Chat/${room}`, value, json()));
            }
            await ann.say('still here');
            await ann.$('text').filter({ hasText: 'still here' }).waitFor();
            const last = (await ann.messages()).at(-1);
            assert.deepEqual({ text: last.text, own: last.own }, { text: 'still here', own: true });
            assert.equal(await ann.overflow(), 0);
        }
    });
});
