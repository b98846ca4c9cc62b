// The memory that a page in Chromium uses.

/** For `page.addInitScript`: records the memories of the page's WebAssembly, and defines `until` to wait with. */
export function noteMemories() {
    window.wasmMemories = [];
    const note = (made) => {
        const { exports } = made.instance ?? made;
        const memories = Object.values(exports).filter((it) => it instanceof WebAssembly.Memory && !window.wasmMemories.includes(it));
        window.wasmMemories.push(...memories);
        return made;
    };
    for (const name of ['instantiate', 'instantiateStreaming']) {
        const instantiate = WebAssembly[name];
        WebAssembly[name] = (...args) => instantiate.apply(WebAssembly, args).then(note);
    }
    window.until = async (what, check) => {
        const end = performance.now() + 60_000;
        while (!check()) {
            if (performance.now() > end) {
                throw new Error(`${what}: not in time`);
            }
            await new Promise((resolve) => requestAnimationFrame(resolve));
        }
    };
}

/**
 * The bytes that a page uses after garbage collection: JavaScript's heap, the browser's objects of the page, WebAssembly's
 * memory and other buffers; and the numbers of elements in the document, of nodes, and of listeners.
 *
 * @param {import('playwright-core').Page} page one that has run `noteMemories`
 */
export async function heap(page) {
    const elements = await page.evaluate(() => document.querySelectorAll('*').length);
    const devtools = await page.context().newCDPSession(page);
    // Objects that one collection frees may hold others, in the browser's own heap, until the next.
    for (let times = 0; times < 3; times += 1) {
        await devtools.send('HeapProfiler.collectGarbage');
    }
    const usage = await devtools.send('Runtime.getHeapUsage');
    await devtools.send('Performance.enable');
    const { metrics } = await devtools.send('Performance.getMetrics');
    const [nodes, listeners] = ['Nodes', 'JSEventListeners'].map((name) => metrics.find((metric) => metric.name === name).value);
    const wasm = await page.evaluate(() => window.wasmMemories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0));
    await devtools.detach();
    const [script, document] = [usage.usedSize, usage.embedderHeapUsedSize];
    // Whether this includes WebAssembly's memory depends on the browser's version.
    const buffers = usage.backingStorageSize >= wasm ? usage.backingStorageSize - wasm : usage.backingStorageSize;
    return { script, document, wasm, buffers, all: script + document + wasm + buffers, elements, nodes, listeners };
}
