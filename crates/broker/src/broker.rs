//! The broker: inputs in, outputs out.

mod catch_up;
pub(crate) mod connect;
pub(crate) mod jobs;
mod lifecycle;
pub(crate) mod publish;
pub(crate) mod rights;
pub(crate) mod subscriptions;

use bytes::Bytes;
use effusion_protocol::{CloseReason, ConnectRequest, ConversationId, ServiceId, TopicId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::auth::Rights;
use crate::auth::accounts::Accounts;
use crate::auth::scripts::{Script, ScriptStage};
use crate::auth::sign_in::{Authenticators, Candidate};
use crate::auth::throttle::Attempts;
use crate::auth::verification::Checks;
use crate::broker::jobs::Jobs;
use crate::messaging::handlers::Handlers;
use crate::messaging::locks::Locks;
use crate::services::metrics::Collectors;
use crate::sessions::clients::Clients;
use crate::sessions::events::SessionListeners;
use crate::sessions::timers::{Timer, Timers};
use crate::sessions::{Interest, SessionKey};
use crate::topics::TopicTree;
use crate::topics::queue::{Pipeline, Step};
use crate::topics::removals::Removals;
use crate::topics::selectors::{SelectorCache, SelectorError};
use crate::topics::transaction::Numbers;
use crate::{
    Completion, Config, ConnectionId, EffectError, Output, Peer, SecurityStore, Snapshot, Ticket,
    Time,
};

/// A Diffusion service without I/O. See the crate's documentation.
#[derive(Debug)]
pub struct Broker {
    pub(crate) config: Config,
    /// The time of the present input.
    pub(crate) now: Time,
    pub(crate) random: StdRng,
    pub(crate) clients: Clients,
    pub(crate) connections: HashMap<ConnectionId, Connection>,
    pub(crate) timers: Timers,
    pub(crate) tree: TopicTree,
    pub(crate) numbers: Numbers,
    pub(crate) pipeline: Pipeline,
    pub(crate) removals: Removals,
    pub(crate) interest: Interest,
    pub(crate) selectors: SelectorCache,
    /// Sessions with topic notification listeners.
    pub(crate) listening: BTreeSet<SessionKey>,
    pub(crate) session_listeners: SessionListeners,
    pub(crate) handlers: Handlers,
    pub(crate) missing_topic_handlers: Handlers,
    pub(crate) authenticators: Authenticators,
    pub(crate) locks: Locks,
    pub(crate) collectors: Collectors,
    pub(crate) accounts: Accounts,
    pub(crate) attempts: Attempts,
    pub(crate) security: SecurityStore,
    /// The rights of each set of roles that a session has.
    pub(crate) rights: HashMap<BTreeSet<String>, Arc<Rights>>,
    /// Scripts that wait for their turn.
    pub(crate) scripts: VecDeque<Script>,
    pub(crate) is_running_script: bool,
    pub(crate) jobs: Jobs,
    /// Where looking at removal policies goes on, if it is not done.
    pub(crate) sweep: Option<TopicId>,
    /// Bytes of requests that wait for the store.
    pub(crate) write_bytes: usize,
    /// Credentials that are being checked, and those that wait for it.
    pub(crate) checks: Checks,
    /// Sessions whose clients can be told more of their subscriptions at once.
    pub(crate) hungry: BTreeSet<SessionKey>,
    effects: HashMap<Ticket, Effect>,
    last_ticket: u64,
    /// What was found at the start that whoever runs the service should know.
    pub(crate) notices: Vec<String>,
}

/// What a connection is for.
#[derive(Debug)]
pub(crate) enum Connection {
    /// Its principal is being authenticated.
    Connecting(Ticket),
    Session(SessionKey),
}

/// What goes on when a piece of work is done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Changes of the topic at a path are stored.
    Topic { path: String, steps: Vec<Step> },
    /// A handler knows whether a client is who it says it is.
    Authenticate(Box<Candidate>),
    /// A script's next stage.
    Script(Box<ScriptStage>),
    /// Nobody waits.
    Nothing,
}

/// Who asked for something, and is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) session: SessionKey,
    pub(crate) service: ServiceId,
    pub(crate) conversation: ConversationId,
    pub(crate) hold: Hold,
    /// How long the request is, in bytes.
    pub(crate) bytes: usize,
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Nothing: it is answered at once.
    None,
    /// The store: later requests that read what it writes wait for it.
    Write,
    /// Something else.
    Wait,
}

