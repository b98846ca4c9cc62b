// The least that a chat page built on the vendor's SDK does: what `first_message.bench.mjs` compares ours with. A form
// that the address fills in, and a history room, its messages shown with author and time.

/* global diffusion */

const query = new URLSearchParams(location.search);
const form = document.querySelector('form');
const list = document.querySelector('ol');
form.elements.name.value = query.get('name');
form.elements.room.value = query.get('room');

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
    const topic = `Chat/${form.elements.room.value}`;
    session.addStream(topic, diffusion.datatypes.timeseries(diffusion.datatypes.json())).on('value', (_path, _specification, next) => {
        const { text, name } = next.value.get();
        const item = document.createElement('li');
        item.dataset.testid = 'message';
        const time = new Date(next.timestamp).toLocaleTimeString();
        item.textContent = `${name} ${time}\n${text}`;
        list.append(item);
    });
    await session.select(topic);
});
form.querySelector('button').disabled = false;
