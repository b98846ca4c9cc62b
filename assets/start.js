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

    const parsed = new Promise((resolve) => {
        if (document.readyState === 'loading') {
            document.addEventListener('DOMContentLoaded', resolve, { once: true });
        } else {
            resolve();
        }
    });
    const at = (file) => new URL(file, document.baseURI).href;
    Promise.all([import(at(script.dataset.program)), parsed])
        .then(([{ default: start }]) => start({ module_or_path: at(script.dataset.wasm) }))
        .catch((error) => {
            const loading = document.querySelector('#loading p');
            if (loading) {
                loading.textContent = 'Effusion could not be loaded. Check the network, then reload the page.';
            }
            throw error;
        });
})();
