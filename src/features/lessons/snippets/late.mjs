import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{principal}}',
    credentials: '{{password}}',
});
const stream = session.addStream('{{history}}', diffusion.datatypes.timeseries(diffusion.datatypes.json()));
const received = new Promise((resolve) => {
    stream.on('value', (path, specification, newEvent, oldEvent) => resolve(newEvent));
});
await session.select('>{{history}}');
const { sequence, author, value } = await received;
console.log(`Event ${sequence} by ${author}:`, value.get());
await session.closeSession();
