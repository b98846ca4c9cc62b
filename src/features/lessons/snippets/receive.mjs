import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{principal}}',
    credentials: '{{password}}',
});
const stream = session.addStream('{{live}}', diffusion.datatypes.json());
const received = new Promise((resolve) => {
    stream.on('value', (path, specification, newValue, oldValue) => resolve(newValue.get()));
});
await session.select('>{{live}}');
console.log('Received', await received);
await session.closeSession();
