//! How what is stored looks: a topic as JSON, and everything as records by key.
//!
//! A store that has texts as keys and bytes as values, in the order of their keys, needs nothing else: [`changes`] says what an
//! operation of the broker changes in it, and [`Restorer`] reads it back. What has many optional parts (specifications,
//! principals, roles) is JSON, so that a later version can add a field without a new schema.
//!
//! | key | value |
//! | --- | --- |
//! | `t` path | the topic's specification, see [`of_topic`] |
//! | `v` path | its value |
//! | `e` path, U+0000, U+0001, sequence as 16 hexadecimal digits | an event of a time series |
//! | `p` name | a principal |
//! | `sa`, `ss` | the rest of the authentication store, the security store |
//!
//! In an event's key, U+0000 in the path is doubled, so that no path's events are among another's.

use std::collections::BTreeMap;

use bytes::{Buf as _, Bytes};
use effusion_broker::{Creator, Snapshot, StoreOp, StoredTopic};
use effusion_protocol::time_series::{Event, EventMetadata};
use effusion_protocol::{TopicSpecification, TopicType};
use serde::{Deserialize, Serialize};

const TOPIC: char = 't';
const VALUE: char = 'v';
const EVENT: char = 'e';
const PRINCIPAL: char = 'p';
const AUTHENTICATION: &str = "sa";
const SECURITY: &str = "ss";

/// Between a path and a sequence.
const SEPARATOR: &str = "\0\u{1}";

/// A record that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record {key:?} cannot be read: {reason}")]
pub struct RecordError {
    /// Its key.
    pub key: String,
    /// Why not.
    pub reason: String,
}

impl RecordError {
    fn new(key: &str, reason: impl ToString) -> Self {
        Self {
            key: key.to_owned(),
            reason: reason.to_string(),
        }
    }
}

/// A change of the records. Each can be repeated without harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Put a record in the place of one with the same key.
    Put(String, Bytes),
    /// Remove a record, if it is there.
    Remove(String),
    /// Remove all records from the first key to the last, both included.
    RemoveRange(String, String),
}

/// A topic's record. Its value and its events have records of their own.
#[derive(Serialize, Deserialize)]
struct TopicRecord {
    /// The type's number in the protocol.
    topic_type: u8,
    properties: Vec<(String, String)>,
    created_ms: u64,
    #[serde(default)]
    creator: Creator,
}

/// What stands before an event's value.
#[derive(Serialize, Deserialize)]
struct EventHead<'a> {
    #[serde(rename = "t")]
    timestamp: u64,
    #[serde(rename = "a", borrow)]
    author: std::borrow::Cow<'a, str>,
    /// The sequence, timestamp and author of what it edits.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    original: Option<(u64, u64, String)>,
}

/// A topic without its value and its events, as JSON.
///
/// # Errors
/// Never in practice.
pub fn of_topic(topic: &StoredTopic) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(&TopicRecord {
        topic_type: topic.specification.topic_type.code(),
        properties: topic.specification.properties.clone(),
        created_ms: topic.created_ms,
        creator: topic.creator.clone(),
    })
}

/// The topic of a record, without value and events.
///
/// # Errors
/// Why it cannot be read.
pub fn to_topic(record: &[u8]) -> Result<StoredTopic, String> {
    let record: TopicRecord = serde_json::from_slice(record).map_err(|error| error.to_string())?;
    let topic_type = TopicType::from_code(record.topic_type)
        .ok_or_else(|| format!("no topic type has the number {}", record.topic_type))?;
    Ok(StoredTopic {
        specification: TopicSpecification {
            topic_type,
            properties: record.properties,
        },
        created_ms: record.created_ms,
        creator: record.creator,
        value: None,
        events: Vec::new(),
    })
}

