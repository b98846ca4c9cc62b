// What the vendor's SDK for JavaScript does in a second, unmodified, in Node: the counterpart of `src/main.rs`.
//
// `node --expose-gc sdk.mjs TASK PORT COUNT` prints a line of JSON.

import assert from 'node:assert/strict';

import { TopicType, connect, diffusion, json, timeseries } from '../../support/sdk.mjs';

const AT_ONCE = 64;
const [task, port, given] = process.argv.slice(2);
const count = Number(given);
const sandbox = { host: '127.0.0.1', port: Number(port) };

const message = (number) => ({
    text: `message ${number} of those that are sent here, about as long as people write in a chat`,
    name: 'Ann',
    timestamp: 1_700_000_000_000 + number,
});
const open = () => connect(sandbox, 'control');
const cpu = () => {
    const { user, system } = process.cpuUsage();
    return user + system;
};
const rate = (begin, before) => ({ rate: (count * 1000) / (performance.now() - begin), cpu_us_each: (cpu() - before) / count });

/** Calls `use` with each value of a stream, until it returns true. */
const values = (session, selector, type, use) =>
    new Promise((resolve, reject) => {
        session.addStream(selector, type).on({
            value: (_path, _specification, value) => {
                if (use(value)) {
                    resolve();
                }
            },
            error: reject,
        });
    });

const tasks = {
    async connect() {
        const milliseconds = [];
        for (let number = 0; number < count; number += 1) {
            const begin = performance.now();
            const session = await connect(sandbox);
            milliseconds.push(performance.now() - begin);
            await session.closeSession();
        }
        return { milliseconds };
    },

    async receive() {
        const session = await open();
        let [letters, seen] = [0, 0];
        const all = values(session, '>bench/series', timeseries(json()), (event) => {
            letters += event.value.get().text.length;
            seen += 1;
            return seen === count;
        });
        const [begin, before] = [performance.now(), cpu()];
        await session.select('>bench/series');
        await all;
        return { ...rate(begin, before), letters };
    },

    async send() {
        const session = await open();
        await session.topics.add('bench/sent', TopicType.JSON);
        const [begin, before] = [performance.now(), cpu()];
        let next = 0;
        const one = async () => {
            while (next < count) {
                next += 1;
                await session.topicUpdate.set('bench/sent', json(), message(next));
            }
        };
        await Promise.all(Array.from({ length: AT_ONCE }, one));
        return rate(begin, before);
    },

    async latency() {
        const session = await open();
        await session.topics.add('bench/latency', TopicType.JSON);
        let came;
        values(session, '>bench/latency', json(), (value) => came?.(value)).catch(() => {});
        await session.select('>bench/latency');
        const milliseconds = [];
        for (let number = 0; number < count; number += 1) {
            const seen = new Promise((resolve) => (came = (value) => void resolve(value)));
            const begin = performance.now();
            const set = session.topicUpdate.set('bench/latency', json(), message(number));
            const value = await seen;
            milliseconds.push(performance.now() - begin);
            assert.equal(value.get().text, message(number).text);
            await set;
        }
        return { milliseconds };
    },

    async memory() {
        const session = await open();
        globalThis.gc();
        const before = process.memoryUsage().rss;
        const begin = performance.now();
        let seen = 0;
        const all = values(session, '?bench/many/', json(), (value) => {
            value.get();
            seen += 1;
            return seen === count;
        });
        await session.select('?bench/many/');
        await all;
        const seconds = (performance.now() - begin) / 1000;
        globalThis.gc();
        return { bytes: process.memoryUsage().rss - before, seconds };
    },
};

console.log(JSON.stringify({ ...(await tasks[task]()), version: diffusion.version }));
process.exit(0);
