"""Metric collectors. The SDK for Python cannot read what they count."""

from diffusion.features.control.metrics.session_metrics import SessionMetricCollectorBuilder
from diffusion.features.control.metrics.topic_metrics import TopicMetricCollectorBuilder
from referee import equal, fails, test


@test("session metric collectors are added, listed and removed")
async def sessions(sandbox):
    session = await sandbox.session("admin")
    builder = SessionMetricCollectorBuilder().group_by_property("$Principal").remove_metrics_with_no_matches(True)
    await session.metrics.put_session_metric_collector(builder.create("py sessions", "$Principal is 'user'"))
    [collector] = await session.metrics.list_session_metric_collectors()
    equal((collector.name, collector.session_filter), ("py sessions", "$Principal is 'user'"))
    bad = SessionMetricCollectorBuilder().create("py bad", "nonsense")
    await fails(session.metrics.put_session_metric_collector(bad), "Exception", "ilter")
    await session.metrics.remove_session_metric_collector("py sessions")
    equal(list(await session.metrics.list_session_metric_collectors()), [])


@test("topic metric collectors are added, listed and removed")
async def topics(sandbox):
    session = await sandbox.session("admin")
    builder = TopicMetricCollectorBuilder().group_by_topic_type(True).group_by_path_prefix_parts(2)
    await session.metrics.put_topic_metric_collector(builder.create("py topics", "?Py//"))
    [collector] = await session.metrics.list_topic_metric_collectors()
    equal((collector.name, collector.topic_selector), ("py topics", "?Py//"))
    await session.metrics.remove_topic_metric_collector("py topics")
    equal(list(await session.metrics.list_topic_metric_collectors()), [])


@test("permissions for metric collectors")
async def rights(sandbox):
    session = await sandbox.session()
    collector = SessionMetricCollectorBuilder().create("py denied", "all")
    await fails(session.metrics.put_session_metric_collector(collector), "ServiceMessageError", "CONTROL_SERVER")
    await fails(session.metrics.remove_topic_metric_collector("x"), "ServiceMessageError", "CONTROL_SERVER")
    await fails(session.metrics.list_session_metric_collectors(), "ServiceMessageError", "VIEW_SERVER")
