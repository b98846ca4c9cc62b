// A connection to the sandbox over which everything takes a while, as it does over a mobile network.

import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';

/** A proxy between page and sandbox that delays every byte by half of `roundTrip` milliseconds in either direction. */
export async function startDelay({ host, port }, roundTrip) {
    const open = new Set();
    const server = createServer((client) => {
        const upstream = createConnection(port, host);
        for (const [socket, other] of [
            [client, upstream],
            [upstream, client],
        ]) {
            open.add(socket);
            socket.setNoDelay(true);
            // Timers of the same length end in the order in which they began, so the bytes stay in order.
            socket.on('data', (bytes) => setTimeout(() => other.writable && other.write(bytes), roundTrip / 2));
            socket.on('error', () => {});
            socket.on('close', () => {
                open.delete(socket);
                other.destroy();
            });
        }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
        host: '127.0.0.1',
        port: server.address().port,
        close() {
            open.forEach((socket) => socket.destroy());
            server.close();
        },
    };
}
