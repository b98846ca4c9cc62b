import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{account}}',
    credentials: '{{password}}',
});
console.log(`Signed in as ${session.getPrincipal()}.`);
await session.closeSession();
