// The least that a chat page built on the vendor's SDK does: what the measurements compare ours with. A form that the
// address fills in, and a history room, its messages shown with author and time and all kept in the document, as a plain
// page does; the newest stays in sight, and one can write.

/* global diffusion */

const query = new URLSearchParams(location.search);
const form = document.querySelector('#join');
const composer = document.querySelector('#composer');
const list = document.querySelector('ol');
form.elements.name.value = query.get('name');
form.elements.room.value = query.get('room');

let scrolling = false;

/** Once a frame, however many messages have come: to do it for each would have the browser lay out the page for each. */
function keepNewestInSight() {
    if (!scrolling) {
        scrolling = true;
        requestAnimationFrame(() => {
            scrolling = false;
            scrollTo(0, document.documentElement.scrollHeight);
        });
    }
}

form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const session = await diffusion.connect({
        host: query.get('host'),
        port: Number(query.get('port')),
        secure: false,
        principal: 'user',
        credentials: form.elements.password.value,
    });
    form.hidden = true;
    const json = diffusion.datatypes.json();
    const topic = `Chat/${form.elements.room.value}`;
    session.addStream(topic, diffusion.datatypes.timeseries(json)).on('value', (_path, _specification, next) => {
        const { text, name } = next.value.get();
        const item = document.createElement('li');
        item.dataset.testid = 'message';
        const time = new Date(next.timestamp).toLocaleTimeString();
        item.textContent = `${name} ${time}\n${text}`;
        list.append(item);
        keepNewestInSight();
    });
    await session.select(topic);
    composer.addEventListener('submit', async (event) => {
        event.preventDefault();
        const { text } = composer.elements;
        const message = { text: text.value, name: form.elements.name.value, timestamp: new Date().toISOString() };
        text.value = '';
        await session.timeseries.append(topic, message, json);
    });
    composer.hidden = false;
});
form.querySelector('button').disabled = false;
