// Sends messages in a room at a rate, through the vendor's SDK: `pages.mjs` starts it and instructs it.

import { connect, json } from '../support/sdk.mjs';
import { textOf } from './pages.mjs';

/** Messages that may be on their way. More than that waits, and the reported rate is lower. */
const WINDOW = 4000;

const [host, port, room] = process.argv.slice(2);
const session = await connect({ host, port: Number(port) }, 'user');

process.on('message', async ({ first, count, rate }) => process.send(await say(first, count, rate)));
process.on('disconnect', () => process.exit());
process.send('ready');

function say(first, count, rate) {
    const started = performance.now();
    let [sent, acknowledged] = [0, 0];
    return new Promise((resolve, reject) => {
        const taken = () => {
            acknowledged += 1;
            if (acknowledged === count) {
                clearInterval(timer);
                resolve({ rate: (count * 1000) / (performance.now() - started), at: Date.now() });
            }
        };
        const timer = setInterval(() => {
            const due = Math.min(count, Math.ceil(((performance.now() - started) / 1000) * rate), acknowledged + WINDOW);
            for (; sent < due; sent += 1) {
                const message = { text: textOf(first + sent), name: 'Ann', timestamp: new Date().toISOString() };
                session.timeseries.append(`Chat/${room}`, message, json()).then(taken, reject);
            }
        }, 2);
    });
}