/// What an operation changes in the records, in this order.
///
/// # Errors
/// Never in practice.
pub fn changes(operation: &StoreOp) -> Result<Vec<Change>, RecordError> {
    Ok(match operation {
        StoreOp::PutTopic { path, topic } => {
            let key = keyed(TOPIC, path);
            let record = of_topic(topic).map_err(|error| RecordError::new(&key, error))?;
            let value = match &topic.value {
                Some(value) => Change::Put(keyed(VALUE, path), value.clone()),
                None => Change::Remove(keyed(VALUE, path)),
            };
            vec![Change::Put(key, record.into()), value, no_events(path)]
        }
        StoreOp::PutValue { path, value } => vec![Change::Put(keyed(VALUE, path), value.clone())],
        StoreOp::RemoveTopic { path } => vec![
            Change::Remove(keyed(TOPIC, path)),
            Change::Remove(keyed(VALUE, path)),
            no_events(path),
        ],
        StoreOp::AppendEvent { path, event } => {
            let key = event_key(path, event.metadata.sequence);
            let record = of_event(event).map_err(|error| RecordError::new(&key, error))?;
            vec![Change::Put(key, record)]
        }
        StoreOp::RemoveEvents { path, sequences } => {
            let keys = sequences.iter().map(|sequence| event_key(path, *sequence));
            keys.map(Change::Remove).collect()
        }
        StoreOp::PutPrincipal(principal) => {
            vec![put_json(keyed(PRINCIPAL, &principal.name), principal)?]
        }
        StoreOp::RemovePrincipal { name } => vec![Change::Remove(keyed(PRINCIPAL, name))],
        StoreOp::PutAuthentication(policy) => vec![put_json(AUTHENTICATION.to_owned(), policy)?],
        StoreOp::PutSecurity(store) => vec![put_json(SECURITY.to_owned(), store)?],
    })
}

/// The operations that make an empty store what a snapshot says.
#[must_use]
pub fn operations_of(snapshot: Snapshot) -> Vec<StoreOp> {
    let mut operations = vec![
        StoreOp::PutAuthentication(snapshot.authentication),
        StoreOp::PutSecurity(snapshot.security),
    ];
    operations.extend(snapshot.principals.into_iter().map(StoreOp::PutPrincipal));
    for (path, mut topic) in snapshot.topics {
        let events = std::mem::take(&mut topic.events);
        operations.push(StoreOp::PutTopic {
            path: path.clone(),
            topic,
        });
        operations.extend(events.into_iter().map(|event| StoreOp::AppendEvent {
            path: path.clone(),
            event,
        }));
    }
    operations
}

/// About how many bytes an operation takes in memory and on disk.
#[must_use]
pub fn size(operation: &StoreOp) -> usize {
    const OVERHEAD: usize = 64;
    OVERHEAD
        + match operation {
            StoreOp::PutTopic { path, topic } => {
                path.len() + topic.value.as_ref().map_or(0, Bytes::len)
            }
            StoreOp::PutValue { path, value } => path.len() + value.len(),
            StoreOp::AppendEvent { path, event } => path.len() + event.value.len(),
            StoreOp::RemoveEvents { path, sequences } => path.len() + 8 * sequences.len(),
            StoreOp::RemoveTopic { path } => path.len(),
            StoreOp::PutPrincipal(principal) => principal.password_hash.len(),
            StoreOp::RemovePrincipal { name } => name.len(),
            // Rare, and as large as an administrator made them.
            StoreOp::PutAuthentication(_) | StoreOp::PutSecurity(_) => 4096,
        }
}

/// Makes a snapshot of records, which may come in any order.
#[derive(Debug, Default)]
pub struct Restorer {
    topics: BTreeMap<String, StoredTopic>,
    values: BTreeMap<String, Bytes>,
    events: BTreeMap<String, BTreeMap<u64, Event>>,
    snapshot: Snapshot,
    has_authentication: bool,
    has_security: bool,
}

