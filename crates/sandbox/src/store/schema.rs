//! The tables, and how a record looks in them.
//!
//! Keys and numbers are the database's own types. What has many optional parts (specifications, principals, roles) is
//! JSON, so that a later version can add a field without a new schema.

use bytes::Bytes;
use effusion_broker::{AuthenticationPolicy, Principal, SecurityStore, StoredTopic};
use effusion_host::record;
use effusion_protocol::time_series::{Event, EventMetadata};
use redb::TableDefinition;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// The version of what follows. A change that an older sandbox would misread needs a new number.
pub const VERSION: u64 = 1;

/// Numbers about the database itself: [`META_SCHEMA`] and [`META_BATCH`].
pub const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// In [`META`]: the schema's version.
pub const META_SCHEMA: &str = "schema";
/// In [`META`]: the number of the last transaction.
pub const META_BATCH: &str = "batch";

/// Topic path to specification.
pub const TOPICS: TableDefinition<&str, &[u8]> = TableDefinition::new("topics");
/// Topic path to value.
pub const VALUES: TableDefinition<&str, &[u8]> = TableDefinition::new("values");
/// Topic path and sequence to event.
pub const EVENTS: TableDefinition<(&str, u64), EventRecord<'static>> =
    TableDefinition::new("events");
/// Principal's name to principal.
pub const PRINCIPALS: TableDefinition<&str, &[u8]> = TableDefinition::new("principals");
/// [`POLICY_AUTHENTICATION`] and [`POLICY_SECURITY`].
pub const POLICIES: TableDefinition<&str, &[u8]> = TableDefinition::new("policies");
/// In [`POLICIES`]: the authentication store without its principals.
pub const POLICY_AUTHENTICATION: &str = "authentication";
/// In [`POLICIES`]: the security store.
pub const POLICY_SECURITY: &str = "security";

/// Timestamp and author; for an edit the original's sequence, timestamp and author; value.
pub type EventRecord<'a> = (u64, &'a str, Option<(u64, u64, &'a str)>, &'a [u8]);

/// The record of an event, without its sequence, which is part of the key.
#[must_use]
pub fn event_record(event: &Event) -> EventRecord<'_> {
    (
        event.metadata.timestamp,
        &event.metadata.author,
        event.original.as_ref().map(|original| {
            (
                original.sequence,
                original.timestamp,
                original.author.as_str(),
            )
        }),
        &event.value,
    )
}

/// The event of a record.
#[must_use]
pub fn event(sequence: u64, (timestamp, author, original, value): EventRecord<'_>) -> Event {
    Event {
        metadata: EventMetadata {
            sequence,
            timestamp,
            author: author.to_owned(),
        },
        original: original.map(|(sequence, timestamp, author)| EventMetadata {
            sequence,
            timestamp,
            author: author.to_owned(),
        }),
        value: Bytes::copy_from_slice(value),
    }
}

/// The record of a topic.
///
/// # Errors
/// Never in practice.
pub fn topic_record(path: &str, topic: &StoredTopic) -> Result<Vec<u8>, StoreError> {
    record::of_topic(topic).map_err(|error| StoreError::record("topic", path, error))
}

/// The topic of a record, without value and events.
///
/// # Errors
/// If the record cannot be read.
pub fn topic(path: &str, record: &[u8]) -> Result<StoredTopic, StoreError> {
    record::to_topic(record).map_err(|reason| StoreError::record("topic", path, reason))
}

/// The record of a principal.
///
/// # Errors
/// Never in practice.
pub fn principal_record(principal: &Principal) -> Result<Vec<u8>, StoreError> {
    to_json("principal", &principal.name, principal)
}

/// The principal of a record.
///
/// # Errors
/// If the record cannot be read.
pub fn principal(name: &str, record: &[u8]) -> Result<Principal, StoreError> {
    from_json("principal", name, record)
}

/// The record of the authentication policy.
///
/// # Errors
/// Never in practice.
pub fn authentication_record(policy: &AuthenticationPolicy) -> Result<Vec<u8>, StoreError> {
    to_json("policy", POLICY_AUTHENTICATION, policy)
}

/// The authentication policy of a record.
///
/// # Errors
/// If the record cannot be read.
pub fn authentication(record: &[u8]) -> Result<AuthenticationPolicy, StoreError> {
    from_json("policy", POLICY_AUTHENTICATION, record)
}

/// The record of the security store.
///
/// # Errors
/// Never in practice.
pub fn security_record(store: &SecurityStore) -> Result<Vec<u8>, StoreError> {
    to_json("policy", POLICY_SECURITY, store)
}

/// The security store of a record.
///
/// # Errors
/// If the record cannot be read.
pub fn security(record: &[u8]) -> Result<SecurityStore, StoreError> {
    from_json("policy", POLICY_SECURITY, record)
}

fn to_json<T: Serialize>(table: &'static str, key: &str, value: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::record(table, key, error))
}

fn from_json<'a, T: Deserialize<'a>>(
    table: &'static str,
    key: &str,
    record: &'a [u8],
) -> Result<T, StoreError> {
    serde_json::from_slice(record).map_err(|error| StoreError::record(table, key, error))
}
