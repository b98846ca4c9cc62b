// A plain static file server.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const TYPES = {
    '.css': 'text/css; charset=utf-8',
    '.html': 'text/html; charset=utf-8',
    '.ico': 'image/x-icon',
    '.js': 'text/javascript; charset=utf-8',
    '.png': 'image/png',
    '.svg': 'image/svg+xml',
    '.wasm': 'application/wasm',
    '.webmanifest': 'application/manifest+json',
};

/**
 * Serves folders, each below a path of its own, gzipped for clients that accept it; everything else is not found.
 *
 * @param {Record<string, string>} folders by path, such as `/` or `/some/where/`
 * @param {(pathname: string, answer: {status: number, headers: object, body: Buffer}) => object} host makes another answer of
 *     the one that a good host would give, for hosts that are not
 * @returns {Promise<{origin: string, requests: string[], close(): Promise<void>}>} the paths asked for are in `requests`
 */
export async function serveFolders(folders, host) {
    const requests = [];
    const files = new Map();
    const server = createServer(async (request, response) => {
        const { pathname } = new URL(request.url, 'http://localhost');
        requests.push(pathname);
        const file = fileFor(folders, decodeURIComponent(pathname));
        const body = file && (files.get(file) ?? (await readFile(file).catch(() => undefined)));
        if (host !== undefined) {
            const good =
                body === undefined
                    ? { status: 404, headers: { 'content-type': 'text/plain' }, body: Buffer.from('not found') }
                    : { status: 200, headers: { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' }, body };
            const answer = { ...good, ...host(pathname, good) };
            response.writeHead(answer.status, answer.headers).end(request.method === 'HEAD' ? undefined : answer.body);
            return;
        }
        if (body === undefined) {
            response.writeHead(404, { 'content-type': 'text/plain' }).end('not found');
            return;
        }
        files.set(file, body);
        const headers = { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' };
        if (/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
            const zipped = files.get(`${file}\0gzip`) ?? gzipSync(body, { level: 9 });
            files.set(`${file}\0gzip`, zipped);
            response.writeHead(200, { ...headers, 'content-encoding': 'gzip', 'content-length': zipped.length }).end(zipped);
        } else {
            response.writeHead(200, { ...headers, 'content-length': body.length }).end(body);
        }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    // A test that fails before it closes this still ends.
    server.unref();
    return {
        origin: `http://127.0.0.1:${server.address().port}`,
        requests,
        async close() {
            server.closeAllConnections();
            server.close();
            await once(server, 'close');
        },
    };
}

function fileFor(folders, pathname) {
    const [below, folder] = Object.entries(folders)
        .sort(([a], [b]) => b.length - a.length)
        .find(([below]) => pathname.startsWith(below)) ?? [];
    if (folder === undefined) {
        return undefined;
    }
    const file = path.join(folder, pathname.endsWith('/') ? `${pathname.slice(below.length)}index.html` : pathname.slice(below.length));
    return path.relative(folder, file).startsWith('..') ? undefined : file;
}
