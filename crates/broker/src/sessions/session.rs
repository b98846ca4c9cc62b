//! A session: what the broker knows of a client.

use effusion_protocol::body::{PathPermission, RequestBody};
use effusion_protocol::{ConversationId, ProtocolVersion, SessionId, SessionToken, TopicId};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::auth::Rights;
use crate::caller::SessionKey;
use crate::messaging::requests::Outgoing;
use crate::sessions::filter::Properties;
use crate::topics::{Actor, Settings, Topic};

use super::{CatchUp, Outbound, SelectedBy, Selections};
use crate::{ConnectionId, Creator};

/// Names of fixed session properties (source: the API documentation of `Session`).
pub(crate) mod key {
    pub(crate) const SESSION_ID: &str = "$SessionId";
    pub(crate) const PRINCIPAL: &str = "$Principal";
    pub(crate) const ROLES: &str = "$Roles";
    pub(crate) const CLIENT_IP: &str = "$ClientIP";
    pub(crate) const CLIENT_TYPE: &str = "$ClientType";
    pub(crate) const CONNECTOR: &str = "$Connector";
    pub(crate) const COUNTRY: &str = "$Country";
    pub(crate) const LANGUAGE: &str = "$Language";
    pub(crate) const LATITUDE: &str = "$Latitude";
    pub(crate) const LONGITUDE: &str = "$Longitude";
    pub(crate) const SERVER_NAME: &str = "$ServerName";
    pub(crate) const START_TIME: &str = "$StartTime";
    /// When the session ends unless it authenticates again, in milliseconds since 1970.
    pub(crate) const EXPIRY_TIME: &str = "$ExpiryTime";
    pub(crate) const TRANSPORT: &str = "$Transport";
    /// In a request: all fixed properties.
    pub(crate) const ALL_FIXED: &str = "*F";
    /// In a request: all user properties.
    pub(crate) const ALL_USER: &str = "*U";
}

/// Where a session's client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Connected(ConnectionId),
    /// Kept until this moment of the monotonic clock.
    Waiting(u64),
}

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) key: SessionKey,
    pub(crate) id: SessionId,
    pub(crate) token: SessionToken,
    pub(crate) version: ProtocolVersion,
    /// `None` for an anonymous session.
    pub(crate) principal: Option<String>,
    pub(crate) roles: BTreeSet<String>,
    pub(crate) rights: Arc<Rights>,
    /// Fixed and user properties, but for `$Roles`.
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) link: Link,
    /// When the session ends unless it authenticates again, by the monotonic clock.
    pub(crate) expires: Option<u64>,
    pub(crate) reconnect_timeout_ms: u64,
    pub(crate) outbound: Outbound,
    /// What it counts for in [`crate::sessions::Sessions`]' account, in bytes.
    pub(crate) counted: usize,
    /// Subscriptions of which the client is to be told.
    pub(crate) catch_up: CatchUp,
    /// The client reads compressed values.
    pub(crate) inflates: bool,
    /// What waits for the client may be conflated.
    pub(crate) conflates: bool,
    /// How many messages the client sent.
    pub(crate) received: u64,
    /// When the client was last heard of, by the monotonic clock.
    pub(crate) heard: u64,
    pub(crate) subscriptions: BTreeSet<TopicId>,
    pub(crate) selections: Selections,
    /// What the client was asked and has not answered.
    pub(crate) outgoing: BTreeMap<ConversationId, Outgoing>,
    pub(crate) last_conversation: u64,
    /// Requests that wait for the store.
    pub(crate) writes: usize,
    /// How long these requests are, in bytes.
    pub(crate) write_bytes: usize,
    /// Requests that wait for something else: a password check, a lock, another session.
    pub(crate) waits: usize,
    /// Its credentials are being checked: one check at a time is enough for a session.
    pub(crate) is_signing_in: bool,
    /// Requests that read what earlier ones write, and what came after them.
    pub(crate) deferred: VecDeque<(ConversationId, RequestBody, usize)>,
    /// How long these requests are, in bytes.
    pub(crate) deferred_bytes: usize,
    pub(crate) is_running_deferred: bool,
    /// A request is being served in slices.
    pub(crate) has_job: bool,
}

