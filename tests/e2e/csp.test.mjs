// The page's Content-Security-Policy and Trusted Types: the page needs nothing that they forbid, and harmful code does not run.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { until } from '../support/chat_window.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

/** What the browser has refused since the page was opened. */
function violations(window) {
    return window.page.evaluate(
        () =>
            new Promise((resolve) => {
                const seen = [];
                const keep = (reports) => seen.push(...reports.map(({ body }) => `${body.effectiveDirective}: ${body.blockedURL} ${body.sample ?? ''}`));
                const observer = new ReportingObserver(keep, { types: ['csp-violation'], buffered: true });
                observer.observe();
                // What was buffered comes in a task of its own.
                setTimeout(() => {
                    keep(observer.takeRecords());
                    resolve(seen);
                }, 100);
            }),
    );
}

test('the policy comes as a header and in the HTML, and neither allows what stands in the HTML itself', async () => {
    const { host, port } = theatre.sandbox;
    const answer = await fetch(`http://${host}:${port}/`);
    const html = await answer.text();
    const header = answer.headers.get('content-security-policy');
    const [tag] = html.match(/<meta[^>]*Content-Security-Policy[^>]*>/i) ?? [''];
    const [, meta] = tag.match(/content="([^"]+)"/) ?? [];
    for (const [where, policy] of Object.entries({ header, meta })) {
        assert.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';/, where);
        assert.match(policy, /require-trusted-types-for 'script'/, where);
        assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|strict-dynamic/, where);
    }
    assert.match(header, /frame-ancestors 'none'/);
    assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)/i);
});

scenario('no screen needs what the policy forbids', async (open) => {
    const ann = await open(address({ name: 'Ann', room: 'Strict', kind: 'history' }));
    await ann.$('create-account-link').click();
    await ann.$('account-back').click();
    await ann.join();
    await ann.say('hello');
    await ann.shows({ text: 'hello', state: 'sent' });
    const bob = await (await open(address({ name: 'Bob', room: 'Strict', kind: 'history' }))).join();
    await bob.say('hi');
    await ann.shows('hello', 'hi');
    for (const dialog of ['another-room', 'settings']) {
        await ann.$(`${dialog}-button`).click();
        await ann.$(dialog).waitFor();
        await ann.$(dialog).getByTestId('close-dialog').click();
    }
    await ann.reload();
    await ann.inRoom();
    for (const window of [ann, bob]) {
        assert.deepEqual(await violations(window), []);
    }
});

scenario('the service in the browser needs nothing that the headers forbid', async (open) => {
    const ann = await open(address({ service: 'browser', name: 'Ann', room: 'Strict', kind: 'history' }));
    await ann.join();
    await ann.say('hello');
    await ann.shows({ text: 'hello', state: 'sent' });
    assert.deepEqual(await violations(ann), []);
});

scenario('injected code does not run', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Injected', kind: 'live' }))).join();
    const outcomes = await ann.page.evaluate(async () => {
        const host = document.body.appendChild(document.createElement('div'));
        const attempts = {
            markup: () => {
                host.innerHTML = '<img src="data:," onerror="window.harmed = 1">';
            },
            handler: () => {
                host.setAttribute('onclick', 'window.harmed = 2');
                host.click();
            },
            script: () => {
                const script = document.createElement('script');
                script.append('window.harmed = 3');
                host.append(script);
            },
            foreign: () => {
                const script = document.createElement('script');
                script.src = 'data:text/javascript,window.harmed=4';
                host.append(script);
            },
            address: () => {
                const link = document.createElement('a');
                link.href = 'javascript:window.harmed=5';
                host.append(link);
                link.click();
            },
            evaluation: () => {
                (0, eval)('window.harmed = 6');
            },
            timer: () => {
                setTimeout('window.harmed = 7');
            },
            style: () => {
                host.setAttribute('style', 'position: fixed');
                if (getComputedStyle(host).position === 'fixed') {
                    window.harmed = 8;
                }
            },
            sheet: () => {
                const sheet = document.createElement('style');
                sheet.append('div { position: fixed }');
                host.append(sheet);
                if (getComputedStyle(host).position === 'fixed') {
                    window.harmed = 9;
                }
            },
            policy: () => {
                trustedTypes.createPolicy('other', { createHTML: (text) => text });
                window.harmed = 10;
            },
        };
        const outcomes = {};
        for (const [name, attempt] of Object.entries(attempts)) {
            try {
                attempt();
            } catch {
                // Refused at once, as many are.
            }
            await new Promise((resolve) => setTimeout(resolve, 50));
            outcomes[name] = window.harmed ?? 'nothing';
            delete window.harmed;
        }
        host.remove();
        return outcomes;
    });
    for (const [name, outcome] of Object.entries(outcomes)) {
        assert.equal(outcome, 'nothing', name);
    }
    assert.notDeepEqual(await violations(ann), [], 'the browser says what it refused');
    // And the page continues.
    await ann.say('still here');
    await ann.shows('still here');
    ann.errors = ann.errors.filter((error) => !/Content Security Policy|TrustedHTML|TrustedScript|Refused to|violates/i.test(error));
});

scenario('the page has its colours before the program is there', async (open) => {
    const ann = await open(address({ name: 'Ann' }));
    await ann.page.evaluate(() => localStorage.setItem('effusion.theme', 'dark'));
    let release;
    const held = new Promise((resolve) => {
        release = resolve;
    });
    await ann.page.route('**/*.wasm', async (route) => {
        await held;
        await route.continue();
    });
    await ann.page.reload({ waitUntil: 'commit' });
    await until(
        'dark colours while the page loads',
        () => ann.page.evaluate(() => document.querySelector('#loading') && getComputedStyle(document.documentElement).colorScheme),
        (scheme) => scheme === 'dark',
    );
    release();
    await ann.$('join-form').waitFor();
    assert.equal(await ann.page.evaluate(() => document.documentElement.dataset.theme), 'dark');
});
