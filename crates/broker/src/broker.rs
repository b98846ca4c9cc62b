//! The broker: inputs in, outputs out.

mod catch_up;
pub(crate) mod changes;
pub(crate) mod connect;
pub(crate) mod jobs;
mod lifecycle;
pub(crate) mod rights;
mod subscriptions;

use bytes::Bytes;
use effusion_protocol::{CloseReason, ConnectRequest};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{HashMap, VecDeque};

use crate::auth::Auth;
use crate::auth::scripts::{Script, ScriptStage};
use crate::auth::sign_in::{Authenticators, Candidate};
use crate::auth::throttle::Attempts;
use crate::auth::verification::Checks;
use crate::broker::jobs::Jobs;
use crate::caller::SessionKey;
use crate::messaging::handlers::Handlers;
use crate::messaging::locks::Locks;
use crate::messaging::notifications::Notifications;
use crate::services::metrics::Collectors;
use crate::sessions::Sessions;
use crate::sessions::events::SessionListeners;
use crate::sessions::timers::{Timer, Timers};
use crate::topics::{Step, Topics};
use crate::{Completion, Config, ConnectionId, EffectError, Output, Peer, Snapshot, Ticket, Time};

/// A Diffusion service without I/O. See the crate's documentation.
#[derive(Debug)]
pub struct Broker {
    pub(crate) config: Config,
    /// The time of the present input.
    pub(crate) now: Time,
    pub(crate) random: StdRng,
    pub(crate) sessions: Sessions,
    pub(crate) connections: HashMap<ConnectionId, Connection>,
    pub(crate) timers: Timers,
    pub(crate) topics: Topics,
    pub(crate) notifications: Notifications,
    pub(crate) session_listeners: SessionListeners,
    pub(crate) handlers: Handlers,
    pub(crate) missing_topic_handlers: Handlers,
    pub(crate) authenticators: Authenticators,
    pub(crate) locks: Locks,
    pub(crate) collectors: Collectors,
    pub(crate) auth: Auth,
    pub(crate) attempts: Attempts,
    /// Scripts that wait for their turn.
    pub(crate) scripts: VecDeque<Script>,
    pub(crate) is_running_script: bool,
    pub(crate) jobs: Jobs,
    /// Bytes of requests that wait for the store.
    pub(crate) write_bytes: usize,
    /// Credentials that are being checked, and those that wait for it.
    pub(crate) checks: Checks,
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

impl Broker {
    /// A broker with what was stored before.
    #[must_use]
    pub fn new(config: Config, snapshot: Snapshot, now: Time) -> Self {
        let mut random = StdRng::from_seed(config.seed);
        let mut broker = Self {
            sessions: Sessions::new(random.next_u64(), config.limits),
            random,
            now,
            connections: HashMap::new(),
            timers: Timers::default(),
            topics: Topics::new(config.limits, config.durable),
            notifications: Notifications::default(),
            session_listeners: SessionListeners::default(),
            handlers: Handlers::default(),
            missing_topic_handlers: Handlers::default(),
            authenticators: Authenticators::default(),
            locks: Locks::default(),
            collectors: Collectors::new(now),
            attempts: Attempts::new(config.attempts),
            auth: Auth::new(
                snapshot.principals,
                snapshot.authentication,
                snapshot.security,
            ),
            scripts: VecDeque::new(),
            is_running_script: false,
            jobs: Jobs::default(),
            write_bytes: 0,
            checks: Checks::default(),
            effects: HashMap::new(),
            last_ticket: 0,
            notices: Vec::new(),
            config,
        };
        for (path, topic) in snapshot.topics {
            let notice = broker.topics.restore(&path, topic, now.monotonic_ms);
            broker.notices.extend(notice);
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
            }
        }
        if self.topics.begin_sweep(now.monotonic_ms) {
            self.sweep();
        }
    }

    /// Ends every session because the service stops; the sessions' outputs remain to be polled.
    pub fn shut_down(&mut self, now: Time) {
        self.now = now;
        for session in self.sessions.keys() {
            self.close(session, CloseReason::ServerClosing);
        }
    }

    /// When to call [`Broker::tick`], in the monotonic clock's milliseconds. It may change with every input.
    #[must_use]
    pub fn next_timeout(&self) -> Option<u64> {
        let timers = [self.timers.next(), self.topics.next_timeout()];
        timers.into_iter().flatten().min()
    }

    /// The next thing to do. To be called after every input until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        while let Some(session) = self.sessions.overflowed.pop_first() {
            self.close(session, CloseReason::MessageQueueLimitReached);
        }
        self.sessions.outputs.pop_front()
    }

    /// How many sessions there are, connected or waiting for a reconnect.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Bytes of requests that wait for the store: whoever drives the broker takes no further messages while there are many.
    #[must_use]
    pub const fn write_bytes(&self) -> usize {
        self.write_bytes
    }

    /// How many topics there are.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.topics.tree().len()
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
        self.sessions.outputs.push_back(output);
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
