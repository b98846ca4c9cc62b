// Malicious texts and names, by the page and by the vendor's SDK: no script runs, only the page's own elements are
// created, and the layout holds.

import assert from 'node:assert/strict';

import { DESKTOP, PHONE } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { TopicSpecification, TopicType, json, withSession } from '../support/sdk.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

const zalgo = (text) => [...text].map((letter) => letter + '\u0300\u0316\u0489\u0334\u0359'.repeat(12)).join('');

const HARM = 'window.harmed = (window.harmed ?? 0) + 1';

/** HTML, with and without Markdown beside it, which is what makes the page read a text more closely. */
const MARKUP = [
    `<img src=x onerror="${HARM}">`,
    `<img src=x onerror="${HARM}"> *and*`,
    `<script>${HARM}</script>`,
    `**<script>${HARM}</script>**`,
    `<svg/onload=${HARM}> \`x\``,
    `<iframe srcdoc="<script>parent.harmed=1</script>"></iframe> _x_`,
    `<a href="javascript:${HARM}">click</a> ~~x~~`,
    `<style>*{display:none}</style> *x*`,
    `<base href="https://evil.example/"> *x*`,
    `<form action=https://evil.example><button>*go*</button></form>`,
    `<div style="position:fixed;inset:0">*x*</div>`,
    `\`\`\`\n</code></pre><script>${HARM}</script>\n\`\`\``,
    `\`\`\`"><img src=x onerror=${HARM}>\ncode\n\`\`\``,
    '"><svg onload=window.harmed=5>',
    `' onmouseover='${HARM}`,
    '&lt;script&gt;*x*&lt;/script&gt; &#60;b&#62;',
    '${alert(1)} {{constructor.constructor("alert(1)")()}} *x*',
    ']]><![CDATA[<b>*x*</b>]]>',
    '<!--*--><b>*x*</b><!--*-->',
];

const LINKS = [
    `[x](javascript:${HARM.replaceAll(' ', '')})`,
    '[x](JAVASCRIPT:alert`1`)',
    '[x](java\tscript:alert(1))',
    '[x](&#106;avascript:alert(1))',
    '[x](vbscript:x)',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '[x](blob:https://a.example/1)',
    '[x](file:///etc/passwd)',
    '<javascript:alert(1)>',
    '[x][1]\n\n[1]: javascript:alert(1)',
    '![x](javascript:alert(1))',
    '![x](data:image/svg+xml,<svg/onload=alert(1)>)',
    '![x](http://plain.example/x.png)',
    '[x](<javascript:alert(1)> "title")',
    '[![x](javascript:alert(1))](javascript:alert(2))',
];

/** Characters that disturb the layout. */
const LETTERS = [
    '\u202eright to left override',
    '\u2066\u2067\u202b\u202d unbalanced *isolates*',
    '\u200f\u061c\u200e marks',
    'null \u0000 byte and \u0007 bell \u001b[31m *x*',
    zalgo('He comes'),
    `*${zalgo('He comes')}*`,
    '👩‍👩‍👧‍👦'.repeat(400),
    '😀'.repeat(3_000),
    '\ufeff\u200b\u2060*x*\u00ad',
    '\ud83d\udc4d lone \u{1F3FD}',
    '﷽'.repeat(200),
    '\u0e49'.repeat(500),
];

/** Excessive amounts. */
const MUCH = [
    ['64 kB without a space', 'x'.repeat(65_536)],
    ['64 kB of stars', '*'.repeat(65_536)],
    ['10,000 quotes', `${'>'.repeat(10_000)}x`],
    ['10,000 brackets', '['.repeat(10_000)],
    ['10,000 links begun', '[x]('.repeat(10_000)],
    ['10,000 pictures begun', '!['.repeat(10_000)],
    ['10,000 lists', '- '.repeat(10_000)],
    ['10,000 marks', '*a _b '.repeat(3_000)],
    ['10,000 quotes in lines', `${'> > > > > > > >\n'.repeat(1_500)}x`],
    ['a long address', `https://example.com/${'a'.repeat(20_000)}`],
    ['10,000 lines', 'line\n'.repeat(10_000)],
    ['wide code', `\`\`\`\n${'y'.repeat(20_000)}\n\`\`\``],
    ['10,000 backticks', '`a '.repeat(10_000)],
    ['5,000 names', '@Ann '.repeat(5_000)],
];

