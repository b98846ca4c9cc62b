// Markdown's common subset, as elements of the page's own.

import assert from 'node:assert/strict';

import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const joined = async (open, name, room, options = {}) => (await open(address({ name, room, kind: 'history' }), options)).join();

/** The structure of the newest message: names of elements around texts. */
const made = (window) =>
    window.$('text').last().evaluate((text) => {
        const walk = (node) => {
            if (node.nodeType === Node.TEXT_NODE) {
                return node.data;
            }
            if (node.nodeType === Node.COMMENT_NODE) {
                return '';
            }
            const inside = [...node.childNodes].map(walk).join('');
            const name = node.localName;
            return ['div', 'span'].includes(name) ? inside : `${name}(${inside})`;
        };
        return walk(text);
    });

const makes = (window, expected) => until(`elements ${expected}`, () => made(window), (found) => found === expected);

scenario('the common subset is rendered for both, and edits are rendered anew', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Marks'), await joined(open, 'Bob', 'Marks')];
    for (const [text, expected] of [
        ['*a* **b** ~~c~~ `d*`', 'p(em(a) strong(b) s(c) code(d*))'],
        ['> said\n> so\n\nyes', 'blockquote(p(said\nso))p(yes)'],
        ['- one\n- two', 'ul(li(one)li(two))'],
        ['3. one\n4. two', 'ol(li(one)li(two))'],
        ['# Title', 'p(Title)'],
        ['plain\n  lines', 'plain\n  lines'],
        ['<b>*x*</b> &amp;', 'p(<b>em(x)</b> &amp;)'],
    ]) {
        await ann.say(text);
        await makes(ann, expected);
        await makes(bob, expected);
    }
    await ann.say('*before*');
    await makes(bob, 'p(em(before))');
    await until('it is sent', () => ann.messages(), (messages) => messages.at(-1).state === 'sent');
    await ann.$('composer').press('ArrowUp');
    await until('the source', () => ann.$('composer').inputValue(), (text) => text === '*before*');
    await ann.$('composer').fill('after **that**');
    await ann.$('composer').press('Enter');
    await makes(bob, 'p(after strong(that))');
    await makes(ann, 'p(after strong(that))');
});

scenario('links are safe and show their destination', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Links'), await joined(open, 'Bob', 'Links')];
    await ann.say('see https://example.com/a_b?c=d, or [here](https://evil.example/path) or [mail](mailto:a@b.example)');
    await bob.$('text').locator('a').first().waitFor();
    const links = await bob.$('text').locator('a').evaluateAll((all) => all.map(({ href, target, rel, textContent }) => ({ href, target, rel, text: textContent })));
    const safe = { target: '_blank', rel: 'noopener noreferrer nofollow' };
    assert.deepEqual(links, [
        { href: 'https://example.com/a_b?c=d', text: 'https://example.com/a_b?c=d', ...safe },
        { href: 'https://evil.example/path', text: 'here', ...safe },
        { href: 'mailto:a@b.example', text: 'mail', ...safe },
    ]);
    assert.deepEqual(await bob.$('link-host').allTextContents(), ['evil.example', 'a@b.example']);

    const unsafe = ['[x](javascript:alert(1))', '[x](data:text/html,1)', '<javascript:alert(1)>', '[x](/here) *y*', '[x](https:evil) `z`'];
    const last = '[last](https://example.com/last)';
    for (const text of [...unsafe, last]) {
        await ann.say(text);
    }
    // What was said before the last link is drawn by the time that it is.
    await bob.$('text').locator('a[href="https://example.com/last"]').waitFor();
    const counted = await bob.$('text').evaluateAll((texts) => texts.map((text) => text.querySelectorAll('a').length));
    assert.deepEqual(counted, [3, ...unsafe.map(() => 0), 1], 'links in each message');
});

scenario('code is copied by its button', async (open) => {
    const ann = await joined(open, 'Ann', 'Code', { permissions: ['clipboard-read', 'clipboard-write'] });
    await ann.say('```rust\nfn main() {\n    println!("*hi*");\n}\n```');
    await ann.$('copy-code').click();
    await until('it says so', () => ann.$('copy-code').innerText(), (words) => words === 'Copied');
    await ann.page.evaluate(() => (navigator.clipboard.writeText = () => Promise.reject(new Error('denied'))));
    await ann.$('copy-code').click();
    await until('it says that it could not', () => ann.$('copy-code').innerText(), (words) => words === 'Couldn’t copy');
    assert.equal(await ann.page.evaluate(() => navigator.clipboard.readText()), 'fn main() {\n    println!("*hi*");\n}');
    assert.match(await ann.$('code-block').innerText(), /rust/);
});

