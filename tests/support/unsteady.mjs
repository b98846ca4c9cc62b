// Random slowness, on request: connections with different delays, and windows on slow machines. Race conditions show there
// within minutes, instead of once in a hundred runs.
//
// EFFUSION_UNSTEADY=<seed> turns it on, for the end-to-end tests and for interop; different seeds slow down different ones.

import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';

/** How long a connection holds bytes back each way, in milliseconds, at most. */
const MOST_DELAY = 150;
/** How many times slower a window's machine is, at most. */
const MOST_SLOWNESS = 4;

const seed = process.env.EFFUSION_UNSTEADY;
let state = Number(seed ?? 0) >>> 0;

/** Whether this run is unsteady. */
export const unsteady = seed !== undefined && seed !== '';

/** The next number from 0 to below 1 (a linear congruential generator: good enough to tell connections apart). */
function chance() {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
}

/** Passes on what one socket gets to another, later by `delay` milliseconds and in its order, its end included. */
function passOn(from, to, delay) {
    const later = (act) => setTimeout(act, delay);
    from.on('data', (bytes) => later(() => to.writable && to.write(bytes)));
    from.on('end', () => later(() => to.end()));
    from.on('close', () => later(() => to.destroy()));
    from.on('error', () => {});
}

/**
 * A proxy in front of a server, at a given or a free port.
 *
 * @param {number} inner the server's port
 * @param {number} port
 * @returns {Promise<{port: number, close: () => void}>} `close` cuts everything at once
 */
export async function slowDoor(inner, port) {
    const open = new Set();
    const server = createServer((outside) => {
        const inside = createConnection(inner, '127.0.0.1');
        for (const socket of [outside, inside]) {
            socket.setNoDelay();
            open.add(socket);
            socket.on('close', () => open.delete(socket));
        }
        passOn(outside, inside, chance() * MOST_DELAY);
        passOn(inside, outside, chance() * MOST_DELAY);
    }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return {
        port: server.address().port,
        close() {
            server.close();
            open.forEach((socket) => socket.destroy());
        },
    };
}

/** Slows a window down by a random factor. */
export async function slowDown(page) {
    const rate = 1 + chance() * (MOST_SLOWNESS - 1);
    const session = await page.context().newCDPSession(page);
    await session.send('Emulation.setCPUThrottlingRate', { rate });
}
