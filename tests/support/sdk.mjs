// The vendor's SDK, unmodified, with what tests need around it.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

export const diffusion = createRequire(import.meta.url)('diffusion');
diffusion.log('silent');

export const { TopicType, TopicSpecification } = diffusion.topics;
const types = diffusion.datatypes;
export const json = () => types.json();
export const string = () => types.string();
export const int64 = () => types.int64();
export const double = () => types.double();
export const timeseries = (valueType) => types.timeseries(valueType);

const WAIT = 20_000;

/** Opens a session as `principal`, with the development password unless options say otherwise. */
export function connect(sandbox, principal, options = {}) {
    const credentials = principal === undefined ? {} : { principal, credentials: 'password' };
    return diffusion.connect({
        host: sandbox.host,
        port: sandbox.port,
        secure: false,
        reconnect: false,
        ...credentials,
        ...options,
    });
}

/** Runs `use` with a session, and closes it. */
export async function withSession(sandbox, principal, use) {
    const session = await connect(sandbox, principal);
    try {
        return await use(session);
    } finally {
        await session.closeSession();
    }
}

/** What a session sees in a stream, in order: `{kind, path, ...}` with plain values. */
export class Seen {
    events = [];
    #waiting = [];

    static stream(session, selector, dataType = json()) {
        const seen = new Seen();
        session.addStream(selector, dataType).on({
            subscribe: (path, specification) => seen.#add({ kind: 'subscribe', path, specification }),
            unsubscribe: (path, _specification, reason) => seen.#add({ kind: 'unsubscribe', path, reason: reason.reason }),
            value: (path, _specification, value, old) => seen.#add({ kind: 'value', path, value: plain(value), old: plain(old) }),
            close: () => seen.#add({ kind: 'close' }),
            error: (error) => seen.#add({ kind: 'error', error }),
        });
        return seen;
    }

    #add(event) {
        this.events.push(event);
        this.#waiting = this.#waiting.filter((check) => !check());
    }

    /** Resolves to the first event, from now or earlier, for which `matches` holds. */
    find(what, matches) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
                reject(new Error(`${what} did not come; there were ${JSON.stringify(this.events)}`));
            }, WAIT);
            const check = () => {
                const event = this.events.find(matches);
                if (event !== undefined) {
                    clearTimeout(timer);
                    resolve(event);
                }
                return event !== undefined;
            };
            if (!check()) {
                this.#waiting.push(check);
            }
        });
    }

    /** Resolves to the events of a kind once there are `count` of them. */
    async all(kind, count) {
        const of = () => this.events.filter((event) => event.kind === kind);
        await this.find(`${count} of ${kind}`, () => of().length >= count);
        return of();
    }
}

/** A value as JavaScript has it: JSON's content, a time series event with its content. */
export function plain(value) {
    if (value === undefined || value === null) {
        return value;
    }
    if (value.originalEvent !== undefined) {
        const { sequence, timestamp, author } = value;
        const event = { sequence, timestamp, author, value: plain(value.value) };
        return value.isEditEvent ? { ...event, original: value.originalEvent.sequence } : event;
    }
    return typeof value.get === 'function' ? value.get() : value;
}

/** Asserts that a promise fails with one of Diffusion's reasons; resolves to what it failed with. */
export async function failsWith(promise, id) {
    const error = await promise.then(
        (value) => assert.fail(`it succeeded: ${JSON.stringify(value)}`),
        (error) => error,
    );
    const found = error?.id ?? error?.cause?.id;
    assert.equal(found, id, `failed with ${error?.name ?? ''} ${JSON.stringify(error)} ${error?.message ?? ''}`);
    return error;
}

/** Asserts that a promise fails with an error whose text matches. */
export async function failsSaying(promise, pattern) {
    const error = await promise.then(
        (value) => assert.fail(`it succeeded: ${JSON.stringify(value)}`),
        (error) => error,
    );
    assert.match(describe(error), pattern);
    return error;
}

function describe(error) {
    return [error?.name, error?.message, error?.reason, error?.cause?.reason, JSON.stringify(error)].filter(Boolean).join(' ');
}

/** Resolves after some milliseconds, to check that something does not happen. */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
