// A client that writes its own frames, for messages that no SDK sends. Speaks protocol version 29; see docs/protocol.md.

import { WebSocket } from 'ws';

const VERSION = 29;
const REQUEST = 0x00;
const RESPONSE = 0x06;
const ERROR = 0x07;
const CONNECTED = 100;
const RECONNECTED = 105;

/** The number of a service, by the name that docs/protocol.md gives it. */
export const Service = {
    SUBSCRIBE: 0x03,
    UNSUBSCRIBE: 0x04,
    SYSTEM_PING: 0x37,
    USER_PING: 0x38,
    UPDATE_AUTHENTICATION: 0x3a,
    UPDATE_SECURITY: 0x3c,
    SESSION_PROPERTIES: 0x43,
    REMOVE_TOPICS: 0x53,
    RANGE_QUERY: 0x54,
    SEND_TO_PATH: 0x55,
    NOTIFY: 0x5e,
    REQUEST_HANDLER: 0x61,
    APPEND: 0x63,
    EDIT: 0x64,
    ADD_TOPIC: 0x70,
    ACQUIRE_LOCK: 0x72,
    FETCH: 0x75,
    SET_TOPIC: 0x76,
    REGISTER_AUTHENTICATOR: 0x77,
    ADD_AND_SET: 0x7a,
    CHANGE_ROLES_FILTER: 0x7c,
    CREATE_STREAM: 0x7d,
    CHECK_STREAM: 0x7f,
    SET_STREAM: 0x80,
    APPLY_JSON_PATCH: 0x97,
    APPEND_AT: 0xa6,
    SESSION_EVENTS: 0xbd,
    GET_LOCK: 0xc4,
    REAUTHENTICATE: 0xcb,
};

/** The number of a type of topic. */
export const Type = { BINARY: 0x0e, JSON: 0x0f, TIME_SERIES: 0x10, STRING: 0x11, INT64: 0x12, DOUBLE: 0x13 };

/** Bytes from numbers (one byte each), buffers and texts (as they are, in UTF-8). */
export function bytes(...parts) {
    return Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))));
}

/** Seven bits a byte, the least significant first. */
export function varint(number) {
    const out = [];
    let left = BigInt.asUintN(64, BigInt(number));
    for (; left > 127n; left >>= 7n) {
        out.push(Number(left & 127n) | 128);
    }
    out.push(Number(left));
    return Buffer.from(out);
}

/** Bytes or text behind their length. */
export function sized(content) {
    const buffer = Buffer.from(content);
    return bytes(varint(buffer.length), buffer);
}

/** Names and values behind their count. */
export function properties(object) {
    const entries = Object.entries(object);
    return bytes(varint(entries.length), ...entries.flat().map(sized));
}

/** A value as JSON topics have it: CBOR. */
export function cbor(value) {
    const head = (major, length) => {
        if (length < 24) {
            return Buffer.of((major << 5) | length);
        }
        const wide = Buffer.alloc(5, (major << 5) | 26);
        wide.writeUInt32BE(length, 1);
        return wide;
    };
    if (value === null) {
        return Buffer.of(0xf6);
    }
    if (typeof value === 'boolean') {
        return Buffer.of(value ? 0xf5 : 0xf4);
    }
    if (typeof value === 'number') {
        return value >= 0 ? head(0, value) : head(1, -1 - value);
    }
    if (typeof value === 'string') {
        return bytes(head(3, Buffer.byteLength(value)), value);
    }
    if (Array.isArray(value)) {
        return bytes(head(4, value.length), ...value.map(cbor));
    }
    const entries = Object.entries(value);
    return bytes(head(5, entries.length), ...entries.flat().map(cbor));
}

/** Reads what the service wrote, front to back. */
export class Reader {
    #buffer;
    #at = 0;

    constructor(buffer) {
        this.#buffer = buffer;
    }

    byte() {
        return this.#buffer[this.#at++];
    }

    long() {
        let [value, shift] = [0n, 0n];
        for (;;) {
            const byte = BigInt(this.byte());
            value |= (byte & 127n) << shift;
            shift += 7n;
            if (byte < 128n) {
                return value;
            }
        }
    }

    number() {
        return Number(this.long());
    }

    sized() {
        const length = this.number();
        this.#at += length;
        return this.#buffer.subarray(this.#at - length, this.#at);
    }

    text() {
        return this.sized().toString();
    }

    rest() {
        return this.#buffer.subarray(this.#at);
    }
}

/** The service refused a request, or a connection. */
export class Refused extends Error {
    constructor(code, text) {
        super(`${code} ${text}`);
        this.code = code;
        this.text = text;
    }
}

/** A session over one connection. */
export class RawClient {
    /** What the service asked of this client: `{service, reader}`; filled while no `onRequest` is given. */
    requests = [];
    /** The connection's end, once it has come. */
    ended;
    #open = new Map();
    #conversation = 0;
    #received = 0;

