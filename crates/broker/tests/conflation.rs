//! What waits for clients that are away or too slow: conflation, priority, and what goes with the end of a subscription.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use bytes::Bytes;
use common::topics::{add, append, history, set};
use common::{Client, Incoming, Seen, World};
use effusion_broker::{Config, ConnectionEnd, Limits};
use effusion_protocol::body::{Call, SelectRequest, SetConflationRequest, call};
use effusion_protocol::time_series::Event;
use effusion_protocol::{
    CloseReason, Message, ProtocolVersion, ResponseCode, ServiceId, TopicSpecification, TopicType,
    UnsubscribeReason, decode, property,
};
use proptest::prelude::*;

/// A world in which three messages are on their way to a client, and twelve more may wait; under pressure with more than 4.
fn world() -> World {
    let limits = Limits {
        window_messages: 3,
        recovery_messages: 16,
        confirm_messages: 2,
        ..Limits::default()
    };
    World::new(Config {
        limits,
        ..Config::new([5; 32])
    })
}

fn specification(properties: &[(&str, &str)]) -> TopicSpecification {
    properties.iter().fold(
        TopicSpecification::new(TopicType::Json),
        |it, (name, value)| it.with(name, value),
    )
}

/// A writer, and a reader that is subscribed to the topics and then away.
fn away(world: &mut World, topics: &[(&str, TopicSpecification)]) -> (Client, Client) {
    let (mut writer, mut reader) = (world.client("user"), world.client("client"));
    for (path, specification) in topics {
        call::<call::AddTopic>(&mut writer, world, &add(path, specification));
        subscribe(&mut reader, world, path);
    }
    reader.cut(world);
    (writer, reader)
}

fn subscribe(reader: &mut Client, world: &mut World, path: &str) {
    call::<call::Subscribe>(reader, world, &SelectRequest::new(&format!(">{path}")));
}

fn write(writer: &mut Client, world: &mut World, path: &str, value: &str) {
    call::<call::SetTopic>(writer, world, &set(path, value));
}

/// A call that succeeds, and what came with its answer.
fn call<C: Call>(client: &mut Client, world: &mut World, request: &C::Request) -> Vec<Seen> {
    client.request::<C>(world, request);
    read(client, world)
}

