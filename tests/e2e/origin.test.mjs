// Pages from other origins: what a real browser sends, and how the sandbox responds. Names resolve to this machine, as an
// attacker's name can.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { dist, launch } from '../support/browser.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { serveFolders } from '../support/static.mjs';

let pages;
let sandbox;
let browser;
/** An address of the pages by another name. */
const at = (host) => pages.origin.replace('127.0.0.1', host);

before(async () => {
    pages = await serveFolders({ '/': dist });
    [sandbox, browser] = await Promise.all([
        startSandbox({ args: ['--static', dist, '--allow-origin', at('friend.example')] }),
        launch('--host-resolver-rules=MAP *.example 127.0.0.1'),
    ]);
});
after(async () => {
    await browser?.close();
    await pages?.close();
    assert.equal((await sandbox?.stop())?.code, 0);
});

/** Opens a page, connects it to a service, and returns whether a session was opened. */
async function connects(origin, service) {
    const context = await browser.newContext();
    try {
        const page = await context.newPage();
        await page.goto(`${origin}/`);
        return await page.evaluate(
            (url) =>
                new Promise((resolve) => {
                    const socket = new WebSocket(url);
                    socket.binaryType = 'arraybuffer';
                    socket.onmessage = ({ data }) => {
                        socket.close();
                        // The third byte is the response code, and 100 is "connected".
                        resolve(new Uint8Array(data)[2] === 100);
                    };
                    socket.onerror = () => resolve(false);
                }),
            `ws://${service}/diffusion?ty=WB&v=29&ca=8&r=0&username=user&password=AQhwYXNzd29yZA%3D%3D`,
        );
    } finally {
        await context.close();
    }
}

test('pages of this machine connect', async () => {
    const service = `127.0.0.1:${sandbox.port}`;
    for (const origin of [at('localhost'), at('127.0.0.1'), `http://${service}`]) {
        assert.equal(await connects(origin, service), true, origin);
    }
});

test('a page of somebody else does not', async () => {
    assert.equal(await connects(at('evil.example'), `127.0.0.1:${sandbox.port}`), false);
});

test('a page whose name is made to lead here does not either', async () => {
    // Page and service have the same host, by a name that is not ours.
    const service = `rebound.example:${sandbox.port}`;
    assert.equal(await connects(`http://${service}`, service), false);
    assert.equal(await connects(at('rebound.example'), service), false);
});

test('a page that is allowed connects, and no other of its host', async () => {
    const service = `127.0.0.1:${sandbox.port}`;
    assert.equal(await connects(at('friend.example'), service), true);
    assert.equal(await connects(`http://friend.example:${sandbox.port}`, service), false);
});
