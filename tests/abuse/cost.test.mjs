// The cost, in time and memory, that one client can cause the service. The broker's own tests (crates/broker/tests/cost.rs) count steps
// and bytes kind by kind; here the same kinds go over the wire, against a sandbox that runs and has a bound on its memory. Where
// these requests did harm, a ping took many seconds, or the process died: the bounds below allow for a busy machine.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { RawClient, Service, Type, bytes, cbor, pause, properties, sized, varint } from '../support/wire.mjs';

const MAX_MEMORY = 256 << 20;
const PATIENCE = 5_000;
const NOT_KEPT = { PERSISTENT: 'false' };

let sandbox;
before(async () => {
    sandbox = await startSandbox({ args: ['--max-memory', String(MAX_MEMORY)] });
});
after(() => sandbox.stop());

/** Runs an action while another session pings; resolves to its result and the longest ping. */
async function besides(act) {
    const other = await RawClient.connect(sandbox);
    let longest = 0;
    let over = false;
    const pinging = (async () => {
        while (!over) {
            longest = Math.max(longest, await other.ping());
            await pause(20);
        }
    })();
    const result = await act().finally(() => {
        over = true;
    });
    await pinging;
    await other.close();
    return { result, longest };
}

/** The most memory that the sandbox has had, in bytes. */
function peak() {
    const [, kib] = readFileSync(`/proc/${sandbox.pid}/status`, 'utf8').match(/VmHWM:\s+(\d+) kB/);
    return Number(kib) * 1024;
}

test('a policy of thousands of conditions is refused', async () => {
    const control = await RawClient.connect(sandbox, 'control');
    const policy = `when ${Array(1_000).fill('no updates for 9d').join(' or ')}`;
    const body = bytes(sized('Abuse/policy'), Type.JSON, properties({ REMOVAL: policy }));
    const { result, longest } = await besides(() => control.refusal(Service.ADD_TOPIC, body));
    assert.match(result.text, /REMOVAL/);
    assert.ok(longest < PATIENCE, `${longest} ms`);
    await control.close();
});

test('a constraint with hundreds of pointers into a large value reads it once', async () => {
    const user = await RawClient.connect(sandbox, 'user');
    const path = 'Abuse/constraint';
    // An array of so many zeros.
    const length = Buffer.alloc(4);
    length.writeUInt32BE(900_000);
    const zeros = bytes(0x9a, length, Buffer.alloc(900_000));
    await user.ask(Service.ADD_AND_SET, bytes(sized(path), Type.JSON, properties(NOT_KEPT), sized(zeros), 0));
    const pointers = 500;
    const isNot = bytes(sized(''), 3, 0, sized(Buffer.of(0xf6)));
    const constraint = bytes(6, varint(pointers), ...Array(pointers).fill(isNot), varint(0));
    const body = bytes(sized(path), Type.JSON, sized(cbor(1)), constraint);
    const { longest } = await besides(() => user.refusal(Service.SET_TOPIC, body));
    assert.ok(longest < PATIENCE, `${longest} ms`);
    await user.remove(`>${path}`);
    await user.close();
});

test('comparing a long text many times, and patches that copy many items, are refused', async () => {
    const user = await RawClient.connect(sandbox, 'user');
    const path = 'Abuse/text';
    const put = (value) => user.ask(Service.ADD_AND_SET, bytes(sized(path), Type.JSON, properties(NOT_KEPT), sized(value), 0));
    await put(cbor('x'.repeat(900_000)));
    const comparisons = 10_000;
    const isNot = bytes(sized(''), 3, 1, sized(cbor('y')));
    const constraint = bytes(6, varint(comparisons), ...Array(comparisons).fill(isNot), varint(0));
    const set = bytes(sized(path), Type.JSON, sized(cbor(1)), constraint);
    const compared = await besides(() => user.refusal(Service.SET_TOPIC, set));
    assert.match(compared.result.text, /compares too many/);
    await put(cbor(Array(80_000).fill([])));
    const patch = JSON.stringify(Array(4).fill({ op: 'copy', from: '', path: '/0' }));
    const copied = await besides(() => user.refusal(Service.APPLY_JSON_PATCH, bytes(sized(path), sized(patch), 0)));
    assert.match(copied.result.text, /too much/);
    assert.ok(Math.max(compared.longest, copied.longest) < PATIENCE);
    await user.remove(`>${path}`);
    await user.close();
});

test('memory stays below its limit while many read nothing of long answers', async () => {
    const control = await RawClient.connect(sandbox, 'control');
    const path = 'Chat/abuse';
    await control.add(path, Type.TIME_SERIES, {
        TIME_SERIES_EVENT_VALUE_TYPE: 'json',
        TIME_SERIES_RETAINED_RANGE: 'limit 20000',
        ...NOT_KEPT,
    });
    const text = 'x'.repeat(1_000);
    for (let sent = 0; sent < 10_000; sent += 500) {
        await Promise.all(Array.from({ length: 500 }, () => control.append(path, text)));
    }
    const all = bytes(0, 0, 0, 3);
    const query = bytes(sized(path), 0, all, all, varint(2n ** 53n - 1n));
    const strangers = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(sandbox)));
    const { longest } = await besides(async () => {
        for (const stranger of strangers) {
            stranger.refusal(Service.RANGE_QUERY, query);
            stranger.refusal(Service.RANGE_QUERY, query);
            stranger.socket.pause();
        }
        await pause(4_000);
    });
    assert.ok(peak() < MAX_MEMORY, `${Math.round(peak() / (1 << 20))} MiB`);
    assert.ok(longest < PATIENCE, `${longest} ms`);
    strangers.forEach((stranger) => stranger.cut());
    // Whoever reads is answered.
    const reader = await RawClient.connect(sandbox);
    await reader.ask(Service.RANGE_QUERY, query);
    await reader.close();
    await control.remove(`>${path}`);
    await control.close();
});

