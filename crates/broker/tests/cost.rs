//! What requests may cost: none keeps the others from being served.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use bytes::Bytes;
use common::{Client, Incoming, Seen, World, hash, topics};
use effusion_broker::{Config, Creator, StoredTopic, bootstrap};
use effusion_protocol::body::{
    FetchRequest, SelectRequest, SessionLockRequest, SessionLockScope, call,
};
use effusion_protocol::time_series::{QueryRange, QueryType, RangeQueryRequest};
use effusion_protocol::{
    ConversationId, ErrorReason, Message, ServiceId, TopicSpecification, TopicType,
    UnsubscribeReason, encode, property,
};
use std::collections::VecDeque;

fn fetch(selector: &str) -> FetchRequest {
    FetchRequest::new(selector)
}

/// A world with so many topics `many/…/branch/…`.
fn crowded(count: usize) -> World {
    let mut snapshot =
        bootstrap::development_snapshot(|password| Ok::<_, ()>(hash(password))).unwrap();
    snapshot.topics = (0..count)
        .map(|number| {
            let topic = StoredTopic {
                specification: TopicSpecification::new(TopicType::Json),
                created_ms: 0,
                creator: Creator::default(),
                value: Some(topics::json("1")),
                events: Vec::new(),
            };
            (format!("many/{}/branch/{number}", number % 10), topic)
        })
        .collect();
    World::with(Config::new([7; 32]), snapshot)
}

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
fn specifications_have_a_size() {
    let mut world = World::default();
    let mut control = world.client("control");
    let mut many = TopicSpecification::new(TopicType::Json);
    many.properties = (0..100_000)
        .map(|it| (format!("k{it}"), String::new()))
        .collect();
    let long = TopicSpecification::new(TopicType::Json).with("note", &"x".repeat(100_000));
    let condition = "no updates for 9d";
    let policy = |count| {
        let text = format!("when {}", vec![condition; count].join(" or "));
        TopicSpecification::new(TopicType::Json).with(property::REMOVAL, &text)
    };
    for specification in [&many, &long, &policy(65), &policy(45_000)] {
        for _ in 0..2 {
            let refused = control
                .call::<call::AddTopic>(&mut world, &topics::add("a", specification))
                .unwrap_err();
            // One of hundreds of kilobytes is not even read.
            assert!(matches!(
                refused.reason,
                ErrorReason::InvalidTopicSpecification | ErrorReason::InvalidData
            ));
            assert!(refused.message.len() < 1_000, "{}", refused.message);
        }
    }
    control
        .call::<call::AddTopic>(&mut world, &topics::add("a", &policy(1)))
        .unwrap();
    world.pass(60_000);
    assert_eq!(world.broker.topic_count(), 1);
}

/// A policy that was stored before there was a bound ended the process, at this start and at every later one.
#[test]
fn a_stored_policy_that_is_too_long_is_told_and_left_out() {
    let mut world = World::default();
    let mut control = world.client("control");
    control
        .call::<call::AddTopic>(
            &mut world,
            &topics::add("a", &TopicSpecification::new(TopicType::Json)),
        )
        .unwrap();
    let policy = format!(
        "when {}this session closes",
        "no updates for 9d or ".repeat(45_000)
    );
    let (_, topic) = world.stored.topics.last_mut().unwrap();
    topic.specification = topic.specification.clone().with(property::REMOVAL, &policy);
    world.restart();
    let notices = world.broker.take_notices();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("the stored topic 'a'"), "{notices:?}");
    assert!(notices[0].len() < 1_000);
    world.pass(10_000);
    assert_eq!(world.broker.topic_count(), 1);
    let mut control = world.client("control");
    control
        .call::<call::SetTopic>(&mut world, &topics::set("a", "1"))
        .unwrap();
}

