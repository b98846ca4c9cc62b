import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{moderator}}',
    credentials: '{{password}}',
});
const rules = { words: ['heck', 'darn*'], patterns: [], bleep: '█', warn: true, mute_after: 3, mute_lasts: 15 };
await session.topics.add('Effusion/moderation/rules', diffusion.topics.TopicType.JSON);
await session.topicUpdate.set('Effusion/moderation/rules', diffusion.datatypes.json(), rules);
console.log('The rules are', rules);
await session.closeSession();