const NAMES = [
    `<img src=x onerror="${HARM}">`,
    '\u202enoitcerid rehto',
    '\u2066\u2067unbalanced',
    zalgo('Zalgo'),
    'W'.repeat(5_000),
    '👨‍👩‍👧‍👦'.repeat(200),
    'null\u0000byte\n\n\nlines',
    '"><script>alert(1)</script>',
    ' ',
];

/** Messages consist of these elements only, with these attributes only. */
const ELEMENTS = 'div span p em strong s code pre ul ol li blockquote hr a bdi button img svg path use time small h2'.split(' ');
const ATTRIBUTES = [
    'class', 'dir', 'href', 'target', 'rel', 'start', 'tabindex', 'title', 'type', 'role', 'd', 'viewBox', 'style', 'hidden',
    'datetime', 'draggable',
];

/** Faults in the list of messages: unexpected elements, attributes or links, scripts that ran. */
const wrongs = (window) =>
    window.page.evaluate(
        ([elements, attributes]) => {
            const found = [];
            for (const element of document.querySelectorAll('[data-testid=message] *, [data-testid=message]')) {
                if (!elements.includes(element.localName)) {
                    found.push(`<${element.localName}>`);
                }
                for (const { name, value } of element.attributes) {
                    if (!attributes.includes(name) && !name.startsWith('data-') && !name.startsWith('aria-')) {
                        found.push(`${element.localName} ${name}`);
                    }
                    if (name === 'style' && !/^(--[a-z-]+:\s*[^;]*;?\s*)*$/.test(value)) {
                        found.push(`style="${value}"`);
                    }
                    if (name === 'href' && element.localName === 'a' && !/^(https?:\/\/|mailto:)/i.test(value)) {
                        found.push(`href="${value}"`);
                    }
                }
            }
            if (window.harmed !== undefined) {
                found.push('a script ran');
            }
            if (document.querySelector('main iframe, main script, main style, main form form')) {
                found.push('an element that nobody made');
            }
            return found;
        },
        [ELEMENTS, ATTRIBUTES],
    );

/** Faults in the layout: content outside of the column, or over other content. */
const spilled = (window) =>
    window.page.evaluate(() => {
        const found = [];
        const column = document.querySelector('.scroll').getBoundingClientRect();
        for (const message of document.querySelectorAll('[data-testid=message]')) {
            const box = message.getBoundingClientRect();
            for (const part of message.querySelectorAll('[data-testid=author], [data-testid=text]')) {
                const { left, right, width } = part.getBoundingClientRect();
                if (width > 1 && (left < column.left - 1 || right > column.right + 1)) {
                    found.push(`${part.dataset.testid} from ${left} to ${right} of ${column.left} to ${column.right}`);
                }
            }
            // Stacked combining marks are not drawn outside of their message.
            if (getComputedStyle(message.querySelector('.text')).overflowY !== 'clip') {
                found.push('a text that is drawn outside of its box');
            }
            const name = message.querySelector('[data-testid=author]')?.getBoundingClientRect();
            if (name && name.height > 80) {
                found.push(`a name ${name.height} high`);
            }
            if (box.height > 100_000) {
                found.push(`a message ${box.height} high`);
            }
        }
        const list = document.querySelector('.scroll');
        if (list.scrollWidth > list.clientWidth + 1) {
            found.push(`the list is ${list.scrollWidth} wide in ${list.clientWidth}`);
        }
        return found;
    });

const holds = async (window) => {
    assert.deepEqual(await wrongs(window), []);
    assert.deepEqual(await spilled(window), []);
    assert.equal(await window.overflow(), 0);
};

/** The last message, once it is there and its markup, if any, has been read. */
const last = async (window, text) => {
    await until('the message', () => window.$('text').last().textContent(), (shown) => shown !== '');
    await until(`the text ${JSON.stringify(text.slice(0, 40))}`, () => window.$('message').count(), (count) => count > 0);
};

/** Waits until what has changed or was scrolled to is on the screen. */
const drawn = (window) =>
    window.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(resolve)))));

