// What happens before the program does: the page looks as its reader wants it from the first frame, and the program is
// fetched and started. It is a file of its own because the page's Content-Security-Policy runs no script in the HTML.
(() => {
    'use strict';
    const script = document.currentScript;
    const root = document.documentElement;
    const RELOADS = 'reloads';
    // A page in one file brings along what others fetch: see xtask/src/build/single_file_start.js.
    const file = window.effusionFile;
    const stored = (name, storage = () => localStorage) => {
        try {
            return storage().getItem(`effusion.${name}`);
        } catch {
            return null; // The browser keeps nothing for this page.
        }
    };
    for (const look of ['theme', 'density']) {
        const chosen = stored(look);
        if (chosen) {
            root.dataset[look] = chosen;
        }
    }

    // The same choice as in the program's `Language::choose`, made here so that the texts load together with the program.
    const languages = ['en', 'es', 'de', 'ja', 'ar'];
    const wanted = [stored('language') ?? '', ...navigator.languages].map((locale) => locale.split('-')[0]);
    const language = wanted.find((code) => languages.includes(code)) ?? 'en';
    root.lang = language;
    root.dir = language === 'ar' ? 'rtl' : 'ltr';
    const texts =
        language === 'en' ||
        fetch(`locales/${language}.json`)
            .then((answer) => answer.json())
            .then((texts) => {
                window.effusionTexts = texts;
            })
            // Without them, the page is in English.
            .catch(() => {});
    const translate = (within) => {
        const texts = window.effusionTexts ?? {};
        for (const element of within.querySelectorAll('[data-text]')) {
            element.textContent = texts[element.dataset.text] ?? element.textContent;
        }
    };

    // A panic ends the program: WebAssembly reports it as a runtime error, and nothing on the page works after it.
    const crashed = ({ error, reason }) => {
        const notice = document.getElementById('crash');
        if (!((error ?? reason) instanceof WebAssembly.RuntimeError) || !notice || notice.open) {
            return;
        }
        translate(notice);
        notice.querySelector('button').addEventListener('click', () => location.reload());
        notice.showModal();
    };
    window.addEventListener('error', crashed);
    window.addEventListener('unhandledrejection', crashed);

    const parsed = new Promise((resolve) => {
        if (document.readyState === 'loading') {
            document.addEventListener('DOMContentLoaded', resolve, { once: true });
        } else {
            resolve();
        }
    });
    // What the page is made of: once the host has it no longer, there is a new version.
    const made = [...document.querySelectorAll('link[href], script[src]')]
        .flatMap(({ href, dataset }) => [href, dataset.program, dataset.wasm])
        .map((address) => address?.split('/').pop())
        .filter((name) => /-[0-9a-f]{8,}/.test(name ?? ''));
    const page = async () => {
        const answer = await fetch('./', { cache: 'no-cache' }).catch(() => undefined);
        const html = answer?.ok ? await answer.text() : '';
        return html.includes('data-wasm') ? html : undefined;
    };
    const check = async () => {
        if (file) {
            return false;
        }
        const html = await page();
        const isOther = html !== undefined && made.some((name) => !html.includes(name)) && (await isWhole(html));
        if (isOther) {
            window.dispatchEvent(new Event('effusion-update'));
        }
        return isOther;
    };
    document.addEventListener('visibilitychange', () => document.hidden || check());
    window.addEventListener('online', check);
    // A debug build asks more often: see src/services/navigation.rs.
    window.addEventListener('effusion-check', check);
    setInterval(check, 3_600_000);
    // A part of the page could not be fetched: the host may have another version, or will have one soon.
    window.addEventListener('effusion-missing', async () => {
        for (const pause of [0, 5_000, 20_000, 60_000]) {
            await new Promise((resolve) => setTimeout(resolve, pause));
            if (await check()) {
                return;
            }
        }
    });

    // The page starts without a network, too, where the browser allows for that.
    const policy = window.trustedTypes?.createPolicy('effusion', {
        createScriptURL: (address) => {
            const own = ['service-worker.js', './browser-service.js'].includes(address) || (file && address.startsWith('blob:'));
            if (!own) {
                throw new TypeError('the page has no other worker');
            }
            return address;
        },
    });
    const trusted = (address) => policy?.createScriptURL(address) ?? address;
    // A port to the service in the browser, which all tabs share where the browser has workers for that.
    let own;
    window.effusionService = () => {
        if (window.SharedWorker) {
            return new SharedWorker(trusted('./browser-service.js')).port;
        }
        if (!own) {
            own = file ? file.worker(trusted) : new Worker(trusted('./browser-service.js'));
            own.onmessage = () => {
                own = undefined;
            };
        }
        const { port1, port2 } = new MessageChannel();
        own.postMessage(0, [port2]);
        return port1;
    };
    // It is no fault of the page's if there can be none, as in a private window.
    let worker = navigator.serviceWorker?.getRegistration().catch(() => {});
    const register = async () => {
        if (!file && !(await worker)) {
            worker = navigator.serviceWorker?.register(trusted('service-worker.js')).catch(() => {});
        }
    };
    window.addEventListener('load', () => {
        // It fetches the whole page for the next time, which is not to hold up this one.
        if (!file) {
            setTimeout(register, 3000);
        }
    });

    // What a reload would ask for again is held by the worker meanwhile, in its memory: it is stored nowhere.
    const tell = ({ active, waiting, installing } = {}, ...message) => (active ?? waiting ?? installing)?.postMessage(...message);
    let held, registration;
    const tab = stored('tab', () => sessionStorage);
    const recalled = tab && Promise.race([
        (async () => {
            registration = await worker;
            const { port1, port2 } = new MessageChannel();
            const answer = new Promise((resolve) => {
                port1.onmessage = ({ data }) => resolve(data);
            });
            if (registration) {
                tell(registration, { take: tab }, [port2]);
                window.effusionHeld = await answer;
            }
        })(),
        // A worker that does not answer may not keep the page from starting.
        new Promise((resolve) => setTimeout(resolve, 2000)),
    ]);
    window.addEventListener('effusion-hold', async ({ detail }) => {
        held = detail;
        if (held) {
            await register();
            registration = await worker;
        }
    });
    window.addEventListener('pagehide', () => {
        if (held && registration) {
            const name = tab ?? crypto.randomUUID();
            try {
                sessionStorage.setItem('effusion.tab', name);
                tell(registration, { hold: name, text: held });
            } catch {
                // The window could not say afterwards which one it was.
            }
        }
    });

    const at = (file) => new URL(file, document.baseURI).href;
    const program = file ? file.program() : import(at(script.dataset.program));
    try {
        // The browser fetches what it keeps for this window now, while it waits, and not when the program asks for it.
        void sessionStorage.length;
    } catch {
        // It keeps nothing for this page.
    }
    // Hosts send WebAssembly as all sorts of types, and browsers take but one from a network. This is for every file, also for
    // those that come later.
    const instantiateStreaming = window.WebAssembly?.instantiateStreaming;
    if (instantiateStreaming) {
        WebAssembly.instantiateStreaming = async (source, imports) => {
            window.effusionLacks = false;
            const answer = await source;
            const type = answer.headers.get('content-type');
            // Many hosts answer with HTML for what they do not have. The program tells that from a network that is gone.
            window.effusionLacks = !answer.ok || type?.startsWith('text/html') === true;
            if (window.effusionLacks) {
                throw new TypeError(`${answer.url}: ${answer.status} ${type}`);
            }
            return type === 'application/wasm'
                ? instantiateStreaming(answer, imports)
                : WebAssembly.instantiate(await answer.arrayBuffer(), imports);
        };
    }
    const sheets = async () => {
        // What is none has no rules, whatever its type.
        if ([...document.querySelectorAll('link[rel=stylesheet]')].some(({ sheet }) => !sheet?.cssRules.length)) {
            throw new TypeError('a style sheet is missing');
        }
    };
    Promise.all([program, parsed.then(sheets), texts, recalled])
        .then(([{ default: start }]) => start({ module_or_path: file ? file.wasm() : at(script.dataset.wasm) }))
        .then(
            () => countReloads(0),
            (error) => {
                explain();
                throw error;
            },
        );

    /** Remembers for this window how often it was loaded again; false where that cannot be. */
    function countReloads(count) {
        try {
            sessionStorage.setItem(`effusion.${RELOADS}`, count);
            return true;
        } catch {
            return false;
        }
    }

    /** Says why the page does not start, and starts it once it can. */
    async function explain() {
        // A file that is not there can be known before the page is.
        await parsed;
        const reason = await reasonOfFailure();
        // A file fails before the browser has read as far as the words.
        await parsed;
        const loading = document.getElementById('loading');
        if (!loading) {
            return; // The program has begun, and says itself what is wrong.
        }
        translate(loading);
        // What stands there for a page without this script.
        for (const words of document.querySelectorAll('#loading p:not([data-reason]), .unstyled')) {
            words.remove();
        }
        for (const words of loading.querySelectorAll('p')) {
            words.hidden = words.dataset.reason !== reason;
        }
        while (reason === 'network' || reason === 'host') {
            await new Promise((resolve) => setTimeout(resolve, 3_000));
            const count = Number(stored(RELOADS, () => sessionStorage));
            // If that does not help, it is not done for ever.
            if (count < 3 && (await isWhole((await page()) ?? '')) && countReloads(count + 1)) {
                location.reload();
                return;
            }
        }
    }

    async function reasonOfFailure() {
        if (location.protocol === 'file:' && !file) {
            return 'file';
        }
        if (typeof WebAssembly !== 'object') {
            return 'browser';
        }
        try {
            // The smallest module there is.
            new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
        } catch {
            return 'policy';
        }
        const isThere = await fetch('./', { cache: 'no-store' }).then(() => true, () => false);
        return isThere ? 'host' : 'network';
    }

    /** Whether the host has all that a page starts with. */
    async function isWhole(html) {
        const named = [...html.matchAll(/\b(?:href|src|data-program|data-wasm)="?([^"\s>]+)/g)].map(([, file]) => file);
        const has = async (file) => {
            const answer = await fetch(at(file), { method: 'HEAD', cache: 'no-cache' });
            return answer.ok && !answer.headers.get('content-type')?.startsWith('text/html');
        };
        const files = [...new Set(named)].filter((file) => /-[0-9a-f]{8,}/.test(file));
        const found = await Promise.all(files.map(has)).catch(() => [false]);
        return found.length > 0 && found.every(Boolean);
    }
})();
