// Refusals: a wrong password, a missing right; a room of another kind is none.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { TopicType, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const LARGEST = 65_536;
const theatre = stage('--max-message-size', `${LARGEST}`);
const { scenario, address } = theatre;

scenario('a wrong password is reported, and the right one works afterwards', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Gate' }));
    await ann.fill({ password: 'wrong', account: 'user' });
    await ann.$('join-button').click();
    const words = await ann.fault(/Incorrect password for the account “user”, or no such account\./);
    assert.match(words, /Check the account and password, or create an account\./);
    await ann.fill({ password: 'password' });
    await ann.join();
});

scenario('an unknown account is reported', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Gate' }));
    await ann.fill({ account: 'nobody', password: 'password' });
    await ann.$('join-button').click();
    await ann.fault(/Incorrect password for the account “nobody”/);
});

for (const kind of ['live', 'history']) {
    scenario(`without the right to write a ${kind} room is read-only, with the reason`, async (open) => {
        const room = `Pulpit ${kind}`;
        const ann = await (await open(address({ name: 'Ann', room, kind }))).join();
        await ann.say('listen');
        await ann.shows({ text: 'listen', state: 'sent' });
        const bob = await open(address({ name: 'Bob', room, kind }));
        await bob.fill({ account: 'client', password: 'password' });
        await bob.join();
        await bob.shows({ author: 'Ann', text: 'listen', own: false });
        const why = await bob.fault(/isn’t allowed/);
        assert.match(why, /Your account isn’t allowed to write in this room\. Sign in with an account that has the TOPIC_CONTROL role/);
        assert.equal(await bob.$('composer').count(), 0, 'nobody types what cannot be sent');
        await ann.say('go on');
        await bob.shows('listen', 'go on');
    });
}

/** Lets whoever has the role CLIENT write in the room Thaw, or no longer. */
function thaw(...rights) {
    return withSession(theatre.sandbox, 'admin', (admin) => {
        const permissions = ['READ_TOPIC', 'SELECT_TOPIC', ...rights];
        return admin.security.updateSecurityStore(admin.security.securityScriptBuilder().setPathPermissions('CLIENT', 'Chat/Thaw', permissions).build());
    });
}

scenario('a message that failed for lack of a right is sent once the right is granted', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Thaw', kind: 'history' }))).join();
    await thaw('UPDATE_TOPIC');
    const bob = await open(address({ name: 'Bob', room: 'Thaw', kind: 'history' }));
    await bob.fill({ account: 'client', password: 'password' });
    await bob.join();
    await bob.$('composer').fill('may I?');
    await thaw();
    await bob.page.keyboard.press('Enter');
    await bob.shows({ text: 'may I?', state: 'failed' });
    await bob.fault(/isn’t allowed to write in this room/);
    await thaw('UPDATE_TOPIC');
    await bob.$('retry').click();
    await bob.shows({ text: 'may I?', own: true, state: 'sent' });
    await ann.shows({ author: 'Bob', text: 'may I?', own: false });
    await until('the fault is gone', () => bob.$('fault').count(), (count) => count === 0);
    await bob.$('composer').waitFor();
});

scenario('a right that was granted meanwhile is noticed when the window is looked at again', async (open) => {
    await (await open(address({ name: 'Ann', room: 'Thaw', kind: 'history' }))).join();
    await thaw();
    const bob = await open(address({ name: 'Bob', room: 'Thaw', kind: 'history' }));
    await bob.fill({ account: 'client', password: 'password' });
    await bob.join();
    await bob.fault(/isn’t allowed to write in this room/);
    await thaw('UPDATE_TOPIC');
    await bob.page.evaluate(() => window.dispatchEvent(new Event('focus')));
    await bob.say('now I may');
    await bob.page.locator('[data-testid=message][data-state=sent]').filter({ hasText: 'now I may' }).waitFor();
});

scenario('a missing right to create rooms is reported', async (open) => {
    const bob = await open(address({ name: 'Bob', room: 'Not there', kind: 'history' }));
    await bob.fill({ account: 'client', password: 'password' });
    await bob.$('join-button').click();
    await bob.fault(/This room doesn’t exist, and your account isn’t allowed to create it\./);
});

for (const [there, asked, found] of [
    ['live', 'history', 'Live'],
    ['history', 'live', 'History'],
]) {
    scenario(`a ${there} room is joined as what it is by who asks for a ${asked} room`, async (open) => {
        const room = `Mixed ${there}`;
        const ann = await (await open(address({ name: 'Ann', room, kind: there }))).join();
        const bob = await (await open(address({ name: 'Bob', room, kind: asked }))).join();
        await until('the kind is told', () => bob.page.locator('.title').innerText(), (title) => title.includes(found));
        await bob.say('found it');
        await ann.shows({ author: 'Bob', text: 'found it' });
        assert.equal(await bob.$('fault').count(), 0);
        assert.equal((await ann.notices()).filter((notice) => notice === 'Bob has joined').length, 1, 'he came in once');
    });
}

scenario('a topic that is not a room is reported', async (open) => {
    await withSession(theatre.sandbox, 'user', (session) => session.topics.add('Chat/Number', TopicType.INT64));
    for (const kind of ['live', 'history']) {
        const ann = await open(address({ name: 'Ann', room: 'Number', kind }));
        await ann.$('join-button').click();
        await ann.fault(/A topic with this name exists, but it isn’t a chat room\. Choose another room name\./);
    }
});

scenario('a removed room is reported, and can be joined again', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Tent', kind: 'live' }))).join();
    await withSession(theatre.sandbox, 'user', (session) => session.topics.remove('Chat/Tent'));
    await ann.fault(/This room was removed from the service\. Join again to re-create it\./);
    await ann.$('join-again').click();
    await ann.inRoom();
    await ann.say('up again');
    await until('it is sent', () => ann.messages(), (messages) => messages.some(({ text, state }) => text === 'up again' && state === 'sent'));
});

scenario('a message above the service’s limit is reported, and the connection stays open', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Flood', kind: 'history' }))).join();
    await ann.say('x'.repeat(LARGEST));
    await ann.$('too-large').waitFor();
    assert.match(await ann.$('too-large').innerText(), /This message is too large: [\d,]+ bytes\. The service accepts up to [\d,]+ bytes\. Shorten it, or split it into several messages\./);
    assert.equal((await ann.$('composer').inputValue()).length, LARGEST, 'what was written is still there');
    await ann.say('shorter');
    await ann.shows({ text: 'shorter', state: 'sent' });
});

scenario('invalid fields are reported at the field', async (open) => {
    const ann = await open(address({ room: 'Gate' }));
    await ann.fill({ name: '', port: '70000', host: 'ws://example', room: 'a//b' });
    await ann.$('join-button').click();
    await ann.problem('name', /Enter the name that others will see\./);
    await ann.problem('host', /Enter a host name or IP address/);
    await ann.problem('room', /can’t start or end with “\/”, or contain “\/\/”/);
    await ann.fill({ host: '127.0.0.1' });
    await ann.$('join-button').click();
    await ann.problem('port', /Enter a port from 1 to 65535\./);
    await ann.fill({ name: 'System', port: theatre.sandbox.port });
    await ann.$('join-button').click();
    await ann.problem('name', /“System” is reserved\. Choose another name\./);
});
