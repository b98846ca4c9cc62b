// Our client beside the vendor's SDKs for JavaScript and Python, each as a program of its own with one thread, by the same rules, on
// the same sandbox, in turn: `tests/bench/client`.
//
// `cargo xtask bench client` runs this.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { startSandbox } from '../support/sandbox.mjs';
import { median, percentile, table } from './report.mjs';

const here = (name) => fileURLToPath(new URL(`client/${name}`, import.meta.url));
const run = promisify(execFile);

const RUNS = Number(process.env.EFFUSION_BENCH_RUNS ?? 3);
const MESSAGES = Math.min(Number(process.env.EFFUSION_BENCH_MESSAGES ?? 100_000), 100_000);
const ours = process.env.EFFUSION_CLIENT_BENCH;
const python = process.env.EFFUSION_PYTHON;

/** The programs by the names of their columns: what to start, and for how many of what it does the others do one. */
const CLIENTS = {
    'effusion-client': [ours],
    'JavaScript SDK': [process.execPath, '--expose-gc', here('sdk.mjs')],
    ...(python === undefined ? {} : { 'Python SDK': [python, here('sdk.py')] }),
};
/** Python takes minutes for what the others do in seconds, and its rates hardly depend on the number. */
const FEWER = { 'Python SDK': 10 };

const args = {
    '--max-queue-messages': 10_000_000,
    '--max-queue-bytes': 2 ** 30,
    '--max-message-rate': 10_000_000,
    // Who reads slowly is to be measured, not disconnected.
    '--io-timeout': 3_600,
    '--max-topics': 200_000,
    '--max-topics-per-principal': 200_000,
};

async function task(client, name, port, count) {
    const [program, ...before] = CLIENTS[client];
    const { stdout } = await run(program, [...before, name, String(port), String(count)], { timeout: 900_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** What went wrong with the others' clients. */
const failures = new Set();

/** A fresh sandbox for every measurement, with what it needs in it. */
async function measure(client, name, count, prepare) {
    const sandbox = await startSandbox({ args: Object.entries(args).flat().map(String) });
    try {
        if (prepare !== undefined) {
            await run(ours, [prepare, String(sandbox.port), String(count)]);
        }
        return await task(client, name, sandbox.port, count).catch((error) => {
            // It is measured, not tested.
            if (CLIENTS[client][0] === ours) {
                throw error;
            }
            failures.add(`${client}, ${name}: ${error.message.trim().split('\n').at(-1)}`);
            return undefined;
        });
    } finally {
        await sandbox.stop();
    }
}

const found = Object.fromEntries(Object.keys(CLIENTS).map((client) => [client, []]));
for (let round = 0; round < RUNS; round += 1) {
    for (const client of Object.keys(CLIENTS)) {
        const count = (full) => Math.ceil(full / (FEWER[client] ?? 1));
        const waits = count(Math.ceil(MESSAGES / 20));
        const connected = await measure(client, 'connect', 50);
        const received = await measure(client, 'receive', count(MESSAGES), 'prepare-series');
        const sent = await measure(client, 'send', count(MESSAGES));
        const waited = await measure(client, 'latency', waits);
        assert.ok(waited === undefined || waited.milliseconds.length === waits);
        const kept = await measure(client, 'memory', count(MESSAGES), 'prepare-topics');
        const topics = count(MESSAGES);
        found[client].push({ connected, received, sent, waited, kept, topics });
    }
}

const columns = Object.keys(CLIENTS);
const [, theirs] = columns;
const row = (words, pick, digits = 0) => {
    const numbers = columns.map((client) => median(found[client].map(pick).filter((number) => number !== undefined)));
    const ratio = numbers[0] / numbers[columns.indexOf(theirs)];
    const write = (number, places) => (Number.isFinite(number) ? number.toFixed(places) : '-');
    return [words, ...numbers.map((number) => write(number, digits)), write(ratio, 2)];
};
table(
    ['One session, on loopback', ...columns, 'ours / JavaScript'],
    [
        row('messages received a second', ({ received }) => received?.rate),
        row('  processor time for each, us', ({ received }) => received?.cpu_us_each, 2),
        row('messages sent and acknowledged a second', ({ sent }) => sent?.rate),
        row('  processor time for each, us', ({ sent }) => sent?.cpu_us_each, 2),
        row('from setting a value to seeing it, ms: median', ({ waited }) => waited && median(waited.milliseconds), 3),
        row('from setting a value to seeing it, ms: 99 of 100 are below', ({ waited }) => waited && percentile(waited.milliseconds, 0.99), 3),
        row('connecting, ms: median', ({ connected }) => connected && median(connected.milliseconds), 2),
        row('memory for 100000 topics, MB', ({ kept, topics }) => kept && (kept.bytes / topics) * 0.1, 1),
        row('topics a second on subscribing to all', ({ kept, topics }) => kept && topics / kept.seconds),
    ],
);
console.log(
    `Medians of ${RUNS} ${RUNS === 1 ? 'run' : 'runs'}, in turn, Node ${process.version}. Received: a time series of ${MESSAGES} events of JSON, ` +
        'from selecting it until the text of the last is read. Sent: as many values of a JSON topic, 64 on their way at a time. ' +
        `Memory: what the process has more once it is subscribed to ${MESSAGES} topics.` +
        (python === undefined
            ? ` Without Python: ${process.env.EFFUSION_NO_PYTHON ?? 'it is not here'}.`
            : ' Python does a tenth of each; its memory is taken times ten.'),
);
failures.forEach((failure) => console.log(`It failed: ${failure}`));
