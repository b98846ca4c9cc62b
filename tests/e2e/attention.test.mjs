// Notifications: mentions, levels, the system's notifications, sound, and profiles.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

/** Records the page's calls to the system's notifications, which a test cannot see; `permission` is the system's answer. */
const system = (permission) => [
    (initial) => {
        window.shown = [];
        window.asked = 0;
        window.tones = 0;
        let now = initial;
        window.Notification = class {
            static get permission() {
                return now;
            }

            static requestPermission() {
                window.asked += 1;
                now = 'granted';
                return Promise.resolve(now);
            }

            constructor(title, { body }) {
                window.shown.push({ title, body });
                window.last = this;
            }

            close() {}
        };
        const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (...when) {
            window.tones += 1;
            return start.apply(this, when);
        };
    },
    permission,
];

/** A window with recorded notifications, in a room. */
async function recorded(open, name, room, permission = 'default') {
    const window = await open(address({ name, room, kind: 'history' }));
    await window.page.addInitScript(...system(permission));
    await window.reload();
    await window.fill({ name, room });
    return window.join();
}

const shown = (window) => window.page.evaluate(() => window.shown);
const unread = (window, room) =>
    window.room(room).evaluate((item) => {
        const badge = item.querySelector('[data-testid=unread]');
        return [Number.parseInt(badge?.textContent ?? '0', 10), item.querySelector('[data-testid=unread-mentions]') !== null];
    });

async function level(window, room, value) {
    await window.room(room).click();
    await window.$('room-info-button').click();
    await window.$('room-level').selectOption(value);
    await window.$('close-dialog').click();
}

scenario('after the first mention the page asks, and then the system notifies', async (open) => {
    const ann = await recorded(open, 'Ann', 'Busy');
    await ann.goTo('Other');
    const bob = await (await open(address({ name: 'Bob', room: 'Busy', kind: 'history' }))).join();
    await bob.say('nothing special');
    await until('one is unread', () => unread(ann, 'Busy'), ([count, named]) => count === 1 && !named);
    await bob.say('mail@ann is no mention, and @Anna is somebody else');
    await until('two are unread', () => unread(ann, 'Busy'), ([count, named]) => count === 2 && !named);
    assert.equal(await ann.$('ask-to-notify').count(), 0, 'nobody is asked before there is a reason');
    await bob.say('what do you think, @ann?');
    await until('it names her', () => unread(ann, 'Busy'), ([count, named]) => count === 3 && named);
    assert.match(await ann.page.title(), /^\(3\) .* – Effusion$/);
    await ann.$('ask-to-notify').waitFor();
    assert.equal(await ann.page.evaluate(() => window.asked), 0, 'the page asks before the system does');
    await ann.$('notify-yes').click();
    await until('the system was asked', () => ann.page.evaluate(() => window.asked), (asked) => asked === 1);
    await ann.$('ask-to-notify').waitFor({ state: 'detached' });
    await bob.say('@Ann are you there?');
    await until('it was told', () => shown(ann), (all) => all.length === 1);
    assert.deepEqual(await shown(ann), [{ title: 'Bob mentioned you in Busy', body: '@Ann are you there?' }]);
    assert.equal(await ann.page.evaluate(() => window.tones), 0, 'no sound unless it was asked for');
    await ann.page.evaluate(() => window.last.onclick());
    await until('the room is shown', () => ann.$('room-title').innerText(), (title) => title === 'Busy');
    assert.deepEqual(await unread(ann, 'Busy'), [0, false]);
    // She is looking at the room: no notification is needed.
    await bob.say('@Ann good');
    await ann.$('message').filter({ hasText: '@Ann good' }).waitFor();
    // The next notification is about the next message, so there was none for this one.
    await ann.room('Other').click();
    await bob.say('@Ann later');
    await until('it was told', () => shown(ann), (all) => all.length >= 2);
    assert.deepEqual(
        (await shown(ann)).map(({ body }) => body),
        ['@Ann are you there?', '@Ann later'],
    );
});

scenario('a refusal is stored, and so are the levels of rooms', async (open) => {
    const ann = await recorded(open, 'Ann', 'Quiet');
    await ann.goTo('Loud');
    await ann.goTo('Here');
    const bob = await (await open(address({ name: 'Bob', room: 'Quiet', kind: 'history' }))).join();
    await level(ann, 'Quiet', 'none');
    await level(ann, 'Loud', 'mentions');
    await ann.room('Here').click();
    await bob.say('@Ann one');
    await bob.goTo('Loud');
    await bob.say('to nobody');
    await bob.say('@Ann two');
    await until('mentions count', () => unread(ann, 'Loud'), ([count, named]) => count === 1 && named);
    assert.deepEqual(await unread(ann, 'Quiet'), [0, false]);
    assert.match(await ann.page.title(), /^\(1\) .* – Effusion$/);
    await ann.$('notify-no').click();
    await bob.say('@Ann three');
    await until('both count', () => unread(ann, 'Loud'), ([count]) => count === 2);
    await ann.reload();
    await ann.inRoom();
    await bob.say('@Ann four');
    await until('it counts', () => unread(ann, 'Loud'), ([count]) => count >= 1);
    await bob.say('@Ann five');
    await until('so does the next one', () => unread(ann, 'Loud'), ([count]) => count >= 2);
    assert.equal(await ann.$('ask-to-notify').count(), 0, 'a no is a no');
    assert.deepEqual(await shown(ann), []);
    await ann.room('Quiet').click();
    await ann.$('room-info-button').click();
    assert.equal(await ann.$('room-level').inputValue(), 'none');
});

