// Accessibility of message actions, and of the banners above the composer.

import assert from 'node:assert/strict';

import { violations } from '../support/axe.mjs';
import { DESKTOP, PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

for (const viewport of [DESKTOP, PHONE]) {
    for (const colorScheme of ['light', 'dark']) {
        scenario(`axe-core finds nothing among messages at ${viewport.width} pixels, ${colorScheme}`, async (open) => {
            const room = `Tools ${viewport.width} ${colorScheme}`;
            const join = async (name) => (await open(address({ name, room, kind: 'history' }), { viewport, colorScheme })).join();
            const [ann, bob] = [await join('Ann'), await join('Bob')];
            const look = async (what) => {
                assert.deepEqual(await violations(ann), [], what);
                assert.equal(await ann.overflow(), 0, what);
            };
            const message = (text) => ann.$('message').filter({ hasText: text });
            await bob.say('# Title\n\n> quoted *words* and ~~others~~\n\n1. one\n2. two\n\n[a link](https://example.com/x) ![picture](https://example.com/p.png)');
            await bob.say(`@Ann see\n\`\`\`rust\n${'let x = 1;\n'.repeat(20)}\`\`\``);
            await ann.say('@Bob thanks');
            await bob.say('a long text\n'.repeat(40));
            await ann.say('/me is done');
            await ann.say('gone soon');
            await until('all of it', () => ann.messages(), (messages) => messages.length === 6 && messages.every(({ state }) => state !== 'sending'));
            await message('@Bob thanks').hover();
            await ann.$('tool-quick').first().click();
            await ann.$('reaction').waitFor();
            await bob.$('reaction').click();
            await until('both', () => ann.$('reaction').innerText(), (text) => text.includes('2'));
            await look('messages with markup, code, reactions');

            await message('gone soon').hover();
            await ann.$('tool-delete').waitFor();
            await look('the buttons of a message');
            await ann.$('tool-delete').click();
            await ann.$('delete-confirm').waitFor();
            await look('the question before deleting');
            await ann.$('delete-confirm').click();
            await ann.$('deleted').waitFor();
            await look('a deleted message');

            await ann.page.mouse.move(0, 0);
            await message('@Bob thanks').hover();
            await ann.$('tool-reply').click();
            await ann.$('purpose').waitFor();
            await ann.$('composer').pressSequentially('@b');
            await ann.$('completion').waitFor();
            await look('an answer, and names to choose from');
            await ann.$('composer').press('Enter');
            await ann.$('composer').press('Enter');
            await ann.$('reply-quote').waitFor();
            await look('an answer');
            await ann.$('composer').press('ArrowUp');
            await ann.$('purpose').waitFor();
            await look('an edit');
            await ann.$('composer').press('Escape');

            await ann.say('/help');
            await ann.$('note').waitFor();
            await look('what commands there are');
            await ann.say('/nothing');
            await until('a complaint', () => ann.$('note').getAttribute('role'), (role) => role === 'alert');
            await look('a complaint');
            await ann.$('composer').fill('');
            await ann.$('emoji-button').click();
            await ann.$('emoji').first().waitFor();
            await look('emoji');
        });
    }
}