impl Session {
    pub(crate) const fn connection(&self) -> Option<ConnectionId> {
        match self.link {
            Link::Connected(connection) => Some(connection),
            Link::Waiting(_) => None,
        }
    }

    pub(crate) fn creator(&self) -> Creator {
        Creator {
            session: self.id.to_string(),
            roles: self.roles.clone(),
            principal: self.principal.clone(),
        }
    }

    /// Whether the session has a permission at a topic's path; an owner has some whatever its roles.
    pub(crate) fn may(
        &self,
        permission: PathPermission,
        path: &str,
        settings: Option<&Settings>,
    ) -> bool {
        self.rights.allow(
            permission,
            path,
            self.principal.as_deref(),
            settings.and_then(|it| it.owner.as_deref()),
        )
    }

    /// Whether the session may select and read a topic.
    pub(crate) fn sees(&self, topic: &Topic) -> bool {
        self.rights.has(PathPermission::SelectTopic, topic.path())
            && self.may(
                PathPermission::ReadTopic,
                topic.path(),
                Some(topic.settings()),
            )
    }

    /// Whether the session is to be subscribed to a topic. One that another session selected for it needs no right to select.
    pub(crate) fn wants(&self, topic: &Topic) -> bool {
        let path = topic.path();
        self.may(PathPermission::ReadTopic, path, Some(topic.settings()))
            && match self.selections.selects(path) {
                None => false,
                Some(SelectedBy::Control) => true,
                Some(SelectedBy::Session) => self.rights.has(PathPermission::SelectTopic, path),
            }
    }

    /// The session as one that changes topics.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            session: Some(self.key),
            principal: self.principal.clone(),
            rights: self.rights.clone(),
            creator: self.creator(),
        }
    }

    /// Whether the session may remove a topic: see [`Rights::allow_removal`].
    pub(crate) fn may_remove(&self, path: &str, settings: &Settings) -> bool {
        let owner = settings.owner.as_deref();
        self.rights
            .allow_removal(path, self.principal.as_deref(), owner)
    }

    /// The number of a request that the broker makes.
    pub(crate) const fn new_conversation(&mut self) -> ConversationId {
        self.last_conversation += 1;
        ConversationId(self.last_conversation)
    }

    /// How many requests of the client wait for an answer.
    pub(crate) fn open_requests(&self) -> usize {
        self.writes + self.waits + self.deferred.len()
    }

    /// The roles as the property `$Roles` shows them.
    pub(crate) fn roles_text(&self) -> String {
        Self::roles_text_of(&self.roles)
    }

    /// A set of roles as the property `$Roles` shows it: quoted, with commas between them.
    pub(crate) fn roles_text_of(roles: &BTreeSet<String>) -> String {
        let quoted: Vec<String> = roles
            .iter()
            .map(|role| {
                let escaped = role.replace('\\', "\\\\").replace('"', "\\\"");
                format!("\"{escaped}\"")
            })
            .collect();
        quoted.join(",")
    }

    /// The properties that these keys ask for; `*F` and `*U` mean all fixed and all user properties.
    pub(crate) fn select_properties<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k String>,
    ) -> BTreeMap<String, String> {
        let mut selected = BTreeMap::new();
        for key in keys {
            match key.as_str() {
                key::ALL_FIXED => {
                    selected.extend(self.properties_where(|name| name.starts_with('$')));
                    selected.insert(key::ROLES.to_owned(), self.roles_text());
                }
                key::ALL_USER => {
                    selected.extend(self.properties_where(|name| !name.starts_with('$')));
                }
                name => {
                    if let Some(value) = self.property(name) {
                        selected.insert(name.to_owned(), value.into_owned());
                    }
                }
            }
        }
        selected
    }

    fn properties_where(
        &self,
        is_wanted: impl Fn(&str) -> bool,
    ) -> impl Iterator<Item = (String, String)> {
        self.properties
            .iter()
            .filter(move |(name, _)| is_wanted(name))
            .map(|(name, value)| (name.clone(), value.clone()))
    }
}

impl Properties for Session {
    fn property(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == key::ROLES {
            return Some(Cow::Owned(self.roles_text()));
        }
        self.properties
            .get(name)
            .map(|value| Cow::Borrowed(value.as_str()))
    }

    fn roles(&self) -> &BTreeSet<String> {
        &self.roles
    }
}