test('a subscriber receives a long series completely, and stays connected', async () => {
    const control = await RawClient.connect(sandbox, 'control');
    const range = 'limit 20000';
    const path = 'Abuse/series';
    await control.add(path, Type.TIME_SERIES, {
        TIME_SERIES_EVENT_VALUE_TYPE: 'json',
        TIME_SERIES_RETAINED_RANGE: range,
        TIME_SERIES_SUBSCRIPTION_RANGE: range,
        ...NOT_KEPT,
    });
    const events = 12_000;
    for (let sent = 0; sent < events; sent += 500) {
        await Promise.all(Array.from({ length: 500 }, (_, number) => control.append(path, sent + number)));
    }
    let came = 0;
    const reader = await RawClient.connect(sandbox, 'client', 'password', { onMessage: () => (came += 1) });
    await reader.select(`>${path}`);
    for (let waited = 0; came < events && waited < 30_000; waited += 50) {
        await pause(50);
    }
    assert.equal(came, events);
    await reader.ping();
    await Promise.all([control.remove(`>${path}`), reader.close()]);
    await control.close();
});

test('long selectors of many sessions take bounded memory', async () => {
    const before = peak();
    const strangers = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(sandbox)));
    let refused = 0;
    const { longest } = await besides(async () => {
        for (const [session, stranger] of strangers.entries()) {
            for (let number = 0; number < 200; number += 1) {
                const selector = sized(`?Chat/.*/${session}/${number}${'/x'.repeat(8_000)}`);
                const [service, body] = number % 2 ? [Service.SUBSCRIBE, bytes(selector, sized(''))] : [Service.NOTIFY, bytes(7, selector)];
                const refusal = await stranger.refusal(service, body);
                refused += refusal === undefined ? 0 : 1;
            }
        }
    });
    assert.ok(refused > 700, `${refused} refused`);
    assert.ok(peak() - before < 64 << 20, `${(peak() - before) >> 20} MiB more`);
    assert.ok(longest < PATIENCE, `${longest} ms`);
    // Others still select what is usual.
    const other = await RawClient.connect(sandbox);
    await other.select('?Chat/.*//');
    await Promise.all([other, ...strangers].map((client) => client.close()));
});

test('a deep path is added at once, whatever strangers listen to', async () => {
    const user = await RawClient.connect(sandbox, 'user');
    const strangers = await Promise.all(Array.from({ length: 10 }, () => RawClient.connect(sandbox)));
    for (const [session, stranger] of strangers.entries()) {
        for (let number = 0; number < 20; number += 1) {
            await stranger.ask(Service.NOTIFY, bytes(7, sized(`*Chat/.*[a-z]/[b-y]{1,5}.*q${session}.${number}`)));
        }
        const exponential = `*Chat/[b-y/]*b[a-z/]{300}q${session}`;
        const refusal = await stranger.refusal(Service.NOTIFY, bytes(7, sized(exponential)));
        assert.match(refusal.text, /too much memory/);
    }
    const path = `Chat/abuse${'/b'.repeat(900)}`;
    const { longest } = await besides(() => user.add(path, Type.JSON, NOT_KEPT));
    assert.ok(longest < PATIENCE, `${longest} ms`);
    await user.remove(`>${path}`);
    await Promise.all([user, ...strangers].map((client) => client.close()));
});

test('names of locks have a maximum length', async () => {
    const control = await RawClient.connect(sandbox, 'control');
    const body = bytes(sized('/'.repeat(60_000)), varint(1), 0);
    assert.match((await control.refusal(Service.ACQUIRE_LOCK, body)).text, /longer than/);
    await control.close();
});

test('memory stays below its limit, whatever is stored, requested and left unread', async () => {
    const user = await RawClient.connect(sandbox, 'user');
    const value = cbor('x'.repeat(900_000));
    const add = (number) =>
        user.refusal(
            Service.ADD_AND_SET,
            bytes(sized(`Abuse/memory/${number}`), Type.JSON, properties(NOT_KEPT), sized(value), 0),
        );
    const refusals = [];
    for (let number = 0; number < 300; number += 10) {
        refusals.push(...(await Promise.all(Array.from({ length: 10 }, (_, more) => add(number + more)))));
    }
    assert.match(refusals.at(-1)?.text ?? '', /as much/);
    // Requests that nobody answers, to a client that reads them.
    const handler = await RawClient.connect(sandbox, 'control', 'password', { onRequest: (service) => (service === 0x58 ? null : undefined) });
    await handler.ask(Service.REQUEST_HANDLER, bytes(varint(0x58), sized('default'), sized('Abuse'), 0, varint(1)));
    const sender = await RawClient.connect(sandbox);
    const request = bytes(sized('Abuse'), sized('binary'), sized(Buffer.alloc(900_000)));
    for (let sent = 0; sent < 200; sent += 10) {
        Array.from({ length: 10 }, () => sender.refusal(Service.SEND_TO_PATH, request));
        await handler.ping().catch(() => {});
    }
    // A subscriber that does not read what it asks for.
    const deaf = await RawClient.connect(sandbox, 'client');
    deaf.socket.pause();
    deaf.refusal(Service.SUBSCRIBE, bytes(sized('?Abuse//'), sized('')));
    await pause(1_000);
    assert.ok(peak() < MAX_MEMORY, `${Math.round(peak() / (1 << 20))} MiB`);
    const { longest } = await besides(() => pause(500));
    assert.ok(longest < PATIENCE, `${longest} ms`);
    await user.remove('?Abuse//');
    deaf.cut();
    await Promise.all([handler.close(), sender.close(), user.close()]);
});
