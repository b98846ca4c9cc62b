import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{principal}}',
    credentials: '{{password}}',
});
const json = diffusion.datatypes.json();
const message = { text: '{{text}}', name: '{{name}}', timestamp: new Date().toISOString() };
const original = await session.timeseries.append('{{history}}', message, json);
const edited = { ...message, text: `${message.text} (edited)` };
const event = await session.timeseries.edit('{{history}}', original.sequence, edited, json);
console.log(`Event ${event.sequence} edits event ${original.sequence}.`);
await session.closeSession();