impl Restorer {
    /// Whether nothing was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let has_policy = self.has_authentication || self.has_security;
        !has_policy && self.topics.is_empty() && self.snapshot.principals.is_empty()
    }

    /// Adds a record.
    ///
    /// # Errors
    /// If it cannot be read, or no version of this program wrote such a key.
    pub fn add(&mut self, key: &str, record: Bytes) -> Result<(), RecordError> {
        let unreadable = |reason: String| RecordError::new(key, reason);
        let json = |error: serde_json::Error| RecordError::new(key, error);
        let mut rest = key.chars();
        match (rest.next(), rest.as_str()) {
            (Some(TOPIC), path) => {
                let topic = to_topic(&record).map_err(unreadable)?;
                self.topics.insert(path.to_owned(), topic);
            }
            (Some(VALUE), path) => drop(self.values.insert(path.to_owned(), record)),
            (Some(EVENT), place) => {
                let (path, sequence) =
                    event_place(place).ok_or_else(|| unreadable("it names no event".to_owned()))?;
                let event = to_event(sequence, record).map_err(unreadable)?;
                self.events.entry(path).or_default().insert(sequence, event);
            }
            (Some(PRINCIPAL), _) => {
                let principal = serde_json::from_slice(&record).map_err(json)?;
                self.snapshot.principals.push(principal);
            }
            _ if key == AUTHENTICATION => {
                self.snapshot.authentication = serde_json::from_slice(&record).map_err(json)?;
                self.has_authentication = true;
            }
            _ if key == SECURITY => {
                self.snapshot.security = serde_json::from_slice(&record).map_err(json)?;
                self.has_security = true;
            }
            _ => return Err(unreadable("no record is called this".to_owned())),
        }
        Ok(())
    }

    /// All of it. A value or an event without a topic is passed over.
    ///
    /// # Errors
    /// If one of the stores is missing: without them everything would be refused, or worse, allowed.
    pub fn finish(mut self) -> Result<Snapshot, RecordError> {
        for (is_there, key) in [
            (self.has_authentication, AUTHENTICATION),
            (self.has_security, SECURITY),
        ] {
            if !is_there {
                return Err(RecordError::new(key, "it is not there"));
            }
        }
        for (path, value) in self.values {
            if let Some(topic) = self.topics.get_mut(&path) {
                topic.value = Some(value);
            }
        }
        for (path, events) in self.events {
            if let Some(topic) = self.topics.get_mut(&path) {
                topic.events = events.into_values().collect();
            }
        }
        self.snapshot.topics = self.topics.into_iter().collect();
        Ok(self.snapshot)
    }
}

fn keyed(kind: char, name: &str) -> String {
    let mut key = String::with_capacity(1 + name.len());
    key.push(kind);
    key.push_str(name);
    key
}

fn put_json<T: Serialize>(key: String, value: &T) -> Result<Change, RecordError> {
    let record = serde_json::to_vec(value).map_err(|error| RecordError::new(&key, error))?;
    Ok(Change::Put(key, record.into()))
}

fn event_key(path: &str, sequence: u64) -> String {
    let path = path.replace('\0', "\0\0");
    format!("{EVENT}{path}{SEPARATOR}{sequence:016x}")
}

fn event_place(place: &str) -> Option<(String, u64)> {
    let (path, sequence) = place.rsplit_once(SEPARATOR)?;
    let is_plain = sequence.len() == 16 && sequence.bytes().all(|it| it.is_ascii_hexdigit());
    let sequence = u64::from_str_radix(sequence, 16)
        .ok()
        .filter(|_| is_plain)?;
    Some((path.replace("\0\0", "\0"), sequence))
}

fn no_events(path: &str) -> Change {
    Change::RemoveRange(event_key(path, 0), event_key(path, u64::MAX))
}

/// The length of the head as 4 bytes, the head as JSON, the value.
fn of_event(event: &Event) -> serde_json::Result<Bytes> {
    let original = event.original.as_ref();
    let head = serde_json::to_vec(&EventHead {
        timestamp: event.metadata.timestamp,
        author: event.metadata.author.as_str().into(),
        original: original.map(|it| (it.sequence, it.timestamp, it.author.clone())),
    })?;
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    Ok([&length.to_be_bytes(), head.as_slice(), &event.value]
        .concat()
        .into())
}

fn to_event(sequence: u64, mut record: Bytes) -> Result<Event, String> {
    let short = || "it is cut off".to_owned();
    let length = record.try_get_u32().map_err(|_| short())? as usize;
    if record.len() < length {
        return Err(short());
    }
    let head = record.split_to(length);
    let head: EventHead<'_> = serde_json::from_slice(&head).map_err(|error| error.to_string())?;
    Ok(Event {
        metadata: EventMetadata {
            sequence,
            timestamp: head.timestamp,
            author: head.author.into_owned(),
        },
        original: head
            .original
            .map(|(sequence, timestamp, author)| EventMetadata {
                sequence,
                timestamp,
                author,
            }),
        value: record,
    })
}

#[cfg(test)]
mod tests;
