// axe-core on a window: accessibility violations.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds, as one line each. */
export async function violations(window) {
    // As a debugger does: the page's own policy would not let a script in.
    const debug = await window.page.context().newCDPSession(window.page);
    await debug.send('Runtime.evaluate', { expression: axe });
    const found = await window.page.evaluate(async () => {
        // Colours are mixed during an animation: wait until it has ended.
        await Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})));
        const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
        return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${help} — ${target.join(' ')} ${failureSummary}`));
    });
    await debug.detach();
    return found;
}
