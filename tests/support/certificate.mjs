// A certificate of our own making, for a service on this machine (X.509, RFC 5280; written in DER, as Node cannot).

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** An element of DER: a tag, the length, and what is in it. */
function element(tag, ...parts) {
    const content = Buffer.concat(parts);
    const { length } = content;
    const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
    return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts) => element(0x30, ...parts);
const set = (...parts) => element(0x31, ...parts);
const integer = (...bytes) => element(0x02, Buffer.from(bytes));
const text = (value) => element(0x0c, Buffer.from(value));
const oid = (...bytes) => element(0x06, Buffer.from(bytes));
const time = (date) => element(0x17, Buffer.from(date.toISOString().replace(/[-:T]|\..*/g, '').slice(2) + 'Z'));

const ECDSA_WITH_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const COMMON_NAME = oid(0x55, 0x04, 0x03);
const SUBJECT_ALT_NAME = oid(0x55, 0x1d, 0x11);
const DAY = 24 * 60 * 60 * 1000;

/** A certificate for 127.0.0.1 and localhost that signs itself, with its key, in files for a sandbox. */
export class Certificate {
    #folder = mkdtempSync(path.join(tmpdir(), 'effusion-tls-'));
    #pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

    constructor() {
        const spki = this.#pair.publicKey.export({ type: 'spki', format: 'der' });
        const name = sequence(set(sequence(COMMON_NAME, text('Effusion test'))));
        const names = sequence(element(0x82, Buffer.from('localhost')), element(0x87, Buffer.from([127, 0, 0, 1])));
        const [from, to] = [-DAY, 7 * DAY].map((offset) => time(new Date(Date.now() + offset)));
        const body = sequence(
            element(0xa0, integer(2)),
            // Positive, and different each time.
            integer(0x01, ...randomBytes(8)),
            ECDSA_WITH_SHA256,
            name,
            sequence(from, to),
            name,
            spki,
            element(0xa3, sequence(sequence(SUBJECT_ALT_NAME, element(0x04, names)))),
        );
        const signature = sign('sha256', body, this.#pair.privateKey);
        const der = sequence(body, ECDSA_WITH_SHA256, element(0x03, Buffer.from([0]), signature));
        /** The hash that Chromium can be told to trust: of the public key. */
        this.fingerprint = createHash('sha256').update(spki).digest('base64');
        const lines = der.toString('base64').match(/.{1,64}/g).join('\n');
        writeFileSync(this.#file('certificate.pem'), `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`);
        const key = this.#pair.privateKey.export({ type: 'pkcs8', format: 'pem' });
        writeFileSync(this.#file('key.pem'), key, { mode: 0o600 });
    }

    #file(name) {
        return path.join(this.#folder, name);
    }

    /** What a sandbox has to be started with to speak TLS. */
    args() {
        return ['--tls-cert', this.#file('certificate.pem'), '--tls-key', this.#file('key.pem')];
    }

    /** Removes the files. */
    remove() {
        rmSync(this.#folder, { recursive: true });
    }
}
