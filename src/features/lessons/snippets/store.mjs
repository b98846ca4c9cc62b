import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{registrar}}',
    credentials: '{{password}}',
});
const script = session.security
    .authenticationScriptBuilder()
    .addPrincipal('{{account}}', '{{password}}', ['CLIENT', 'TOPIC_CONTROL'])
    .build();
await session.security.updateAuthenticationStore(script);
console.log('The account was added.');
await session.closeSession();
