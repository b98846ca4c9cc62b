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
stream.on({
    subscribe: (path, specification) => console.log(`Subscribed to ${path}.`),
    value: (path, specification, newValue, oldValue) => console.log(newValue.get()),
});
// The handler is called once the topic is selected: see the next step.
await session.closeSession();
