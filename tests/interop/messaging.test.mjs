// Requests and responses: to a path, to a session, to all sessions that match a filter.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { connect, diffusion, double, failsSaying, failsWith, int64, json, plain, string, withSession } from '../support/sdk.mjs';

let sandbox;
let control;
let client;
/** The outcome of a request without a response: it takes a while, during which the other tests run. */
let unanswered;
before(async () => {
    sandbox = await startSandbox();
    control = await connect(sandbox, 'control');
    client = await connect(sandbox, 'client');
    await control.messages.addRequestHandler('Slow/path', handler(() => {}));
    unanswered = client.messages.sendRequest('Slow/path', {});
    unanswered.catch(() => {});
});
after(async () => {
    await client.closeSession();
    await control.closeSession();
    await sandbox.stop();
});

const { ACCESS_DENIED, UNHANDLED_MESSAGE, NO_SUCH_SESSION, REJECTED_REQUEST, REQUEST_TIME_OUT } = Object.fromEntries(
    Object.entries(diffusion.errors).map(([name, { id }]) => [name, id]),
);
const handler = (onRequest) => ({ onRequest, onError() {}, onClose() {} });
const echo = handler((request, _context, responder) => responder.respond(plain(request), json()));

test('a request to a path, and its sender', async () => {
    let told;
    const registration = await control.messages.addRequestHandler(
        'Path/echo',
        handler((request, context, responder) => {
            told = { path: context.path, id: context.sessionId.toString(), properties: { ...context.properties } };
            responder.respond({ got: plain(request) }, json());
        }),
        ['$Principal', '$ClientIP'],
        json(),
    );
    const answer = await client.messages.sendRequest('Path/echo', { n: 1 }, json(), json());
    assert.deepEqual(plain(answer), { got: { n: 1 } });
    assert.deepEqual(told, { path: 'Path/echo', id: client.sessionId.toString(), properties: { $Principal: 'client', $ClientIP: '127.0.0.1' } });
    // Below its path, too.
    await client.messages.sendRequest('Path/echo/deep/er', {}, json(), json());
    assert.equal(told.path, 'Path/echo/deep/er');
    await registration.close();
    await failsWith(client.messages.sendRequest('Path/echo', {}), UNHANDLED_MESSAGE);
});

test('requests and responses of every type', async () => {
    for (const [type, value, shown = value] of [
        [json(), { a: [1, null] }],
        [string(), 'text'],
        [int64(), '9007199254740993'],
        [double(), 1.5],
        [diffusion.datatypes.binary(), Buffer.from([1, 2])],
    ]) {
        const same = handler((request, _context, responder) => responder.respond(request, type));
        const registration = await control.messages.addRequestHandler(`Type/${type.name()}`, same, [], type);
        const answer = await client.messages.sendRequest(`Type/${type.name()}`, value, type, type);
        assert.deepEqual(type.name() === 'int64' ? answer.toString() : plain(answer), shown);
        await registration.close();
    }
});

test('the handler of the most specific path responds; a session has at most one at a path', async () => {
    const named = (name) => handler((_request, _context, responder) => responder.respond(name, string()));
    const registrations = [
        await control.messages.addRequestHandler('Most', named('general')),
        await control.messages.addRequestHandler('Most/specific', named('specific')),
    ];
    const ask = (path) => client.messages.sendRequest(path, {}, json(), string());
    assert.equal(await ask('Most/specific/x'), 'specific');
    assert.equal(await ask('Most/other'), 'general');
    await assert.rejects(control.messages.addRequestHandler('Most', named('again')));
    await registrations[1].close();
    assert.equal(await ask('Most/specific/x'), 'general');
    await registrations[0].close();
});

test('a handler is removed with its session', async () => {
    const other = await connect(sandbox, 'control');
    await other.messages.addRequestHandler('Gone/path', echo);
    await client.messages.sendRequest('Gone/path', {});
    await other.closeSession();
    await failsWith(client.messages.sendRequest('Gone/path', {}), UNHANDLED_MESSAGE);
});

