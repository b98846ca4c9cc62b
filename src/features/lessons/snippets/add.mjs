import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{principal}}',
    credentials: '{{password}}',
});
const result = await session.topics.add('{{live}}', diffusion.topics.TopicType.JSON);
console.log(result.added ? 'The topic was added.' : 'There was such a topic.');
await session.closeSession();
