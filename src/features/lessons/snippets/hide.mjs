import diffusion from 'diffusion';

const session = await diffusion.connect({
    host: '{{host}}',
    port: {{port}},
    secure: {{secure}},
    path: '{{service_path}}',
    principal: '{{moderator}}',
    credentials: '{{password}}',
});
const json = diffusion.datatypes.json();
const { events } = await session.timeseries.rangeQuery().fromLast(1).as(json).selectFrom('{{history}}');
for (const { originalEvent, value } of events) {
    const { sequence } = originalEvent;
    const hidden = { ...value.get(), text: '████' };
    const edit = await session.timeseries.edit('{{history}}', sequence, hidden, json);
    console.log(`Event ${edit.sequence} hides what event ${sequence} said.`);
}
await session.closeSession();