scenario('a picture is loaded only on a click', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Pictures'), await joined(open, 'Bob', 'Pictures')];
    let asked = 0;
    // A host that the test fakes; the window does not count it as foreign.
    await bob.page.route('https://pictures.example/**', (route) => {
        asked += 1;
        const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="40" height="30" fill="teal"/></svg>';
        return route.fulfill({ contentType: 'image/svg+xml', body: svg });
    });
    await ann.say('![a teal box](https://pictures.example/teal.svg) and ![no](http://pictures.example/plain.svg)');
    await bob.$('show-picture').waitFor();
    assert.equal(await bob.$('show-picture').count(), 1, 'only from where it comes safely');
    assert.match(await bob.$('show-picture').innerText(), /pictures\.example/);
    assert.equal(asked, 0);
    await bob.$('show-picture').click();
    await until('the picture', () => bob.$('picture').evaluate((picture) => picture.naturalWidth), (width) => width === 40);
    assert.equal(await bob.$('picture').getAttribute('alt'), 'a teal box');
    assert.equal(await bob.$('picture').getAttribute('referrerpolicy'), 'no-referrer');
    assert.equal(asked, 1);
    assert.equal(await ann.$('picture').count(), 0);
    // The window reports that request, which was intended.
    bob.errors = bob.errors.filter((error) => !error.includes('pictures.example'));
});

scenario('texts stay as they were typed', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Typed'), await joined(open, 'Bob', 'Typed')];
    for (const text of [
        '\\\\SERVER\\_PATH',
        'C:\\_tmp\\*.txt',
        '¯\\_(ツ)_/¯',
        '¯\\\\\\_(ツ)\\_/¯',
        '    four blanks',
        'a *\n  two\n        eight',
        'runs   of    blanks _',
    ]) {
        await ann.say(text);
        for (const window of [ann, bob]) {
            await until(`the text “${text}”`, () => window.$('text').last().innerText(), (found) => found === text);
        }
    }
    await ann.say('*hi*\n  two\n        eight');
    await makes(bob, 'p(em(hi)\n  two\n        eight)');
    assert.equal(await bob.$('text').last().innerText(), 'hi\n  two\n        eight');
});

scenario('each paragraph, line and item is written in its own direction, and code from the left', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Ways'), await joined(open, 'Bob', 'Ways')];
    const hebrew = 'שלום עולם';
    await ann.say(`hello\n${hebrew}`);
    await ann.say(`**hello**\n\n${hebrew} \`a -> b\`!\n\n- one\n- ${hebrew}`);
    await bob.$('text').last().locator('li').last().waitFor();
    const ways = await bob.$('text').last().evaluate((text) =>
        [...text.querySelectorAll('p, li, code')].map((part) => [part.localName, getComputedStyle(part).direction]),
    );
    assert.deepEqual(ways, [['p', 'ltr'], ['p', 'rtl'], ['code', 'ltr'], ['li', 'ltr'], ['li', 'rtl']]);
    const isolated = await bob.$('text').last().locator('code').evaluate((code) => getComputedStyle(code).unicodeBidi);
    assert.match(isolated, /isolate/);
    // Each line of a text without markup: the first begins at the left, the second ends at the right.
    const edges = await bob.$('text').first().evaluate((text) => {
        const box = text.getBoundingClientRect();
        const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
        const rects = [];
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const range = document.createRange();
            range.selectNodeContents(node);
            rects.push(...[...range.getClientRects()].filter(({ width }) => width > 1));
        }
        const [first, second] = [rects[0], rects.at(-1)];
        return { first: Math.round(first.left - box.left), second: Math.round(box.right - second.right), apart: second.top > first.top };
    });
    assert.deepEqual(edges, { first: 0, second: 0, apart: true });
    // Nothing of an item stands outside of its message.
    assert.ok((await bob.overflow()) <= 0);
});

scenario('a link that names another host is marked, and controls in links are seen', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Fooled'), await joined(open, 'Bob', 'Fooled')];
    await ann.say('[bank.example](https://evil.example/x), [here](https://ok.example), https://a.example/\u202egpj.exe 。');
    await bob.$('link-host').first().waitFor();
    const plain = (text) => text.replace(/[\u2068\u2069]/g, '');
    assert.deepEqual((await bob.$('link-host').allTextContents()).map(plain), ['leads to evil.example', 'ok.example']);
    assert.match(await bob.$('text').last().innerText(), /https:\/\/a\.example\/\[U\+202E\]gpj\.exe/);
    for (const [end, address] of [['。次', 'https://a.example/x'], ['）', 'https://a.example/（y）'], ['—so', 'https://a.example/z']]) {
        await ann.say(`（${address}${end}`);
        await until('the link', () => bob.$('text').last().locator('a').allTextContents(), (links) => `${links}` === address);
    }
});

scenario('excerpts are plain words, and cut between characters', async (open) => {
    const [ann, bob] = [await joined(open, 'Ann', 'Short'), await joined(open, 'Bob', 'Short')];
    const family = '👩‍👩‍👧‍👦';
    await ann.say(`**bold** \`code\` [a link](https://a.example) ${family.repeat(150)}`);
    await bob.$('text').last().locator('strong').waitFor();
    await bob.page.mouse.move(0, 0);
    await bob.$('message').last().hover();
    await bob.$('tool-reply').click();
    const expected = `bold code a link ${family.repeat(103)}…`;
    assert.ok((await bob.$('purpose').innerText()).includes(expected));
    await bob.say('an answer');
    await ann.$('reply-quote').waitFor();
    assert.ok((await ann.$('reply-quote').innerText()).endsWith(expected));
    await ann.page.keyboard.press('Control+f');
    await ann.$('search').fill('bold');
    await ann.$('search-result').first().waitFor();
    assert.match(await ann.$('search-result').last().innerText(), /bold code a link/);
});