scenario('sound is optional, and “do not disturb” silences everything', async (open) => {
    const ann = await recorded(open, 'Ann', 'Sound', 'granted');
    await ann.goTo('Silence');
    const bob = await (await open(address({ name: 'Bob', room: 'Sound', kind: 'history' }))).join();
    await ann.$('my-profile').click();
    assert.equal(await ann.$('sound').isChecked(), false);
    await ann.$('sound').check();
    const tones = () => ann.page.evaluate(() => window.tones);
    await until('it can be heard at once', tones, (count) => count === 2);
    await ann.$('close-dialog').click();
    await bob.say('@Ann listen');
    await until('it was heard', tones, (count) => count === 4);
    await until('and told', () => shown(ann), (all) => all.length === 1);
    await ann.$('my-profile').click();
    await ann.$('do-not-disturb').check();
    await ann.$('close-dialog').click();
    await bob.say('@Ann hush');
    await until('it counts all the same', () => unread(ann, 'Sound'), ([count, named]) => count === 2 && named);
    await bob.say('@Ann hush again');
    await until('so does the next one', () => unread(ann, 'Sound'), ([count]) => count === 3);
    assert.equal(await tones(), 4);
    assert.equal((await shown(ann)).length, 1);
    await ann.reload();
    await ann.inRoom();
    await ann.$('my-profile').click();
    assert.ok(await ann.$('do-not-disturb').isChecked());
});

scenario('direct messages cause notifications, too', async (open) => {
    const account = async (name) => {
        const window = await open(address({ room: 'Tell' }));
        await window.page.addInitScript(...system('granted'));
        await window.reload();
        await window.$('create-account-link').click();
        await window.fill({ 'account-name': name, 'account-password': 'secret', 'account-password-again': 'secret' });
        await window.$('account-button').click();
        await window.inRoom();
        return window;
    };
    const vera = await account('vera');
    const wim = await account('wim');
    await wim.$('members-button').click();
    await wim.page.locator('[data-testid=member][data-name=vera]').click();
    await wim.$('write-to').click();
    await wim.say('just for you');
    await until('it was told', () => shown(vera), (all) => all.length === 1);
    assert.deepEqual(await shown(vera), [{ title: 'wim sent you a message', body: 'just for you' }]);
});

scenario('a profile shows the account, and roles where permitted, and a new name reaches everyone', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Who', kind: 'history' }))).join();
    const bob = await (await open(address({ name: 'Bob', room: 'Who', kind: 'history' }))).join();
    const ada = await open(address({ name: 'Ada', room: 'Who', kind: 'history' }));
    await ada.fill({ account: 'admin', password: 'password' });
    await ada.join();
    const profile = async (window, name) => {
        if ((await window.$('members').count()) === 0) {
            await window.$('members-button').click();
        }
        await window.page.locator(`[data-testid=member][data-name="${name}"]`).click();
        await window.$('profile').waitFor();
    };
    await profile(bob, 'Ada');
    assert.equal(await bob.$('profile-name').innerText(), 'Ada');
    assert.equal(await bob.$('profile-principal').innerText(), 'admin');
    await until('it is told', () => bob.$('profile-roles').innerText(), (roles) => /isn’t allowed to see them/.test(roles));
    await bob.$('close-dialog').click();
    await profile(ada, 'Bob');
    await until('the roles', () => ada.$('profile-roles').innerText(), (roles) => /CLIENT/.test(roles) && /TOPIC_CONTROL/.test(roles));
    assert.match(await ada.$('profile-sessions').innerText(), /^[0-9a-f]{16}-[0-9a-f]{16}$/);
    assert.ok((await ada.$('profile-since').innerText()).length > 5);
    await ada.$('close-dialog').click();

    await ann.$('members-button').click();
    await bob.$('my-profile').click();
    await bob.$('profile-rename').fill('System');
    await bob.$('rename-button').click();
    await until('it is refused', () => bob.$('rename-form').innerText(), (words) => /is reserved/.test(words));
    await bob.$('profile-rename').fill('Robert');
    await bob.$('rename-button').click();
    const names = () => ann.$('member-name').allInnerTexts();
    await until('the new name is there', names, (all) => `${all}` === 'Ada,Ann,Robert');
    await bob.say('it is me');
    await ann.shows({ author: 'Robert', text: 'it is me' });
    await bob.shows({ author: 'Robert', text: 'it is me', own: true });
});
