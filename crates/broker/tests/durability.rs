//! What is acknowledged is stored, and what is not stored did not happen.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use bytes::Bytes;
use common::{Incoming, Seen, World};
use effusion_broker::Config;
use effusion_protocol::body::{
    AddTopicRequest, AddTopicResult, FetchRequest, RemoveTopicsResponse, SelectRequest,
    SetTopicRequest, UpdateConstraint, call,
};
use effusion_protocol::time_series::{AppendRequest, Event, EventMetadata};
use effusion_protocol::value::{Json, Value};
use effusion_protocol::{
    ErrorReason, ProtocolVersion, TopicSpecification, TopicType, decode, property,
};
use proptest::prelude::*;

fn json(text: &str) -> Bytes {
    Json::from_text(text).unwrap().to_bytes()
}

fn series() -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, "limit 5")
}

fn add(path: &str, specification: TopicSpecification) -> AddTopicRequest {
    AddTopicRequest {
        path: path.to_owned(),
        specification,
    }
}

fn append(path: &str, value: &str) -> AppendRequest {
    AppendRequest {
        path: path.to_owned(),
        value_type: "json".to_owned(),
        value: json(value),
    }
}

fn set(path: &str, value: &str) -> SetTopicRequest {
    SetTopicRequest {
        path: path.to_owned(),
        topic_type: TopicType::Json,
        value: json(value),
        constraint: UpdateConstraint::Unconstrained,
    }
}

fn answers(incoming: Vec<Incoming>) -> Vec<Result<Bytes, ErrorReason>> {
    incoming
        .into_iter()
        .filter_map(|it| match it {
            Incoming::Answer(_, result) => Some(result.map_err(|report| report.reason)),
            _ => None,
        })
        .collect()
}

fn sequence(seen: &Seen) -> Option<u64> {
    match seen {
        Seen::Value(_, value) => {
            let event: Event = decode(value.clone(), ProtocolVersion::NEWEST).unwrap();
            Some(event.metadata.sequence)
        }
        _ => None,
    }
}

#[test]
fn nothing_is_said_before_it_is_stored() {
    let mut world = World::default();
    let (mut writer, mut reader) = (world.client("user"), world.client("client"));
    writer
        .call::<call::AddTopic>(&mut world, &add("ts", series()))
        .unwrap();
    reader
        .call::<call::Subscribe>(&mut world, &SelectRequest::new("?.*//"))
        .unwrap();
    world.hold_stores = true;
    writer.request::<call::TimeSeriesAppend>(&mut world, &append("ts", "1"));
    writer.request::<call::TimeSeriesAppend>(&mut world, &append("ts", "2"));
    writer.request::<call::TimeSeriesAppend>(&mut world, &append("ts", "3"));
    assert_eq!(writer.read_all(&mut world), []);
    assert_eq!(reader.read_all(&mut world), []);
    // Someone who comes now sees what is stored, and the rest later, once.
    let mut late = world.client("client");
    let (_, seen) = late.call_seeing::<call::Subscribe>(&mut world, &SelectRequest::new(">ts"));
    assert_eq!(seen, [Incoming::Seen(Seen::Subscribed("ts".into()))]);
    assert!(world.store_one());
    assert_eq!(answers(writer.read_all(&mut world)).len(), 1);
    assert_eq!(world.pending.len(), 1, "what queued up goes in one ticket");
    assert!(world.store_one());
    assert_eq!(answers(writer.read_all(&mut world)).len(), 2);
    for client in [&mut reader, &mut late] {
        let sequences: Vec<_> = client.see(&mut world).iter().filter_map(sequence).collect();
        assert_eq!(sequences, [0, 1, 2]);
    }
    assert!(!world.store_one());
}

#[test]
fn a_store_that_fails_changes_nothing() {
    let mut world = World::default();
    let (mut writer, mut reader) = (world.client("user"), world.client("client"));
    writer
        .call::<call::AddTopic>(&mut world, &add("ts", series()))
        .unwrap();
    reader
        .call::<call::Subscribe>(&mut world, &SelectRequest::new("?.*//"))
        .unwrap();
    reader.see(&mut world);
    let before = world.stored.clone();
    world.store_fails = Some("no space left".into());
    world.hold_stores = true;
    writer.request::<call::TimeSeriesAppend>(&mut world, &append("ts", "1"));
    writer.request::<call::TimeSeriesAppend>(&mut world, &append("ts", "2"));
    writer.request::<call::AddTopic>(&mut world, &add("new", series()));
    writer.request::<call::AddTopic>(&mut world, &add("new", series()));
    writer.request::<call::RemoveTopics>(&mut world, &"?.*//".to_owned());
    while world.store_one() {}
    let failed = answers(writer.read_all(&mut world));
    assert_eq!(failed.len(), 5);
    assert!(failed.iter().all(Result::is_err), "{failed:?}");
    assert_eq!(reader.read_all(&mut world), []);
    assert_eq!(world.stored, before);
    world.store_fails = None;
    world.hold_stores = false;
    let first = writer.call::<call::TimeSeriesAppend>(&mut world, &append("ts", "3"));
    assert_eq!(first.map(|it| it.sequence), Ok(0));
    let added = writer.call::<call::AddTopic>(&mut world, &add("new", series()));
    assert_eq!(added, Ok(AddTopicResult::Created));
}

