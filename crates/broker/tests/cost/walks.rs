//! Looking at many topics, events or listeners, and changing them.

use super::{crowded, fetch, filled, read_on, slices};
use crate::common::{Client, Incoming, World, hash, requests, topics};
use effusion_broker::{Completion, Config, Creator, StoredTopic, bootstrap};
use effusion_protocol::body::{
    ApplyJsonPatchRequest, FetchMetricsRequest, FetchRequest, MetricsServer, RemoveTopicsResponse,
    SelectRequest, TopicMetricCollector, TopicNotificationSelection, TopicNotificationType,
    UpdateConstraint, call,
};
use effusion_protocol::time_series::{Event, EventMetadata, RangeQueryRequest, RangeQueryResponse};
use effusion_protocol::{
    ConversationId, ErrorReason, Message, ServiceId, TopicSpecification, TopicType, decode, encode,
    property,
};

/// Whether the broker has something left to do once a message is served.
fn is_sliced(world: &mut World, client: &mut Client, request: &FetchRequest) -> bool {
    let message = Message::Request {
        service: ServiceId::Fetch,
        conversation: ConversationId(1_000_000),
        body: encode(request, client.version),
    };
    world
        .broker
        .receive(world.now, client.connection, message.encode(client.version));
    world.carry_out();
    world.broker.has_work()
}

/// A world with so many series of one event, which has a value of so many bytes, and an author of another length.
fn series_of(count: usize, events: u64, value: usize, author: usize) -> World {
    let mut snapshot =
        bootstrap::development_snapshot(|password| Ok::<_, ()>(hash(password))).unwrap();
    let event = |sequence| Event {
        metadata: EventMetadata {
            sequence,
            timestamp: 0,
            author: "n".repeat(author),
        },
        original: None,
        value: topics::json(&format!("\"{}\"", "x".repeat(value))),
    };
    let topic = StoredTopic {
        specification: super::series(10_000),
        created_ms: 0,
        creator: Creator::default(),
        value: None,
        events: (0..events).map(event).collect(),
    };
    snapshot.topics = (0..count)
        .map(|number| (format!("series/{number}"), topic.clone()))
        .collect();
    World::with(Config::new([7; 32]), snapshot)
}

#[test]
fn a_fetch_of_large_events_is_sliced_and_one_without_values_copies_none() {
    let mut world = series_of(100, 1, 20_000, 0);
    let mut reader = world.client("admin");
    let mut request = fetch("?series//");
    assert!(!is_sliced(&mut world, &mut reader, &request));
    reader.read_all(&mut world);
    request.with_values = true;
    let count = slices::<call::Fetch>(&mut world, &mut reader, &request);
    assert!(count >= 2, "{count}");
}

#[test]
fn a_query_of_events_with_long_authors_is_sliced() {
    let mut world = series_of(1, 3_000, 0, 1_000);
    let mut reader = world.client("admin");
    let query = RangeQueryRequest::new("series/0");
    let count = slices::<call::RangeQuery>(&mut world, &mut reader, &query);
    assert!(count > 8, "{count}");
}

#[test]
fn a_fetch_of_the_first_topic_looks_at_few() {
    let mut world = crowded(20_000);
    let mut reader = world.client("admin");
    for limit in [1, -1] {
        let mut request = fetch("?many//");
        request.limit = limit;
        assert!(!is_sliced(&mut world, &mut reader, &request), "{limit}");
        reader.read_all(&mut world);
    }
}

