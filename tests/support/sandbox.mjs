// A sandbox of its own for each test file, on a port that the system chooses.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { slowDoor, unsteady } from './unsteady.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const binary = path.resolve(root, process.env.EFFUSION_SANDBOX_BIN ?? 'target/debug/effusion-sandbox');
const START_TIMEOUT = 20_000;

/** Every sandbox that runs, so that none outlives the tests. */
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/**
 * Starts a sandbox; resolves once clients can connect.
 *
 * @param {{data?: string, port?: number, args?: string[]}} options a data folder (without one, everything is in memory),
 *   a port (without one, a free one) and more arguments
 */
export async function startSandbox({ data, port = 0, args = [] } = {}) {
    const storage = data === undefined ? ['--memory'] : ['--data', data];
    const child = spawn(binary, ['--listen', `127.0.0.1:${unsteady ? 0 : port}`, '--log', 'warn', ...storage, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    let door;
    const exited = once(child, 'exit').then(([code, signal]) => {
        running.delete(child);
        door?.close();
        return { code, signal };
    });
    const log = [];
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    const listening = new Promise((resolve) => {
        createInterface({ input: child.stdout }).on('line', (line) => {
            const [, found] = line.match(/^listening on wss?:\/\/127\.0\.0\.1:(\d+)\/diffusion$/) ?? [];
            if (found !== undefined) {
                resolve(Number(found));
            }
        });
    });
    let timer;
    const failed = Promise.race([
        once(child, 'error').then(([error]) => error.message),
        exited.then(({ code, signal }) => `it ended with ${code ?? signal}`),
        new Promise((resolve) => {
            timer = setTimeout(resolve, START_TIMEOUT, 'it was not ready in time');
        }),
    ]).then((why) => {
        child.kill('SIGKILL');
        throw new Error(`${binary} did not start: ${why}\n${log.join('\n')}`);
    });
    // It always fails in the end; what matters is which comes first.
    failed.catch(() => {});
    const chosen = await Promise.race([listening, failed]).finally(() => clearTimeout(timer));
    if (unsteady) {
        door = await slowDoor(chosen, port);
    }
    return {
        host: '127.0.0.1',
        port: door?.port ?? chosen,
        /** The number of its process. */
        pid: child.pid,
        /** Its output on stderr. */
        log,
        /** Asks it to stop, as Ctrl-C does; resolves to how it ended. */
        stop() {
            child.kill('SIGINT');
            return exited;
        },
        /** Kills it, as a power cut would. */
        kill() {
            child.kill('SIGKILL');
            return exited;
        },
    };
}