/// What came, with pings answered until nothing comes any more.
fn read(client: &mut Client, world: &mut World) -> Vec<Seen> {
    let mut all = Vec::new();
    loop {
        let incoming = client.read_all(world);
        if incoming.is_empty() {
            return all;
        }
        for it in incoming {
            match it {
                Incoming::Seen(seen) => all.push(seen),
                Incoming::Answer(_, result) => assert!(result.is_ok(), "{result:?}"),
                Incoming::Request(Message::Request {
                    service,
                    conversation,
                    ..
                }) => {
                    assert_eq!(service, ServiceId::SystemPing);
                    let answer = Message::Response {
                        service: Some(service),
                        conversation,
                        body: Bytes::new(),
                    };
                    client.send(world, answer.encode(client.version));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn come_back(client: &mut Client, world: &mut World) -> Vec<Seen> {
    let response = client.reconnect(world);
    assert_eq!(response.code, ResponseCode::Reconnected);
    read(client, world)
}

/// The values, by path, in their order.
fn values(seen: &[Seen]) -> Vec<(String, Bytes)> {
    let value = |it: &Seen| match it {
        Seen::Value(path, value) => Some((path.clone(), value.clone())),
        _ => None,
    };
    seen.iter().filter_map(value).collect()
}

fn long(number: u32) -> String {
    format!(r#"{{"n":{number},"text":"{}"}}"#, "long ".repeat(20))
}

fn json(text: &str) -> Bytes {
    common::topics::json(text)
}

#[test]
fn always_keeps_only_the_latest() {
    let mut world = world();
    let topics = [
        ("a", specification(&[(property::CONFLATION, "always")])),
        ("b", specification(&[])),
    ];
    let (mut writer, mut reader) = away(&mut world, &topics);
    for number in 0..4 {
        write(&mut writer, &mut world, "a", &long(number));
        write(&mut writer, &mut world, "b", &number.to_string());
    }
    let seen = values(&come_back(&mut reader, &mut world));
    let a = seen.iter().filter(|(_, it)| *it == json(&long(3))).count();
    assert_eq!((a, seen.len()), (1, 5), "{seen:?}");
    // A delta goes on from what took the others' place.
    write(&mut writer, &mut world, "a", &long(4));
    let more = read(&mut reader, &mut world);
    assert_eq!(values(&more), [("a".to_owned(), json(&long(4)))]);
}

#[test]
fn conflate_waits_for_pressure_and_off_for_the_end() {
    let mut world = world();
    let (mut writer, mut reader) = away(&mut world, &[("a", specification(&[]))]);
    for number in 0..4 {
        write(&mut writer, &mut world, "a", &number.to_string());
    }
    assert_eq!(values(&come_back(&mut reader, &mut world)).len(), 4);
    reader.cut(&mut world);
    for number in 10..100 {
        write(&mut writer, &mut world, "a", &number.to_string());
    }
    let seen = values(&come_back(&mut reader, &mut world));
    assert!(seen.len() < 10, "{seen:?}");
    assert_eq!(seen.last().unwrap().1, json("99"));

    let off = specification(&[(property::CONFLATION, "off")]);
    let (mut writer, mut reader) = away(&mut world, &[("b", off)]);
    for number in 0..30 {
        write(&mut writer, &mut world, "b", &number.to_string());
    }
    let response = reader.reconnect(&mut world);
    assert_eq!(response.code, ResponseCode::ReconnectionMessageLoss);
}

#[test]
fn a_client_that_is_there_but_slow_is_conflated_or_ended() {
    let mut world = world();
    let topics = [
        ("a", specification(&[])),
        ("b", specification(&[(property::CONFLATION, "off")])),
    ];
    let (mut writer, mut reader) = away(&mut world, &topics);
    come_back(&mut reader, &mut world);
    for number in 0..100 {
        write(&mut writer, &mut world, "a", &number.to_string());
    }
    // Only so much was sent, and a question among it.
    assert_eq!(world.sent[&reader.connection].len(), 3);
    let seen = values(&read(&mut reader, &mut world));
    assert!(seen.len() < 12, "{seen:?}");
    assert_eq!(seen.last().unwrap().1, json("99"));
    assert_eq!(world.closed.get(&reader.connection), None);
    for number in 0..30 {
        write(&mut writer, &mut world, "b", &number.to_string());
    }
    let reason = ConnectionEnd::Session(CloseReason::MessageQueueLimitReached);
    assert_eq!(world.closed.get(&reader.connection), Some(&reason));
}

#[test]
fn a_topic_may_end_the_subscription_of_who_is_too_slow() {
    let mut world = world();
    let series = history().with(property::CONFLATION, "unsubscribe");
    let (mut writer, mut reader) = away(&mut world, &[("ts", series)]);
    for number in 0..30 {
        let request = append("ts", &number.to_string());
        call::<call::TimeSeriesAppend>(&mut writer, &mut world, &request);
    }
    let seen = come_back(&mut reader, &mut world);
    assert!(
        matches!(
            &seen[..],
            [Seen::Unsubscribed(_, UnsubscribeReason::BackPressure)]
        ),
        "{seen:?}"
    );
}

#[test]
fn conflation_can_be_switched_off_for_a_session() {
    let mut world = world();
    let always = specification(&[(property::CONFLATION, "always")]);
    let (mut writer, mut reader) = away(&mut world, &[("a", always)]);
    let mut admin = world.client("admin");
    let request = SetConflationRequest {
        session: reader.session,
        enabled: false,
    };
    call::<call::SetClientQueueConflation>(&mut admin, &mut world, &request);
    for number in 0..5 {
        write(&mut writer, &mut world, "a", &number.to_string());
    }
    assert_eq!(values(&come_back(&mut reader, &mut world)).len(), 5);
}

#[test]
fn what_is_urgent_comes_first() {
    let mut world = world();
    let topics = ["low", "default", "high"].map(|it| {
        (
            it,
            specification(&[(property::PRIORITY, it), (property::CONFLATION, "off")]),
        )
    });
    let (mut writer, mut reader) = away(&mut world, &topics);
    for (number, (path, _)) in topics.iter().enumerate() {
        for value in ["x", "y"] {
            write(
                &mut writer,
                &mut world,
                path,
                &format!("\"{number}{value}\""),
            );
        }
    }
    let seen = values(&come_back(&mut reader, &mut world));
    let expected = ["2x", "2y", "1x", "1y", "0x", "0y"].map(|it| json(&format!("\"{it}\"")));
    assert_eq!(
        seen.into_iter().map(|(_, it)| it).collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn a_tidy_topic_takes_what_waits_along() {
    for (tidy, left) in [("true", 0), ("false", 3)] {
        let mut world = world();
        let topic = specification(&[(property::TIDY_ON_UNSUBSCRIBE, tidy)]);
        let (mut writer, mut reader) = away(&mut world, &[("a", topic)]);
        come_back(&mut reader, &mut world);
        call::<call::AddTopic>(&mut writer, &mut world, &add("b", &specification(&[])));
        subscribe(&mut reader, &mut world, "b");
        // Another topic's updates are all that may be on the way.
        for number in 0..3 {
            write(&mut writer, &mut world, "b", &number.to_string());
        }
        for number in 0..3 {
            write(&mut writer, &mut world, "a", &number.to_string());
        }
        let request = SelectRequest::new(">a");
        let seen = call::<call::Unsubscribe>(&mut reader, &mut world, &request);
        let of_a = values(&seen).iter().filter(|(path, _)| path == "a").count();
        assert_eq!(of_a, left, "{tidy}: {seen:?}");
        assert!(seen.iter().any(|it| matches!(it, Seen::Unsubscribed(..))));
    }
}

/// What happens to a reader and what it reads.
#[derive(Clone, Debug)]
enum Step {
    /// An event of the series, which nothing conflates.
    Append,
    /// A value of a topic that is conflated under pressure, or always.
    Set(bool),
    /// The client reads so many messages, and answers pings.
    Read(usize),
    /// What is on the way is lost, and the client comes back, now or later.
    Cut,
    Return,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Append),
        3 => any::<bool>().prop_map(Step::Set),
        3 => (0..8usize).prop_map(Step::Read),
        1 => Just(Step::Cut),
        1 => Just(Step::Return),
    ]
}

/// Reads so many of the messages that came, and then answers the pings among them.
fn read_some(client: &mut Client, world: &mut World, count: usize) -> Vec<Seen> {
    let later = match world.sent.get_mut(&client.connection) {
        Some(sent) if sent.len() > count => sent.split_off(count),
        _ => Default::default(),
    };
    let incoming = client.read_all(world);
    *world.sent.entry(client.connection).or_default() = later;
    let mut seen = Vec::new();
    for it in incoming {
        match it {
            Incoming::Seen(it) => seen.push(it),
            Incoming::Request(Message::Request {
                service,
                conversation,
                ..
            }) => {
                let answer = Message::Response {
                    service: Some(service),
                    conversation,
                    body: Bytes::new(),
                };
                client.send(world, answer.encode(client.version));
            }
            other => panic!("{other:?}"),
        }
    }
    seen
}

proptest! {
    /// However a client reads, and whenever its connection is cut: it gets every event once and in order, and the last value
    /// of every topic; deltas fit what it has.
    #[test]
    fn nothing_is_lost_or_doubled(steps in prop::collection::vec(steps(), 0..100)) {
        let limits = Limits {
            window_messages: 4,
            recovery_messages: 130,
            confirm_messages: 2,
            ..Limits::default()
        };
        let mut world = World::new(Config { limits, ..Config::new([6; 32]) });
        // Under pressure, the series itself is what waits: it has to keep all of it.
        let series = TopicSpecification::new(TopicType::TimeSeries)
            .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
            .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100");
        let topics = [
            ("ts", series),
            ("conflate", specification(&[(property::PRIORITY, "high")])),
            ("always", specification(&[(property::CONFLATION, "always")])),
        ];
        let (mut writer, mut reader) = away(&mut world, &topics);
        let mut is_there = false;
        let (mut appended, mut seen) = (0, Vec::new());
        let mut last = [None, None];
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Append => {
                    let request = append("ts", &appended.to_string());
                    call::<call::TimeSeriesAppend>(&mut writer, &mut world, &request);
                    appended += 1;
                }
                Step::Set(always) => {
                    let value = long(u32::try_from(number).unwrap());
                    let path = if always { "always" } else { "conflate" };
                    write(&mut writer, &mut world, path, &value);
                    last[usize::from(always)] = Some(json(&value));
                }
                Step::Read(count) => seen.extend(read_some(&mut reader, &mut world, count)),
                Step::Cut if is_there => {
                    reader.cut(&mut world);
                    is_there = false;
                }
                Step::Return if !is_there => {
                    let response = reader.reconnect(&mut world);
                    prop_assert_eq!(response.code, ResponseCode::Reconnected);
                    is_there = true;
                }
                Step::Cut | Step::Return => {}
            }
        }
        if !is_there {
            let response = reader.reconnect(&mut world);
            prop_assert_eq!(response.code, ResponseCode::Reconnected);
        }
        seen.extend(read(&mut reader, &mut world));
        let values = values(&seen);
        let events: Vec<u64> = values
            .iter()
            .filter(|(path, _)| path == "ts")
            .map(|(_, value)| {
                let event: Event = decode(value.clone(), ProtocolVersion::NEWEST).unwrap();
                event.metadata.sequence
            })
            .collect();
        prop_assert_eq!(events, (0..appended).collect::<Vec<u64>>());
        for (path, last) in ["conflate", "always"].into_iter().zip(last) {
            let latest = values.iter().rfind(|(it, _)| it == path);
            prop_assert_eq!(latest.map(|(_, value)| value.clone()), last);
        }
    }
}
