// Lesson 3: people create their own accounts.

import assert from 'node:assert/strict';

import { json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

async function accountForm(open, fields) {
    const window = await open(address({ room: 'Club' }));
    await window.$('create-account-link').click();
    await window.fill(fields);
    return window;
}

const account = (name, password = 'a long secret') => ({
    'account-name': name,
    'account-password': password,
    'account-password-again': password,
});

scenario('a new account leads into the chat, and works from then on', async (open) => {
    const dora = await accountForm(open, account('dora'));
    await dora.$('account-button').click();
    await dora.inRoom();
    assert.match(await dora.signedInAs(), /^dora at 127\.0\.0\.1:/);
    await dora.say('I have an account');
    await dora.shows({ author: 'dora', text: 'I have an account', own: true, state: 'sent' });

    const later = await open(address({ name: 'dora', room: 'Club' }));
    await later.fill({ account: 'dora', password: 'a long secret' });
    await later.join();
    await later.shows({ author: 'dora', text: 'I have an account', own: true });

    // The service knows the author of what the page appended.
    await withSession(theatre.sandbox, 'user', async (session) => {
        const { events } = await session.timeseries.rangeQuery().as(json()).selectFrom('Chat/Club');
        const event = events.find(({ value }) => value.get().text === 'I have an account');
        assert.equal(event?.author, 'dora');
    });
});

scenario('an account without the right to write is read-only', async (open) => {
    const owner = await (await open(address({ name: 'Olga', room: 'Club', kind: 'history' }))).join();
    await owner.say('welcome');
    const reader = await accountForm(open, account('reader'));
    for (const [role, granted] of Object.entries({ CLIENT: true, TOPIC_CONTROL: true, CLIENT_CONTROL: false, ADMINISTRATOR: false })) {
        assert.equal(await reader.$(`account-role-${role}`).isChecked(), granted, `${role} is granted as in the tutorial`);
    }
    await reader.$('account-role-TOPIC_CONTROL').uncheck();
    await reader.$('account-button').click();
    await reader.inRoom();
    await reader.$('message').filter({ hasText: 'welcome' }).waitFor();
    await reader.fault(/isn’t allowed to write in this room/);
});

scenario('different passwords are reported at the field, without a request to the service', async (open) => {
    const window = await accountForm(open, { ...account('eve'), 'account-password-again': 'another' });
    await window.$('account-button').click();
    await window.problem('account-password-again', /The passwords don’t match\./);
    assert.equal(await window.page.evaluate(() => document.activeElement.id), 'account-password-again');
    await window.fill({ 'account-name': '', 'account-password': '', 'account-password-again': '' });
    await window.$('account-button').click();
    await window.problem('account-name', /Enter a username\./);
    await window.problem('account-password', /Enter a password\./);
});

scenario('a taken name is reported', async (open) => {
    const window = await accountForm(open, account('admin'));
    await window.$('account-button').click();
    await window.fault(/An account named “admin” already exists\. Choose another name/);
    await window.fill({ 'account-name': 'frida' });
    await window.$('account-button').click();
    await window.inRoom();
});

scenario('a wrong password of the registrar is reported', async (open) => {
    const window = await accountForm(open, { ...account('gus'), 'account-registrar-password': 'wrong' });
    await window.$('account-button').click();
    await window.fault(/Incorrect password for the account “auth-handler”/);
});

scenario('a registrar without the right to add accounts is reported', async (open) => {
    const window = await accountForm(open, {
        ...account('hal'),
        'account-registrar': 'user',
        'account-registrar-password': 'password',
    });
    await window.$('account-button').click();
    await window.fault(/isn’t allowed to create accounts\. Use an account that can modify the authentication store/);
});

scenario('names with quotes and in other scripts are valid for accounts', async (open) => {
    for (const name of ['O’Brien "Bo" \\', "it's", 'Ærøskøbing 🌊']) {
        const window = await accountForm(open, account(name, `pass "word' \\ ${name}`));
        await window.$('account-button').click();
        await window.inRoom();
        assert.ok((await window.signedInAs()).startsWith(name));
        await window.close();
        const again = await open(address({ name, room: 'Club' }));
        await again.fill({ account: name, password: `pass "word' \\ ${name}` });
        await again.join();
    }
});

scenario('who leaves the form before an account can be made makes none, and can join', async (open) => {
    const ann = await open(address());
    let letGo;
    const held = new Promise((resolve) => {
        letGo = resolve;
    });
    await ann.page.route(/split_chat/, async (route) => {
        await held;
        await route.continue();
    });
    await ann.visit(address({ name: 'Ann', room: 'Elsewhere', kind: 'history' }));
    await ann.$('create-account-link').click();
    await ann.$('account-name').waitFor();
    await ann.fill({ 'account-name': 'never', 'account-password': 'a long secret', 'account-password-again': 'a long secret' });
    await ann.$('account-button').click();
    await ann.page.locator('[data-testid=account-button]:disabled').waitFor();
    await ann.$('account-back').click();
    await ann.page.locator('[data-testid=join-button]:enabled').waitFor();
    letGo();
    await ann.$('join-button').click();
    await ann.inRoom();
    assert.match(await ann.signedInAs(), /^user at /);
});
