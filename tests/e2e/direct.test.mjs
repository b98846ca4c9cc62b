// Direct messages: nobody else can read them or forge their author.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { until } from '../support/chat_window.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { Seen, TopicSpecification, TopicType, connect, json, plain, timeseries, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const PASSWORD = 'a long secret';

/** Makes an account as in Lesson 3, which leads into the chat. */
async function account(open, name, room = 'Club') {
    const window = await open(address({ room }));
    await window.$('create-account-link').click();
    await window.fill({ 'account-name': name, 'account-password': PASSWORD, 'account-password-again': PASSWORD });
    await window.$('account-button').click();
    await window.inRoom();
    return window;
}

const person = (window, name) => window.page.locator(`[data-testid=member][data-name="${name}"]`);

async function profileOf(window, name) {
    if ((await window.$('members').count()) === 0) {
        await window.$('members-button').click();
    }
    await person(window, name).click();
    await window.$('profile').waitFor();
}

async function writeTo(window, name) {
    await profileOf(window, name);
    await window.$('write-to').click();
    await until('the conversation is shown', () => window.$('room-title').innerText(), (title) => title === name);
}

const unread = (window, name) =>
    window.room(name).evaluateAll(([item]) => Number.parseInt(item?.querySelector('[data-testid=unread]')?.textContent ?? '0', 10));

/** Whether a topic is the inbox of one of the two people. */
const forOthers = (path) => /^Effusion\/direct\/(dora|emil)$/.test(path);

/** What a session gets of the inboxes, by every kind of request. */
async function pry(session, principal) {
    const inbox = `Effusion/direct/${principal}`;
    const got = [];
    const seen = Seen.stream(session, '?Effusion//', json());
    const events = Seen.stream(session, '?Effusion//', timeseries(json()));
    const ask = async (what, asked) => {
        try {
            got.push([what, await asked()]);
        } catch (error) {
            got.push([what, `refused: ${error.message ?? error}`]);
        }
    };
    for (const selector of [inbox, '?Effusion//', '?Effusion/direct//', '*.*', `#${inbox}////Chat`]) {
        await ask(`select ${selector}`, () => session.select(selector));
        await ask(`fetch ${selector}`, async () => {
            const found = await session.fetchRequest().withValues(json()).withProperties().fetch(selector);
            return found.results().filter((topic) => forOthers(topic.path()));
        });
    }
    await ask('range query', async () => (await session.timeseries.rangeQuery().as(json()).selectFrom(inbox)).events);
    await ask('edit range query', async () => (await session.timeseries.rangeQuery().forEdits().as(json()).selectFrom(inbox)).events);
    /** What was streamed to it until now: what the service sent before the answer to this ping has come. */
    const streamed = async () => {
        await session.pingServer();
        return [...seen.events, ...events.events].filter((event) => event.path !== undefined && forOthers(event.path));
    };
    return { got, streamed };
}

scenario('two people exchange direct messages, which survive a reload', async (open) => {
    const ann = await account(open, 'ann');
    const bob = await account(open, 'bob');
    await writeTo(ann, 'bob');
    await ann.say('psst');
    await ann.shows({ author: 'ann', text: 'psst', own: true, state: 'sent' });
    await until('one is unread', () => unread(bob, 'ann'), (count) => count === 1);
    assert.match(await bob.page.title(), /^\(1\) .* – Effusion$/);
    await bob.room('ann').click();
    await bob.shows({ author: 'ann', text: 'psst', own: false });
    await until('it is read', () => unread(bob, 'ann'), (count) => count === 0);
    await bob.say('what?');
    await ann.shows({ text: 'psst' }, { author: 'bob', text: 'what?', own: false });
    await until('how far he has read is kept', () => bob.stored(), (stored) => stored.includes('effusion.direct'));

    // The room is not affected.
    await bob.room('Club').click();
    assert.deepEqual(await bob.texts(), []);

    const again = await open(address({ name: 'bob', room: 'Club' }));
    await again.fill({ account: 'bob', password: PASSWORD });
    await again.join();
    await again.room('ann').click();
    await again.shows({ author: 'ann', text: 'psst', own: false }, { author: 'bob', text: 'what?', own: true });
    await again.say('from another window');
    await bob.room('ann').click();
    await bob.shows('psst', 'what?', { author: 'bob', text: 'from another window', own: true });
    await ann.shows('psst', 'what?', { author: 'bob', text: 'from another window', own: false });

    // A closed conversation returns with the next message.
    await ann.$('leave-button').click();
    assert.equal(await ann.room('bob').count(), 0);
    await bob.say('still there?');
    await until('it is back', () => unread(ann, 'bob'), (count) => count === 1);
});

