import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{principal}}',
    credentials: '{{password}}',
});
const message = { text: '{{text}}', name: '{{name}}', timestamp: new Date().toISOString() };
const event = await session.timeseries.append('{{history}}', message, diffusion.datatypes.json());
console.log(`Event ${event.sequence} by ${event.author}.`);
await session.closeSession();
