//! Sessions: their lifecycle, properties and selections, and what is on its way to and from their clients.
//!
//! [`Sessions`] owns all of it. What is to be done for clients (messages to send, connections to close) goes into one queue of
//! outputs, in its order. Topics are ids to it, and rights are what it is told.

mod backlog;
mod catch_up;
mod delivery;
pub(crate) mod events;
pub(crate) mod filter;
mod inbound;
mod interest;
mod lifecycle;
mod outbound;
mod properties;
mod selections;
mod session;
mod subscriptions;
mod timers;
mod traffic;

pub(crate) use backlog::Item;
pub(crate) use catch_up::Due;
pub(crate) use lifecycle::{Connecting, Connection, Loss, Resumption, Timeout};
pub(crate) use properties::{MAX_PROPERTY, is_user_property, key, roles_text};
use properties::{MAX_ROLES_BYTES, Roles};
pub(crate) use selections::{Extent, SelectedBy, Selection, Selections};
pub(crate) use session::{Session, Standing};
pub(crate) use subscriptions::NextDue;
pub(crate) use traffic::Traffic;

use core::hash::{Hash, Hasher};
use core::net::IpAddr;
use effusion_protocol::{SessionId, SessionToken};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use subtle::ConstantTimeEq as _;

use crate::auth::network;
use crate::caller::SessionKey;
use crate::{Config, ConnectionId, Limits, Output};

use backlog::Kind;
use events::SessionListeners;
use inbound::Inbound;
use interest::Interest;
use outbound::{Outbound, Pushed};
use timers::{Timer, Timers};

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
    network(session.address())
}

/// All sessions, and what is to be done for them.
#[derive(Debug)]
pub(crate) struct Sessions {
    /// Boxed: a tree of as large values as these would leave half of their memory empty.
    sessions: BTreeMap<SessionKey, Box<Session>>,
    by_token: HashMap<Credential, SessionKey>,
    /// How many sessions there are from each network.
    by_network: HashMap<IpAddr, usize>,
    connections: HashMap<ConnectionId, Connection>,
    /// Which sessions may want a topic.
    interest: Interest,
    /// Who is told of sessions.
    listeners: SessionListeners,
    timers: Timers,
    random: StdRng,
    /// The part of session ids that says which server.
    server: u64,
    last_key: u64,
    outputs: VecDeque<Output>,
    /// What came from connections, and what was handed to them.
    inbound: Traffic,
    outbound: Traffic,
    /// Sessions that are there, and for which more waits than may: they are to be closed.
    overflowed: BTreeSet<SessionKey>,
    /// Sessions whose clients can be told more of their subscriptions at once.
    continuing: BTreeSet<SessionKey>,
    /// Bytes that wait for all clients.
    waiting: usize,
    /// Bytes of requests that wait for the store.
    store_bytes: usize,
    /// Bytes of all sessions' properties and roles.
    details: usize,
    /// Bytes of all sessions' selections.
    selected: usize,
    limits: Limits,
    ping_period_ms: u32,
    reconnect_timeout_ms: u32,
    server_name: String,
}

/// What may wait for a client however much waits for the others.
const LEAST_SHARE: usize = 16 * 1024;

impl Sessions {
    pub(crate) fn new(config: &Config) -> Self {
        let mut random = StdRng::from_seed(config.seed);
        Self {
            sessions: BTreeMap::new(),
            by_token: HashMap::new(),
            by_network: HashMap::new(),
            connections: HashMap::new(),
            interest: Interest::default(),
            listeners: SessionListeners::default(),
            timers: Timers::default(),
            server: random.next_u64(),
            random,
            last_key: 0,
            outputs: VecDeque::new(),
            inbound: Traffic::default(),
            outbound: Traffic::default(),
            overflowed: BTreeSet::new(),
            continuing: BTreeSet::new(),
            waiting: 0,
            store_bytes: 0,
            details: 0,
            selected: 0,
            limits: config.limits,
            ping_period_ms: config.ping_period_ms,
            reconnect_timeout_ms: config.reconnect_timeout_ms,
            server_name: config.server_name.clone(),
        }
    }

    /// Something is to be done, after all that is to be done already.
    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A session for which more waits than may: it is to be closed.
    pub(crate) fn next_overflowed(&mut self) -> Option<SessionKey> {
        self.overflowed.pop_first()
    }

    /// A client's share of what may wait for all.
    fn share(&self) -> usize {
        (self.limits.waiting_bytes / self.sessions.len().max(1)).max(LEAST_SHARE)
    }

    /// So many bytes of an answer are ready that is still being written: they wait for the client like any other.
    pub(crate) fn prepare(&mut self, key: SessionKey, bytes: usize) {
        if let Some(session) = self.sessions.get_mut(&key) {
            session.prepared = bytes;
            self.recount(key);
        }
    }

