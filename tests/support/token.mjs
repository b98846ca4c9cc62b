// JSON Web Tokens (RFC 7519), as an identity provider would issue them.

import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const base64url = (text) => Buffer.from(text).toString('base64url');

/** The issuer and the audience of the tests' tokens. */
export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'effusion';

/** Seconds since 1970, from now. */
export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

/** Puts a token together; `signature` makes the last part of what comes before it. */
export function token(header, claims, signature) {
    const message = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
    return `${message}.${signature(Buffer.from(message)).toString('base64url')}`;
}

/** Signs with a shared secret, with HMAC and SHA-256. */
export const hs256 = (secret) => (message) => createHmac('sha256', secret).update(message).digest();

/** An issuer with keys of both kinds, in files that a sandbox can be started with. */
export class Issuer {
    #folder = mkdtempSync(path.join(tmpdir(), 'effusion-keys-'));
    secret = randomBytes(32).toString('hex');
    #pair = generateKeyPairSync('ed25519');
    publicPem = this.#pair.publicKey.export({ type: 'spki', format: 'pem' });

    constructor() {
        writeFileSync(path.join(this.#folder, 'secret'), `${this.secret}\n`, { mode: 0o600 });
        writeFileSync(path.join(this.#folder, 'public.pem'), this.publicPem);
    }

    /** What a sandbox has to be started with to accept the tokens. */
    args() {
        const keys = ['secret', 'public.pem'].flatMap((name) => ['--jwt-key-file', path.join(this.#folder, name)]);
        return [...keys, '--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE, '--jwt-leeway', '0'];
    }

    /** The claims of a good token, with others in place of some: `undefined` leaves one out. */
    claims(others = {}) {
        return { iss: ISSUER, aud: AUDIENCE, sub: 'ada', exp: inSeconds(600), roles: ['CLIENT', 'TOPIC_CONTROL'], ...others };
    }

    /** A token that is signed with the shared secret. */
    hs256(claims = this.claims()) {
        return token({ alg: 'HS256', typ: 'JWT' }, claims, hs256(this.secret));
    }

    /** A token that is signed with the private key. */
    edDsa(claims = this.claims()) {
        return token({ alg: 'EdDSA', typ: 'JWT' }, claims, (message) => sign(null, message, this.#pair.privateKey));
    }

    /** Removes the files. */
    remove() {
        rmSync(this.#folder, { recursive: true });
    }
}
