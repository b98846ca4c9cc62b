// The page's address, what the page stores, and where it is hosted.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import net from 'node:net';

import { dist } from '../support/browser.mjs';
import { until } from '../support/chat_window.mjs';
import { serveFolders } from '../support/static.mjs';
import { stage } from './stage.mjs';

const theatre = stage();
const { scenario, address } = theatre;

scenario('the address fills in the form', async (open) => {
    const ann = await open('http://127.0.0.1:' + theatre.sandbox.port + '/?host=chat.example&port=8443&secure=true&room=Tea+%26+R%C3%B8d&name=J%C3%BC&kind=live&account=jue');
    assert.deepEqual(await ann.filled('name', 'account', 'password', 'host', 'port', 'room'), {
        name: 'Jü',
        account: 'jue',
        password: '',
        host: 'chat.example',
        port: '8443',
        room: 'Tea & Rød',
    });
    assert.ok(await ann.$('secure').isChecked());
    assert.ok(await ann.$('kind-live').isChecked());
});

scenario('without parameters the form has the tutorial’s defaults', async (open) => {
    const ann = await open(`http://127.0.0.1:${theatre.sandbox.port}/`);
    assert.notEqual((await ann.filled('name')).name, '', 'a guest has a name');
    assert.deepEqual(await ann.filled('account', 'password', 'host', 'port', 'room'), {
        account: 'user',
        password: 'password',
        host: '127.0.0.1',
        port: `${theatre.sandbox.port}`,
        room: 'Default room',
    });
    assert.ok(!(await ann.$('secure').isChecked()));
    assert.ok(await ann.$('kind-history').isChecked());
});

scenario('a password in the address is ignored and removed', async (open) => {
    const ann = await open(address({ name: 'Ann', account: 'ann', room: 'Safe', password: 'hunter2', credentials: 'hunter3' }));
    assert.deepEqual(await ann.filled('account', 'password', 'room'), { account: 'ann', password: '', room: 'Safe' });
    const found = new URL(ann.page.url());
    assert.doesNotMatch(found.href, /hunter|password|credentials/i);
    assert.equal(found.searchParams.get('room'), 'Safe');
    assert.doesNotMatch(await ann.stored(), /hunter/);
});

const SECRET = 'correct horse battery staple';

async function member(open, name, fields = {}) {
    const window = await open(address({ room: 'Reload', kind: 'history' }));
    await window.$('create-account-link').click();
    await window.fill({ 'account-name': name, 'account-password': SECRET, 'account-password-again': SECRET, ...fields });
    await window.$('account-button').click();
    await window.inRoom();
    return window;
}

scenario('a reload restores everything but the password', async (open) => {
    const ann = await member(open, 'forgetful');
    await ann.say('before the reload');
    await ann.shows({ text: 'before the reload', state: 'sent' });
    const kept = () => Promise.all([ann.stored(), ann.page.url()]).then((all) => decodeURIComponent(all.join(' ')));
    assert.doesNotMatch(await kept(), /correct horse/);
    await ann.reload();
    assert.doesNotMatch(await kept(), /correct horse/);
    await ann.$('join-form').waitFor();
    assert.deepEqual(await ann.filled('name', 'account', 'password', 'host', 'port', 'room'), {
        name: 'forgetful',
        account: 'forgetful',
        password: '',
        host: '127.0.0.1',
        port: `${theatre.sandbox.port}`,
        room: 'Reload',
    });
    await ann.join({ password: SECRET });
    await ann.shows({ text: 'before the reload', own: true });
});

