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
const message = { text: '{{text}}', name: '{{name}}', timestamp: new Date().toISOString() };
await session.topicUpdate.set('{{live}}', diffusion.datatypes.json(), message);
console.log('The topic has the value', message);
await session.closeSession();
