import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{principal}}',
    credentials: '{{password}}',
});
const specification = new diffusion.topics.TopicSpecification(diffusion.topics.TopicType.TIME_SERIES, {
    TIME_SERIES_EVENT_VALUE_TYPE: 'json',
    TIME_SERIES_RETAINED_RANGE: 'limit 100',
    TIME_SERIES_SUBSCRIPTION_RANGE: 'limit 100',
});
const result = await session.topics.add('{{history}}', specification);
console.log(result.added ? 'The topic was added.' : 'There was such a topic.');
await session.closeSession();