/** A server that has the sandbox's service under `/app/diffusion`, as one in front of several services would. */
async function inFront() {
    const server = createServer((_, answer) => answer.writeHead(404).end());
    server.on('upgrade', ({ url, rawHeaders }, socket, head) => {
        if (!url.startsWith('/app/diffusion')) {
            socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
            return;
        }
        const headers = rawHeaders.map((text, place) => (place % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
        const service = net.connect(theatre.sandbox.port, '127.0.0.1', () => {
            service.write(`GET ${url.replace('/app', '')} HTTP/1.1\r\n${headers}\r\n`);
            service.write(head);
            service.pipe(socket).pipe(service);
        });
        for (const end of [socket, service]) {
            end.on('error', () => {});
        }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
}

scenario('a service may lie under a path', async (open) => {
    const front = await inFront();
    try {
        const { port } = front.address();
        const ann = await open(address({ name: 'Ann', port, path: '/app/diffusion', room: 'Under', kind: 'history' }));
        await ann.join();
        await ann.say('through the front');
        await ann.shows({ text: 'through the front', state: 'sent' });
        assert.equal(new URL(ann.page.url()).searchParams.get('path'), '/app/diffusion', 'whoever is invited gets there, too');
        await ann.$('settings-button').click();
        await ann.$('settings').waitFor();
        assert.equal((await ann.filled('path')).path, '/app/diffusion');
        const bob = await open(address({ name: 'Bob', port, path: '/other', room: 'Under', kind: 'history' }));
        await bob.$('join-button').click();
        await bob.fault(/127\.0\.0\.1:\d+\/other/);
    } finally {
        front.closeAllConnections();
        front.close();
    }
});

scenario('a reload keeps the tab’s session, and stores no password', async (open) => {
    const ann = await open(address({ room: 'Steady', kind: 'history' }), { serviceWorkers: 'allow' });
    await ann.$('create-account-link').click();
    await ann.fill({ 'account-name': 'steady', 'account-password': SECRET, 'account-password-again': SECRET });
    await ann.$('account-button').click();
    await ann.inRoom();
    await ann.page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    await ann.say('before the reload');
    await ann.shows({ text: 'before the reload', state: 'sent' });
    await ann.reload();
    await ann.inRoom();
    await ann.say('after it');
    await ann.shows('before the reload', { text: 'after it', state: 'sent' });
    assert.doesNotMatch(decodeURIComponent(await ann.stored()), /correct horse/);

    // Whoever signs out is asked again.
    await ann.$('settings-button').click();
    await ann.$('sign-out').click();
    await ann.$('join-form').waitFor();
    await ann.reload();
    await ann.$('join-form').waitFor();
    assert.equal((await ann.filled('password')).password, '');
});

scenario('rooms belong to the account, not to the tab', async (open) => {
    const rooms = (window) => until('the rooms', () => window.$('room-item').evaluateAll((items) => items.map((item) => item.dataset.room).sort()), (found) => found.length > 0);
    const ann = await member(open, 'roomy');
    await ann.goTo('Attic');
    await ann.goTo('Cellar');
    await ann.goTo('Attic');
    await ann.$('leave-button').click();
    await until('the room is left', () => rooms(ann), (names) => !names.includes('Attic'));
    const signOut = async () => {
        await ann.$('settings-button').click();
        await ann.$('sign-out').click();
        await ann.$('join-form').waitFor();
    };
    await signOut();
    await ann.fill({ name: 'Guest', account: 'user', password: 'password', room: 'Hall' });
    await ann.join();
    assert.deepEqual(await rooms(ann), ['Hall']);
    await signOut();
    // Also in another tab of this browser.
    const again = await open(address({ name: 'roomy', account: 'roomy', room: 'Hall', kind: 'history' }), { context: ann.page.context() });
    await again.join({ password: SECRET });
    await until('all rooms of the account', () => rooms(again), (names) => `${names}` === 'Cellar,Hall,Reload');
    assert.equal(await again.$('room-title').innerText(), 'Hall', 'what the address named is shown');
});

scenario('a password is stored only while its box is ticked', async (open) => {
    const ann = await member(open, 'mindful');
    await ann.reload();
    await ann.join({ password: SECRET, remember: true });
    await until('it is stored', () => ann.stored(), (stored) => decodeURIComponent(stored).includes(SECRET));
    assert.doesNotMatch(decodeURIComponent(ann.page.url()), /correct horse/);
    await ann.reload();
    await ann.inRoom();
    await ann.$('settings-button').click();
    await ann.fill({ remember: false });
    await ann.$('apply-button').click();
    await until('it is gone', () => ann.stored(), (stored) => !decodeURIComponent(stored).includes(SECRET));
});

scenario('a reload with the sandbox’s shared account rejoins the rooms by itself', async (open) => {
    const ann = await (await open(address({ name: 'Ann', room: 'Front', kind: 'history' }))).join();
    await ann.say('in front');
    await ann.shows({ text: 'in front', state: 'sent' });
    await ann.$('another-room-button').click();
    await ann.$('room-form').getByTestId('room').fill('Back');
    await ann.$('room-form').getByTestId('kind-live').check();
    await ann.$('room-button').click();
    await until('the room is shown', () => ann.$('room-title').innerText(), (title) => title === 'Back');
    await ann.say('in the back');
    await ann.shows({ text: 'in the back', state: 'sent' });
    const invitation = new URL(ann.page.url()).searchParams;
    assert.deepEqual([invitation.get('room'), invitation.get('kind'), invitation.get('name')], ['Back', 'live', null]);

    await ann.reload();
    await ann.inRoom();
    assert.equal(await ann.$('room-title').innerText(), 'Back');
    await ann.shows({ author: 'Ann', text: 'in the back', own: true });
    await until('both rooms are there', () => ann.$('room-item').locator('bdi').allTextContents(), (rooms) => [...rooms].sort().join() === 'Back,Front');
    await ann.room('Front').click();
    await ann.shows({ author: 'Ann', text: 'in front', own: true });
    assert.deepEqual(await ann.notices(), ['Ann has joined'], 'a reload is not told as coming in again');

    // The address leads somebody else into the room, as somebody else.
    const bob = await open(ann.page.url());
    assert.notEqual((await bob.filled('name')).name, 'Ann');
    await bob.join({ name: 'Bob' });
    await bob.shows({ author: 'Ann', text: 'in front', own: false });
});

scenario('a window with the shared account comes back, though another window has signed in with another one', async (open) => {
    const at = address({ name: 'Ann', room: 'Accounts', kind: 'history' });
    const ann = await (await open(at)).join();
    await ann.reload();
    await ann.inRoom();
    const mia = await open(address({ name: 'Mia', room: 'Accounts', kind: 'history' }), { context: ann.page.context() });
    await mia.join({ account: 'admin', password: 'password' });
    await ann.reload();
    await ann.inRoom();
    await ann.say('back');
    await ann.shows({ text: 'back', state: 'sent' });
});

scenario('the page works below any path of any static host', async (open) => {
    const below = '/~somebody/pages/chat v1.0/';
    const host = await serveFolders({ [below]: dist });
    try {
        const ann = await open(`${host.origin}${encodeURI(below)}?${new URL(address({ name: 'Ann', room: 'Below', kind: 'live' })).searchParams}`);
        await ann.join();
        await ann.say('from below');
        await ann.shows({ text: 'from below', state: 'sent' });
        await ann.reload();
        const elsewhere = host.requests.filter((path) => !decodeURIComponent(path).startsWith(below) && path !== '/favicon.ico');
        assert.deepEqual(elsewhere, [], 'nothing is asked for elsewhere on the host');
        assert.ok(host.requests.some((path) => path.endsWith('.wasm')));
    } finally {
        await host.close();
    }
});
