// What the sandbox does not support: it refuses at once, and the session continues.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { startSandbox } from '../support/sandbox.mjs';
import { connect, diffusion, failsWith } from '../support/sdk.mjs';

const { UNSUPPORTED } = diffusion.errors;

test('topic views, metric alerts, remote servers and session trees are not supported', async (t) => {
    const sandbox = await startSandbox();
    const session = await connect(sandbox, 'admin');
    t.after(async () => {
        await session.closeSession();
        await sandbox.stop();
    });
    const { topicViews, metrics, remoteServers, sessionTrees } = session;
    const remote = diffusion.newRemoteServerBuilder(1).principal('p').credentials('c').build('remote', 'ws://localhost:1');
    const table = diffusion.newBranchMappingTableBuilder().addBranchMapping('all', 'b').create('a');
    for (const [name, call] of Object.entries({
        createTopicView: () => topicViews.createTopicView('view', 'map ?a// to b/<path(1)>'),
        listTopicViews: () => topicViews.listTopicViews(),
        getTopicView: () => topicViews.getTopicView('view'),
        removeTopicView: () => topicViews.removeTopicView('view'),
        setMetricAlert: () => metrics.setMetricAlert('alert', 'select x'),
        listMetricAlerts: () => metrics.listMetricAlerts(),
        removeMetricAlert: () => metrics.removeMetricAlert('alert'),
        createRemoteServer: () => remoteServers.createRemoteServer(remote),
        checkRemoteServer: () => remoteServers.checkRemoteServer('remote'),
        listRemoteServers: () => remoteServers.listRemoteServers(),
        removeRemoteServer: () => remoteServers.removeRemoteServer('remote'),
        putBranchMappingTable: () => sessionTrees.putBranchMappingTable(table),
        getSessionTreeBranchesWithMappings: () => sessionTrees.getSessionTreeBranchesWithMappings(),
        getBranchMappingTable: () => sessionTrees.getBranchMappingTable('a'),
    })) {
        await t.test(name, () => failsWith(Promise.resolve().then(call), UNSUPPORTED.id));
    }
    assert.ok((await session.pingServer()).rtt >= 0);
});
