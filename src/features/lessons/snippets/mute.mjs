import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{moderator}}',
    credentials: '{{password}}',
});
const role = 'Muted {{account}}';
const rights = session.security
    .securityScriptBuilder()
    .setPathPermissions(role, '{{history}}', ['SELECT_TOPIC', 'READ_TOPIC'])
    .build();
await session.security.updateSecurityStore(rights);
const roles = session.security.authenticationScriptBuilder().assignRoles('{{account}}', [role]).build();
await session.security.updateAuthenticationStore(roles);
console.log('{{account}} may only read from now on.');
await session.closeSession();