impl Caller {
    #[cfg(test)]
    pub(crate) const fn test(session: SessionKey, conversation: u64) -> Self {
        Self {
            session,
            service: ServiceId::AcquireSessionLock,
            conversation: ConversationId(conversation),
            hold: Hold::None,
            bytes: 0,
        }
    }
}

impl Broker {
    /// A broker with what was stored before.
    #[must_use]
    pub fn new(config: Config, snapshot: Snapshot, now: Time) -> Self {
        let mut random = StdRng::from_seed(config.seed);
        let mut broker = Self {
            clients: Clients::new(random.next_u64(), config.limits),
            random,
            now,
            connections: HashMap::new(),
            timers: Timers::default(),
            tree: TopicTree::default(),
            numbers: Numbers::default(),
            pipeline: Pipeline::default(),
            removals: Removals::default(),
            interest: Interest::default(),
            selectors: SelectorCache::default(),
            listening: BTreeSet::new(),
            session_listeners: SessionListeners::default(),
            handlers: Handlers::default(),
            missing_topic_handlers: Handlers::default(),
            authenticators: Authenticators::default(),
            locks: Locks::default(),
            collectors: Collectors::new(now),
            attempts: Attempts::new(config.attempts),
            accounts: Accounts::new(snapshot.principals, snapshot.authentication),
            security: snapshot.security,
            rights: HashMap::new(),
            scripts: VecDeque::new(),
            is_running_script: false,
            jobs: Jobs::default(),
            sweep: None,
            write_bytes: 0,
            checks: Checks::default(),
            hungry: BTreeSet::new(),
            effects: HashMap::new(),
            last_ticket: 0,
            notices: Vec::new(),
            config,
        };
        for (path, topic) in snapshot.topics {
            broker.restore(&path, topic);
        }
        broker
    }

    /// What was found in the snapshot that the rules of today refuse, a line each: it is tolerated, but whoever runs the
    /// service should know. Each is given once.
    pub fn take_notices(&mut self) -> Vec<String> {
        core::mem::take(&mut self.notices)
    }

    /// A client asks for a session, or for the one that it had.
    pub fn connect(
        &mut self,
        now: Time,
        connection: ConnectionId,
        request: ConnectRequest,
        peer: Peer,
    ) {
        self.now = now;
        if !self.connections.contains_key(&connection) {
            self.connecting(connection, request, peer);
        }
    }

    /// A whole message came.
    pub fn receive(&mut self, now: Time, connection: ConnectionId, message: Bytes) {
        self.now = now;
        match self.connections.get(&connection) {
            Some(Connection::Session(session)) => self.received(*session, message),
            // Nothing can be said before there is a session.
            Some(Connection::Connecting(_)) => self.refuse_early(connection),
            None => {}
        }
    }

    /// A connection is gone. Its session waits for a reconnect.
    pub fn disconnected(&mut self, now: Time, connection: ConnectionId) {
        self.now = now;
        match self.connections.remove(&connection) {
            Some(Connection::Session(session)) => self.lost(session),
            Some(Connection::Connecting(ticket)) => self.forget(ticket),
            None => {}
        }
    }

    /// A connection is given up because of what its client did: it sent what is no message, or a message that is too
    /// large, or reads too slowly. Its session ends, since a reconnect would only repeat it.
    pub fn failed(&mut self, now: Time, connection: ConnectionId, reason: CloseReason) {
        self.now = now;
        match self.connections.get(&connection) {
            Some(Connection::Session(session)) => self.close(*session, reason),
            _ => self.disconnected(now, connection),
        }
    }

    /// Work that an output asked for is done.
    pub fn completed(&mut self, now: Time, ticket: Ticket, completion: Completion) {
        self.now = now;
        let Some(effect) = self.effects.remove(&ticket) else {
            return;
        };
        if !matches!(completion, Completion::Stored(_)) {
            self.checks.running = self.checks.running.saturating_sub(1);
        }
        match effect {
            Effect::Topic { path, steps } => self.batch_stored(&path, steps, completion.stored()),
            Effect::Authenticate(candidate) => match completion {
                Completion::TokenVerified(result) => self.token_checked(*candidate, result),
                other => self.password_checked(*candidate, other.verified()),
            },
            Effect::Script(stage) => self.script_stage_done(*stage, completion),
            Effect::Nothing => {}
        }
        self.run_checks();
    }

