// A panic of the program: the page says so, and a reload brings back what was being written.

import assert from 'node:assert/strict';

import { stage } from './stage.mjs';

const { scenario, address } = stage();

/** Asks the program for memory at an impossible alignment: it ends as by any panic, with a trap of WebAssembly. */
const panic = (page) =>
    page.evaluate(async () => {
        const { program } = document.querySelector('script[data-program]').dataset;
        const exports = await (await import(new URL(program, document.baseURI).href)).default();
        const malloc = Object.entries(exports).find(([name]) => name === '__wbindgen_malloc')?.[1];
        setTimeout(() => malloc(1, 3));
    });

scenario('a panic is reported, and the draft is restored after a reload', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Crash', kind: 'history' }))).join();
    await ann.say('before');
    await ann.shows({ text: 'before', state: 'sent' });
    await ann.$('composer').fill('a draft');
    await panic(ann.page);
    await ann.$('crash').waitFor();
    assert.match(await ann.$('crash').innerText(), /stopped because of an error/);
    await ann.$('crash-reload').click();
    await ann.shows('before');
    assert.equal(await ann.$('composer').inputValue(), 'a draft');
    // The trap itself is what the page complained about.
    ann.errors = ann.errors.filter((error) => !/unreachable|RuntimeError|memory|alloc/.test(error));
});