for (const [screen, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    scenario(`hostile texts by the page, on a ${screen}`, async (open) => {
        const room = `Hostile ${screen}`;
        const ann = await (await open(address({ name: 'Ann', room, kind: 'history' }), { viewport })).join();
        const bob = await (await open(address({ name: 'Bob', room, kind: 'history' }), { viewport })).join();
        for (const text of [...MARKUP, ...LINKS, ...LETTERS]) {
            await ann.say(text);
        }
        await ann.say('the end');
        for (const window of [ann, bob]) {
            await window.$('text').getByText('the end', { exact: true }).waitFor();
            await last(window, 'the end');
            await holds(window);
            assert.equal(await window.$('show-picture').count(), 0);
        }
        const links = await bob.$('text').locator('a').evaluateAll((all) => all.map(({ href }) => href));
        assert.deepEqual(links, []);
    });

    scenario(`hostile texts and names by the SDK, on a ${screen}`, async (open) => {
        const room = `Foreign ${screen}`;
        const bob = await (await open(address({ name: 'Bob', room, kind: 'history' }), { viewport })).join();
        await withSession(theatre.sandbox, 'user', async (session) => {
            const send = (value) => session.timeseries.append(`Chat/${room}`, value, json());
            for (const name of NAMES) {
                await send({ text: `by ${name.slice(0, 8)}`, name, timestamp: `<b>${HARM}</b>` });
                await send({ text: '@Bob *hello*', name, timestamp: 7, reply: { to: 0, name, text: MARKUP[0] } });
                await send({ text: 'does', name, act: true, timestamp: 'x'.repeat(3_000) });
            }
            for (const text of [...MARKUP, ...LINKS, ...LETTERS]) {
                await send({ text, name: 'Eve', timestamp: '' });
            }
            await send({ text: 'the end', name: 'Eve', timestamp: '' });
        });
        await bob.$('text').getByText('the end', { exact: true }).waitFor();
        await holds(bob);
        // Scroll up to the first message.
        for (let step = 0; step < 40; step += 1) {
            await bob.page.locator('.scroll').evaluate((list) => list.scrollBy(0, -600));
            await drawn(bob);
            if (step % 8 === 7) {
                await holds(bob);
            }
        }
        // Each name is a box of its own for the order of letters.
        const isolated = await bob.$('author').evaluateAll((names) => names.every((name) => name.localName === 'bdi'));
        assert.ok(isolated);
        const directions = await bob.$('text').evaluateAll((texts) => texts.every((text) => text.dir === 'auto'));
        assert.ok(directions);
    });
}

for (const [what, text] of MUCH) {
    scenario(`too much: ${what}`, async (open) => {
        const room = `Much ${what.replace(/[^a-z]/gi, '')}`;
        const bob = await (await open(address({ name: 'Bob', room, kind: 'history' }))).join();
        // Once the code that reads markup is there, a message's markup is drawn with the message.
        await bob.say('**ready**');
        await bob.$('text').locator('strong').waitFor();
        await withSession(theatre.sandbox, 'user', (session) =>
            session.timeseries.append(`Chat/${room}`, { text, name: 'Ann', timestamp: '' }, json()),
        );
        const much = bob.$('message').filter({ has: bob.page.getByTestId('author').getByText('Ann', { exact: true }) }).getByTestId('text');
        await much.waitFor();
        await drawn(bob);
        await holds(bob);
        const depth = await much.evaluate((place) => {
            const depth = (element) => 1 + Math.max(0, ...[...element.children].map(depth));
            return depth(place);
        });
        assert.ok(depth < 40, `${depth} deep`);
        const elements = await much.evaluate((place) => place.querySelectorAll('*').length);
        assert.ok(elements < 12_000, `${elements} elements`);
        // The page still works for others.
        await bob.say('still here');
        await bob.$('text').getByText('still here', { exact: true }).waitFor();
        await holds(bob);
    });
}

scenario('hostile names of the page’s own reader, in reactions and in rooms', async (open) => {
    // What turns the direction around, the form refuses.
    const name = `<img src=x onerror=${HARM}>`;
    const room = 'R <b>\u202e';
    await withSession(theatre.sandbox, 'user', async (session) => {
        await session.topics.add(`Chat/${room}`, new TopicSpecification(TopicType.TIME_SERIES, { TIME_SERIES_EVENT_VALUE_TYPE: 'json' }));
    });
    const [eve, bob] = [
        await (await open(address({ name, room, kind: 'history' }))).join(),
        await (await open(address({ name: 'Bob', room, kind: 'history' }))).join(),
    ];
    await eve.say(`@Bob @${name} *hello*`);
    await bob.$('mention').first().waitFor();
    const said = bob.$('message').filter({ has: bob.$('mention') });
    await said.hover();
    await bob.$('tool-quick').first().click();
    await eve.$('reaction').waitFor();
    await eve.$('reaction').click();
    await until('both', () => bob.$('reaction').getAttribute('title'), (title) => title.includes('<img'));
    await said.hover();
    await bob.$('tool-reply').click();
    assert.match(await bob.$('purpose').innerText(), /Replying to/);
    await bob.say('answered');
    await eve.$('reply-quote').waitFor();
    for (const window of [eve, bob]) {
        await holds(window);
    }
});
