//! What a store gives back at the start.

use bytes::Bytes;
use effusion_protocol::TopicSpecification;
use effusion_protocol::time_series::Event;

use crate::{AuthenticationPolicy, Principal, SecurityStore};

/// A stored topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTopic {
    /// What it holds.
    pub specification: TopicSpecification,
    /// When it was added, in milliseconds since 1970.
    pub created_ms: u64,
    /// Its value, unless it is a time series or has none.
    pub value: Option<Bytes>,
    /// The events of a time series, ascending by sequence. Empty in [`crate::StoreOp::PutTopic`].
    pub events: Vec<Event>,
}

/// Everything that is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Topics by path.
    pub topics: Vec<(String, StoredTopic)>,
    /// The principals.
    pub principals: Vec<Principal>,
    /// The rest of the authentication store.
    pub authentication: AuthenticationPolicy,
    /// The security store.
    pub security: SecurityStore,
}