#[test]
fn a_fetch_that_looks_at_everything_lets_others_go_first() {
    let mut world = crowded(20_000);
    let mut reader = world.client("admin");
    let mut other = world.client("user");
    assert!(is_sliced(&mut world, &mut reader, &fetch("*.*/nothing")));
    // What the reader asks for afterwards waits, pings apart; the other does not.
    let asked = reader.request_unsettled::<call::Fetch>(&mut world, &fetch(">many"));
    reader.request_unsettled::<call::SystemPing>(&mut world, &());
    other.request_unsettled::<call::Fetch>(&mut world, &fetch(">many"));
    assert_eq!(other.read_all(&mut world).len(), 1);
    assert_eq!(reader.read_all(&mut world).len(), 1);
    assert!(world.broker.has_work());
    world.settle();
    let answers: Vec<_> = reader
        .read_all(&mut world)
        .into_iter()
        .map(|it| match it {
            Incoming::Answer(id, result) => (id.0, result.is_ok()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(answers, [(1_000_000, true), (asked.0, true)]);
}

#[test]
fn topics_on_their_way_are_looked_at_in_slices_when_topics_are_removed() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    world.hold_stores = true;
    let mut users: Vec<Client> = (0..4).map(|_| world.client("user")).collect();
    for (user, number) in users.iter_mut().zip(0..) {
        for topic in 0..900 {
            let path = format!("many/{}/{number}/{topic}", "x".repeat(60));
            let add = topics::add(&path, &TopicSpecification::new(TopicType::Json));
            user.request::<call::AddTopic>(&mut world, &add);
        }
    }
    let removed = |world: &mut World, client: &mut Client, selector: &str| {
        let asked = client.request_unsettled::<call::RemoveTopics>(world, &selector.to_owned());
        let mut slices = 0;
        while world.broker.has_work() {
            world.broker.work(world.now);
            world.carry_out();
            slices += 1;
        }
        (asked, slices)
    };
    // A selector that matches none of them looks at all.
    assert!(removed(&mut world, &mut admin, "?many/.*y.*/.*/.*").1 >= 2);
    let (asked, slices) = removed(&mut world, &mut admin, "?many//");
    assert!(slices >= 10, "{slices}");
    while world.store_one() {}
    assert_eq!(world.broker.topic_count(), 0);
    let answers = admin.read_all(&mut world).into_iter();
    let removed = answers.filter_map(|it| match it {
        Incoming::Answer(id, Ok(body)) if id == asked => Some(body),
        _ => None,
    });
    let removed: Vec<RemoveTopicsResponse> = removed
        .map(|it| decode(it, admin.version).unwrap())
        .collect();
    assert_eq!(removed.len(), 1);
    assert_eq!(removed[0].removed, Some(3_600));
}

#[test]
fn collectors_count_in_slices() {
    let mut world = crowded(20_000);
    let mut admin = world.client("admin");
    for number in 0..10 {
        let collector = TopicMetricCollector {
            name: format!("c{number}"),
            exports: false,
            maximum_groups: 10,
            selector: "?many//".to_owned(),
            by_type: true,
            by_view: false,
            prefix_parts: 2,
        };
        admin
            .call::<call::PutTopicMetricCollector>(&mut world, &collector)
            .unwrap();
    }
    let fetch = FetchMetricsRequest {
        server: MetricsServer::Current,
        names: Vec::new(),
        pattern: String::new(),
    };
    assert!(slices::<call::FetchMetrics>(&mut world, &mut admin, &fetch) > 30);
    let metrics = admin
        .call::<call::FetchMetrics>(&mut world, &fetch)
        .unwrap();
    let topics = metrics.servers[0]
        .1
        .iter()
        .find(|it| it.name == "diffusion_topic_collector_topics")
        .unwrap();
    assert_eq!(topics.samples.len(), 100);
    assert!(
        topics
            .samples
            .iter()
            .all(|it| f64::from_bits(it.bits) == 2_000.0)
    );
}

#[test]
fn a_listener_of_topics_is_told_in_slices() {
    let mut world = crowded(20_000);
    let mut reader = world.client("admin");
    let select = TopicNotificationSelection {
        listener: ConversationId(5),
        selector: "?many//".to_owned(),
    };
    assert!(slices::<call::TopicNotificationSelection>(&mut world, &mut reader, &select) > 10);
}

#[test]
fn a_policy_that_removes_many_topics_lets_others_go_first() {
    let mut world = crowded(20_000);
    let mut control = world.client("control");
    let specification = TopicSpecification::new(TopicType::Json)
        .with(property::REMOVAL, "when no updates for 1s remove '?many//'");
    control
        .call::<call::AddTopic>(&mut world, &topics::add("many/z", &specification))
        .unwrap();
    let mut slices = 0;
    for _ in 0..3 {
        world.now = world.now.plus(1_000);
        world.broker.tick(world.now);
        world.carry_out();
        while world.broker.has_work() {
            world.broker.work(world.now);
            world.carry_out();
            slices += 1;
        }
    }
    assert!(slices > 50, "{slices}");
    assert_eq!(world.broker.topic_count(), 0);
    // What a policy asks of sessions has a bound.
    let filter = vec!["A is 'b'"; 30].join(" or ");
    let policy = format!("when no session has \"{filter}\"");
    let specification = TopicSpecification::new(TopicType::Json).with(property::REMOVAL, &policy);
    let refused = control.call::<call::AddTopic>(&mut world, &topics::add("a", &specification));
    assert_eq!(
        refused.unwrap_err().reason,
        ErrorReason::InvalidTopicSpecification
    );
}

#[test]
fn a_topic_that_many_may_have_selected_lets_others_go_first() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    let mut readers: Vec<Client> = (0..60).map(|_| world.client("client")).collect();
    for reader in &mut readers {
        for number in 0..5 {
            let selector = format!("?[a-z]{{1,200}}x{number}");
            reader
                .call::<call::Subscribe>(&mut world, &SelectRequest::new(&selector))
                .unwrap();
        }
        let all = SelectRequest::new("?abc.*//");
        reader.call::<call::Subscribe>(&mut world, &all).unwrap();
    }
    let path = "abc".repeat(1_300);
    let add = topics::add(&path, &TopicSpecification::new(TopicType::Json));
    let count = slices::<call::AddTopic>(&mut world, &mut admin, &add);
    assert!(count > 3, "{count}");
    for reader in &mut readers {
        read_on(&mut world, reader);
        assert_eq!(reader.topics.len(), 1);
    }
}

/// What a listener of topics is told: of a selected topic, or one below, and of what kind.
fn told(world: &mut World, client: &mut Client) -> Vec<(bool, TopicNotificationType)> {
    let mut all = Vec::new();
    for it in client.read_all(world) {
        let it = vec![it];
        let of_selected = requests::of_service::<call::TopicNotificationEvent>(it.clone(), client);
        all.extend(of_selected.into_iter().map(|(_, it)| (true, it.kind)));
        let below = requests::of_service::<call::TopicDescendantEvent>(it, client);
        all.extend(below.into_iter().map(|(_, it)| (false, it.kind)));
    }
    all
}

#[test]
fn many_listeners_with_costly_selectors_let_others_go_first() {
    let mut world = World::default();
    let mut control = world.client("control");
    let mut listeners: Vec<Client> = (0..100).map(|_| world.client("admin")).collect();
    for listener in &mut listeners {
        for number in 0..10 {
            let select = TopicNotificationSelection {
                listener: ConversationId(5),
                selector: format!("*.*b{number}"),
            };
            listener
                .call::<call::TopicNotificationSelection>(&mut world, &select)
                .unwrap();
        }
    }
    let select = |selector: &str| TopicNotificationSelection {
        listener: ConversationId(5),
        selector: selector.to_owned(),
    };
    let deep = "b1".to_owned() + &"/a".repeat(500);
    let add = topics::add(&deep, &TopicSpecification::new(TopicType::Json));
    let count = slices::<call::AddTopic>(&mut world, &mut control, &add);
    // A selector looks at the path once, not at each of its 500 parts.
    assert!((2..10).contains(&count), "{count}");
    let (added, removed) = (TopicNotificationType::Added, TopicNotificationType::Removed);
    for listener in &mut listeners {
        assert_eq!(told(&mut world, listener), [(false, added)]);
    }
    // Who changes what it listens to meanwhile is told in the order of the changes, and nothing twice.
    control.request_unsettled::<call::RemoveTopics>(&mut world, &format!(">{deep}"));
    control.request_unsettled::<call::AddTopic>(&mut world, &add);
    let [.., before, last] = &mut listeners[..] else {
        panic!("there are listeners");
    };
    last.request_unsettled::<call::TopicNotificationDeselection>(&mut world, &select("*.*b1"));
    before.request_unsettled::<call::TopicNotificationSelection>(&mut world, &select("?.*//"));
    assert!(world.broker.has_work());
    world.settle();
    assert_eq!(told(&mut world, last), [(false, removed)]);
    assert_eq!(told(&mut world, before), [(false, removed), (true, added)]);
}

#[test]
fn costly_changes_that_queued_up_let_others_go_first() {
    let mut world = World::default();
    let mut writer = world.client("user");
    topics::add_json(&mut world, &mut writer, "large");
    world.hold_stores = true;
    let value = format!("[{}]", vec!["1"; 60_000].join(","));
    writer.request::<call::SetTopic>(&mut world, &topics::set("large", &value));
    let patch = ApplyJsonPatchRequest {
        path: "large".into(),
        patch: r#"[{"op":"test","path":"","value":0}]"#.into(),
        constraint: UpdateConstraint::Unconstrained,
    };
    for _ in 0..10 {
        writer.request::<call::ApplyJsonPatch>(&mut world, &patch);
    }
    world.hold_stores = false;
    let (ticket, _) = world.pending.pop_front().unwrap();
    let stored = Completion::Stored(Ok(()));
    world.broker.completed(world.now, ticket, stored);
    let mut inputs = 0;
    let mut answered = 0;
    while world.broker.has_work() {
        world.carry_out();
        let now = writer.read_all(&mut world).len();
        assert!(now <= 4, "{now} in one input");
        answered += now;
        inputs += 1;
        world.broker.work(world.now);
    }
    world.carry_out();
    answered += writer.read_all(&mut world).len();
    assert_eq!(answered, 11);
    assert!(inputs >= 3, "{inputs}");
}

#[test]
fn a_long_answer_is_written_in_slices_and_tells_of_one_moment() {
    let mut world = World::default();
    let mut control = world.client("control");
    filled(&mut world, &mut control, 12_000, 12_000);
    let query = RangeQueryRequest::new("s");
    assert!(slices::<call::RangeQuery>(&mut world, &mut control, &query) >= 2);
    let mut reader = world.client("admin");
    let asked = reader.request_unsettled::<call::RangeQuery>(&mut world, &query);
    assert!(world.broker.has_work());
    // What comes meanwhile, and what is discarded for it, does not concern the answer.
    for number in 0..10 {
        let append = topics::append("s", &format!("-{number}"));
        control.request_unsettled::<call::TimeSeriesAppend>(&mut world, &append);
    }
    world.settle();
    let answer = reader
        .read_all(&mut world)
        .into_iter()
        .find_map(|it| match it {
            Incoming::Answer(id, result) if id == asked => Some(result.unwrap()),
            _ => None,
        });
    let answer: RangeQueryResponse = decode(answer.unwrap(), reader.version).unwrap();
    assert_eq!((answer.selected, answer.events.len()), (12_000, 12_000));
    assert!(answer.is_complete());
    let sequences = answer.events.iter().map(|it| it.metadata.sequence);
    assert!(sequences.eq(0..12_000));
    // So many events that the first ones asked for are discarded before they are written: the answer begins anew.
    let asked = reader.request_unsettled::<call::RangeQuery>(&mut world, &query);
    for number in 0..12_000 {
        let append = topics::append("s", &number.to_string());
        control.request_unsettled::<call::TimeSeriesAppend>(&mut world, &append);
    }
    world.settle();
    let answer = reader
        .read_all(&mut world)
        .into_iter()
        .find_map(|it| match it {
            Incoming::Answer(id, result) if id == asked => Some(result.unwrap()),
            _ => None,
        });
    let answer: RangeQueryResponse = decode(answer.unwrap(), reader.version).unwrap();
    let sequences = answer.events.iter().map(|it| it.metadata.sequence);
    assert!(sequences.eq(12_010..24_010));
}
