// The page over TLS, with a certificate of our own making: https and wss from one sandbox.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { addressAt, dist, launch } from '../support/browser.mjs';
import { Certificate } from '../support/certificate.mjs';
import { startSandbox } from '../support/sandbox.mjs';
import { scenario } from './stage.mjs';

const certificate = new Certificate();
let secure;
let plain;
/** One that knows the certificate, and one that does not. */
let trusting;
let wary;

before(async () => {
    [secure, plain, trusting, wary] = await Promise.all([
        startSandbox({ args: ['--static', dist, ...certificate.args()] }),
        startSandbox({ args: ['--static', dist] }),
        launch(`--ignore-certificate-errors-spki-list=${certificate.fingerprint}`),
        launch(),
    ]);
});
after(async () => {
    await Promise.all([trusting?.close(), wary?.close(), secure?.stop(), plain?.stop()]);
    certificate.remove();
});

const service = (fields) => ({ host: secure.host, port: secure.port, secure: 'true', room: 'Vault', kind: 'live', ...fields });
const overTls = (fields) => addressAt(secure, service(fields)).replace(/^http:/, 'https:');

scenario('two windows chat over TLS', () => trusting, async (open) => {
    const [ann, bob] = await Promise.all(['Ann', 'Bob'].map(async (name) => (await open(overTls({ name }))).join()));
    assert.equal(await ann.page.evaluate(() => globalThis.isSecureContext && location.protocol), 'https:');
    await ann.say('for your eyes only');
    await bob.shows({ author: 'Ann', text: 'for your eyes only', own: false });
    await bob.say('understood');
    await ann.shows('for your eyes only', { author: 'Bob', text: 'understood', own: false });
});

scenario('an untrusted certificate is refused', () => wary, async (open) => {
    // The page comes over HTTP from this machine, and asks for a service over TLS.
    const page = await open(addressAt(plain, service({ name: 'Ann' })));
    await page.$('join-button').click();
    await page.$('fault').waitFor();
    assert.equal(await page.$('composer').count(), 0);
});

scenario('a service with TLS is not reached without it', () => trusting, async (open) => {
    const page = await open(addressAt(plain, { ...service({ name: 'Ann' }), secure: 'false' }));
    await page.$('join-button').click();
    await page.$('fault').waitFor();
    assert.equal(await page.$('composer').count(), 0);
});
