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
console.log(`The script has ${script.length} characters.`);
await session.closeSession();
