// Writing: mentions, emoji, commands and snippets.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const joined = async (open, name, room, { kind = 'history', ...options } = {}) =>
    (await open(address({ name, room, kind }), options)).join();

const offered = (window, ...expected) =>
    until(
        `the offers ${expected}`,
        () => window.$('completion-item').locator('bdi').allTextContents(),
        (found) => JSON.stringify(found) === JSON.stringify(expected),
    );

/** The table of emoji, in a page that is split. */
const TABLE = /_emoji\.wasm$/;

const draft = (window, expected) => until(`the draft “${expected}”`, () => window.$('composer').inputValue(), (text) => text === expected);

const note = (window, pattern) => until(`a note that says ${pattern}`, () => window.$('note').allInnerTexts(), ([words]) => pattern.test(words ?? ''));

scenario('names are completed after an @, and the mentioned person sees it', async (open) => {
    const [ann, bob, bo] = [await joined(open, 'Ann Lee', 'Names'), await joined(open, 'Bob', 'Names'), await joined(open, 'Bo <b>', 'Names')];
    await bob.say('hello');
    await ann.shows('hello');
    await bo.say('hi');
    await ann.shows('hello', 'hi');
    await ann.$('composer').pressSequentially('well, @bo');
    await until('two offers', () => ann.$('completion-item').count(), (count) => count === 2);
    const names = await ann.$('completion-item').locator('bdi').allTextContents();
    assert.deepEqual([...names].sort(), ['Bo <b>', 'Bob']);
    // Before an arrow key none is chosen.
    assert.equal(await ann.$('composer').getAttribute('aria-activedescendant'), null);
    for (let step = 0; step <= names.indexOf('Bob'); step += 1) {
        await ann.$('composer').press('ArrowDown');
    }
    assert.equal(await ann.$('composer').getAttribute('aria-activedescendant'), `completion-${names.indexOf('Bob')}`);
    await ann.$('composer').press('Enter');
    await draft(ann, 'well, @Bob ');
    assert.equal(await ann.$('completion-item').count(), 0);
    await ann.$('composer').pressSequentially('are you there? mail me@bob.example');
    await ann.$('composer').press('Enter');
    for (const [window, own] of [[ann, false], [bob, true], [bo, false]]) {
        await window.shows('hello', 'hi', 'well, @Bob are you there? mail me@bob.example');
        await window.$('mention').waitFor();
        assert.equal(await window.$('mention').innerText(), '@Bob');
        assert.equal(await window.$('mention').evaluate((name) => name.classList.contains('own')), own);
    }
    // A click completes, too, and Esc declines.
    await bob.$('composer').pressSequentially('@ann');
    await offered(bob, 'Ann Lee');
    await bob.$('composer').press('Escape');
    assert.equal(await bob.$('completion-item').count(), 0);
    await bob.$('composer').pressSequentially(' l');
    await offered(bob, 'Ann Lee');
    await bob.$('completion-item').click();
    await draft(bob, '@Ann Lee ');
});

scenario('emoji are inserted by name and by the picker', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Emoji'), await joined(open, 'Bob', 'Emoji')];
    await ann.$('composer').pressSequentially('look: :turt');
    await offered(ann, ':turtle:');
    await ann.$('composer').press('Tab');
    await draft(ann, 'look: 🐢');
    // Typing on continues behind the completed text.
    await ann.$('composer').pressSequentially(' and :rocket:, see?');
    await draft(ann, 'look: 🐢 and 🚀, see?');
    await ann.$('composer').press('Enter');
    await bob.shows('look: 🐢 and 🚀, see?');

    await ann.$('composer').fill('ab');
    await ann.$('composer').press('ArrowLeft');
    await ann.$('emoji-button').click();
    await ann.$('emoji-picker').waitFor();
    await until('the search has the focus', () => ann.page.evaluate(() => document.activeElement.id), (id) => id === 'emoji-search');
    assert.ok((await ann.$('emoji').count()) > 400, 'all of them are shown');
    await ann.$('emoji-search').fill('heart');
    await ann.$('emoji-picker').locator('[data-emoji="❤️"]').first().click();
    await draft(ann, 'a❤️b');
    // By keyboard, at once: keys pressed at the same moment go to the picker.
    await ann.$('emoji-button').evaluate((button) => button.click());
    assert.equal(await ann.page.evaluate(() => document.activeElement.id), 'emoji-search');
    await ann.page.keyboard.press('ArrowDown');
    await ann.page.keyboard.press('ArrowRight');
    const chosen = await ann.page.evaluate(() => document.activeElement.dataset.emoji);
    await ann.page.keyboard.press('Enter');
    await until('it is written', () => ann.$('composer').inputValue(), (text) => text.includes(chosen));
    await ann.$('emoji-button').click();
    await ann.$('emoji-picker').waitFor();
    await ann.page.keyboard.press('Escape');
    await until('the picker is closed', () => ann.$('emoji-picker').count(), (count) => count === 0);
    // The table is fetched when emoji are first needed. A page that is not split contains it.
    const asked = await bob.page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('_emoji.wasm')).length);
    assert.equal(asked, 0);
});