    /// What waits for a client has become more or less.
    fn recount(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.get_mut(&key) {
            let now = session.waiting_bytes();
            let before = core::mem::replace(&mut session.counted, now);
            self.count_waiting((now, before));
        }
    }

    /// So many bytes wait for a client, and so many did before.
    fn count_waiting(&mut self, (now, before): (usize, usize)) {
        self.waiting = self.waiting.saturating_add(now).saturating_sub(before);
        // One goes at a time: to look for the next before that would take a step for each session again.
        if now > before && self.waiting > self.limits.waiting_bytes && self.overflowed.is_empty() {
            // Whoever has the most waiting is the one that does not read.
            let most = self.sessions.values().max_by_key(|session| session.counted);
            self.overflowed.extend(most.map(|session| session.key));
        }
    }

    /// Whether half of what may wait for all clients does.
    pub(crate) const fn is_crowded(&self) -> bool {
        self.waiting > self.limits.waiting_bytes / 2
    }

    /// Whether so much waits for a client, or for all, that it is to read some of it before it is served again.
    fn is_full(&self, session: &Session) -> bool {
        session.outbound.is_full(&self.limits)
            || (self.is_crowded() && session.waiting_bytes() > self.share())
    }

    pub(crate) fn len(&self) -> usize {
        self.sessions.len()
    }

    /// How many sessions were ever opened.
    pub(crate) const fn opened(&self) -> u64 {
        self.last_key
    }

    /// What came from connections, and what was handed to them.
    pub(crate) const fn traffic(&self) -> (Traffic, Traffic) {
        (self.inbound, self.outbound)
    }

    /// Bytes of requests that wait for the store.
    pub(crate) const fn store_bytes(&self) -> usize {
        self.store_bytes
    }

    fn insert(&mut self, session: Session) {
        self.by_token.insert(Credential(session.token), session.key);
        *self.by_network.entry(network_of(&session)).or_default() += 1;
        let key = session.key;
        self.sessions.insert(key, Box::new(session));
        self.recount_details(key);
    }

    fn remove(&mut self, key: SessionKey) -> Option<Session> {
        let session = self.sessions.remove(&key)?;
        self.waiting = self.waiting.saturating_sub(session.counted);
        self.details = self.details.saturating_sub(session.details);
        self.selected = self
            .selected
            .saturating_sub(session.selections.extent().memory);
        self.store_bytes = self
            .store_bytes
            .saturating_sub(session.inbound.store_bytes());
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

    pub(crate) fn get(&self, key: SessionKey) -> Option<&Session> {
        self.sessions.get(&key).map(Box::as_ref)
    }

    fn get_mut(&mut self, key: SessionKey) -> Option<&mut Session> {
        self.sessions.get_mut(&key).map(Box::as_mut)
    }

    pub(crate) fn by_id(&self, id: SessionId) -> Option<SessionKey> {
        let key = SessionKey(id.local);
        (id.server == self.server && self.sessions.contains_key(&key)).then_some(key)
    }

    fn by_token(&self, token: &SessionToken) -> Option<SessionKey> {
        self.by_token.get(&Credential(*token)).copied()
    }

    /// The key of the session that was opened last.
    pub(crate) const fn last_key(&self) -> SessionKey {
        SessionKey(self.last_key)
    }

    /// The sessions from one to another, in the order in which they were opened.
    pub(crate) fn between(
        &self,
        first: SessionKey,
        last: SessionKey,
    ) -> impl Iterator<Item = &Session> {
        // A range that ends before it begins is none to ask for.
        let sessions = (first <= last).then(|| self.sessions.range(first..=last));
        sessions.into_iter().flatten().map(|(_, it)| it.as_ref())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values().map(Box::as_ref)
    }

    pub(crate) fn keys(&self) -> Vec<SessionKey> {
        self.sessions.keys().copied().collect()
    }

    /// Gives all sessions the rights that their roles have now; returns those whose rights changed.
    pub(crate) fn renew_rights(
        &mut self,
        mut rights_of: impl FnMut(&BTreeSet<String>) -> std::sync::Arc<crate::auth::Rights>,
    ) -> Vec<SessionKey> {
        let mut changed = Vec::new();
        // Sessions with the same roles mostly share their rights: those are compared once.
        let mut compared = HashMap::new();
        for session in self.sessions.values_mut() {
            let rights = rights_of(session.roles());
            let pair = [&session.rights, &rights].map(std::sync::Arc::as_ptr);
            let differ = compared.entry(pair);
            if *differ.or_insert_with(|| *session.rights != *rights) {
                session.rights = rights;
                changed.push(session.key);
            }
        }
        changed
    }

    /// Whether what waits for a session may be conflated, as the topics' policies say.
    pub(crate) fn set_conflates(&mut self, key: SessionKey, conflates: bool) {
        if let Some(session) = self.get_mut(key) {
            session.conflates = conflates;
        }
    }
}

#[cfg(test)]
mod tests;
