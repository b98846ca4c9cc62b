// What happens before the program does: the page looks as its reader wants it from the first frame, and the program is
// fetched and started. It is a file of its own because the page's Content-Security-Policy runs no script in the HTML.
(() => {
    'use strict';
    const script = document.currentScript;
    const root = document.documentElement;
    const stored = (name) => {
        try {
            return localStorage.getItem(`effusion.${name}`);
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
            .then((answer) => answer.text())
            .then((texts) => {
                window.effusionTexts = texts;
            })
            // Without them, the page is in English.
            .catch(() => {});

    // A panic ends the program: WebAssembly reports it as a runtime error, and nothing on the page works after it.
    const crashed = ({ error, reason }) => {
        const notice = document.getElementById('crash');
        if (!((error ?? reason) instanceof WebAssembly.RuntimeError) || !notice || notice.open) {
            return;
        }
        const texts = JSON.parse(window.effusionTexts ?? '{}');
        for (const element of notice.querySelectorAll('[data-text]')) {
            element.textContent = texts[element.dataset.text] ?? element.textContent;
        }
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
    const check = async () => {
        const answer = await fetch('./', { cache: 'no-cache' }).catch(() => undefined);
        const html = answer?.ok ? await answer.text() : '';
        if (html.includes('data-wasm') && made.some((name) => !html.includes(name))) {
            window.dispatchEvent(new Event('effusion-update'));
        }
    };
    document.addEventListener('visibilitychange', () => document.hidden || check());
    window.addEventListener('online', check);
    // A debug build asks more often: see src/services/navigation.rs.
    window.addEventListener('effusion-check', check);
    setInterval(check, 3_600_000);

    // The page starts without a network, too, where the browser allows for that.
    const policy = window.trustedTypes?.createPolicy('effusion', {
        createScriptURL: (address) => {
            if (address !== 'service-worker.js') {
                throw new TypeError('the page has no other worker');
            }
            return address;
        },
    });
    window.addEventListener('load', () => {
        // It fetches the whole page for the next time, which is not to hold up this one.
        setTimeout(() => {
            const worker = policy?.createScriptURL('service-worker.js') ?? 'service-worker.js';
            // It is no fault of the page's if there can be none, as in a private window.
            navigator.serviceWorker?.register(worker).catch(() => {});
        }, 3000);
    });

    const at = (file) => new URL(file, document.baseURI).href;
    const program = import(at(script.dataset.program));
    try {
        // The browser fetches what it keeps for this window now, while it waits, and not when the program asks for it.
        void sessionStorage.length;
    } catch {
        // It keeps nothing for this page.
    }
    Promise.all([program, parsed, texts])
        .then(([{ default: start }]) => start({ module_or_path: at(script.dataset.wasm) }))
        .catch((error) => {
            const loading = document.querySelector('#loading p');
            if (loading) {
                loading.textContent = 'Effusion could not be loaded. Check the network, then reload the page.';
            }
            throw error;
        });
})();