scenario('emoji have the chosen skin tone', async (open) => {
    const ann = await joined(open, 'Ann', 'Tones');
    await ann.$('emoji-button').click();
    await ann.$('emoji-search').fill('wave');
    await ann.$('emoji-tone').selectOption('medium-dark');
    await ann.$('emoji-picker').locator('[data-emoji="👋🏾"]').click();
    await draft(ann, '👋🏾');
    // Emoji without skin tones stay as they are, and the choice is stored.
    await ann.$('composer').pressSequentially(' :rocket: :+1:');
    await draft(ann, '👋🏾 🚀 👍🏾');
    await ann.$('emoji-button').click();
    assert.equal(await ann.$('emoji-tone').inputValue(), 'medium-dark');
});

// A page that is not split contains the emoji, and nothing has to be waited for.
scenario('what is typed before the emoji are loaded is not lost', async (open) => {
    const ann = await joined(open, 'Ann', 'Late');
    let come;
    const wait = new Promise((resolve) => {
        come = resolve;
    });
    let late = false;
    await ann.page.route(TABLE, async (route) => {
        late = true;
        await wait;
        await route.continue();
    });
    await ann.$('composer').pressSequentially('a :rocket:, see?');
    await ann.$('emoji-button').click();
    await ann.$('emoji-search').fill('turtle');
    await ann.$('emoji-search').press('Enter');
    assert.equal(await ann.$('emoji-picker').getByText('No matching emoji.').count(), 0);
    if (late) {
        assert.equal(await ann.$('composer').inputValue(), 'a :rocket:, see?');
    }
    come();
    await draft(ann, 'a 🚀, see?🐢');
    await until('the picker is closed', () => ann.$('emoji-picker').count(), (count) => count === 0);
});

scenario('emoji that cannot be loaded are reported', async (open) => {
    const ann = await joined(open, 'Ann', 'None');
    let refused = false;
    await ann.page.route(TABLE, (route) => {
        refused = true;
        return route.abort();
    });
    await ann.$('emoji-button').click();
    const failure = ann.$('emoji-picker').getByText('Couldn’t load');
    await ann.$('emoji').first().or(failure).waitFor();
    assert.equal(await failure.count(), refused ? 1 : 0);
    await ann.page.keyboard.press('Escape');
    await ann.page.unroute(TABLE);
    await ann.$('emoji-button').click();
    await ann.$('emoji').first().waitFor();
    ann.errors = ann.errors.filter((error) => !/Failed to (load resource|fetch)|ERR_FAILED/.test(error));
});

scenario('commands work', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Orders'), await joined(open, 'Bob', 'Orders')];
    await ann.$('composer').pressSequentially('/he');
    await offered(ann, 'help');
    await ann.$('composer').press('Enter');
    await draft(ann, '/help');
    await ann.$('composer').press('Enter');
    await note(ann, /\/nick.*\n.*\/topic/s);
    await draft(ann, '');
    await ann.$('note-close').click();
    assert.equal(await ann.$('note').count(), 0);

    await ann.say('/me waves');
    await bob.shows({ text: 'Ann waves', author: 'Ann' });
    await ann.say('/shrug');
    await bob.shows('Ann waves', '¯\\_(ツ)_/¯');
    await ann.say('//not a command');
    await bob.shows('Ann waves', '¯\\_(ツ)_/¯', '/not a command');

    await ann.say('/nick Anna');
    await note(ann, /Your display name is now .*Anna/);
    await ann.say('renamed');
    await bob.shows('Ann waves', '¯\\_(ツ)_/¯', '/not a command', { text: 'renamed', author: 'Anna' });
    await ann.shows({ own: true }, { own: true }, { own: true }, { text: 'renamed', own: true });
    await ann.say('/nick System');
    await note(ann, /Choose another name/);

    await ann.say('/mute Bob');
    await note(ann, /moderator/i);

    await ann.say('/clear');
    await ann.shows();
    assert.equal(await ann.$('earlier-button').count(), 0);
    await bob.say('after');
    await ann.shows('after');
    await ann.$('earlier-button').click();
    await ann.shows('Ann waves', '¯\\_(ツ)_/¯', '/not a command', 'renamed', 'after');

    // Only moderators are offered what only they can do.
    await ann.$('composer').pressSequentially('/');
    await ann.$('completion-item').first().waitFor();
    const offers = await ann.$('completion-item').locator('bdi').allTextContents();
    assert.ok(offers.includes('topic') && !offers.includes('mute'), `${offers}`);
    await ann.$('composer').fill('');

    await ann.say('/join Elsewhere');
    await until('the other room', () => ann.$('room-title').innerText(), (title) => title === 'Elsewhere');
    await ann.inRoom();
    await until('its composer', () => ann.$('composer').getAttribute('placeholder'), (words) => words === 'Message Elsewhere');
    await ann.say('/leave');
    await until('the first room', () => ann.$('room-title').innerText(), (title) => title === 'Orders');
});

