//! What a store gives back at the start.

use bytes::Bytes;
use effusion_protocol::TopicSpecification;
use effusion_protocol::time_series::Event;

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::{AuthenticationPolicy, Principal, SecurityStore};

/// Who added a topic: what its removal policy needs to know after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creator {
    /// The session's id as text; for `when this session closes`.
    pub session: String,
    /// The session's roles at the time; a removal happens with their rights.
    pub roles: BTreeSet<String>,
    /// The session's principal, whose topics are counted; `None` for an anonymous session.
    #[serde(default)]
    pub principal: Option<String>,
}

/// A stored topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTopic {
    /// What it holds.
    pub specification: TopicSpecification,
    /// When it was added, in milliseconds since 1970.
    pub created_ms: u64,
    /// Who added it.
    pub creator: Creator,
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
