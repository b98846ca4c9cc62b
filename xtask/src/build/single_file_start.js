// What a page in one file has in place of a host: its files are in the document, compressed, and given to whoever asks for them.
(() => {
    'use strict';
    const parsed = new Promise((resolve) => document.addEventListener('DOMContentLoaded', resolve, { once: true }));
    const find = async (name) => {
        await parsed;
        return document.querySelector(`script[data-file="${name}"]`);
    };
    const unpack = async (element) => {
        const packed = Uint8Array.from(atob(element.textContent), (character) => character.charCodeAt(0));
        const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
        return new Response(stream).arrayBuffer();
    };
    const read = async (name) => unpack(await find(name));
    const base = document.baseURI.replace(/[^/]*([?#].*)?$/, '');
    const network = window.fetch;
    window.fetch = async (what, ...options) => {
        const address = new URL(what.url ?? what, document.baseURI).href;
        if (!address.startsWith(base)) {
            return network(what, ...options);
        }
        const element = await find(address.slice(base.length));
        if (element === null) {
            throw new TypeError(`${address} is not in the file`);
        }
        return new Response(await unpack(element));
    };
    // A worker that is made of text belongs to its tab alone.
    delete window.SharedWorker;
    window.effusionFile = {
        program: async () => ({ default: window.effusionProgram.default }),
        wasm: () => read('program'),
        /** A worker; `trusted` makes its address one that the page's policy allows. */
        worker(trusted) {
            // The text comes later than the worker, which is to be there at once.
            const waiting = [];
            let worker;
            const self = {
                postMessage: (message, transfer) => (worker ? worker.postMessage(message, transfer) : waiting.push([message, transfer])),
            };
            Promise.all([read('worker'), read('worker-program')]).then(([text, wasm]) => {
                worker = new Worker(trusted(URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))));
                worker.onmessage = (event) => self.onmessage?.(event);
                worker.postMessage(wasm, [wasm]);
                waiting.forEach((message) => worker.postMessage(...message));
            });
            return self;
        },
    };
})();
