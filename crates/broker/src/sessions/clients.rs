//! The sessions, and the way to their clients.

use bytes::Bytes;
use core::hash::{Hash, Hasher};
use core::net::IpAddr;
use effusion_protocol::{ServiceId, SessionId, SessionToken};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use subtle::ConstantTimeEq as _;

use crate::auth::throttle::network;
use crate::messaging::requests::Outgoing;
use crate::services::metrics::Traffic;
use crate::sessions::{Item, Kind, Progress, Pushed, Session, SessionKey, key};
use crate::topics::{Conflation, Delivery};
use crate::{ConnectionId, Limits, Output, wire};

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
pub(crate) struct Clients {
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
}

/// What may wait for a client however much waits for the others.
const LEAST_SHARE: usize = 16 * 1024;

impl Clients {
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

    /// Sends a message to a session, now or when its client is back.
    pub(crate) fn send(&mut self, key: SessionKey, message: Bytes) {
        self.send_item(key, Item::other(message));
    }

    /// Sends a message of a topic.
    pub(crate) fn send_item(&mut self, key: SessionKey, item: Item) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let asks = push(
            session,
            item,
            &self.limits,
            (&mut self.outputs, &mut self.outbound),
            &mut self.overflowed,
        );
        self.recount(key);
        if asks {
            self.ping(key);
        }
    }

    /// Sends what waits, as far as it may be sent: the client has confirmed something, or is back.
    pub(crate) fn release(&mut self, key: SessionKey) {
        loop {
            let Some(session) = self.sessions.get_mut(&key) else {
                return;
            };
            let Some(connection) = session.connection() else {
                return;
            };
            if let Some(message) = session.outbound.release(&self.limits) {
                self.send_uncounted(connection, message);
                continue;
            }
            self.recount(key);
            let Some(session) = self.sessions.get(&key) else {
                return;
            };
            if session.outbound.wants_confirmation(&self.limits) {
                self.ping(key);
            }
            return;
        }
    }

    /// Sends an update of a topic. `false` if the client is too slow for the topic's policy, and is to be unsubscribed.
    pub(crate) fn deliver(&mut self, key: SessionKey, update: &mut Delivery) -> bool {
        let Some(session) = self.sessions.get_mut(&key) else {
            return true;
        };
        // It gets the value, or the event, when it is told of what came before.
        if session.feed.progress(update.topic).is_some() {
            return true;
        }
        if let Some(sequence) = update.event
            && update.conflation == Conflation::Off
            && session.outbound.is_under_pressure(&self.limits)
        {
            session
                .feed
                .push(update.topic, update.priority, Progress::Next(sequence));
            return true;
        }
        let outbound = &mut session.outbound;
        let replaces = if !session.conflates || outbound.has_sent_all() {
            false
        } else {
            match update.conflation {
                Conflation::Off => false,
                Conflation::Always => outbound.has_waiting(update.topic),
                Conflation::Conflate => {
                    outbound.has_waiting(update.topic) && outbound.is_under_pressure(&self.limits)
                }
                Conflation::Unsubscribe if outbound.is_under_pressure(&self.limits) => {
                    return false;
                }
                Conflation::Unsubscribe => false,
            }
        };
        if replaces {
            outbound.drop_waiting(update.topic);
        }
        let item = Item {
            message: update.bytes(session.inflates, replaces),
            priority: update.priority,
            kind: Kind::Update(update.topic),
        };
        let asks = push(
            session,
            item,
            &self.limits,
            (&mut self.outputs, &mut self.outbound),
            &mut self.overflowed,
        );
        self.recount(key);
        if asks {
            self.ping(key);
        }
        true
    }

    /// Asks a client whether it is there, and so to confirm what was sent to it: everything up to the question itself.
    pub(crate) fn ping(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        // Whoever comes back is asked then.
        let Some(connection) = session.connection() else {
            return;
        };
        let conversation = session.new_conversation();
        let ping = wire::request(ServiceId::SystemPing, conversation, &(), session.version);
        // It overtakes what waits: that waits for the answer.
        session.outbound.keep(ping.clone(), &self.limits);
        let sent = session.outbound.ask();
        // This one's answer says all that the answers to older ones would.
        session
            .outgoing
            .retain(|_, it| !matches!(it, Outgoing::Ping { .. }));
        session
            .outgoing
            .insert(conversation, Outgoing::Ping { sent });
        self.send_uncounted(connection, ping);
    }

    /// Sends what is not one of a session's counted messages: a connect response, or what is sent again.
    pub(crate) fn send_uncounted(&mut self, connection: ConnectionId, message: Bytes) {
        self.outbound.count(message.len());
        self.outputs.push_back(Output::Send {
            connection,
            message,
        });
    }
}

/// Hands a message to a session's client, or keeps it until that can be done. Whether the client is to be asked to confirm.
fn push(
    session: &mut Session,
    item: Item,
    limits: &Limits,
    (outputs, outbound): (&mut VecDeque<Output>, &mut Traffic),
    overflowed: &mut BTreeSet<SessionKey>,
) -> bool {
    let connection = session.connection();
    let message = item.message.clone();
    let pushed = session.outbound.push(item, connection.is_some(), limits);
    let Some(connection) = connection else {
        return false;
    };
    match pushed {
        Pushed::Sent => {
            outbound.count(message.len());
            outputs.push_back(Output::Send {
                connection,
                message,
            });
        }
        Pushed::Waits => {}
        Pushed::Overflow => {
            overflowed.insert(session.key);
            return false;
        }
    }
    session.outbound.wants_confirmation(limits)
}