test('a request that is rejected, or whose receiver closes', async () => {
    await control.messages.addRequestHandler('Reject/path', handler((_request, _context, responder) => responder.reject('not today')));
    const error = await failsWith(client.messages.sendRequest('Reject/path', {}), REJECTED_REQUEST);
    assert.match(JSON.stringify(error) + error.message, /not today/);
    const silent = await connect(sandbox, 'control');
    await silent.messages.addRequestHandler('Silent/path', handler(() => silent.closeSession()));
    await assert.rejects(client.messages.sendRequest('Silent/path', {}));
});

test('a request to a session', async () => {
    client.messages.setRequestStream(
        'Mine/path',
        { onRequest: (path, request, responder) => responder.respond({ path, got: plain(request) }), onError() {}, onClose() {} },
        json(),
        json(),
    );
    const answer = await control.messages.sendRequest('Mine/path', { n: 1 }, client.sessionId, json(), json());
    assert.deepEqual(plain(answer), { path: 'Mine/path', got: { n: 1 } });
    await failsWith(control.messages.sendRequest('Not/mine', {}, client.sessionId), UNHANDLED_MESSAGE);
    const gone = await connect(sandbox, 'client');
    const id = gone.sessionId;
    await gone.closeSession();
    await failsWith(control.messages.sendRequest('Mine/path', {}, id), NO_SUCH_SESSION);
    await failsWith(client.messages.sendRequest('Mine/path', {}, control.sessionId), ACCESS_DENIED);
    client.messages.removeRequestStream('Mine/path');
    await failsWith(control.messages.sendRequest('Mine/path', {}, client.sessionId), UNHANDLED_MESSAGE);
});

test('a request to a filter', async () => {
    const others = await Promise.all(['operator', 'operator', 'operator'].map((name) => connect(sandbox, name)));
    others.slice(0, 2).forEach((session, index) =>
        session.messages.setRequestStream('Many/path', {
            onRequest: (_path, request, responder) => (index === 0 ? responder.respond({ from: index, got: plain(request) }, json()) : responder.reject('no')),
            onError() {},
            onClose() {},
        }),
    );
    const answers = new Map();
    let resolve;
    const three = new Promise((done) => {
        resolve = done;
    });
    const keep = (id, what) => {
        answers.set(id.toString(), what);
        if (answers.size === 3) {
            resolve();
        }
    };
    const callback = { onResponse: (id, response) => keep(id, plain(response)), onResponseError: (id, error) => keep(id, error) };
    const count = await control.messages.sendRequestToFilter("$Principal is 'operator'", 'Many/path', { n: 1 }, callback, json(), json());
    assert.equal(count, 3);
    await three;
    const [first, second, third] = others.map((session) => answers.get(session.sessionId.toString()));
    assert.deepEqual(first, { from: 0, got: { n: 1 } });
    assert.match(JSON.stringify(second) + second.message, /no/);
    assert.ok(third !== undefined && !('from' in third), 'no stream, no answer');
    assert.equal(await control.messages.sendRequestToFilter("$Principal is 'nobody'", 'Many/path', {}, callback), 0);
    await failsSaying(control.messages.sendRequestToFilter('nonsense', 'Many/path', {}, callback), /filter/i);
    await failsWith(client.messages.sendRequestToFilter('all', 'Many/path', {}, callback), ACCESS_DENIED);
    await Promise.all(others.map((session) => session.closeSession()));
});

test('permissions for request handlers', async () => {
    await failsWith(client.messages.addRequestHandler('Not/yours', echo), ACCESS_DENIED);
    await withSession(sandbox, 'auth-handler', async (session) => {
        // The right to register, but not to see properties of sessions.
        await failsWith(session.messages.addRequestHandler('Not/seen', echo, ['$Principal']), ACCESS_DENIED);
        await (await session.messages.addRequestHandler('Seen', echo)).close();
    });
});

test('a request without a response times out', () => failsWith(unanswered, REQUEST_TIME_OUT));