scenario('updates of a room do not disturb writing', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Quiet'), await joined(open, 'Bob', 'Quiet')];
    const box = await ann.$('composer').elementHandle();
    await ann.$('composer').pressSequentially('half a sen');
    await bob.say('/topic Long words');
    await until('what the room is about', () => ann.$('room-topic').allInnerTexts(), ([words]) => words === 'Long words');
    assert.ok(await box.evaluate((box) => box.isConnected && box === document.activeElement), 'the box has been replaced');
    await ann.page.keyboard.type('tence');
    await ann.page.keyboard.press('Enter');
    await ann.shows('half a sentence');
});

scenario('an unknown command is reported, and stays in the box', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Wrong'), await joined(open, 'Bob', 'Wrong')];
    await ann.say('/dance all night');
    await note(ann, /Unknown command “\/dance”/);
    await draft(ann, '/dance all night');
    await ann.$('composer').fill('/me');
    await ann.$('composer').press('Escape');
    await ann.$('composer').press('Enter');
    await note(ann, /Usage: \/me ‹action›/);
    await ann.$('composer').fill('');
    await ann.say('plain');
    await bob.shows('plain');
});

scenario('the topic of a room is set', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Subject'), await joined(open, 'Bob', 'Subject')];
    await ann.say('/topic All about *tea*');
    await withSession(theatre.sandbox, 'user', async (session) => {
        const card = () =>
            session.fetchRequest().withValues(json()).fetch('>Effusion/rooms/Subject').then((found) => found.results()[0]?.value()?.get());
        await until('the card', card, (found) => found?.topic === 'All about *tea*');
    });
    await bob.say('seen');
    await ann.shows('seen');
});

scenario('a long pasted text becomes a snippet on request', async (open) => {
    const permissions = ['clipboard-read', 'clipboard-write'];
    const [ann, bob] = [await joined(open, 'Ann', 'Snip', { permissions }), await joined(open, 'Bob', 'Snip')];
    const paste = async (text) => {
        await ann.page.evaluate((words) => navigator.clipboard.writeText(words), text);
        await ann.$('composer').focus();
        await ann.page.keyboard.press('Control+V');
    };
    await paste('short');
    await draft(ann, 'short');
    assert.equal(await ann.$('snippet-offer').count(), 0);
    await ann.$('composer').fill('');

    const code = Array.from({ length: 30 }, (_, line) => `    line ${line} <b>*x*</b> \`\`\``).join('\n');
    await paste(code);
    await ann.$('snippet-make').click();
    await draft(ann, `\`\`\`\`\n${code}\n\`\`\`\``);
    await ann.$('composer').press('Enter');
    for (const window of [ann, bob]) {
        await window.$('code-block').waitFor();
        assert.equal(await window.$('code-block').locator('pre').textContent(), code);
        const height = () => window.$('code-block').locator('pre').evaluate((pre) => pre.clientHeight);
        const folded = await height();
        assert.match(await window.$('unfold-code').innerText(), /Show all 30 lines/);
        await window.$('unfold-code').click();
        assert.ok((await height()) > folded);
        assert.equal(await window.$('unfold-code').getAttribute('aria-expanded'), 'true');
        await window.$('unfold-code').click();
        assert.equal(await height(), folded);
    }
    // Or it stays as it is.
    await paste(code);
    await ann.$('snippet-leave').click();
    assert.equal(await ann.$('snippet-offer').count(), 0);
    await draft(ann, code);
});
