"""What the sandbox does not have, and says so."""

from diffusion.features.control.metrics.session_metrics import SessionMetricCollectorBuilder
from referee import fails, test


@test("metric collectors and session trees are not there")
async def unsupported(sandbox):
    session = await sandbox.session("admin")
    collector = SessionMetricCollectorBuilder().group_by_property("$Principal").create("sessions", "all")
    for call in (
        session.metrics.put_session_metric_collector(collector),
        session.metrics.list_session_metric_collectors(),
        session.metrics.remove_session_metric_collector("sessions"),
        session.metrics.list_topic_metric_collectors(),
        session.metrics.remove_topic_metric_collector("topics"),
        session.session_trees.get_session_tree_branches_with_mappings(),
        session.session_trees.get_branch_mapping_table("a"),
    ):
        await fails(call, "ServiceMessageError", "does not support")
