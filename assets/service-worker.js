// Keeps the page's own files, so that it starts without a network. It knows no list of them: what the page's HTML and the
// scripts that it names refer to is what there is. What a Diffusion service says never comes by here.
'use strict';

const scope = new URL(self.registration.scope);
/** Caches belong to the origin, and other pages may be there, too. */
const PREFIX = `effusion ${scope.pathname} `;
/** How long a network that does not answer may keep the page from starting, in milliseconds. */
const PATIENCE = 4000;
/** The page of today and the one before, which may still be open in a window. */
const VERSIONS = 2;

/** Files whose name changes with what is in them. */
const isHashed = (url) => /-[0-9a-f]{8,}(_bg|-\w+)?\.\w+$/.test(url.pathname);
const isFile = (url) => /\.(css|html|js|json|png|svg|wasm|webmanifest|woff2)$/.test(url.pathname);
const isPage = (url) => url.pathname === scope.pathname || url.pathname === `${scope.pathname}index.html`;

self.addEventListener('install', (event) => {
    self.skipWaiting();
    event.waitUntil(fetch(scope, { cache: 'no-cache' }).then(keep));
});

self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== 'GET' || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) {
        return;
    }
    if (request.mode === 'navigate') {
        if (isPage(url)) {
            event.respondWith(page(event));
        }
    } else if (isFile(url)) {
        event.respondWith(isHashed(url) ? firstKept(request) : firstFetched(request));
    }
});

/** What files of a kind are sent as; all others can be anything but HTML, which many hosts send for what they do not have. */
const TYPES = { '': /^text\/html\b/, html: /^text\/html\b/, css: /^text\/css\b/, js: /\b(java|ecma)script\b/ };

/** Whether an answer is the file that was asked for. */
function isRight(answer, { pathname }) {
    const [, ending = ''] = /\.(\w+)$/.exec(pathname) ?? [];
    const type = answer.headers.get('content-type') ?? '';
    return answer.ok && answer.type === 'basic' && (ending in TYPES ? TYPES[ending].test(type) : !TYPES.html.test(type));
}

/** The same answer for whoever asks again: browsers refuse one that was redirected where they did not expect it. */
function rebuilt(answer) {
    const { body, headers, status, statusText } = answer;
    return answer.redirected ? new Response(body, { headers, status, statusText }) : answer;
}

/** The page as it is now, if the host has all of it, or as it was kept. */
async function page(event) {
    const fetched = fetch(event.request);
    const whole = fetched.then((answer) => keep(answer.clone()));
    // What comes too late for this start is kept for the next one.
    event.waitUntil(whole.catch(() => {}));
    const before = await kept(scope);
    try {
        // Without a page from before, whatever the host sends is better than nothing.
        await Promise.race([before ? whole : fetched, late()]);
        return (await fetched).clone();
    } catch {
        return before ?? fetched;
    }
}

/** A file whose name says what is in it: any copy will do. */
async function firstKept(request) {
    return (await kept(request)) ?? fetchAndKeep(request);
}

/** A file that may be another one tomorrow. */
async function firstFetched(request) {
    try {
        return await Promise.race([fetchAndKeep(request), late()]);
    } catch (error) {
        const found = await kept(request);
        if (found) {
            return found;
        }
        throw error;
    }
}

async function fetchAndKeep(request) {
    const answer = await fetch(request);
    if (!isRight(answer, new URL(request.url))) {
        throw new TypeError(`${request.url}: another file, or none`);
    }
    const [newest] = await versions();
    if (newest) {
        await (await caches.open(newest)).put(request, rebuilt(answer.clone()));
    }
    return answer;
}

/** For how long something is held, in milliseconds. */
const HOLD = 20_000;
/** What windows that are being loaded again have asked to hold, in memory alone. */
const held = new Map();

self.addEventListener('message', (event) => {
    const { hold, text, take } = event.data ?? {};
    if (hold) {
        held.set(hold, text);
        event.waitUntil(new Promise((resolve) => {
            setTimeout(() => resolve(held.delete(hold)), HOLD);
        }));
    } else if (take) {
        event.ports[0]?.postMessage(held.get(take));
        held.delete(take);
    }
});

let keeping = Promise.resolve();

/** Keeps a version of the page, with all that it needs; one after the other. */
function keep(answer) {
    const kept = keeping.then(() => keepVersion(answer));
    keeping = kept.catch(() => {});
    return kept;
}

async function keepVersion(answer) {
    const html = await answer.clone().text();
    // Below another address its files would be elsewhere.
    const isHere = new URL('./', answer.url).href === scope.href;
    if (!isRight(answer, scope) || !isHere || !html.includes('data-wasm')) {
        throw new TypeError(`not the page: ${answer.status}`);
    }
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(html));
    const name = PREFIX + [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    const [newest] = await versions();
    if (name === newest && (await caches.match(scope, { cacheName: name }))) {
        return;
    }
    // One from before that is back again becomes the newest.
    await caches.delete(name);
    const cache = await caches.open(name);
    const seen = new Set();
    const add = async (reference, base) => {
        const url = new URL(reference, base);
        if (url.origin !== scope.origin || !isFile(url) || isPage(url) || seen.has(url.href)) {
            return;
        }
        seen.add(url.href);
        const found = (isHashed(url) && (await kept(url))) || (await fetch(url, { cache: 'no-cache' }));
        if (!isRight(found, url)) {
            throw new TypeError(`${url}: another file, or none`);
        }
        await cache.put(url, rebuilt(found.clone()));
        if (url.pathname.endsWith('.js')) {
            // What a script imports or fetches stands in it as a text, beside names that are no files.
            const script = await found.text();
            await all(script.matchAll(/["'`](\.\/(?:[\w./-]+-[0-9a-f]{8,}[\w.-]*\.(?:css|js|wasm)|[\w-]*browser-service(?:\.js|_bg\.wasm)))["'`]/g), url);
        }
    };
    const all = (matches, base) => Promise.all([...matches].map(([, reference]) => add(reference, base)));
    try {
        await all(html.matchAll(/(?:href|src|data-program|data-wasm)="?([^"\s>]+)/g), scope);
    } catch (error) {
        // The host does not have all of it, or not yet.
        await caches.delete(name);
        throw error;
    }
    // Last: a version that has its page is whole.
    await cache.put(scope, rebuilt(answer));
    for (const old of (await versions()).slice(VERSIONS)) {
        await caches.delete(old);
    }
}

/** The newest copy. */
async function kept(request) {
    for (const cacheName of await versions()) {
        const found = await caches.match(request, { cacheName });
        if (found) {
            return found;
        }
    }
    return undefined;
}

/** What is kept, the newest first. */
async function versions() {
    return (await caches.keys()).filter((name) => name.startsWith(PREFIX)).reverse();
}

function late() {
    return new Promise((_, reject) => setTimeout(reject, PATIENCE, new Error('no answer in time')));
}