#[test]
fn a_script_counts_only_once_it_is_stored() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    let script = "add principal 'alice' 'secret' ['CLIENT']".to_owned();
    world.store_fails = Some("no space left".into());
    let failed = admin.call::<call::UpdateSystemAuthentication>(&mut world, &script);
    assert!(failed.is_err());
    world.store_fails = None;
    assert_eq!(
        admin.call::<call::UpdateSystemAuthentication>(&mut world, &script),
        Ok(vec![])
    );
    world.hold_stores = true;
    let deny = "set 'CLIENT' default path permissions []".to_owned();
    admin.request::<call::UpdateSecurity>(&mut world, &deny);
    let mut client = world.client("client");
    client
        .call::<call::Subscribe>(&mut world, &SelectRequest::new(">a"))
        .unwrap();
    world.store_one();
    let denied = client.call::<call::Subscribe>(&mut world, &SelectRequest::new(">b"));
    assert_eq!(denied.unwrap_err().reason, ErrorReason::AccessDenied);
}

#[test]
fn a_session_reads_what_it_wrote() {
    let mut world = World::default();
    let mut writer = world.client("user");
    world.hold_stores = true;
    let topic = TopicSpecification::new(TopicType::Json);
    writer.request::<call::AddTopic>(&mut world, &add("a", topic));
    writer.request::<call::SetTopic>(&mut world, &set("a", "1"));
    let mut request = FetchRequest::new(">a");
    request.with_values = true;
    let fetch = writer.request::<call::Fetch>(&mut world, &request);
    let ping = writer.request::<call::UserPing>(&mut world, &());
    let remove = writer.request::<call::RemoveTopics>(&mut world, &">a".to_owned());
    let first = writer.read_all(&mut world);
    assert!(matches!(&first[..], [Incoming::Answer(id, Ok(_))] if *id == ping));
    while world.store_one() {}
    let answers = writer.read_all(&mut world);
    let answer = |id| {
        answers.iter().find_map(|it| match it {
            Incoming::Answer(conversation, Ok(body)) if *conversation == id => Some(body.clone()),
            _ => None,
        })
    };
    let fetched: effusion_protocol::body::FetchResponse =
        decode(answer(fetch).unwrap(), writer.version).unwrap();
    assert_eq!(fetched.topics[0].value, Some(json("1")));
    let removed: RemoveTopicsResponse = decode(answer(remove).unwrap(), writer.version).unwrap();
    assert_eq!(removed.removed, Some(1));
}

#[test]
fn a_topic_that_is_not_persistent_does_not_wait() {
    let mut world = World::default();
    let mut writer = world.client("user");
    world.hold_stores = true;
    let topic = TopicSpecification::new(TopicType::Json).with(property::PERSISTENT, "false");
    writer
        .call::<call::AddTopic>(&mut world, &add("a", topic))
        .unwrap();
    writer
        .call::<call::SetTopic>(&mut world, &set("a", "1"))
        .unwrap();
    assert!(world.pending.is_empty() && world.stored.topics.is_empty());
}

#[test]
fn without_durability_nothing_is_stored() {
    let mut world = World::new(Config {
        durable: false,
        ..Config::new([2; 32])
    });
    let mut writer = world.client("admin");
    world.hold_stores = true;
    writer
        .call::<call::AddTopic>(&mut world, &add("ts", series()))
        .unwrap();
    writer
        .call::<call::TimeSeriesAppend>(&mut world, &append("ts", "1"))
        .unwrap();
    let script = "add principal 'alice' 'secret'".to_owned();
    assert_eq!(
        writer.call::<call::UpdateSystemAuthentication>(&mut world, &script),
        Ok(vec![])
    );
    assert!(world.pending.is_empty());
}

