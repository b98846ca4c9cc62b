// Puts a built page into one file. Arguments: its folder, its program and its worker as scripts to stand in the document, the script that
// comes before the page's own, and the file to write. Prints its size, and its size as gzip and as Brotli have it.

import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const [dist, program, worker, before, target] = process.argv.slice(1);
const names = readdirSync(dist);
const text = (file) => readFileSync(file, 'utf8');
const only = (pattern) => {
    const found = names.filter((name) => pattern.test(name));
    if (found.length !== 1) {
        throw new Error(`not one file like ${pattern} in ${dist}: ${found}`);
    }
    return path.join(dist, found[0]);
};

/** A script or a sheet as it may stand in the document, and the hash by which the policy knows it. */
const inlined = (tag, content) => {
    if (/<!--|<\/(script|style)/i.test(content)) {
        throw new Error(`a ${tag} cannot stand in a document`);
    }
    const hash = createHash('sha256').update(content).digest('base64');
    return { element: `<${tag}>${content}</${tag}>`, source: `'sha256-${hash}'` };
};

const scripts = [program, before, path.join(dist, 'start.js')].map((file) => inlined('script', text(file)));
let html = text(path.join(dist, 'index.html'));
const sheets = [...html.matchAll(/<link[^>]*rel="?stylesheet[^>]*>/g)].map(([link]) => link);
const sheet = inlined('style', sheets.map((link) => text(path.join(dist, /href="?([^"\s>]+)/.exec(link)[1]))).join('\n'));

/** A file in the document, which no browser runs. */
const packed = (name, content) =>
    `<script type="application/octet-stream" data-file="${name}">${gzipSync(content, { level: 9 }).toString('base64')}</script>`;
const waits = 'self.effusionProgram = new Promise((resolve) => addEventListener("message", ({ data }) => data instanceof ArrayBuffer && resolve(data)));\n';
const files = [
    packed('program', readFileSync(only(/^effusion-[0-9a-f]+_bg\.wasm$/))),
    packed('worker', waits + text(worker)),
    packed('worker-program', readFileSync(only(/^effusion-browser-service.*_bg\.wasm$/))),
    ...readdirSync(path.join(dist, 'locales')).map((name) => packed(`locales/${name}`, readFileSync(path.join(dist, 'locales', name)))),
];

for (const [index, link] of sheets.entries()) {
    html = html.replace(link, () => (index === 0 ? sheet.element : ''));
}
html = html
    .replaceAll(/<link[^>]*rel="?(manifest|apple-touch-icon|modulepreload|preload)[^>]*>/g, '')
    .replace(/<script[^>]*data-program[^>]*><\/script>/, () => scripts.map(({ element }) => element).join(''))
    .replace('</body>', () => `${files.join('')}</body>`)
    .replace(/script-src [^;]*/, `script-src ${scripts.map(({ source }) => source).join(' ')} 'wasm-unsafe-eval'`)
    .replace(/style-src [^;]*/, `style-src ${sheet.source}`)
    .replace(/worker-src [^;]*/, 'worker-src blob:')
    .replace(/connect-src [^;]*/, 'connect-src ws: wss:')
    .replace(/(font|manifest)-src [^;]*; /g, '');
for (const left of [/ src="?\.?\//, /href="?\.\//, /data-program/]) {
    if (left.test(html.replaceAll(/<script[\s\S]*?<\/script>/g, ''))) {
        throw new Error(`something is still beside the file: ${left}`);
    }
}
writeFileSync(target, html);
console.log(Buffer.byteLength(html), gzipSync(html, { level: 9 }).length, brotliCompressSync(html).length);