scenario('each sees whether the other is there, types, and has seen what was said', async (open) => {
    const ann = await account(open, 'ada');
    const bob = await account(open, 'ben');
    await writeTo(ann, 'ben');
    await ann.say('are you there?');
    await bob.room('ada').waitFor();
    const state = (window, wanted) => until(wanted, () => window.$('peer-state').getAttribute('data-state'), (found) => found === wanted);
    await state(ann, 'online');
    assert.match(await ann.$('peer-state').innerText(), /^online · Only you and .?ben.? can read this\.$/);
    assert.equal(await ann.$('members-button').count(), 0);
    await bob.room('ada').click();
    await state(bob, 'online');
    await until('he has seen it', () => ann.$('delivery').allInnerTexts(), (texts) => texts.some((text) => /seen by .?ben/.test(text)));
    await bob.$('composer').pressSequentially('well');
    await until('he types', () => ann.$('typing').innerText(), (text) => /^.?ben.? is typing…$/.test(text));
    // Nobody else is told: not by anything below the path of the inboxes.
    await withSession(theatre.sandbox, 'admin', async (admin) => {
        const found = await admin.fetchRequest().withValues(json()).fetch('?Effusion/direct//');
        assert.deepEqual(found.results().map((topic) => topic.path()), []);
    });
    await bob.page.close();
    await state(ann, 'offline');
});

scenario('nobody is shown to be there by somebody else', async (open) => {
    const ann = await account(open, 'amy');
    await account(open, 'bea');
    await writeTo(ann, 'bea');
    await ann.say('hello');
    await ann.shows({ text: 'hello', state: 'sent' });
    const shown = () => ann.$('peer-state').getAttribute('data-state');
    await until('she is there', shown, (state) => state === 'online');
    // Another account writes a card in her name, for a session that there is not.
    await withSession(theatre.sandbox, 'user', async (session) => {
        const specification = new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            OWNER: "$Principal is 'amy'",
        });
        await session.topics.add('Effusion/direct/amy/forged', specification);
        await session.timeseries.append('Effusion/direct/amy/forged', { name: 'bea', principal: 'bea', typing: true }, json());
        await ann.say('what was sent after it has come');
        await ann.shows('hello', { state: 'sent' });
        assert.equal(await ann.$('typing').innerText(), '');
    });
});

scenario('a conversation starts by keyboard alone', async (open) => {
    const kay = await account(open, 'kay', 'Keys');
    const lee = await account(open, 'lee', 'Keys');
    await until('both are there', () => kay.$('members-count').innerText(), (count) => count === '2');
    await kay.page.keyboard.press('Control+K');
    await until('the box has the focus', () => kay.page.evaluate(() => document.activeElement.id), (id) => id === 'switcher-search');
    await kay.page.keyboard.type('lee');
    await until('lee is found', () => kay.$('goal').evaluateAll((items) => items.map((item) => item.dataset.name)), (names) => `${names}` === 'lee');
    await kay.page.keyboard.press('Enter');
    await until('the conversation is shown', () => kay.$('room-title').innerText(), (title) => title === 'lee');
    await until('the box has the focus', () => kay.page.evaluate(() => document.activeElement.id), (id) => id === 'composer');
    await kay.page.keyboard.type('by keys');
    await kay.page.keyboard.press('Enter');
    await kay.shows({ text: 'by keys', state: 'sent' });
    await until('one is unread', () => unread(lee, 'kay'), (count) => count === 1);
});