/// Reads what came, and answers pings, until nothing more comes.
fn read_on(world: &mut World, client: &mut Client) -> Vec<Seen> {
    let mut all = Vec::new();
    loop {
        let incoming = client.read_all(world);
        if incoming.is_empty() {
            return all;
        }
        for it in incoming {
            match it {
                Incoming::Seen(seen) => all.push(seen),
                Incoming::Request(Message::Request {
                    service: ServiceId::SystemPing,
                    conversation,
                    ..
                }) => {
                    let answer = Message::Response {
                        service: Some(ServiceId::SystemPing),
                        conversation,
                        body: Bytes::new(),
                    };
                    client.send(world, answer.encode(client.version));
                }
                Incoming::Answer(..) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// How much waits for a client that does not read.
fn unread(world: &World, client: &Client) -> usize {
    world.sent.get(&client.connection).map_or(0, VecDeque::len)
}

#[test]
fn any_number_of_topics_reaches_a_subscriber_at_its_pace() {
    let mut world = crowded(5_000);
    world.config.limits.window_messages = 500;
    world.config.limits.confirm_messages = 100;
    world.config.limits.recovery_messages = 1_000;
    world.restart();
    let mut reader = world.client("admin");
    reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?many//"));
    // What it has not read is bounded.
    assert!(unread(&world, &reader) < 600);
    let seen = read_on(&mut world, &mut reader);
    assert_eq!(seen.len(), 10_000);
    assert_eq!(reader.topics.len(), 5_000);
    assert_eq!(world.closed.len(), 0);
    // And so do the ends.
    let mut control = world.client("control");
    control.request::<call::RemoveTopics>(&mut world, &"?many//".to_owned());
    assert_eq!(read_on(&mut world, &mut reader).len(), 5_000);
    assert_eq!(reader.topics.len(), 0);
    assert_eq!(world.closed.len(), 0);
}

fn series(limit: usize) -> TopicSpecification {
    let range = format!("limit {limit}");
    topics::history()
        .with(property::TIME_SERIES_RETAINED_RANGE, &range)
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, &range)
        .with(property::PERSISTENT, "false")
}

/// A series of so many events.
fn filled(world: &mut World, control: &mut Client, events: usize, limit: usize) {
    control.request::<call::AddTopic>(world, &topics::add("s", &series(limit)));
    for number in 0..events {
        control.request::<call::TimeSeriesAppend>(world, &topics::append("s", &number.to_string()));
        if number % 1_000 == 0 {
            read_on(world, control);
        }
    }
    read_on(world, control);
}

#[test]
fn a_long_series_reaches_a_subscriber_in_order_while_it_goes_on() {
    let mut world = World::default();
    let mut control = world.client("control");
    filled(&mut world, &mut control, 25_000, 30_000);
    let mut reader = world.client("client");
    reader.request::<call::Subscribe>(&mut world, &SelectRequest::new(">s"));
    for number in 25_000..25_100 {
        control.request::<call::TimeSeriesAppend>(
            &mut world,
            &topics::append("s", &number.to_string()),
        );
    }
    read_on(&mut world, &mut control);
    let seen = topics::events(read_on(&mut world, &mut reader));
    let sequences: Vec<u64> = seen.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, (0..25_100).collect::<Vec<u64>>());
    assert_eq!(world.closed.len(), 0);
}

#[test]
fn who_reads_a_series_too_slowly_catches_up_or_loses_the_subscription_alone() {
    let mut config = Config::new([7; 32]);
    config.limits.recovery_bytes = 4_000;
    config.limits.window_bytes = 1_000;
    config.limits.confirm_bytes = 400;
    let mut world = World::new(config);
    let mut control = world.client("control");
    control.request::<call::AddTopic>(&mut world, &topics::add("s", &series(100)));
    read_on(&mut world, &mut control);
    let mut reader = world.client("client");
    topics::select(&mut reader, &mut world, ">s");
    let append = |world: &mut World, control: &mut Client, count: usize| {
        let text = format!("\"{}\"", "x".repeat(100));
        for _ in 0..count {
            control.request::<call::TimeSeriesAppend>(world, &topics::append("s", &text));
            read_on(world, control);
        }
    };
    // More than may wait, but not more than the series keeps.
    append(&mut world, &mut control, 90);
    let seen = topics::events(read_on(&mut world, &mut reader));
    assert_eq!(seen.len(), 90);
    // More than the series keeps.
    append(&mut world, &mut control, 200);
    let seen = read_on(&mut world, &mut reader);
    assert_eq!(
        seen.last(),
        Some(&Seen::Unsubscribed(
            "s".to_owned(),
            UnsubscribeReason::BackPressure
        ))
    );
    assert_eq!(world.closed.len(), 0);
}

#[test]
fn an_answer_that_nobody_reads_keeps_the_next_requests_waiting() {
    let mut world = World::default();
    let mut control = world.client("control");
    control.request::<call::AddTopic>(&mut world, &topics::add("s", &series(100)));
    let text = format!("\"{}\"", "x".repeat(500_000));
    for _ in 0..40 {
        control.request::<call::TimeSeriesAppend>(&mut world, &topics::append("s", &text));
        read_on(&mut world, &mut control);
    }
    let mut reader = world.client("client");
    let query = RangeQueryRequest {
        path: "s".to_owned(),
        query_type: QueryType::Values,
        view: QueryRange::ALL,
        edits: QueryRange::ALL,
        limit: u64::MAX,
    };
    for _ in 0..10 {
        reader.request::<call::RangeQuery>(&mut world, &query);
    }
    let waiting: usize = world
        .sent
        .get(&reader.connection)
        .map_or(0, |sent| sent.iter().map(Bytes::len).sum());
    assert!(waiting < 25_000_000, "{waiting}");
    // A client that reads gets all of them.
    let before = reader.received;
    read_on(&mut world, &mut reader);
    assert!(reader.received >= before + 10);
    assert_eq!(world.closed.len(), 0);
}

#[test]
fn names_and_expressions_have_a_length_and_a_number() {
    let mut world = World::default();
    let mut control = world.client("control");
    let lock = |name: String, request| SessionLockRequest {
        name,
        request,
        scope: SessionLockScope::UnlockOnSessionLoss,
    };
    let refused = control
        .call::<call::AcquireSessionLock>(&mut world, &lock("/".repeat(5_000), 1))
        .unwrap_err();
    assert_eq!(refused.reason, ErrorReason::InvalidData);
    let refused = (0..2_000).find_map(|number| {
        let answer = control
            .call::<call::AcquireSessionLock>(&mut world, &lock(format!("l{number}"), number));
        read_on(&mut world, &mut control);
        answer.err()
    });
    assert!(refused.unwrap().message.contains("session locks"));
    // Deselections are remembered as well as selections are.
    let mut reader = world.client("client");
    topics::select(&mut reader, &mut world, "?.*//");
    let refused = (0..2_000).find_map(|number| {
        let selector = SelectRequest::new(&format!(">a/{number}"));
        let answer = reader.call::<call::Unsubscribe>(&mut world, &selector);
        read_on(&mut world, &mut reader);
        answer.err()
    });
    assert!(refused.unwrap().message.contains("topic selections"));
    let mut scope = SelectRequest::new(">a");
    scope.scope = "s".repeat(5_000);
    assert!(reader.call::<call::Subscribe>(&mut world, &scope).is_err());
}

#[test]
fn topics_have_a_quota_in_bytes() {
    let mut config = Config::new([7; 32]);
    config.limits.topic_bytes = 1_000_000;
    config.limits.topic_bytes_per_principal = 300_000;
    let mut world = World::new(config);
    let mut control = world.client("control");
    let mut admin = world.client("admin");
    topics::add_json(&mut world, &mut control, "value");
    control
        .call::<call::AddTopic>(&mut world, &topics::add("s", &series(5)))
        .unwrap();
    let text = |length: usize| format!("\"{}\"", "x".repeat(length));
    let small = text(20_000);
    let mut append = |world: &mut World, text: &str| {
        control.call::<call::TimeSeriesAppend>(world, &topics::append("s", text))
    };
    // A series that is full goes on for ever.
    for _ in 0..100 {
        append(&mut world, &small).unwrap();
    }
    let refused = append(&mut world, &text(250_000)).unwrap_err();
    assert_eq!(refused.reason, ErrorReason::TopicLicenceLimit);
    // The quota is that of whoever added the topic.
    let refused = admin
        .call::<call::SetTopic>(&mut world, &topics::set("value", &text(200_000)))
        .unwrap_err();
    assert_eq!(refused.reason, ErrorReason::TopicLicenceLimit);
    admin
        .call::<call::SetTopic>(&mut world, &topics::set("value", &small))
        .unwrap();
    // Topics without anything in them take memory, too.
    let refused = (0..2_000).find_map(|number| {
        let request = topics::add(
            &format!("t{number}"),
            &TopicSpecification::new(TopicType::Json),
        );
        let answer = admin.call::<call::AddTopic>(&mut world, &request);
        read_on(&mut world, &mut admin);
        answer.err()
    });
    assert!(refused.unwrap().message.contains("one principal"));
    // What is removed is given back.
    control
        .call::<call::RemoveTopics>(&mut world, &">s".to_owned())
        .unwrap();
    admin
        .call::<call::SetTopic>(&mut world, &topics::set("value", &text(100_000)))
        .unwrap();
}

#[test]
fn what_waits_for_all_clients_together_is_bounded() {
    let mut config = Config::new([7; 32]);
    config.limits.waiting_bytes = 1_000_000;
    config.limits.confirm_bytes = 20_000;
    let mut world = World::new(config);
    let mut control = world.client("control");
    let specification = TopicSpecification::new(TopicType::Json)
        .with(property::CONFLATION, "off")
        .with(property::PUBLISH_VALUES_ONLY, "true");
    control
        .call::<call::AddTopic>(&mut world, &topics::add("value", &specification))
        .unwrap();
    let mut readers: Vec<Client> = (0..10).map(|_| world.client("client")).collect();
    for reader in &mut readers {
        topics::select(reader, &mut world, ">value");
    }
    let mut quick = world.client("client");
    topics::select(&mut quick, &mut world, ">value");
    for number in 0..100 {
        let text = format!("\"{number}{}\"", "x".repeat(20_000));
        control.request::<call::SetTopic>(&mut world, &topics::set("value", &text));
        read_on(&mut world, &mut control);
        read_on(&mut world, &mut quick);
    }
    // Those that do not read are closed, and not whoever reads.
    assert!(
        readers
            .iter()
            .any(|it| world.closed.contains_key(&it.connection))
    );
    assert!(!world.closed.contains_key(&quick.connection));
    assert!(!world.closed.contains_key(&control.connection));
}