    /// Time passed. To be called at [`Broker::next_timeout`] or later.
    pub fn tick(&mut self, now: Time) {
        self.now = now;
        while let Some(timer) = self.timers.due(now.monotonic_ms) {
            match timer {
                Timer::Ping(session) => self.ping_due(session),
                Timer::Expire(session) => self.expiry_due(session),
                Timer::Outdated(session) => self.outdated(session),
                Timer::Unanswered(session, conversation) => {
                    self.answer_due(session, conversation);
                }
                Timer::Removals => self.removals_due(),
            }
        }
    }

    /// Ends every session because the service stops; the sessions' outputs remain to be polled.
    pub fn shut_down(&mut self, now: Time) {
        self.now = now;
        for session in self.clients.keys() {
            self.close(session, CloseReason::ServerClosing);
        }
    }

    /// When to call [`Broker::tick`], in the monotonic clock's milliseconds. It may change with every input.
    #[must_use]
    pub fn next_timeout(&self) -> Option<u64> {
        self.timers.next()
    }

    /// The next thing to do. To be called after every input until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        while let Some(session) = self.clients.overflowed.pop_first() {
            self.close(session, CloseReason::MessageQueueLimitReached);
        }
        self.clients.outputs.pop_front()
    }

    /// How many sessions there are, connected or waiting for a reconnect.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.clients.len()
    }

    /// Bytes of requests that wait for the store: whoever drives the broker takes no further messages while there are many.
    #[must_use]
    pub const fn write_bytes(&self) -> usize {
        self.write_bytes
    }

    /// How many topics there are.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.tree.len()
    }

    /// A ticket for a piece of work.
    pub(crate) fn new_ticket(&mut self, effect: Effect) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.effects.insert(ticket, effect);
        ticket
    }

    /// What is to go on when a piece of work is done.
    pub(crate) fn effect_mut(&mut self, ticket: Ticket) -> Option<&mut Effect> {
        self.effects.get_mut(&ticket)
    }

    /// What was to go on, if it still is.
    pub(crate) fn take_effect(&mut self, ticket: Ticket) -> Option<Effect> {
        self.effects.remove(&ticket)
    }

    /// Nobody waits for a piece of work any more; it still counts until it is done.
    fn forget(&mut self, ticket: Ticket) {
        if let Some(effect) = self.effects.get_mut(&ticket) {
            *effect = Effect::Nothing;
        }
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.clients.outputs.push_back(output);
    }

    /// The rights of a set of roles.
    pub(crate) fn rights_of(&mut self, roles: &BTreeSet<String>) -> Arc<Rights> {
        if let Some(rights) = self.rights.get(roles) {
            return rights.clone();
        }
        // Sets that no session has any more are forgotten, before there are many of them.
        if self.rights.len() >= 1_000 {
            self.rights
                .retain(|_, rights| Arc::strong_count(rights) > 1);
        }
        let rights = Arc::new(Rights::of(&self.security, roles));
        self.rights.insert(roles.clone(), rights.clone());
        rights
    }

    pub(crate) fn selector(
        &mut self,
        expression: &str,
    ) -> Result<Arc<crate::topics::selectors::Selector>, SelectorError> {
        self.selectors.get(expression)
    }
}

impl Completion {
    fn stored(self) -> Result<(), EffectError> {
        match self {
            Self::Stored(result) => result,
            _ => Err(EffectError::wrong_kind()),
        }
    }

    pub(crate) fn verified(self) -> Result<bool, EffectError> {
        match self {
            Self::Verified(result) => result,
            _ => Err(EffectError::wrong_kind()),
        }
    }

    pub(crate) fn hashed(self) -> Result<String, EffectError> {
        match self {
            Self::Hashed(result) => result,
            _ => Err(EffectError::wrong_kind()),
        }
    }
}

impl EffectError {
    pub(crate) fn wrong_kind() -> Self {
        Self("the completion is not of the kind that was asked for".to_owned())
    }
}
