//! A session: what the broker knows of a client.

use effusion_protocol::body::{GlobalPermission, PathPermission};
use effusion_protocol::{ConversationId, ProtocolVersion, SessionId, SessionToken, TopicId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::auth::Rights;
use crate::caller::SessionKey;
use crate::topics::{Actor, Settings, Topic};
use crate::turns::Account;
use crate::{ConnectionId, Creator};

use super::filter::Properties;
use super::{Inbound, Outbound, Roles, SelectedBy, Selections, key};

/// Where a session's client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Connected(ConnectionId),
    /// Kept until this moment of the monotonic clock.
    Waiting(u64),
}

/// By what it is decided what a session may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing(Option<String>, Arc<Rights>);

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(super) key: SessionKey,
    pub(super) id: SessionId,
    pub(super) token: SessionToken,
    pub(super) version: ProtocolVersion,
    /// `None` for an anonymous session.
    pub(super) principal: Option<String>,
    pub(super) roles: Roles,
    pub(super) rights: Arc<Rights>,
    /// Fixed and user properties, but for `$Roles`.
    pub(super) properties: BTreeMap<String, String>,
    pub(super) link: Link,
    /// When the session ends unless it authenticates again, by the monotonic clock.
    pub(super) expires: Option<u64>,
    pub(super) reconnect_timeout_ms: u64,
    /// What is on its way to the client.
    pub(super) outbound: Outbound,
    /// What that counts for in the account of all sessions, in bytes.
    pub(super) counted: usize,
    /// Bytes of an answer that is still being written.
    pub(super) prepared: usize,
    /// Bytes of its properties and roles.
    pub(super) details: usize,
    /// What the client asked for.
    pub(super) inbound: Inbound,
    /// The client reads compressed values.
    pub(super) inflates: bool,
    /// What waits for the client may be conflated.
    pub(super) conflates: bool,
    /// How many messages the client sent.
    pub(super) received: u64,
    /// When the client was last heard of, by the monotonic clock.
    pub(super) heard: u64,
    pub(super) subscriptions: BTreeSet<TopicId>,
    pub(super) selections: Selections,
    pub(super) last_conversation: u64,
}

impl Session {
    pub(crate) const fn key(&self) -> SessionKey {
        self.key
    }

    pub(crate) const fn id(&self) -> SessionId {
        self.id
    }

    pub(crate) const fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// How many bytes wait for the client.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.outbound.bytes() + self.prepared
    }

    /// `None` for an anonymous session.
    pub(crate) const fn principal(&self) -> Option<&String> {
        self.principal.as_ref()
    }

    pub(crate) const fn roles(&self) -> &BTreeSet<String> {
        self.roles.names()
    }

    pub(crate) const fn rights(&self) -> &Arc<Rights> {
        &self.rights
    }

    /// By what it is decided what it may see.
    pub(crate) fn standing(&self) -> Standing {
        Standing(self.principal.clone(), Arc::clone(&self.rights))
    }

    /// Fixed and user properties, but for `$Roles`.
    pub(crate) const fn properties(&self) -> &BTreeMap<String, String> {
        &self.properties
    }

    /// Where its client connected from.
    pub(crate) fn address(&self) -> &str {
        let address = self.properties.get(key::CLIENT_IP);
        address.map(String::as_str).unwrap_or_default()
    }

    /// On whose account it takes its turns.
    pub(crate) fn account(&self) -> Account {
        Account::new(self.address(), self.principal.as_deref())
    }

    pub(crate) const fn connection(&self) -> Option<ConnectionId> {
        match self.link {
            Link::Connected(connection) => Some(connection),
            Link::Waiting(_) => None,
        }
    }

    /// The topics that it is subscribed to.
    pub(crate) const fn subscriptions(&self) -> &BTreeSet<TopicId> {
        &self.subscriptions
    }

    pub(crate) fn take_subscriptions(&mut self) -> BTreeSet<TopicId> {
        core::mem::take(&mut self.subscriptions)
    }

    /// Whether it selects a path, whoever selected that.
    pub(crate) fn selects(&self, path: &str) -> bool {
        self.selections.selects(path).is_some()
    }

    /// What it selected and deselected, by scope.
    pub(crate) const fn selections(&self) -> &Selections {
        &self.selections
    }

    fn creator(&self) -> Creator {
        Creator {
            session: self.id.to_string(),
            roles: self.roles().clone(),
            principal: self.principal.clone(),
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

    pub(crate) fn has_all(&self, permissions: &[GlobalPermission]) -> bool {
        permissions.iter().all(|it| self.rights.has_global(*it))
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

    /// Whether the session may remove a topic: see [`Rights::allow_removal`].
    pub(crate) fn may_remove(&self, path: &str, settings: &Settings) -> bool {
        let owner = settings.owner.as_deref();
        self.rights
            .allow_removal(path, self.principal.as_deref(), owner)
    }

    /// Whether the session may select and read a topic.
    pub(crate) fn sees(&self, topic: &Topic) -> bool {
        self.sees_path(topic.path(), Some(topic.settings()))
    }

    /// Whether the session may select and read what is, or was, at a path.
    pub(crate) fn sees_path(&self, path: &str, settings: Option<&Settings>) -> bool {
        self.rights.has(PathPermission::SelectTopic, path)
            && self.may(PathPermission::ReadTopic, path, settings)
    }

    /// Whether the session is to be subscribed to a topic. One that another session selected for it needs no right to select.
    pub(crate) fn subscribes_to(&self, topic: &Topic) -> bool {
        let path = topic.path();
        self.may(PathPermission::ReadTopic, path, Some(topic.settings()))
            && match self.selections.selects(path) {
                None => false,
                Some(SelectedBy::Control) => true,
                Some(SelectedBy::Session) => self.rights.has(PathPermission::SelectTopic, path),
            }
    }

    /// The number of a request that the broker makes.
    pub(super) const fn new_conversation(&mut self) -> ConversationId {
        self.last_conversation += 1;
        ConversationId(self.last_conversation)
    }
}

impl Properties for Session {
    fn property(&self, name: &str) -> Option<&str> {
        if name == key::ROLES {
            return Some(self.roles.text());
        }
        self.properties.get(name).map(String::as_str)
    }

    fn roles(&self) -> &BTreeSet<String> {
        self.roles.names()
    }
}
