// How fast chat values and their deltas are read and written: our codec, compiled to WebAssembly as the page is, beside
// the vendor's SDK, both in this Node; and our codec natively, as the sandbox has it. What each is given and gives back
// is compared before anything is measured.
//
// `cargo xtask bench` runs this. On its own it needs wasm-bindgen and wasm-opt on PATH.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { diffusion } from '../support/sdk.mjs';
import { median, table } from './report.mjs';

const ROUNDS = 9;
const ROUND_MS = 150;
const CASES = 512;

const root = fileURLToPath(new URL('../../', import.meta.url));
const webTarget = path.join(root, 'target/web');
const cargo = process.env.CARGO ?? 'cargo';

/** The features that the compiler uses, as in index.html. */
const WASM_FEATURES = [
    'bulk-memory',
    'nontrapping-float-to-int',
    'sign-ext',
    'mutable-globals',
    'reference-types',
    'multivalue',
].map((feature) => `--enable-${feature}`);

/** A sink for results, so that no compiler removes the work. */
let sink = 0;

const ours = loadWasm();
const cases = makeCases();
compare();
const rates = measure();
const native = measureNative();
print();

function run(program, args, options = {}) {
    const { status, error, stdout, stderr } = spawnSync(program, args, {
        cwd: root,
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        ...options,
    });
    if (error !== undefined || status !== 0) {
        throw new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? `status ${status}`}\n${stderr ?? ''}`);
    }
    return stdout;
}

/** The codec in the page's profile, optimised as the page is. */
function loadWasm() {
    const target = 'wasm32-unknown-unknown';
    const env = { ...process.env, CARGO_TARGET_DIR: webTarget };
    run(cargo, ['build', '--quiet', '-p', 'codec-bench', '--lib', '--profile', 'web', '--target', target], { env });
    const out = path.join(webTarget, 'codec-bench');
    mkdirSync(out, { recursive: true });
    run('wasm-bindgen', ['--target', 'nodejs', '--out-dir', out, path.join(webTarget, target, 'web/codec_bench.wasm')]);
    const wasm = path.join(out, 'codec_bench_bg.wasm');
    run('wasm-opt', ['-Oz', ...WASM_FEATURES, wasm, '-o', wasm]);
    const { Codec } = createRequire(import.meta.url)(path.join(out, 'codec_bench.js'));
    return new Codec();
}

/**
 * Chat messages of 10 to 300 characters, each with an edited form of it, where one word is another one. The same ones in
 * every run.
 */
function makeCases() {
    const words = 'so the tide came in and nobody had moved the boats which is how Ärger begins 🌊 every single time'.split(' ');
    let seed = 20_261_121;
    const random = (below) => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        return Math.floor((seed / 2 ** 32) * below);
    };
    const sentence = (length) => {
        let text = '';
        while (text.length < length) {
            text += `${words[random(words.length)]} `;
        }
        return text.trim();
    };
    const json = diffusion.datatypes.json();
    const deltas = json.deltaType('binary');
    return Array.from({ length: CASES }, (_, index) => {
        const message = {
            text: sentence(10 + random(290)),
            name: `${words[random(4)]}-${index % 7}`,
            timestamp: new Date(1_790_000_000_000 + index * 1_234).toISOString(),
        };
        const said = message.text.split(' ');
        said[random(said.length)] = 'actually';
        const edited = { ...message, text: said.join(' ') };
        const [value, editedValue] = [json.writeValueToArray(message), json.writeValueToArray(edited)];
        const [held, editedHeld] = [json.readValue(value), json.readValue(editedValue)];
        const delta = deltas.writeDeltaToArray(deltas.diff(held, editedHeld));
        return { message, edited, value, editedValue, held, editedHeld, delta };
    });
}

/** Both read what the other writes, or nothing is measured. */
function compare() {
    const json = diffusion.datatypes.json();
    const deltas = json.deltaType('binary');
    const bytes = (array) => Buffer.from(array).toString('hex');
    cases.forEach(({ message, edited, value, editedValue, held, delta }, index) => {
        assert.ok(ours.hold(value) && ours.hold(editedValue), 'our codec reads what the SDK wrote');
        assert.equal(ours.decode_message(value), Buffer.byteLength(message.text));
        assert.equal(ours.decode_tree(value), Buffer.byteLength(message.text));
        for (const written of [ours.encode_message(2 * index), ours.encode_tree(2 * index)]) {
            assert.deepEqual(json.readValue(written).get(), message, 'the SDK reads what our codec wrote');
        }
        assert.equal(bytes(ours.applied(2 * index, delta)), bytes(editedValue), 'our codec applies the SDK’s delta');
        const ourDelta = ours.diff(2 * index, 2 * index + 1);
        assert.deepEqual(deltas.apply(held, deltas.readDelta(ourDelta)).get(), edited, 'the SDK applies our delta');
    });
}

/** Operations a second of both, round by round in turn, so that a busy moment of the machine hits both. */
function measure() {
    const json = diffusion.datatypes.json();
    const deltas = json.deltaType('binary');
    const operations = {
        decode: {
            message: (index) => ours.decode_message(cases[index].value),
            tree: (index) => ours.decode_tree(cases[index].value),
            sdk: (index) => json.readValue(cases[index].value).get().text.length,
        },
        encode: {
            message: (index) => ours.encode_message(2 * index).length,
            tree: (index) => ours.encode_tree(2 * index).length,
            sdk: (index) => json.writeValueToArray(cases[index].message).length,
        },
        apply: {
            tree: (index) => ours.apply(2 * index, cases[index].delta),
            sdk: (index) => deltas.apply(cases[index].held, deltas.readDelta(cases[index].delta)).length(),
        },
        diff: {
            tree: (index) => ours.diff(2 * index, 2 * index + 1).length,
            sdk: (index) => deltas.writeDeltaToArray(deltas.diff(cases[index].held, cases[index].editedHeld)).length,
        },
    };
    const rates = {};
    // The first round is a warm-up and not counted.
    for (let round = 0; round <= ROUNDS; round += 1) {
        for (const [name, sides] of Object.entries(operations)) {
            for (const [side, operation] of Object.entries(sides)) {
                const rate = perSecond(operation);
                if (round > 0) {
                    ((rates[name] ??= {})[side] ??= []).push(rate);
                }
            }
        }
    }
    return rates;
}

function perSecond(operation) {
    const started = performance.now();
    let count = 0;
    let elapsed;
    do {
        for (let index = 0; index < CASES; index += 1) {
            sink += operation(index);
        }
        count += CASES;
        elapsed = performance.now() - started;
    } while (elapsed < ROUND_MS);
    return (count * 1000) / elapsed;
}

function measureNative() {
    const hex = (array) => Buffer.from(array).toString('hex');
    const input = cases.map(({ value, editedValue, delta }) => `${hex(value)} ${hex(editedValue)} ${hex(delta)}`).join('\n');
    const output = run(cargo, ['run', '--quiet', '--release', '-p', 'codec-bench', '--', `${ROUNDS}`, `${ROUND_MS}`], { input });
    const rates = {};
    for (const line of output.trim().split('\n')) {
        const [operation, rate] = line.split(' ');
        (rates[operation] ??= []).push(Number(rate));
    }
    return rates;
}

function print() {
    assert.ok(Number.isFinite(sink));
    const mean = (pick) => cases.reduce((sum, each) => sum + pick(each), 0) / CASES;
    const ourDeltas = cases.reduce((sum, _, index) => sum + ours.diff(2 * index, 2 * index + 1).length, 0) / CASES;
    const thousands = (rate) => (rate / 1000).toFixed(0);
    const row = (words, operation, form) => {
        const [wasm, sdk] = [median(rates[operation][form]), median(rates[operation].sdk)];
        const natively = form === 'message' ? '' : thousands(median(native[operation]));
        return [words, thousands(wasm), thousands(sdk), (wasm / sdk).toFixed(2), natively];
    };
    table(
        ['Thousands a second', 'Effusion (wasm)', 'SDK', 'wasm / SDK', 'Effusion (native)'],
        [
            row('decode: bytes to a chat message, as the page does', 'decode', 'message'),
            row('decode: bytes to any JSON', 'decode', 'tree'),
            row('encode: a chat message to bytes, as the page does', 'encode', 'message'),
            row('encode: any JSON to bytes', 'encode', 'tree'),
            row('apply: a value and a delta to a value', 'apply', 'tree'),
            row('diff: two values to a delta (the service does that)', 'diff', 'tree'),
        ],
    );
    console.log(
        `Medians of ${ROUNDS} rounds over ${CASES} chat messages (${mean(({ value }) => value.length).toFixed(0)} bytes on average; ` +
            `deltas ${ourDeltas.toFixed(0)} by Effusion, ${mean(({ delta }) => delta.length).toFixed(0)} by the SDK), Node ${process.versions.node}. ` +
            'The WebAssembly is in the page’s profile, for size, and its rates count the bytes’ way in and out.',
    );
}
