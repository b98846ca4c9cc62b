import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{principal}}',
    credentials: '{{password}}',
});
const query = session.timeseries.rangeQuery().fromLast(20).as(diffusion.datatypes.json());
const { events } = await query.selectFrom('{{history}}');
for (const { sequence, author, value } of events) {
    console.log(`Event ${sequence} by ${author}:`, value.get());
}
await session.closeSession();
