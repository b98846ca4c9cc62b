//! The sessions, and the way to their clients.

use bytes::Bytes;
use core::net::IpAddr;
use effusion_protocol::{ServiceId, SessionId, SessionToken};
use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::attempts::network;
use crate::outgoing::Outgoing;
use crate::session::{Session, SessionKey, key};
use crate::{ConnectionId, Limits, Output, wire};

/// Where a session's client connected from: the property is the server's own, and does not change.
fn network_of(session: &Session) -> IpAddr {
    let address = session.properties.get(key::CLIENT_IP);
    network(address.map(String::as_str).unwrap_or_default())
}

/// All sessions, and what is to be done for them.
#[derive(Debug)]
pub(crate) struct Clients {
    sessions: BTreeMap<SessionKey, Session>,
    by_token: HashMap<SessionToken, SessionKey>,
    /// How many sessions there are from each network.
    by_network: HashMap<IpAddr, usize>,
    /// The part of session ids that says which server.
    pub(crate) server: u64,
    last_key: u64,
    pub(crate) outputs: VecDeque<Output>,
    limits: Limits,
}

impl Clients {
    pub(crate) fn new(server: u64, limits: Limits) -> Self {
        Self {
            sessions: BTreeMap::new(),
            by_token: HashMap::new(),
            by_network: HashMap::new(),
            server,
            last_key: 0,
            outputs: VecDeque::new(),
            limits,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// The key and the id of a new session.
    pub(crate) const fn new_id(&mut self) -> (SessionKey, SessionId) {
        self.last_key += 1;
        (
            SessionKey(self.last_key),
            SessionId {
                server: self.server,
                local: self.last_key,
            },
        )
    }

    pub(crate) fn insert(&mut self, session: Session) {
        self.by_token.insert(session.token, session.key);
        *self.by_network.entry(network_of(&session)).or_default() += 1;
        self.sessions.insert(session.key, session);
    }

    pub(crate) fn remove(&mut self, key: SessionKey) -> Option<Session> {
        let session = self.sessions.remove(&key)?;
        self.by_token.remove(&session.token);
        let network = network_of(&session);
        if let Some(count) = self.by_network.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_network.remove(&network);
            }
        }
        Some(session)
    }

    /// How many sessions there are from an address, or its network.
    pub(crate) fn count_at(&self, address: &str) -> usize {
        self.by_network.get(&network(address)).copied().unwrap_or(0)
    }

    pub(crate) fn get(&self, key: SessionKey) -> Option<&Session> {
        self.sessions.get(&key)
    }

    pub(crate) fn get_mut(&mut self, key: SessionKey) -> Option<&mut Session> {
        self.sessions.get_mut(&key)
    }

    pub(crate) fn by_id(&self, id: SessionId) -> Option<SessionKey> {
        let key = SessionKey(id.local);
        (id.server == self.server && self.sessions.contains_key(&key)).then_some(key)
    }

    pub(crate) fn by_token(&self, token: &SessionToken) -> Option<SessionKey> {
        self.by_token.get(token).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    pub(crate) fn keys(&self) -> Vec<SessionKey> {
        self.sessions.keys().copied().collect()
    }

    /// Sends a message to a session, now or when its client is back.
    pub(crate) fn send(&mut self, key: SessionKey, message: Bytes) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let connection = session.connection();
        session
            .outbound
            .push(message.clone(), connection.is_some(), &self.limits);
        let asks = session.outbound.wants_confirmation(&self.limits);
        if let Some(connection) = connection {
            self.send_uncounted(connection, message);
            if asks {
                self.ping(key);
            }
        }
    }

    /// Asks a client whether it is there, and so to confirm what was sent to it.
    pub(crate) fn ping(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let sent = session.outbound.ask();
        let conversation = session.new_conversation();
        // This one's answer says all that the answers to older ones would.
        session
            .outgoing
            .retain(|_, it| !matches!(it, Outgoing::Ping { .. }));
        session
            .outgoing
            .insert(conversation, Outgoing::Ping { sent });
        let ping = wire::request(ServiceId::SystemPing, conversation, &(), session.version);
        self.send(key, ping);
    }

    /// Sends what is not one of a session's counted messages: a connect response, or what is sent again.
    pub(crate) fn send_uncounted(&mut self, connection: ConnectionId, message: Bytes) {
        self.outputs.push_back(Output::Send {
            connection,
            message,
        });
    }
}