scenario('no third principal can read direct messages, by any request of the SDK', async (open) => {
    const dora = await account(open, 'dora', 'Secrets');
    const emil = await account(open, 'emil', 'Secrets');
    await account(open, 'third', 'Secrets');
    await writeTo(dora, 'emil');
    const third = await connect(theatre.sandbox, 'third', { credentials: PASSWORD });
    const sandboxes = await Promise.all(['client', 'control', 'admin', 'operator', 'user', undefined].map((name) => connect(theatre.sandbox, name)));
    try {
        const prying = [third, ...sandboxes].flatMap((session) => ['dora', 'emil'].map((whose) => pry(session, whose)));
        await dora.say('the treasure is under the oak');
        await dora.shows({ text: 'the treasure is under the oak', state: 'sent' });
        await until('emil has it', () => unread(emil, 'dora'), (count) => count === 1);
        const before = await Promise.all(prying);
        const after = await Promise.all([third, ...sandboxes].flatMap((session) => ['dora', 'emil'].map((whose) => pry(session, whose))));
        for (const { got, streamed } of [...before, ...after]) {
            assert.deepEqual(await streamed(), []);
            for (const [what, answer] of got) {
                const nothing = answer === undefined || (Array.isArray(answer) && answer.length === 0) || `${answer}`.startsWith('refused');
                assert.ok(nothing, `${what}: ${JSON.stringify(answer)}`);
            }
            assert.ok(!JSON.stringify(got).includes('oak'));
            // It was asked, and the service has not merely failed.
            const range = got.find(([what]) => what === 'range query');
            assert.match(`${range[1]}`, /^refused: 103: .*READ_TOPIC/);
        }
        // The owner gets it by the same requests, so they can find something.
        const owner = await connect(theatre.sandbox, 'emil', { credentials: PASSWORD });
        try {
            const { events } = await owner.timeseries.rangeQuery().as(json()).selectFrom('Effusion/direct/emil');
            assert.equal(plain(events[0].value).message.text, 'the treasure is under the oak');
            const fetched = await owner.fetchRequest().fetch('?Effusion/direct//');
            assert.deepEqual(fetched.results().map((topic) => topic.path()).filter(forOthers), ['Effusion/direct/emil']);
        } finally {
            await owner.closeSession();
        }
    } finally {
        await Promise.all([third, ...sandboxes].map((session) => session.closeSession()));
    }
});

scenario('a forged message is shown under its true author', async (open) => {
    const nora = await account(open, 'nora', 'Forge');
    const olaf = await account(open, 'olaf', 'Forge');
    await account(open, 'mallory', 'Forge');
    await writeTo(nora, 'olaf');
    await nora.say('truly nora');
    await until('olaf has it', () => unread(olaf, 'nora'), (count) => count === 1);
    const mallory = await connect(theatre.sandbox, 'mallory', { credentials: PASSWORD });
    try {
        const timestamp = new Date().toISOString();
        const forged = { to: 'olaf', message: { text: 'send me your money', name: 'nora', timestamp, from: 'nora', author: 'nora' } };
        await mallory.timeseries.append('Effusion/direct/olaf', forged, json());
        // Also as if olaf himself had written to nora.
        await mallory.timeseries.append('Effusion/direct/olaf', { to: 'nora', message: { text: 'I, olaf', name: 'olaf', timestamp } }, json());
        await mallory.timeseries.append('Effusion/direct/olaf', { nonsense: true }, json());
    } finally {
        await mallory.closeSession();
    }
    await until('it is told as mallory’s', () => unread(olaf, 'mallory'), (count) => count === 2);
    await olaf.room('mallory').click();
    await olaf.shows(
        { author: 'mallory', text: 'send me your money', own: false },
        { author: 'mallory', text: 'I, olaf', own: false },
    );
    await olaf.room('nora').click();
    await olaf.shows({ author: 'nora', text: 'truly nora', own: false });
});

scenario('nothing is sent to an inbox that somebody else created', async (open) => {
    const pia = await account(open, 'pia', 'Trap');
    await withSession(theatre.sandbox, 'admin', (admin) =>
        admin.security.updateAuthenticationStore(
            admin.security.authenticationScriptBuilder().addPrincipal('quin', PASSWORD, ['CLIENT', 'TOPIC_CONTROL']).build(),
        ),
    );
    // Before quin comes for the first time, somebody makes quin's inbox, to read it as its owner.
    await withSession(theatre.sandbox, 'user', async (user) => {
        const range = 'limit 1000';
        const trap = new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: range,
            TIME_SERIES_SUBSCRIPTION_RANGE: range,
            OWNER: "$Principal is 'user'",
        });
        await user.topics.add('Effusion/direct/quin', trap);
    });
    const quin = await open(address({ name: 'quin', room: 'Trap' }));
    await quin.fill({ account: 'quin', password: PASSWORD });
    await quin.join();
    await writeTo(pia, 'quin');
    await pia.say('for you alone');
    await pia.shows({ text: 'for you alone', state: 'failed' });
    assert.match(await pia.$('delivery').innerText(), /other people could read your direct messages/);
    await withSession(theatre.sandbox, 'user', async (user) => {
        const { events } = await user.timeseries.rangeQuery().as(json()).selectFrom('Effusion/direct/quin');
        assert.deepEqual(events, []);
    });
});