    /**
     * Connects; without a principal, anonymously. `options`: `reconnectTimeout` in milliseconds, `token` and `received` of a
     * session to reconnect to, `headers`, and `onRequest(service, reader)`, which returns the response's body, or `null` for no
     * response.
     */
    static connect(sandbox, principal, password = 'password', options = {}) {
        const query = new URLSearchParams({ ty: 'WB', v: VERSION, ca: 8, r: options.reconnectTimeout ?? 0, sp: '{}' });
        if (principal !== undefined) {
            query.set('username', principal);
            query.set('password', bytes(1, sized(password)).toString('base64'));
        }
        if (options.token !== undefined) {
            query.set('c', options.token);
            query.set('cs', options.sent ?? 1);
            query.set('ss', options.received ?? 0);
        }
        return new Promise((resolve, reject) => {
            const client = new RawClient();
            const socket = new WebSocket(`ws://${sandbox.host}:${sandbox.port}/diffusion?${query}`, {
                perMessageDeflate: false,
                headers: options.headers,
            });
            client.socket = socket;
            client.options = options;
            socket.on('error', reject);
            client.ended = new Promise((over) => {
                socket.on('close', (code) => {
                    const error = new Refused(-1, `the connection ended with ${code}`);
                    reject(error);
                    client.#open.forEach(({ reject: fail }) => fail(error));
                    client.#open.clear();
                    over(code);
                });
            });
            socket.once('message', (message) => {
                const code = message[2];
                if (code !== CONNECTED && code !== RECONNECTED) {
                    socket.close();
                    reject(new Refused(code, 'the connection was refused'));
                    return;
                }
                client.code = code;
                client.server = message.readBigUInt64BE(3);
                client.session = message.readBigUInt64BE(11);
                client.token = message.subarray(19, 43).toString();
                socket.on('message', (next) => client.#message(next));
                resolve(client);
            });
        });
    }

    /** The session's id, as bodies have it. */
    get id() {
        return bytes(varint(this.server), varint(this.session));
    }

    /** How many messages came. */
    get received() {
        return this.#received;
    }

    #message(message) {
        this.#received += 1;
        const reader = new Reader(message);
        const type = reader.byte();
        if (type === RESPONSE || type === ERROR) {
            const conversation = reader.number();
            const waiting = this.#open.get(conversation);
            this.#open.delete(conversation);
            if (type === RESPONSE) {
                waiting?.resolve(new Reader(reader.rest()));
            } else {
                const text = reader.text();
                waiting?.reject(new Refused(reader.number(), text));
            }
        } else if (type === REQUEST) {
            const service = reader.number();
            const conversation = reader.number();
            const body = new Reader(reader.rest());
            this.requests.push(service);
            const answer = this.options.onRequest?.(service, body);
            if (answer !== null && this.socket.readyState === WebSocket.OPEN) {
                this.socket.send(bytes(RESPONSE, varint(conversation), answer ?? ''));
            }
        } else {
            this.options.onMessage?.(type, message);
        }
    }

    /** Sends a request; resolves to a reader of the response's body. */
    ask(service, body = '') {
        const conversation = ++this.#conversation;
        return new Promise((resolve, reject) => {
            if (this.socket.readyState !== WebSocket.OPEN) {
                reject(new Refused(-1, 'the connection has ended'));
                return;
            }
            this.#open.set(conversation, { resolve, reject });
            this.socket.send(bytes(REQUEST, varint(service), varint(conversation), body));
        });
    }

    /** Sends a request; resolves to the refusal, or to `undefined` where there is none. */
    refusal(service, body) {
        return this.ask(service, body).then(
            () => undefined,
            (error) => error,
        );
    }

    /** How long the service takes to answer, in milliseconds. */
    async ping() {
        const start = performance.now();
        await this.ask(Service.USER_PING);
        return performance.now() - start;
    }

    add(path, type = Type.JSON, specification = {}) {
        return this.ask(Service.ADD_TOPIC, bytes(sized(path), type, properties(specification)));
    }

    set(path, value, type = Type.JSON) {
        return this.ask(Service.SET_TOPIC, bytes(sized(path), type, sized(cbor(value)), 0));
    }

    append(path, value) {
        return this.ask(Service.APPEND, bytes(sized(path), sized('json'), sized(cbor(value))));
    }

    /** Resolves to how many topics were removed. */
    async remove(selector) {
        return (await this.ask(Service.REMOVE_TOPICS, sized(selector))).number();
    }

    select(selector) {
        return this.ask(Service.SUBSCRIBE, bytes(sized(selector), sized('')));
    }

    /** Runs scripts of the security store and the authentication store. */
    async configure({ security, authentication }) {
        for (const [service, script] of [
            [Service.UPDATE_SECURITY, security],
            [Service.UPDATE_AUTHENTICATION, authentication],
        ]) {
            if (script !== undefined) {
                const mistakes = (await this.ask(service, sized(script))).number();
                if (mistakes > 0) {
                    throw new Error(`the script has ${mistakes} mistakes: ${script}`);
                }
            }
        }
    }

    /** Cuts the connection without a close message, as a broken network does. */
    cut() {
        this.socket.terminate();
    }

    close() {
        this.socket.close();
        return this.ended;
    }
}

/** Resolves after this many milliseconds. */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
