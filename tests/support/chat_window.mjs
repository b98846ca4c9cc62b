// A window with the page, by what people see and do there.

import assert from 'node:assert/strict';

const PATIENCE = 20_000;

/**
 * Waits until the result of `look` passes `check`, and returns it; fails with the last result.
 *
 * @template T
 * @param {string} what for the failure's text
 * @param {() => Promise<T> | T} look
 * @param {(found: T) => boolean} check
 * @returns {Promise<T>}
 */
export async function until(what, look, check = Boolean, patience = PATIENCE) {
    const end = Date.now() + patience;
    for (;;) {
        const found = await look();
        if (check(found)) {
            return found;
        }
        if (Date.now() > end) {
            assert.fail(`${what}: not in ${patience / 1000} s; there was ${JSON.stringify(found, null, 1)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 25));
    }
}

/** Browsers log every failed connection, even if the page handles it; and tests have no service worker unless they ask for one. */
const EXPECTED = /WebSocket connection to .* failed|net::ERR_CONNECTION_REFUSED|Service Worker registration blocked/;

export class ChatWindow {
    /** What the page threw or complained about. */
    errors = [];

    constructor(page) {
        this.page = page;
        page.on('pageerror', (error) => this.errors.push(`${error}`));
        page.on('console', (message) => {
            if (['error', 'warning'].includes(message.type()) && !EXPECTED.test(message.text())) {
                this.errors.push(`${message.type()}: ${message.text()}`);
            }
        });
        page.on('crash', () => this.errors.push('the page crashed'));
        page.on('dialog', (dialog) => {
            this.errors.push(`a dialog: ${dialog.message()}`);
            dialog.dismiss().catch(() => {});
        });
        page.on('request', (request) => {
            const { hostname, protocol } = new URL(request.url());
            if (protocol.startsWith('http') && hostname !== '127.0.0.1') {
                this.errors.push(`asked a foreign host: ${request.url()}`);
            }
        });
    }

    /** Goes to an address and waits for the page to be there. */
    async visit(address) {
        await this.page.goto(address);
        return this.#ready();
    }

    async reload() {
        await this.page.reload();
        return this.#ready();
    }

    async #ready() {
        await this.page.locator('[data-testid=join-form], [data-testid=connection-state]').first().waitFor();
        return this;
    }

    close() {
        return this.page.context().close();
    }

    /** The element with a test id. */
    $(id) {
        return this.page.getByTestId(id);
    }

    /**
     * Fills in fields by their test ids: texts are typed, `true` and `false` tick and untick.
     *
     * @param {Record<string, string | number | boolean>} fields
     */
    async fill(fields) {
        const advanced = this.page.locator('details[data-testid=advanced]:not([open])');
        if (Object.keys(fields).some((id) => id !== 'name') && (await advanced.count()) > 0) {
            await advanced.locator('summary').click();
        }
        for (const [id, value] of Object.entries(fields)) {
            if (typeof value === 'boolean') {
                await this.$(id).setChecked(value);
            } else {
                await this.$(id).fill(`${value}`);
            }
        }
    }

    /** What is in fields, by their test ids. */
    async filled(...ids) {
        const entries = ids.map(async (id) => [id, await this.$(id).inputValue()]);
        return Object.fromEntries(await Promise.all(entries));
    }

    /** Fills in fields, joins, and waits until messages can be written. */
    async join(fields = {}) {
        await this.fill(fields);
        await this.$('join-button').click();
        await this.inRoom();
        return this;
    }

    /** Joins another room, or shows it if it is open. */
    async goTo(room, kind = 'history') {
        await this.$('another-room-button').click();
        await this.$('room-form').getByTestId('room').fill(room);
        await this.$('room-form').getByTestId(`kind-${kind}`).check();
        await this.$('room-button').click();
        await until('the room is shown', () => this.$('room-title').innerText(), (title) => title === room);
        await this.inRoom();
    }

    /** The message with exactly this text. */
    message(text) {
        return this.$('message').filter({ has: this.page.getByTestId('text').getByText(text, { exact: true }) });
    }

    /** Points at a message and presses one of its buttons. */
    async use(text, tool) {
        await this.page.mouse.move(0, 0);
        await this.message(text).hover();
        await this.message(text).getByTestId(tool).click();
    }

    /** Waits until messages come and go and the connection stands. */
    async inRoom() {
        await this.page.locator('[data-testid="room-pane"]:is([data-state="open"], [data-state="readonly"])').waitFor();
        await this.connection('connected');
    }

    /** Waits for a state of the connection. */
    connection(...states) {
        return until(
            `the connection is ${states.join(' or ')}`,
            () => this.$('connection-state').getAttribute('data-state'),
            (state) => states.includes(state),
            30_000,
        );
    }

    /** Writes a message and sends it, by Enter or by a finger, without waiting for more. */
    async say(text) {
        await this.$('composer').fill(text);
        if ((await this.$('composer').getAttribute('enterkeyhint')) === 'send') {
            await this.$('composer').press('Enter');
        } else {
            await this.$('send-button').click();
        }
    }

    /** All messages on the screen, from the oldest to the newest. */
    messages() {
        return this.$('message').evaluateAll((items) =>
            items.map((item) => ({
                author: item.querySelector('[data-testid=author]')?.textContent,
                text: item.querySelector('[data-testid=text]')?.textContent,
                own: item.dataset.own === 'true',
                state: item.dataset.state,
            })),
        );
    }

    /** The texts of all messages. */
    async texts() {
        return (await this.messages()).map(({ text }) => text);
    }

    /** The texts of all notices by `System`; one that says of several people that they have come in is several. */
    async notices() {
        const found = await this.$('notice')
            .locator('p:has(> bdi)')
            .evaluateAll((notices) => notices.map((notice) => [notice.title, notice.querySelector('bdi').textContent]));
        const words = ([title, text]) => (title === '' ? [text.replace(/[\u2068\u2069]/g, '')] : title.split(', ').map((name) => `${name} has joined`));
        return found.flatMap(words);
    }

    /** Waits for exactly these messages, in this order; each names the properties to compare. */
    async shows(...expected) {
        const wanted = expected.map((message) => (typeof message === 'string' ? { text: message } : message));
        const same = (found, want) => Object.entries(want).every(([key, value]) => found[key] === value);
        return until(
            `the messages ${JSON.stringify(wanted)}`,
            () => this.messages(),
            (found) => found.length === wanted.length && wanted.every((want, index) => same(found[index], want)),
        );
    }

    /** Waits until a notice by `System` is there. */
    notice(text) {
        return until(`the notice “${text}”`, () => this.notices(), (notices) => notices.includes(text));
    }

    /** Waits until a fault with a matching text is shown. */
    async fault(pattern) {
        const words = () => this.$('fault').allInnerTexts();
        const found = await until(`a fault that says ${pattern}`, words, (faults) => faults.some((fault) => pattern.test(fault)));
        return found.find((fault) => pattern.test(fault));
    }

    /** Waits until a field's problem with a matching text is shown. */
    problem(id, pattern) {
        return until(`${id}: ${pattern}`, () => this.page.locator(`#${id}-problem`).innerText(), (words) => pattern.test(words));
    }

    /** The room in the sidebar. */
    room(name) {
        return this.page.locator(`[data-testid=room-item][data-room="${name}"]`);
    }

    /** What the page says of who is signed in where, without the characters that keep the direction of names apart. */
    async signedInAs() {
        return (await this.$('signed-in-as').innerText()).replace(/[\u2068\u2069]/g, '');
    }

    /** Everything that the page has stored, as one text. */
    stored() {
        return this.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    }

    /** By how many pixels anything on the page is wider than the window, or than the list of messages. */
    overflow() {
        return this.page.evaluate(() => {
            const wider = (element) => element.scrollWidth - element.clientWidth;
            const lists = [...document.querySelectorAll('[data-testid=message-list]')].flatMap((list) => [list, list.closest('.scroll') ?? list]);
            return Math.max(wider(document.documentElement), wider(document.body), ...lists.map(wider));
        });
    }
}
