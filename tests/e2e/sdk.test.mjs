// The vendor's SDK and the page in one room.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { Seen, TopicSpecification, TopicType, connect, json, timeseries } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

/** Runs with a session of the SDK in Node. */
async function withSdk(act) {
    const session = await connect(theatre.sandbox, 'user');
    try {
        await act(session);
    } finally {
        await session.closeSession();
    }
}

const tutorial = (text, name) => ({ text, name, timestamp: new Date().toLocaleTimeString('en-US') });
const HISTORY = new TopicSpecification(TopicType.TIME_SERIES, {
    TIME_SERIES_EVENT_VALUE_TYPE: 'json',
    TIME_SERIES_RETAINED_RANGE: 'limit 100',
    TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100',
});

/** Lets writers edit their own messages in a room. */
async function allowEdits(path) {
    const admin = await connect(theatre.sandbox, 'admin');
    const permissions = ['READ_TOPIC', 'SELECT_TOPIC', 'UPDATE_TOPIC', 'MODIFY_TOPIC', 'EDIT_TIME_SERIES_EVENTS'];
    const script = admin.security.securityScriptBuilder().setPathPermissions('TOPIC_CONTROL', path, permissions).build();
    await admin.security.updateSecurityStore(script);
    await admin.closeSession();
}

for (const first of ['the SDK', 'the page']) {
    scenario(`they read each other in a live room that ${first} created`, async (open) => {
        await withSdk(async (session) => {
            const room = `Both live ${first}`;
            const path = `Chat/${room}`;
            if (first === 'the SDK') {
                await session.topics.add(path, TopicType.JSON);
            }
            const ann = await (await open(address({ name: 'Ann', room, kind: 'live' }))).join();
            if (first === 'the page') {
                const { added } = await session.topics.add(path, TopicType.JSON);
                assert.equal(added, false, 'the page made the very topic that the tutorial makes');
            }
            const seen = Seen.stream(session, path);
            await session.select(path);
            await ann.say('from the page: ünïcödé 🌊');
            const { value } = await seen.find('the page’s message', ({ value }) => value?.text?.startsWith('from the page'));
            // The tutorial's members, and a name for the message that the tutorial's pages pass over.
            assert.deepEqual(Object.keys(value).sort(), ['id', 'name', 'text', 'timestamp']);
            assert.deepEqual([value.text, value.name], ['from the page: ünïcödé 🌊', 'Ann']);
            await session.topicUpdate.set(path, json(), tutorial('from the SDK: ünïcödé 🌊', 'Stan'));
            await ann.shows({ author: 'Ann', own: true, state: 'sent' }, { author: 'Stan', text: 'from the SDK: ünïcödé 🌊', own: false });
            // Values so alike that the service sends deltas.
            const long = 'so it goes '.repeat(100);
            for (let count = 1; count <= 5; count += 1) {
                await session.topicUpdate.set(path, json(), tutorial(`${long}${count}`, 'Stan'));
            }
            await until('five more', () => ann.texts(), (texts) => texts.length === 7);
            assert.deepEqual((await ann.texts()).slice(2), [1, 2, 3, 4, 5].map((count) => `${long}${count}`));
        });
    });

    scenario(`they read each other in a history room that ${first} created`, async (open) => {
        await withSdk(async (session) => {
            const room = `Both history ${first}`;
            const path = `Chat/${room}`;
            if (first === 'the SDK') {
                await session.topics.add(path, HISTORY);
                await session.timeseries.append(path, tutorial('said before', 'Stan'), json());
            }
            const ann = await (await open(address({ name: 'Ann', room, kind: 'history' }))).join();
            if (first === 'the page') {
                const { added } = await session.topics.add(path, HISTORY);
                assert.equal(added, false, 'the page made the very topic that the tutorial makes');
                await session.timeseries.append(path, tutorial('said before', 'Stan'), json());
            }
            await ann.shows({ author: 'Stan', text: 'said before', own: false });
            await ann.say('from the page');
            await ann.shows('said before', { text: 'from the page', own: true, state: 'sent' });

            const seen = Seen.stream(session, path, timeseries(json()));
            await session.select(path);
            const { value: event } = await seen.find('the page’s message', ({ value }) => value?.value?.text === 'from the page');
            assert.deepEqual([event.author, event.value.name], ['user', 'Ann']);
            const { sequence } = await session.timeseries.append(path, tutorial('from teh SDK', 'Stan'), json());
            await ann.shows('said before', 'from the page', { author: 'Stan', text: 'from teh SDK', own: false });

            // An edit changes the message in place.
            await allowEdits(path);
            await session.timeseries.edit(path, sequence, tutorial('from the SDK', 'Stan'), json());
            await ann.shows('said before', 'from the page', { author: 'Stan', text: 'from the SDK' });
            assert.match(await ann.$('message').last().innerText(), /edited/);
            const cem = await (await open(address({ name: 'Cem', room, kind: 'history' }))).join();
            await cem.shows('said before', 'from the page', { author: 'Stan', text: 'from the SDK' });
        });
    });
}
