// A connection to the sandbox that can be cut, or fall silent.

import { createConnection, createServer } from 'node:net';

/**
 * A proxy between client and sandbox; `cut()` closes open connections, `refuse(true)` refuses new ones, `hush(true)` lets
 * nothing through although all stay open.
 */
export async function startProxy(sandbox) {
    const open = new Set();
    let refusing = false;
    let hushed = false;
    let received = 0;
    const server = createServer((client) => {
        if (refusing) {
            client.destroy();
            return;
        }
        const upstream = createConnection(sandbox.port, sandbox.host);
        upstream.on('data', (bytes) => {
            received += bytes.length;
        });
        for (const [socket, other] of [
            [client, upstream],
            [upstream, client],
        ]) {
            open.add(socket);
            socket.on('close', () => {
                open.delete(socket);
                other.destroy();
            });
            socket.on('error', () => {});
            socket.other = other;
            if (!hushed) {
                socket.pipe(other);
            }
        }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        host: '127.0.0.1',
        port: server.address().port,
        /** How many bytes the sandbox sent. */
        received: () => received,
        cut() {
            open.forEach((socket) => socket.destroy());
        },
        refuse(value) {
            refusing = value;
        },
        hush(value) {
            hushed = value;
            open.forEach((socket) => (value ? socket.unpipe(socket.other).pause() : socket.pipe(socket.other)));
        },
        close() {
            this.cut();
            server.close();
        },
    };
}
