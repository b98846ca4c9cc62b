//! What the fuzz targets reach: parsers and evaluators that are not public otherwise. Only with the feature `fuzz`.

use effusion_protocol::TopicSpecification;
use effusion_protocol::value::Json;
use std::collections::{BTreeMap, BTreeSet};

use crate::Time;
use crate::sessions::filter::{Filter, Properties};

use crate::topics::{Circumstances, Removal, Settings, apply_patch};

/// The largest value that a patch may make here, in bytes.
const LARGEST: usize = 1 << 16;

struct Client {
    properties: BTreeMap<&'static str, &'static str>,
    roles: BTreeSet<String>,
}

impl Client {
    fn new() -> Self {
        Self {
            properties: [
                ("$Principal", "ada"),
                ("$ClientIP", "127.0.0.1"),
                ("Room", "tea"),
            ]
            .into(),
            roles: ["CLIENT".to_owned(), "TOPIC_CONTROL".to_owned()].into(),
        }
    }
}

impl Properties for Client {
    fn property(&self, key: &str) -> Option<&str> {
        self.properties.get(key).copied()
    }
    fn roles(&self) -> &BTreeSet<String> {
        &self.roles
    }
}

/// Parses a session filter and asks it about a session. A filter and its opposite never agree.
///
/// # Panics
/// If they do.
pub fn session_filter(text: &str) {
    let client = Client::new();
    if let Ok(filter) = Filter::parse(text)
        && let Ok(opposite) = Filter::parse(&format!("not ({text})"))
    {
        assert_ne!(filter.matches(&client), opposite.matches(&client));
    }
}

/// Parses a removal policy, and looks whether it is due at some moments.
pub fn removal_policy(text: &str) {
    let Ok(removal) = Removal::parse(text) else {
        return;
    };
    let client = Client::new();
    let mut watch = removal.watch();
    for step in 0..4 {
        let now = Time {
            monotonic_ms: step * 3_600_000,
            wall_ms: 1_700_000_000_000 + step * 3_600_000,
        };
        let circumstances = Circumstances {
            now,
            present_since: 0,
            updated: 0,
            subscriptions: step % 2,
            any_session: &|filter| filter.is_none_or(|filter| filter.matches(&client)),
        };
        let _ = removal.is_due(&mut watch, &circumstances);
    }
}

/// Applies a JSON Patch to a JSON value, both as text. What it makes is JSON, and no larger than it may be.
///
/// # Panics
/// If it is not.
pub fn json_patch(value: &str, patch: &str) {
    let Ok(json) = Json::from_text(value) else {
        return;
    };
    if let Ok(Ok(patched)) = apply_patch(json.as_cbor().clone(), patch, LARGEST) {
        assert!(patched.len() <= value.len() * 9 + patch.len() * 9 + LARGEST * 9);
        assert!(Json::from_cbor(patched).to_tree().is_ok());
    }
}

/// Checks a topic's specification.
pub fn topic_specification(specification: &TopicSpecification) {
    let _ = Settings::of(specification);
}
