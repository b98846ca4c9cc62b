#![allow(clippy::unwrap_used)] // In a test, panicking is how one fails.

use std::collections::BTreeMap;

use effusion_broker::{Principal, bootstrap};
use proptest::prelude::*;

use super::*;

/// A store as a browser's database is one: records in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Records(BTreeMap<String, Bytes>);

impl Records {
    fn apply(&mut self, operation: &StoreOp) {
        for change in changes(operation).unwrap() {
            match change {
                Change::Put(key, record) => drop(self.0.insert(key, record)),
                Change::Remove(key) => drop(self.0.remove(&key)),
                Change::RemoveRange(first, last) => {
                    self.0.retain(|key, _| *key < first || *key > last);
                }
            }
        }
    }

    fn restore(&self) -> Result<Snapshot, RecordError> {
        let mut restorer = Restorer::default();
        for (key, record) in &self.0 {
            restorer.add(key, record.clone())?;
        }
        restorer.finish()
    }
}

fn metadata(sequence: u64) -> EventMetadata {
    EventMetadata {
        sequence,
        timestamp: sequence.wrapping_mul(7),
        author: "Ann \"&\"".to_owned(),
    }
}

fn event(sequence: u64) -> Event {
    Event {
        metadata: metadata(sequence),
        original: (sequence % 2 == 1).then(|| metadata(sequence / 2)),
        value: Bytes::from(vec![0; (sequence % 5) as usize]),
    }
}

fn topic(topic_type: TopicType) -> StoredTopic {
    StoredTopic {
        specification: TopicSpecification {
            topic_type,
            properties: vec![("_r".to_owned(), "limit 100".to_owned())],
        },
        created_ms: 5,
        creator: Creator {
            principal: Some("ann".to_owned()),
            ..Creator::default()
        },
        value: None,
        events: Vec::new(),
    }
}

fn start() -> Snapshot {
    bootstrap::development_snapshot(|password| Ok::<_, ()>(format!("#{password}"))).unwrap()
}

#[test]
fn a_snapshot_survives_as_records() {
    let mut snapshot = start();
    snapshot.principals.sort_by(|a, b| a.name.cmp(&b.name));
    let mut series = topic(TopicType::TimeSeries);
    series.events = [0, 1, 16, u64::MAX].map(event).to_vec();
    let mut json = topic(TopicType::Json);
    json.value = Some(Bytes::from_static(b"\x01\x00\xff"));
    snapshot.topics = vec![("a/b".to_owned(), json), ("a/c".to_owned(), series)];
    let mut records = Records::default();
    for operation in operations_of(snapshot.clone()) {
        records.apply(&operation);
    }
    assert_eq!(records.restore(), Ok(snapshot));
}

#[test]
fn what_is_damaged_is_told_and_nothing_is_made_up() {
    let mut records = Records::default();
    for operation in operations_of(start()) {
        records.apply(&operation);
    }
    for missing in [AUTHENTICATION, SECURITY] {
        let mut records = records.clone();
        records.0.remove(missing);
        assert_eq!(records.restore().unwrap_err().key, missing);
    }
    for (key, record) in [
        ("ta", "{}"),
        (
            "ta",
            "{\"topic_type\":99,\"properties\":[],\"created_ms\":0}",
        ),
        ("eroom", "1234567"),
        ("eroom\0\u{1}00000000000000z1", "\0\0\0\0"),
        ("eroom\0\u{1}0000000000000001", "\0\0"),
        ("eroom\0\u{1}0000000000000001", "\0\0\0\u{9}{}"),
        ("pann", "[]"),
        ("", ""),
        ("x", ""),
        (SECURITY, "null"),
    ] {
        let mut restorer = Restorer::default();
        let result = restorer.add(key, Bytes::from(record));
        assert_eq!(result.unwrap_err().key, key, "{record}");
    }
    assert!(Restorer::default().is_empty());
}

proptest! {
    /// Any operations at paths that are each other's beginning, or that hold what stands between a path and a sequence.
    #[test]
    fn records_follow_the_operations(steps in prop::collection::vec((0..5_usize, 0..6_usize, 0..4_u64), 0..60)) {
        const PATHS: [&str; 5] = ["a", "a/b", "a\0", "a\0\u{1}0000000000000000", "a\0\0\u{1}"];
        let mut expected = start();
        expected.principals.sort_by(|a, b| a.name.cmp(&b.name));
        let mut topics = BTreeMap::<String, StoredTopic>::new();
        let mut records = Records::default();
        operations_of(expected.clone()).iter().for_each(|it| records.apply(it));
        for (path, what, sequence) in steps {
            let path = PATHS[path].to_owned();
            let operation = match what {
                0 => StoreOp::PutTopic { path: path.clone(), topic: topic(TopicType::TimeSeries) },
                1 => StoreOp::RemoveTopic { path: path.clone() },
                2 => StoreOp::PutValue { path: path.clone(), value: Bytes::from(vec![sequence as u8]) },
                3 => StoreOp::RemoveEvents { path: path.clone(), sequences: vec![sequence, 9] },
                _ => StoreOp::AppendEvent { path: path.clone(), event: event(sequence) },
            };
            // A topic that is not there has neither value nor events: the broker stores none.
            if what > 1 && !topics.contains_key(&path) {
                continue;
            }
            records.apply(&operation);
            let stored = topics.get_mut(&path);
            match (operation, stored) {
                (StoreOp::PutTopic { topic, .. }, _) => drop(topics.insert(path, topic)),
                (StoreOp::RemoveTopic { .. }, _) => drop(topics.remove(&path)),
                (StoreOp::PutValue { value, .. }, Some(topic)) => topic.value = Some(value),
                (StoreOp::RemoveEvents { .. }, Some(topic)) => {
                    topic.events.retain(|event| event.metadata.sequence != sequence);
                }
                (StoreOp::AppendEvent { event, .. }, Some(topic)) => {
                    topic.events.retain(|it| it.metadata.sequence != sequence);
                    topic.events.push(event);
                    topic.events.sort_by_key(|it| it.metadata.sequence);
                }
                _ => {}
            }
        }
        expected.topics = topics.into_iter().collect();
        prop_assert_eq!(records.restore(), Ok(expected));
    }

    #[test]
    fn no_record_makes_it_panic(key in ".{0,24}", record in prop::collection::vec(any::<u8>(), 0..24)) {
        // Only that it comes back counts.
        let _ = Restorer::default().add(&key, record.into());
    }
}

#[test]
fn a_principal_is_replaced_and_removed() {
    let mut records = Records::default();
    let principal = Principal {
        name: "zoë".to_owned(),
        password_hash: "#".to_owned(),
        roles: ["CLIENT".to_owned()].into(),
        locked_by: None,
        revoked_ms: None,
    };
    records.apply(&StoreOp::PutPrincipal(principal));
    assert_eq!(records.0.len(), 1);
    let name = "zoë".to_owned();
    records.apply(&StoreOp::RemovePrincipal { name });
    assert_eq!(records, Records::default());
}
