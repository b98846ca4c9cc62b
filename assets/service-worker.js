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

/** The page as it is now, or as it was kept. */
async function page(event) {
    const fetched = fetch(event.request);
    // What comes too late for this start is kept for the next one.
    event.waitUntil(fetched.then((answer) => keep(answer.clone())).catch(() => {}));
    try {
        return await Promise.race([fetched.then((answer) => answer.clone()), late()]);
    } catch {
        return (await kept(scope)) ?? fetched;
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
    if (answer.ok && answer.type === 'basic') {
        const [newest] = await versions();
        if (newest) {
            await (await caches.open(newest)).put(request, answer.clone());
        }
    }
    return answer;
}

let keeping = Promise.resolve();

/** Keeps a version of the page, with all that it needs; one after the other. */
function keep(answer) {
    const kept = keeping.then(() => keepVersion(answer));
    keeping = kept.catch(() => {});
    return kept;
}

async function keepVersion(answer) {
    if (!answer.ok) {
        throw new Error(`the page: ${answer.status}`);
    }
    const html = await answer.clone().text();
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
        if (!found.ok) {
            return;
        }
        await cache.put(url, found.clone());
        if (url.pathname.endsWith('.js')) {
            // What a script imports or fetches stands in it as a text.
            const script = await found.text();
            await all(script.matchAll(/["'`](\.\/[\w./-]+\.(?:css|js|wasm))["'`]/g), url);
        }
    };
    const all = (matches, base) => Promise.all([...matches].map(([, reference]) => add(reference, base)));
    await all(html.matchAll(/(?:href|src|data-program|data-wasm)="?([^"\s>]+)/g), scope);
    // Last: a version that has its page is whole.
    await cache.put(scope, answer);
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
