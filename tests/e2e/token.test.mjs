// Signing in with a JSON Web Token in place of a password.

import assert from 'node:assert/strict';
import { after } from 'node:test';

import { until } from '../support/chat_window.mjs';
import { Issuer, hs256, inSeconds, token } from '../support/token.mjs';
import { stage } from './stage.mjs';

const issuer = new Issuer();
const { scenario, address } = stage(...issuer.args());
after(() => issuer.remove());

/** Signs in with the account and a token, in place of its password. */
async function enter(open, name, credentials) {
    const window = await open(address({ name, room: 'Tokens', kind: 'history' }));
    await window.fill({ password: credentials, account: name.toLowerCase() });
    return window;
}

scenario('a token opens a session of its principal, with its roles', async (open) => {
    const ada = await (await enter(open, 'Ada', issuer.edDsa())).join();
    await ada.say('let in by a token');
    await ada.shows({ author: 'Ada', text: 'let in by a token', own: true, state: 'sent' });
    const reader = await enter(open, 'Rob', issuer.hs256(issuer.claims({ sub: 'rob', roles: ['CLIENT'] })));
    await reader.join();
    await reader.shows({ author: 'Ada', text: 'let in by a token', own: false });
});

scenario('an invalid token is refused with a reason', async (open) => {
    const forged = token({ alg: 'HS256' }, issuer.claims(), hs256('not the secret, but as long as it has to be'));
    const window = await enter(open, 'Ada', forged);
    await window.$('join-button').click();
    await window.$('fault').waitFor();
    assert.match(await window.$('fault').innerText(), /\w+ \w+/);
    assert.equal(await window.$('composer').count(), 0);
});

scenario('an expired token is reported', async (open) => {
    const ada = await (await enter(open, 'Ada', issuer.hs256(issuer.claims({ exp: inSeconds(6) })))).join();
    await until('the session has ended', async () => {
        const state = await ada.$('connection-state').getAttribute('data-state').catch(() => null);
        return state;
    }, (state) => state !== 'connected', 20_000);
    await ada.page.locator('[data-testid=fault]').first().waitFor();
});
