import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{moderator}}',
    credentials: '{{password}}',
});
const permissions = await session.security.getGlobalPermissions();
console.log(`May: ${permissions.join(', ')}.`);
await session.closeSession();