/// A step of a random run.
#[derive(Clone, Debug)]
enum Step {
    Append(u8),
    Set(u8),
    Add(u8),
    Remove(u8),
    StoreOne,
    StoreFails(bool),
    /// Killed with work in the store's queue; so many tickets of it were still written.
    Restart(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..2u8).prop_map(Step::Append),
        3 => (0..2u8).prop_map(Step::Set),
        2 => (0..2u8).prop_map(Step::Add),
        1 => (0..2u8).prop_map(Step::Remove),
        6 => Just(Step::StoreOne),
        1 => any::<bool>().prop_map(Step::StoreFails),
        1 => (0..3usize).prop_map(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever fails and whenever the service is killed: every acknowledged event is stored, subscribers see each
    /// event once and in order, and never one that was not stored.
    #[test]
    fn what_is_acknowledged_is_stored(steps in steps()) {
        let mut world = World::default();
        world.hold_stores = true;
        let (mut writer, mut reader) = (world.client("user"), world.client("client"));
        reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?.*//"));
        let mut next_value = 0;
        for step in steps {
            match step {
                Step::Append(topic) => {
                    next_value += 1;
                    let request = append(&format!("ts{topic}"), &next_value.to_string());
                    writer.request::<call::TimeSeriesAppend>(&mut world, &request);
                }
                Step::Set(topic) => {
                    next_value += 1;
                    let request = set(&format!("j{topic}"), &next_value.to_string());
                    writer.request::<call::SetTopic>(&mut world, &request);
                }
                Step::Add(topic) => {
                    writer.request::<call::AddTopic>(&mut world, &add(&format!("ts{topic}"), series()));
                    let json = TopicSpecification::new(TopicType::Json);
                    writer.request::<call::AddTopic>(&mut world, &add(&format!("j{topic}"), json));
                }
                Step::Remove(topic) => {
                    writer.request::<call::RemoveTopics>(&mut world, &format!("?(ts|j){topic}"));
                }
                Step::StoreOne => {
                    world.store_one();
                }
                Step::StoreFails(fails) => world.store_fails = fails.then(|| "full".to_owned()),
                Step::Restart(written) => {
                    for (_, operations) in world.pending.drain(..).take(written) {
                        for operation in operations {
                            common::apply(&mut world.stored, operation);
                        }
                    }
                    world.restart();
                    writer = world.client("user");
                    reader = world.client("client");
                    reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?.*//"));
                }
            }
            check(&mut world, &mut writer, &mut reader);
        }
        world.store_fails = None;
        while world.store_one() {
            check(&mut world, &mut writer, &mut reader);
        }
        // In the end all agree.
        for (path, topic) in &world.stored.topics {
            let known = reader.topics.values().find(|(it, _)| it == path);
            prop_assert!(known.is_some(), "{path} is subscribed to");
            let latest = topic.events.last().map(|event| {
                effusion_protocol::encode(event, ProtocolVersion::NEWEST)
            });
            let value = latest.or_else(|| topic.value.clone());
            prop_assert_eq!(known.and_then(|(_, value)| value.clone()), value);
        }
        prop_assert_eq!(reader.topics.len(), world.stored.topics.len());
    }
}

fn check(world: &mut World, writer: &mut common::Client, reader: &mut common::Client) {
    for incoming in writer.read_all(world) {
        if let Incoming::Answer(_, Ok(body)) = incoming
            && let Ok(metadata) = decode::<EventMetadata>(body, writer.version)
            && metadata.author == "user"
        {
            // Discarded by the retained range, or stored. A removal may have taken the topic since.
            let stored = world.stored.topics.iter().any(|(_, topic)| {
                topic
                    .events
                    .last()
                    .is_some_and(|last| last.metadata.sequence >= metadata.sequence)
            });
            let removed = world.stored.topics.len() < 4;
            assert!(stored || removed, "{metadata:?} was acknowledged");
        }
    }
    let mut last: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
    let before: Vec<_> = reader.topics.values().cloned().collect();
    for (path, value) in before {
        if let Some(value) = value
            && path.starts_with("ts")
        {
            let event: Event = decode(value, ProtocolVersion::NEWEST).unwrap();
            last.insert(path, event.metadata.sequence);
        }
    }
    for seen in reader.see(world) {
        match &seen {
            Seen::Value(path, _) if path.starts_with("ts") => {
                let sequence = sequence(&seen).unwrap();
                if let Some(last) = last.get(path) {
                    assert_eq!(sequence, last + 1, "each event once and in order");
                }
                last.insert(path.clone(), sequence);
            }
            Seen::Value(..) => {}
            Seen::Subscribed(path) | Seen::Unsubscribed(path, _) => {
                last.remove(path);
            }
        }
    }
}
