//! Sessions: their lifecycle, properties and selections, and what is on its way to their clients.
//!
//! [`Sessions`] owns all of it, and whatever is to be done for clients: messages to send and connections to close go into one
//! queue of outputs, in their order. It knows topics by their ids only.

mod backlog;
mod catch_up;
mod delivery;
pub(crate) mod events;
pub(crate) mod filter;
mod interest;
mod outbound;
mod selections;
mod session;
mod subscriptions;
pub(crate) mod timers;

pub(crate) use backlog::{Item, Kind};
pub(crate) use catch_up::{CatchUp, Due};
pub(crate) use outbound::Outbound;
pub(crate) use selections::{SelectedBy, Selections};
pub(crate) use session::{Link, Session, key};
pub(crate) use subscriptions::NextDue;

use core::hash::{Hash, Hasher};
use core::net::IpAddr;
use effusion_protocol::{SessionId, SessionToken};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use subtle::ConstantTimeEq as _;

use crate::auth::throttle::network;
use crate::caller::SessionKey;
use crate::services::metrics::Traffic;
use crate::{Limits, Output};

use interest::Interest;
use outbound::Pushed;
use selections::Selection;

/// A session's token, as something that is guessed at: comparing takes the same time wherever two differ, and which ones
/// are compared depends on a hash whose key nobody knows.
#[derive(Clone, Copy, Debug)]
struct Credential(SessionToken);

impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        let [a, b] = [self, other].map(|it| it.0.as_str().as_bytes());
        a.ct_eq(b).into()
    }
}

impl Eq for Credential {}

impl Hash for Credential {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

/// Where a session's client connected from: the property is the server's own, and does not change.
fn network_of(session: &Session) -> IpAddr {
    let address = session.properties.get(key::CLIENT_IP);
    network(address.map(String::as_str).unwrap_or_default())
}

/// All sessions, and what is to be done for them.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// Boxed: a tree of as large values as these would leave half of their memory empty.
    sessions: BTreeMap<SessionKey, Box<Session>>,
    by_token: HashMap<Credential, SessionKey>,
    /// How many sessions there are from each network.
    by_network: HashMap<IpAddr, usize>,
    /// The part of session ids that says which server.
    pub(crate) server: u64,
    last_key: u64,
    pub(crate) outputs: VecDeque<Output>,
    /// What was handed to connections.
    pub(crate) outbound: Traffic,
    /// Sessions that are there, and for which more waits than may: they are to be closed.
    pub(crate) overflowed: BTreeSet<SessionKey>,
    /// Bytes that wait for all clients.
    waiting: usize,
    limits: Limits,
    /// Which sessions may want a topic.
    interest: Interest,
    /// Sessions whose clients can be told more of their subscriptions at once.
    continuing: BTreeSet<SessionKey>,
}

/// What may wait for a client however much waits for the others.
const LEAST_SHARE: usize = 16 * 1024;

impl Sessions {
    pub(crate) fn new(server: u64, limits: Limits) -> Self {
        Self {
            sessions: BTreeMap::new(),
            by_token: HashMap::new(),
            by_network: HashMap::new(),
            server,
            last_key: 0,
            outputs: VecDeque::new(),
            outbound: Traffic::default(),
            overflowed: BTreeSet::new(),
            waiting: 0,
            limits,
            interest: Interest::default(),
            continuing: BTreeSet::new(),
        }
    }

    /// A client's share of what may wait for all.
    fn share(&self) -> usize {
        (self.limits.waiting_bytes / self.sessions.len().max(1)).max(LEAST_SHARE)
    }

    /// What waits for a client has become more or less.
    pub(crate) fn recount(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let now = session.outbound.bytes();
        let before = core::mem::replace(&mut session.counted, now);
        self.waiting = self.waiting.saturating_add(now).saturating_sub(before);
        if now > before && self.waiting > self.limits.waiting_bytes {
            // Whoever has the most waiting is the one that does not read.
            let most = self.sessions.values().max_by_key(|session| session.counted);
            self.overflowed.extend(most.map(|session| session.key));
        }
    }

    /// Whether so much waits for a client, or for all, that it is to read some of it before it is served again.
    pub(crate) fn is_full(&self, session: &Session) -> bool {
        session.outbound.is_full(&self.limits)
            || (self.waiting > self.limits.waiting_bytes / 2
                && session.outbound.bytes() > self.share())
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
        self.by_token.insert(Credential(session.token), session.key);
        *self.by_network.entry(network_of(&session)).or_default() += 1;
        self.sessions.insert(session.key, Box::new(session));
    }

    pub(crate) fn remove(&mut self, key: SessionKey) -> Option<Session> {
        let session = self.sessions.remove(&key)?;
        self.waiting = self.waiting.saturating_sub(session.counted);
        self.by_token.remove(&Credential(session.token));
        for selector in session.selections.selectors() {
            self.interest.remove(key, selector);
        }
        let network = network_of(&session);
        if let Some(count) = self.by_network.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_network.remove(&network);
            }
        }
        Some(*session)
    }

    /// How many sessions there are from an address, or its network.
    pub(crate) fn count_at(&self, address: &str) -> usize {
        self.by_network.get(&network(address)).copied().unwrap_or(0)
    }

    pub(crate) fn get(&self, key: SessionKey) -> Option<&Session> {
        self.sessions.get(&key).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, key: SessionKey) -> Option<&mut Session> {
        self.sessions.get_mut(&key).map(Box::as_mut)
    }

    pub(crate) fn by_id(&self, id: SessionId) -> Option<SessionKey> {
        let key = SessionKey(id.local);
        (id.server == self.server && self.sessions.contains_key(&key)).then_some(key)
    }

    pub(crate) fn by_token(&self, token: &SessionToken) -> Option<SessionKey> {
        self.by_token.get(&Credential(*token)).copied()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values().map(Box::as_ref)
    }

    pub(crate) fn keys(&self) -> Vec<SessionKey> {
        self.sessions.keys().copied().collect()
    }
}
