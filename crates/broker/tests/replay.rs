//! What real clients sent to real servers, sent to the broker: it must answer with the bytes of the real servers, but
//! for session ids, tokens and topic ids.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use bytes::Bytes;
use common::{World, hash, peer};
use effusion_broker::{Config, ConnectionId, Creator, Snapshot, StoredTopic, bootstrap};
use effusion_protocol::body::{RequestBody, SubscriptionNotification};
use effusion_protocol::{
    ConnectRequest, ConnectResponse, Message, ProtocolVersion, TopicId, TopicSpecification,
    TopicType, property,
};
use std::collections::HashMap;
use std::path::PathBuf;

struct Line {
    stream: u64,
    event: Event,
}

enum Event {
    Connect(String),
    Client(Bytes),
    Server(Bytes),
}

/// The lines of a capture, or `None` if the folder is not there.
fn capture(name: &str) -> Option<Vec<Line>> {
    let folder = std::env::var_os("EFFUSION_CAPTURES").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../../shared/captures"
            ))
        },
        PathBuf::from,
    );
    let path = folder.join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {name} is not there; captures are not part of the project");
        return None;
    };
    Some(text.lines().map(line).collect())
}

fn line(text: &str) -> Line {
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let field = |name: &str| json.get(name).and_then(serde_json::Value::as_str);
    let event = match (field("connect"), field("from"), field("hex")) {
        (Some(uri), ..) => Event::Connect(uri.to_owned()),
        (_, Some("client"), Some(hex)) => Event::Client(bytes(hex)),
        (_, _, Some(hex)) => Event::Server(bytes(hex)),
        _ => panic!("not a line of a capture: {text}"),
    };
    Line {
        stream: json["stream"].as_u64().unwrap(),
        event,
    }
}

fn bytes(hex: &str) -> Bytes {
    (0..hex.len() / 2)
        .map(|index| u8::from_str_radix(&hex[2 * index..2 * index + 2], 16).unwrap())
        .collect()
}

/// Topic ids are numbered anew for each server: here by the order in which they are seen.
#[derive(Default)]
struct Numbers(HashMap<TopicId, u32>);

impl Numbers {
    fn of(&mut self, id: TopicId) -> TopicId {
        let next = u32::try_from(self.0.len()).unwrap();
        TopicId(*self.0.entry(id).or_insert(next))
    }

    fn normal(&mut self, bytes: Bytes, version: ProtocolVersion) -> Message {
        match Message::decode(bytes, version).unwrap() {
            Message::TopicValue { topic, value } => Message::TopicValue {
                topic: self.of(topic),
                value,
            },
            Message::TopicDelta { topic, delta } => Message::TopicDelta {
                topic: self.of(topic),
                delta,
            },
            Message::Request {
                service,
                conversation,
                body,
            } => {
                let decoded = RequestBody::decode(service, body.clone(), version).unwrap();
                let body = match decoded {
                    RequestBody::SubscriptionNotification(it) => {
                        let it = SubscriptionNotification {
                            topic: self.of(it.topic),
                            ..it
                        };
                        RequestBody::SubscriptionNotification(it).encode(version)
                    }
                    _ => body,
                };
                Message::Request {
                    service,
                    conversation,
                    body,
                }
            }
            other => other,
        }
    }
}

fn replay(name: &str, topics: Vec<(String, StoredTopic)>) {
    let Some(lines) = capture(name) else {
        return;
    };
    let snapshot = bootstrap::development_snapshot(|password| Ok::<_, ()>(hash(password)));
    let mut world = World::with(
        Config::new([1; 32]),
        Snapshot {
            topics,
            ..snapshot.unwrap()
        },
    );
    let mut versions = HashMap::new();
    let mut expected: HashMap<u64, Vec<Message>> = HashMap::new();
    let mut theirs = Numbers::default();
    for Line { stream, event } in lines {
        let connection = ConnectionId(stream);
        match event {
            Event::Connect(uri) => {
                let (_, query) = uri.split_once('?').unwrap();
                let request = ConnectRequest::from_query(query).unwrap();
                versions.insert(stream, ProtocolVersion::new(request.version).unwrap());
                world.broker.connect(world.now, connection, request, peer());
                world.settle();
            }
            Event::Client(message) => {
                world.broker.receive(world.now, connection, message);
                world.settle();
            }
            Event::Server(message) if message.first() == Some(&0x23) => {
                let theirs = ConnectResponse::decode(message).unwrap();
                let ours = ConnectResponse::decode(world.read_raw(connection).unwrap()).unwrap();
                assert_eq!(ours.version, theirs.version);
                assert_eq!(ours.code, theirs.code);
                let (ours, theirs) = (ours.success.unwrap(), theirs.success.unwrap());
                assert_eq!(ours.ping_period, theirs.ping_period);
                assert_eq!(ours.last, theirs.last);
            }
            Event::Server(message) => {
                let message = theirs.normal(message, versions[&stream]);
                expected.entry(stream).or_default().push(message);
            }
        }
    }
    let mut ours = Numbers::default();
    let mut streams: Vec<_> = versions.into_iter().collect();
    streams.sort_by_key(|(stream, _)| *stream);
    let mut compared = 0;
    for (stream, version) in streams {
        let connection = ConnectionId(stream);
        let sent: Vec<Message> = core::iter::from_fn(|| world.read_raw(connection))
            .map(|message| ours.normal(message, version))
            .collect();
        let theirs = expected.remove(&stream).unwrap_or_default();
        assert_eq!(sent, theirs, "{name}, connection {stream}");
        compared += sent.len();
        assert!(
            world.closed.contains_key(&connection),
            "{name} ends with a close"
        );
    }
    assert!(compared > 0, "{name} has messages of the server");
}

#[test]
fn a_topic_is_selected_added_and_set() {
    replay("v60ws.jsonl", Vec::new());
}

#[test]
fn a_topic_that_is_there_is_selected_with_its_value() {
    let specification =
        TopicSpecification::new(TopicType::String).with(property::PUBLISH_VALUES_ONLY, "true");
    let topic = StoredTopic {
        specification,
        created_ms: 0,
        creator: Creator::default(),
        value: Some(Bytes::from_static(&[0x65, b'H', b'e', b'l', b'l', b'o'])),
        events: Vec::new(),
    };
    replay("v61ws.jsonl", vec![("topic/path".to_owned(), topic)]);
}

#[test]
fn a_bad_specification_is_refused_in_the_same_words() {
    replay("v60errors.jsonl", Vec::new());
}

#[test]
fn listeners_are_told_of_topics() {
    replay("v60TopicNotifications.jsonl", Vec::new());
}
