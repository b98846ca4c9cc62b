//! What the broker counts, and for whom.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use common::World;
use common::topics::{add_json, run_script};
use effusion_protocol::ErrorReason;
use effusion_protocol::body::{
    FetchMetricsRequest, MetricSample, MetricsServer, SessionMetricCollector, TopicMetricCollector,
    call,
};

fn sessions(name: &str, filter: &str, removes_unmatched: bool) -> SessionMetricCollector {
    SessionMetricCollector {
        name: name.into(),
        exports: false,
        maximum_groups: 2,
        removes_unmatched,
        filter: filter.into(),
        group_by: vec!["$Principal".into()],
    }
}

/// The samples of a metric, as labels and numbers.
fn samples(world: &mut World, metric: &str) -> Vec<(Vec<String>, f64)> {
    let mut admin = world.client("admin");
    let request = FetchMetricsRequest {
        names: vec![metric.into()],
        pattern: String::new(),
        server: MetricsServer::Current,
    };
    let metrics = admin.call::<call::FetchMetrics>(world, &request).unwrap();
    let all: Vec<MetricSample> = metrics
        .servers
        .into_iter()
        .flat_map(|(_, collections)| collections)
        .flat_map(|collection| collection.samples)
        .collect();
    admin.send(
        world,
        effusion_protocol::Message::Close.encode(admin.version),
    );
    all.into_iter()
        .map(|it| (it.label_values.clone(), it.value()))
        .collect()
}

#[test]
fn sessions_are_counted_by_groups() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    for collector in [
        sessions("keeps", "not $Principal is 'admin'", false),
        sessions("forgets", "not $Principal is 'admin'", true),
    ] {
        let mistakes = admin
            .call::<call::PutSessionMetricCollector>(&mut world, &collector)
            .unwrap();
        assert_eq!(mistakes, []);
    }
    let mut users = [
        world.client("user"),
        world.client("user"),
        world.client("client"),
    ];
    // A third group is one too many.
    world.client("operator");
    users[2].cut(&mut world);
    let group = |collector: &str, principal: &str, number| {
        (vec![collector.to_owned(), principal.to_owned()], number)
    };
    let open = samples(&mut world, "diffusion_session_collector_open");
    assert_eq!(open.len(), 4);
    assert_eq!(open[0], group("forgets", "client", 1.0));
    assert_eq!(open[3], group("keeps", "user", 2.0));
    let connected = samples(&mut world, "diffusion_session_collector_connected");
    assert_eq!(connected[2], group("keeps", "client", 0.0));
    world.pass(60_001);
    let open = samples(&mut world, "diffusion_session_collector_open");
    assert!(open.contains(&group("keeps", "client", 0.0)), "{open:?}");
    assert!(
        !open
            .iter()
            .any(|(labels, _)| labels == &["forgets", "client"])
    );
    // What is no filter is told, and replaces nothing.
    let bad = sessions("keeps", "nonsense", false);
    let mistakes = admin.call::<call::PutSessionMetricCollector>(&mut world, &bad);
    assert_eq!(mistakes.unwrap().len(), 1);
    let list = admin.call::<call::ListSessionMetricCollectors>(&mut world, &());
    let names: Vec<String> = list.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["forgets", "keeps"]);
    let nameless = sessions("", "all", false);
    let refused = admin.call::<call::PutSessionMetricCollector>(&mut world, &nameless);
    assert_eq!(refused.unwrap_err().reason, ErrorReason::InvalidData);
}

#[test]
fn topics_are_counted_by_type_and_place() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    for path in ["a/x", "a/y", "b"] {
        add_json(&mut world, &mut admin, path);
    }
    let collector = TopicMetricCollector {
        name: "places".into(),
        exports: false,
        maximum_groups: 10,
        selector: "?.*//".into(),
        by_type: true,
        by_view: false,
        prefix_parts: 1,
    };
    admin
        .call::<call::PutTopicMetricCollector>(&mut world, &collector)
        .unwrap();
    let counted = samples(&mut world, "diffusion_topic_collector_topics");
    let labels = |prefix: &str| vec!["places".to_owned(), "Json".to_owned(), prefix.to_owned()];
    assert_eq!(counted, [(labels("a"), 2.0), (labels("b"), 1.0)]);
    assert_eq!(samples(&mut world, "diffusion_topics"), [(vec![], 3.0)]);
    // Topics that the fetching session may not see are not among them.
    run_script(
        &mut world,
        "set 'ADMINISTRATOR' path 'a/x' permissions []\nisolate path 'a/x'",
    );
    let counted = samples(&mut world, "diffusion_topic_collector_topics");
    assert_eq!(counted, [(labels("a"), 1.0), (labels("b"), 1.0)]);
    run_script(&mut world, "isolate path 'b'");
    let counted = samples(&mut world, "diffusion_topic_collector_topics");
    assert_eq!(counted, [(labels("a"), 1.0)]);
    admin
        .call::<call::RemoveTopicMetricCollector>(&mut world, &"places".to_owned())
        .unwrap();
    assert_eq!(samples(&mut world, "diffusion_topic_collector_topics"), []);
}

#[test]
fn counting_needs_rights() {
    let mut world = World::default();
    let mut operator = world.client("operator");
    let refused = operator
        .call::<call::PutSessionMetricCollector>(&mut world, &sessions("x", "all", false))
        .unwrap_err();
    assert_eq!(refused.reason, ErrorReason::AccessDenied);
    let list = operator.call::<call::ListTopicMetricCollectors>(&mut world, &());
    assert_eq!(list, Ok(vec![]));
    let mut client = world.client("client");
    let refused = client.call::<call::ListTopicMetricCollectors>(&mut world, &());
    assert_eq!(refused.unwrap_err().reason, ErrorReason::AccessDenied);
}
