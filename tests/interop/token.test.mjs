// Sign-in by token: the SDK presents a JSON Web Token in each way it can.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { connect, diffusion, failsWith, pause } from '../support/sdk.mjs';
import { Issuer, hs256, inSeconds, token } from '../support/token.mjs';

const issuer = new Issuer();
let sandbox;

before(async () => {
    // Each refusal below counts as a failed sign-in from one address.
    sandbox = await startSandbox({ args: [...issuer.args(), '--sign-in-attempts', '1000'] });
});
after(async () => {
    await sandbox?.stop();
    issuer.remove();
});

const enter = (principal, credentials) => connect(sandbox, undefined, { principal, credentials });
const { PropertyKeys } = diffusion.clients;
/** `ClientCloseReason.EXPIRED` of the SDK's documentation. */
const EXPIRED = 13;

/** What a session's properties are, as a session with the right to asks. */
async function propertiesOf(session) {
    const admin = await connect(sandbox, 'admin');
    try {
        return await admin.clients.getSessionProperties(session.sessionId, PropertyKeys.ALL_FIXED_PROPERTIES);
    } finally {
        await admin.closeSession();
    }
}

for (const [how, principal, credentials] of [
    ['with the principal and a token of HS256', 'ada', () => issuer.hs256()],
    ['with the principal and a token of EdDSA', 'ada', () => issuer.edDsa()],
    ['with a token alone', '', () => issuer.edDsa()],
    ['with a token as bytes', 'ada', () => [...Buffer.from(issuer.hs256())]],
]) {
    test(`a session opens ${how}`, async () => {
        const claims = issuer.claims();
        const session = await enter(principal, credentials());
        try {
            const properties = await propertiesOf(session);
            assert.equal(properties[PropertyKeys.PRINCIPAL], 'ada');
            const roles = diffusion.stringToRoles(properties[PropertyKeys.ROLES]);
            assert.ok(['CLIENT', 'TOPIC_CONTROL'].every((role) => roles.has(role)), properties[PropertyKeys.ROLES]);
            const expires = Number(properties[PropertyKeys.EXPIRY_TIME]);
            assert.ok(Math.abs(expires - claims.exp * 1000) <= 5_000, `${expires}`);
        } finally {
            await session.closeSession();
        }
    });
}

test('a session has the rights of the roles in its token', async () => {
    const { TopicType } = diffusion.topics;
    const mayNot = await enter('', issuer.hs256(issuer.claims({ roles: ['CLIENT'] })));
    await failsWith(mayNot.topics.add('token/a', TopicType.JSON), 7);
    await mayNot.closeSession();
    const may = await enter('', issuer.hs256(issuer.claims({ roles: 'CLIENT TOPIC_CONTROL' })));
    const { added } = await may.topics.add('token/a', TopicType.JSON);
    assert.equal(added, true);
    await may.closeSession();
});

test('no session opens with an invalid token', async () => {
    const claims = issuer.claims();
    const refused = {
        'for another principal': ['admin', issuer.hs256()],
        'with another signature': ['ada', token({ alg: 'HS256' }, claims, hs256('another secret, as long as it has to be'))],
        'with none': ['ada', token({ alg: 'none' }, claims, () => Buffer.alloc(0))],
        'with none, but the name of one': ['ada', token({ alg: 'HS256' }, claims, () => Buffer.alloc(0))],
        'signed with the public key as a secret': ['ada', token({ alg: 'HS256' }, claims, hs256(issuer.publicPem))],
        'of another algorithm': ['ada', token({ alg: 'HS512' }, claims, hs256(issuer.secret))],
        'with an extension that must be understood': [
            'ada',
            token({ alg: 'HS256', crit: ['exp'] }, claims, hs256(issuer.secret)),
        ],
        'that is over': ['ada', issuer.hs256(issuer.claims({ exp: inSeconds(-1) }))],
        'without an end': ['ada', issuer.hs256(issuer.claims({ exp: undefined }))],
        'whose end is text': ['ada', issuer.hs256(issuer.claims({ exp: 'never' }))],
        'that is for later': ['ada', issuer.hs256(issuer.claims({ nbf: inSeconds(60) }))],
        'from another issuer': ['ada', issuer.edDsa(issuer.claims({ iss: 'https://other.example' }))],
        'for another service': ['ada', issuer.edDsa(issuer.claims({ aud: 'other' }))],
        'for nobody': ['', issuer.edDsa(issuer.claims({ sub: '' }))],
        'with roles that are none': ['ada', issuer.edDsa(issuer.claims({ roles: [1] }))],
    };
    for (const [what, [principal, credentials]] of Object.entries(refused)) {
        const opened = await enter(principal, credentials).then(
            (session) => session.closeSession().then(() => true),
            () => false,
        );
        assert.equal(opened, false, `a token ${what}`);
    }
    assert.ok(sandbox.log.every((line) => !line.includes('eyJ')), 'tokens do not get into the log');
    // Passwords are as good as ever.
    await (await connect(sandbox, 'user')).closeSession();
});

test('a session ends with its token, and continues if it authenticates again', async () => {
    const [ends, goesOn] = await Promise.all(
        [1, 2].map(() => enter('', issuer.edDsa(issuer.claims({ exp: inSeconds(4) })))),
    );
    const admin = await connect(sandbox, 'admin');
    const reasons = new Map();
    const listening = new Promise((resolve, reject) => {
        admin.clients
            .setSessionPropertiesListener([PropertyKeys.PRINCIPAL], {
                onActive: resolve,
                onClose: () => {},
                onError: reject,
                onSessionOpen: () => {},
                onSessionEvent: () => {},
                onSessionClose: (id, _properties, reason) => reasons.set(id.toString(), reason),
            })
            .catch(reject);
    });
    await listening;
    const closed = new Promise((resolve) => ends.on('close', resolve));
    let isOpen = true;
    goesOn.on('close', () => {
        isOpen = false;
    });
    assert.equal(await goesOn.security.reauthenticate('', 'eyJhbGciOiJub25lIn0.e30.', {}), false);
    assert.equal(await goesOn.security.reauthenticate('ada', issuer.hs256(), {}), true);
    await closed;
    // A moment longer than its token is valid.
    await pause(1_000);
    assert.equal(isOpen, true, 'the session that authenticated again');
    const told = reasons.get(ends.sessionId.toString());
    assert.equal(told, EXPIRED, `${JSON.stringify(told)}`);
    assert.equal(reasons.has(goesOn.sessionId.toString()), false);
    await Promise.all([goesOn.closeSession(), admin.closeSession()]);
});
