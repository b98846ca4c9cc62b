//! Topics and values that several tests use.

use bytes::Bytes;
use effusion_protocol::body::{
    AddTopicRequest, SelectRequest, SetTopicRequest, UpdateConstraint, call,
};
use effusion_protocol::time_series::{AppendRequest, Event};
use effusion_protocol::value::{Json, Value};
use effusion_protocol::{ProtocolVersion, TopicSpecification, TopicType, decode, property};

use super::{Client, Incoming, Seen, World};

pub fn json(text: &str) -> Bytes {
    Json::from_text(text).unwrap().to_bytes()
}

pub fn add(path: &str, specification: &TopicSpecification) -> AddTopicRequest {
    AddTopicRequest {
        path: path.to_owned(),
        specification: specification.clone(),
    }
}

pub fn set(path: &str, value: &str) -> SetTopicRequest {
    SetTopicRequest {
        path: path.to_owned(),
        topic_type: TopicType::Json,
        value: json(value),
        constraint: UpdateConstraint::Unconstrained,
    }
}

pub fn history() -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, "limit 3")
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 2")
}

pub fn append(path: &str, value: &str) -> AppendRequest {
    AppendRequest {
        path: path.to_owned(),
        value_type: "json".to_owned(),
        value: json(value),
    }
}

pub fn select(client: &mut Client, world: &mut World, selector: &str) -> Vec<Seen> {
    let (result, incoming) =
        client.call_seeing::<call::Subscribe>(world, &SelectRequest::new(selector));
    result.unwrap();
    incoming
        .into_iter()
        .map(|it| match it {
            Incoming::Seen(seen) => seen,
            other => panic!("{other:?}"),
        })
        .collect()
}

pub fn events(seen: Vec<Seen>) -> Vec<(u64, String)> {
    seen.into_iter()
        .filter_map(|it| match it {
            Seen::Value(_, value) => Some(event(value)),
            _ => None,
        })
        .collect()
}

pub fn event(value: Bytes) -> (u64, String) {
    let event: Event = decode(value, ProtocolVersion::NEWEST).unwrap();
    let text = Json::from_bytes(event.value).unwrap().to_text().unwrap();
    (event.metadata.sequence, text)
}

pub fn run_script(world: &mut World, script: &str) {
    let mut admin = world.client("admin");
    let mistakes = admin.call::<call::UpdateSecurity>(world, &script.to_owned());
    assert_eq!(mistakes, Ok(vec![]), "{script}");
}

/// Runs a script of the authentication store.
pub fn run_accounts_script(world: &mut World, script: &str) {
    let mut admin = world.client("admin");
    let mistakes = admin.call::<call::UpdateSystemAuthentication>(world, &script.to_owned());
    assert_eq!(mistakes, Ok(vec![]), "{script}");
}

/// Adds a JSON topic without properties.
pub fn add_json(world: &mut World, client: &mut Client, path: &str) {
    let request = add(path, &TopicSpecification::new(TopicType::Json));
    client.call::<call::AddTopic>(world, &request).unwrap();
}
