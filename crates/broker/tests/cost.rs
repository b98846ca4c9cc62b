//! What requests may cost: none keeps the others from being served.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use common::{Client, Incoming, World, hash, topics};
use effusion_broker::{Config, Creator, StoredTopic, bootstrap};
use effusion_protocol::body::{FetchRequest, call};
use effusion_protocol::{ErrorReason, TopicSpecification, TopicType, property};

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
                value: None,
                events: Vec::new(),
            };
            (format!("many/{}/branch/{number}", number % 10), topic)
        })
        .collect();
    World::with(Config::new([7; 32]), snapshot)
}

/// Whether the broker has something left to do once a message is served.
fn is_sliced(world: &mut World, client: &mut Client, request: &FetchRequest) -> bool {
    use effusion_protocol::{ConversationId, Message, encode};
    let message = Message::Request {
        service: effusion_protocol::ServiceId::Fetch,
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
            assert_eq!(refused.reason, ErrorReason::InvalidTopicSpecification);
            assert!(refused.message.len() < 1_000, "{}", refused.message);
        }
    }
    control
        .call::<call::AddTopic>(&mut world, &topics::add("a", &policy(64)))
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
