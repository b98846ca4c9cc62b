import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{principal}}',
    credentials: '{{password}}',
});
await session.topics.add('{{live}}', diffusion.topics.TopicType.JSON);
const stream = session.addStream('{{live}}', diffusion.datatypes.json());
const subscribed = new Promise((resolve) => stream.on('subscribe', resolve));
await session.select('>{{live}}');
console.log(`Subscribed to ${await subscribed}.`);
await session.closeSession();
