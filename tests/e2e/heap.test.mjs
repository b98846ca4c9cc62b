// Leaving a room, or signing out, frees what belonged to it.

import assert from 'node:assert/strict';

import { heap, noteMemories } from '../support/heap.mjs';
import { json, withSession, TopicSpecification, TopicType } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const ROOM = 'Coming and going';
const LIMIT = 600_000;

/**
 * How much a window may grow by, in 180 visits or in 30 sessions: bytes of WebAssembly's memory and of JavaScript's heap, nodes and
 * listeners. A visit draws the room and its 50 messages, of which a hundredth would be more than this. The rest is what
 * `reactive_graph` 0.2.16 keeps: a signal that lives on holds 56 bytes of every effect that ever followed it, for some 60 effects
 * a visit, however many messages there are.
 */
const GROWTH = { wasm: 1_500_000, script: 500_000, nodes: 300, listeners: 40 };

scenario(
    'a window that has joined and left a room 200 times takes no more than after 20 times',
    async (open) => {
        await fillRoom();
        const ann = await open(address({ name: 'Ann', room: 'Home', kind: 'live' }), { first: noteMemories });
        await ann.join();
        await ann.page.evaluate(joinAndLeave, [ROOM, 20]);
        const early = await heap(ann.page);
        await ann.page.evaluate(joinAndLeave, [ROOM, 180]);
        assertGrowth(early, await heap(ann.page));
    },
    LIMIT,
);

scenario(
    'a window that has signed in and out 40 times takes no more than after 10 times',
    async (open) => {
        await fillRoom();
        const ann = await open(address({ name: 'Ann', room: ROOM, kind: 'history' }), { first: noteMemories });
        await ann.page.evaluate(signInAndOut, 10);
        const early = await heap(ann.page);
        await ann.page.evaluate(signInAndOut, 30);
        assertGrowth(early, await heap(ann.page));
    },
    LIMIT,
);

/** Makes a history room with 50 messages, unless it exists. */
function fillRoom() {
    return withSession(theatre.sandbox, 'user', async (session) => {
        const specification = new TopicSpecification(TopicType.TIME_SERIES, {
            TIME_SERIES_EVENT_VALUE_TYPE: 'json',
            TIME_SERIES_RETAINED_RANGE: 'limit 50',
            TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 50',
        });
        await session.topics.add(`Chat/${ROOM}`, specification);
        // Each visit adds a notice; with these messages every visit receives the same number of events.
        for (let count = 0; count < 50; count += 1) {
            const message = { text: `number ${count} of what is said here`, name: 'Ann', timestamp: new Date().toISOString() };
            await session.timeseries.append(`Chat/${ROOM}`, message, json());
        }
    });
}

function assertGrowth(early, late) {
    for (const [what, limit] of Object.entries(GROWTH)) {
        const grown = late[what] - early[what];
        assert.ok(grown < limit, `${what} grew by ${grown}: from ${JSON.stringify(early)} to ${JSON.stringify(late)}`);
    }
}

/** In the page: joins a room and leaves it again, this many times. */
async function joinAndLeave([room, times]) {
    const find = (id) => document.querySelector(`[data-testid="${id}"]`);
    const shown = () => find('room-title')?.innerText;
    for (let time = 0; time < times; time += 1) {
        find('another-room-button').click();
        await window.until('the form', () => find('room-form'));
        const form = find('room-form');
        const field = form.querySelector('[data-testid=room]');
        field.value = room;
        field.dispatchEvent(new Event('input', { bubbles: true }));
        form.querySelector('[data-testid=kind-history]').click();
        form.querySelector('[data-testid=room-button]').click();
        await window.until('the room', () => shown() === room && find('room-pane')?.dataset.state === 'open' && find('notice'));
        find('leave-button').click();
        await window.until('the room is left', () => shown() !== room);
    }
}

/** In the page: signs in with the form that is shown, and out again, this many times. */
async function signInAndOut(times) {
    const find = (id) => document.querySelector(`[data-testid="${id}"]`);
    for (let time = 0; time < times; time += 1) {
        find('join-button').click();
        await window.until('the room', () => find('room-pane')?.dataset.state === 'open' && find('notice'));
        find('settings-button').click();
        await window.until('the settings', () => find('sign-out'));
        find('sign-out').click();
        await window.until('the form', () => find('join-button')?.disabled === false && find('room-pane') === null);
    }
}