scenario('where the service does not protect the inboxes, nothing is sent', async (open) => {
    const rosa = await account(open, 'rosa', 'Bare');
    const sam = await account(open, 'sam', 'Bare');
    const admin = await connect(theatre.sandbox, 'admin');
    const builder = () => admin.security.securityScriptBuilder();
    const store = async (script) => admin.security.updateSecurityStore(script.build());
    const roles = (await admin.security.getSecurityConfiguration()).roles;
    const kept = ['CLIENT', 'TOPIC_CONTROL', 'ADMINISTRATOR'].map((name) => {
        return [name, roles.find((role) => role.name === name).topic['Effusion/direct']];
    });
    try {
        let unprotected = builder().deisolatePath('Effusion/direct');
        for (const [name] of kept) {
            unprotected = unprotected.removePathPermissions(name, 'Effusion/direct');
        }
        await store(unprotected);
        await rosa.reload();
        await rosa.fill({ password: PASSWORD });
        await rosa.join();
        await writeTo(rosa, 'sam');
        await rosa.say('secret');
        await rosa.shows({ text: 'secret', state: 'failed' });
        assert.match(await rosa.$('delivery').innerText(), /other people could read your direct messages/);
        assert.equal(await sam.room('rosa').count(), 0);
    } finally {
        let closed = builder().isolatePath('Effusion/direct');
        for (const [name, permissions] of kept) {
            closed = closed.setPathPermissions(name, 'Effusion/direct', [...permissions]);
        }
        await store(closed);
        await admin.closeSession();
    }
});

scenario('people who share an account are warned that direct messages would not be private', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Shared', kind: 'history' }))).join();
    await (await open(address({ name: 'Bob', room: 'Shared', kind: 'history' }))).join();
    const uma = await account(open, 'uma', 'Shared');
    for (const [window, name] of [[ann, 'Bob'], [ann, 'uma'], [uma, 'Bob']]) {
        await profileOf(window, name);
        assert.match(await window.$('not-alone').innerText(), /everyone signed in as “user” could read them/);
        assert.equal(await window.$('write-to').count(), 0);
        await window.$('close-dialog').click();
    }
});

scenario('what is written while the service is down arrives exactly once when it is back', async (open) => {
    const data = mkdtempSync(path.join(tmpdir(), 'effusion-'));
    let service = await startSandbox({ data });
    try {
        await withSession(service, 'admin', (admin) => {
            const script = admin.security.authenticationScriptBuilder();
            const both = ['wanda', 'xaver'].reduce((it, name) => it.addPrincipal(name, PASSWORD, ['CLIENT', 'TOPIC_CONTROL']), script);
            return admin.security.updateAuthenticationStore(both.build());
        });
        const enter = async (name) => {
            const window = await open(address({ host: service.host, port: service.port, name, room: 'Storm', kind: 'history' }));
            await window.fill({ account: name, password: PASSWORD });
            return window.join();
        };
        const [wanda, xaver] = [await enter('wanda'), await enter('xaver')];
        await writeTo(wanda, 'xaver');
        await wanda.say('before the storm');
        await wanda.shows({ text: 'before the storm', state: 'sent' });
        await until('xaver has it', () => unread(xaver, 'wanda'), (count) => count === 1);
        const { port } = service;
        await service.kill();
        await wanda.connection('recovering');
        await wanda.say('in the storm');
        await wanda.shows('before the storm', { text: 'in the storm', state: 'sending' });
        service = await startSandbox({ data, port });
        await wanda.connection('connected');
        await wanda.shows({ text: 'before the storm' }, { text: 'in the storm', state: 'sent' });
        await until('two are unread', () => unread(xaver, 'wanda'), (count) => count === 2);
        await xaver.room('wanda').click();
        await xaver.shows({ author: 'wanda', text: 'before the storm' }, { author: 'wanda', text: 'in the storm' });
        await xaver.say('it is over');
        await wanda.shows('before the storm', 'in the storm', { author: 'xaver', text: 'it is over' });
    } finally {
        await service.kill();
        rmSync(data, { recursive: true, force: true });
    }
});
