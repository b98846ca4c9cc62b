// Replies and reactions, with two and three people in the room.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const joined = async (open, name, room, kind = 'history') => (await open(address({ name, room, kind }))).join();

const message = (window, text) => window.$('message').filter({ has: window.page.getByTestId('text').getByText(text, { exact: true }) });

const use = async (window, text, tool) => {
    await window.page.mouse.move(0, 0);
    await message(window, text).hover();
    await message(window, text).getByTestId(tool).first().click();
};

/** The reactions below a message: emoji, count, whether the window's own is among them. */
const reactions = (window, text) =>
    message(window, text).getByTestId('reaction').evaluateAll((chips) =>
        chips.map((chip) => [chip.dataset.emoji, Number(chip.querySelector('.count').textContent), chip.ariaPressed === 'true']),
    );

/** Where the parts of the only message with reactions are. */
const places = async (window) => {
    const message = window.page.locator('.message:has([data-testid=reactions])');
    const box = (test) => message.getByTestId(test).boundingBox();
    const chips = await message.getByTestId('reaction').all();
    return {
        bar: await box('reactions'),
        text: await message.locator('.text').boundingBox(),
        more: await box('reaction-more'),
        chips: await Promise.all(chips.map((chip) => chip.boundingBox())),
    };
};

const showsReactions = (window, text, expected) =>
    until(`the reactions ${JSON.stringify(expected)}`, () => reactions(window, text), (found) => JSON.stringify(found) === JSON.stringify(expected));

for (const kind of ['history', 'live']) {
    scenario(`a reply quotes its message, in a ${kind} room`, async (open) => {
        const [ann, bob] = [await joined(open, 'Ann', `Reply ${kind}`, kind), await joined(open, 'Bob', `Reply ${kind}`, kind)];
        await ann.say('Tea or coffee?');
        await bob.shows('Tea or coffee?');
        await ann.shows({ state: 'sent' });
        await use(bob, 'Tea or coffee?', 'tool-reply');
        await until('what is answered', () => bob.$('purpose').innerText(), (words) => /Replying to .*Ann.*Tea or coffee\?/s.test(words));
        await bob.$('composer').fill('Tea.');
        await bob.$('composer').press('Enter');
        for (const window of [ann, bob]) {
            await window.shows('Tea or coffee?', { text: 'Tea.', author: 'Bob' });
            assert.equal(await message(window, 'Tea.').getByTestId('reply-quote').innerText(), 'Ann Tea or coffee?');
        }
        assert.equal(await bob.$('purpose').count(), 0);

        // A click goes there.
        await message(ann, 'Tea.').getByTestId('reply-quote').click();
        await until(
            'the message that is answered',
            () => ann.page.evaluate(() => document.activeElement.querySelector('[data-testid=text]')?.textContent),
            (text) => text === 'Tea or coffee?',
        );
        // The next message is no reply, and neither is one after Esc.
        await bob.say('Anything else?');
        await ann.shows('Tea or coffee?', 'Tea.', 'Anything else?');
        await use(bob, 'Tea.', 'tool-reply');
        await bob.$('composer').press('Escape');
        await bob.say('No.');
        await ann.shows('Tea or coffee?', 'Tea.', 'Anything else?', 'No.');
        assert.equal(await ann.$('reply-quote').count(), 1);
    });

    scenario(`reactions are given and taken back, in a ${kind} room`, async (open) => {
        const room = `React ${kind}`;
        const [ann, bob] = [await joined(open, 'Ann', room, kind), await joined(open, 'Bob', room, kind)];
        await ann.say('We did it');
        await bob.shows('We did it');
        await ann.shows({ state: 'sent' });
        await use(bob, 'We did it', 'tool-quick');
        await showsReactions(ann, 'We did it', [['👍', 1, false]]);
        await showsReactions(bob, 'We did it', [['👍', 1, true]]);
        await ann.$('reaction').click();
        await showsReactions(bob, 'We did it', [['👍', 2, true]]);
        await showsReactions(ann, 'We did it', [['👍', 2, true]]);
        assert.match(await ann.$('reaction').getAttribute('title'), /Bob.*Ann/);
        assert.equal(await ann.page.evaluate(() => document.activeElement.dataset.testid), 'reaction', 'the focus stays');

        // Another one, found by name.
        await ann.$('reaction-more').click();
        await ann.$('emoji-search').fill('rock');
        await ann.$('emoji').locator('visible=true').first().waitFor();
        await ann.$('emoji-picker').locator('[data-emoji="🚀"]').click();
        await showsReactions(bob, 'We did it', [['👍', 2, true], ['🚀', 1, false]]);
        // They stand below the text, one beside the other: on the left for others, on the right for one's own.
        const [theirs, own] = [await places(bob), await places(ann)];
        assert.equal(theirs.bar.x, theirs.text.x);
        assert.equal(own.bar.x + own.bar.width, own.text.x + own.text.width);
        for (const { text, chips, more } of [theirs, own]) {
            assert.ok(chips.every((chip) => chip.y >= text.y + text.height), 'below the text');
            assert.ok(chips.every((chip) => chip.y < more.y + more.height && more.y < chip.y + chip.height), 'in one line');
        }

        const cem = await joined(open, 'Cem', room, kind);
        if (kind === 'history') {
            await showsReactions(cem, 'We did it', [['👍', 2, false], ['🚀', 1, false]]);
        }
        await bob.$('reaction').first().click();
        await showsReactions(ann, 'We did it', [['👍', 1, true], ['🚀', 1, true]]);
        await ann.$('reaction').first().click();
        await showsReactions(bob, 'We did it', [['🚀', 1, false]]);
        await ann.$('reaction').first().click();
        await until('no reactions', () => bob.$('reaction').count(), (count) => count === 0);
    });
}

scenario('the most used emoji are offered first, also after a reload', async (open) => {
    const ann = await joined(open, 'Ann', 'Often');
    await ann.say('hello');
    await ann.shows({ state: 'sent' });
    for (let count = 0; count < 2; count += 1) {
        await use(ann, 'hello', 'tool-react');
        await ann.$('emoji-search').fill('turtle');
        await ann.$('emoji-search').press('Enter');
        await showsReactions(ann, 'hello', count === 0 ? [['🐢', 1, true]] : []);
    }
    await ann.reload();
    await ann.inRoom();
    await message(ann, 'hello').hover();
    await ann.$('tool-quick').first().waitFor();
    assert.equal(await ann.$('tool-quick').first().getAttribute('data-emoji'), '🐢');
});

scenario('a service that forbids reactions is reported', async (open) => {
    await withSession(theatre.sandbox, 'admin', (admin) =>
        admin.security.updateSecurityStore('set "TOPIC_CONTROL" path "Effusion/reactions/Stern" permissions [READ_TOPIC SELECT_TOPIC]'),
    );
    const ann = await joined(open, 'Ann', 'Stern');
    await ann.say('hello');
    await ann.shows({ state: 'sent' });
    await use(ann, 'hello', 'tool-quick');
    await until('the words', () => ann.$('note').innerText(), (words) => /Your account isn’t allowed to react/.test(words));
    assert.equal(await ann.$('reaction').count(), 0);
});

scenario('reactions by the SDK count, and invalid ones do not', async (open) => {
    const ann = await joined(open, 'Ann', 'Sdk');
    await ann.say('hello');
    await ann.shows({ state: 'sent' });
    await use(ann, 'hello', 'tool-quick');
    await showsReactions(ann, 'hello', [['👍', 1, true]]);
    await withSession(theatre.sandbox, 'control', async (session) => {
        const { events } = await session.timeseries.rangeQuery().as(json()).selectFrom('Effusion/reactions/Sdk');
        const given = events[0].value.get();
        assert.deepEqual({ emoji: given.emoji, name: given.name, given: given.given }, { emoji: '👍', name: 'Ann', given: true });
        const add = (event) => session.timeseries.append('Effusion/reactions/Sdk', event, json());
        await add({ ...given, name: 'Ctl' });
        await add({ ...given, emoji: 'x'.repeat(100) });
        await add({ ...given, to: 'nowhere' });
        await add('nonsense');
        await add({ ...given, given: false });
        await add({ ...given, emoji: '<b>hi</b>', name: '<img src=x>' });
    });
    await showsReactions(ann, 'hello', [['👍', 2, true], ['<b>hi</b>', 1, false]]);
});

scenario('a reply in a conversation quotes its message for both', async (open) => {
    const account = async (name) => {
        const window = await open(address({ room: 'Lobby' }));
        await window.$('create-account-link').click();
        await window.fill({ 'account-name': name, 'account-password': 'a long secret', 'account-password-again': 'a long secret' });
        await window.$('account-button').click();
        await window.inRoom();
        return window;
    };
    const [dora, emil] = [await account('dora'), await account('emil')];
    const writeTo = async (window, name) => {
        await window.$('members-button').click();
        await window.page.locator(`[data-testid=member][data-name="${name}"]`).click();
        await window.$('write-to').click();
        await until('the conversation is shown', () => window.$('room-title').innerText(), (title) => title === name);
    };
    await writeTo(dora, 'emil');
    await dora.say('psst');
    await dora.shows({ text: 'psst', state: 'sent' });
    await emil.room('dora').click();
    await emil.shows('psst');
    await use(emil, 'psst', 'tool-reply');
    assert.equal(await emil.$('tool-react').count(), 0, 'reactions are for rooms');
    await emil.$('composer').fill('yes?');
    await emil.$('composer').press('Enter');
    for (const window of [dora, emil]) {
        await window.shows('psst', 'yes?');
        assert.equal(await window.$('reply-quote').innerText(), 'dora psst');
    }
    await dora.$('reply-quote').click();
    await until(
        'the message that is answered',
        () => dora.page.evaluate(() => document.activeElement.querySelector('[data-testid=text]')?.textContent),
        (text) => text === 'psst',
    );
});
