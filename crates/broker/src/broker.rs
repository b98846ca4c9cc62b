//! The broker: inputs in, outputs out.

mod announcements;
mod catch_up;
pub(crate) mod changes;
mod connect;
pub(crate) mod jobs;
mod lifecycle;
mod replies;
pub(crate) mod rights;
mod scripts;
mod sign_in;
pub(crate) mod subscriptions;

use bytes::Bytes;
use effusion_protocol::{CloseReason, ConnectRequest};
use std::collections::{HashMap, VecDeque};

use crate::auth::{Accounts, Auth, Candidate, ScriptStage};
use crate::broker::jobs::{Jobs, SLICE};
use crate::messaging::Messaging;
use crate::services::metrics::Collectors;
use crate::sessions::{Connection, Sessions};
use crate::topics::{Step, Topics};
use crate::{Completion, Config, ConnectionId, EffectError, Output, Peer, Snapshot, Ticket, Time};

/// A Diffusion service without I/O. See the crate's documentation.
#[derive(Debug)]
pub struct Broker {
    pub(crate) config: Config,
    /// The time of the present input.
    pub(crate) now: Time,
    pub(crate) sessions: Sessions,
    pub(crate) topics: Topics,
    pub(crate) messaging: Messaging,
    pub(crate) collectors: Collectors,
    pub(crate) auth: Auth,
    pub(crate) jobs: Jobs,
    effects: HashMap<Ticket, Effect>,
    last_ticket: u64,
    /// What was found at the start that whoever runs the service should know.
    pub(crate) notices: Vec<String>,
}

/// What goes on when a piece of work is done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Changes of the topic at a path are stored.
    Topic { path: String, steps: VecDeque<Step> },
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
        let mut broker = Self {
            sessions: Sessions::new(&config),
            now,
            topics: Topics::new(config.limits, config.durable),
            messaging: Messaging::default(),
            collectors: Collectors::new(now),
            auth: Auth::new(
                &config,
                Accounts::new(snapshot.principals, snapshot.authentication),
                snapshot.security,
            ),
            jobs: Jobs::default(),
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
        self.begin_input(now);
        if self.sessions.connection(connection).is_none() {
            self.connecting(connection, request, peer);
        }
    }

    /// A whole message came.
    pub fn receive(&mut self, now: Time, connection: ConnectionId, message: Bytes) {
        self.begin_input(now);
        match self.sessions.connection(connection) {
            Some(Connection::Session(session)) => self.received(session, message),
            // Nothing can be said before there is a session.
            Some(Connection::Connecting(_)) => self.refuse_early(connection),
            None => {}
        }
    }

    /// A connection is gone. Its session waits for a reconnect.
    pub fn disconnected(&mut self, now: Time, connection: ConnectionId) {
        self.begin_input(now);
        match self.sessions.forget_connection(connection) {
            Some(Connection::Session(session)) => self.lost(session),
            Some(Connection::Connecting(ticket)) => self.forget(ticket),
            None => {}
        }
    }

    /// A connection is given up because of what its client did: it sent what is no message, or a message that is too
    /// large, or reads too slowly. Its session ends, since a reconnect would only repeat it.
    pub fn failed(&mut self, now: Time, connection: ConnectionId, reason: CloseReason) {
        self.begin_input(now);
        match self.sessions.connection(connection) {
            Some(Connection::Session(session)) => self.close(session, reason),
            _ => self.disconnected(now, connection),
        }
    }

    /// Work that an output asked for is done.
    pub fn completed(&mut self, now: Time, ticket: Ticket, completion: Completion) {
        self.begin_input(now);
        let Some(effect) = self.effects.remove(&ticket) else {
            return;
        };
        if !matches!(completion, Completion::Stored(_)) {
            self.auth.check_done();
        }
        match effect {
            Effect::Topic { path, steps } => self.batch_stored(&path, steps, completion.stored()),
            Effect::Authenticate(candidate) => self.checked(candidate, completion),
            Effect::Script(stage) => {
                let step = self.auth.continue_script(*stage, completion);
                self.script_step(step);
            }
            Effect::Nothing => {}
        }
        self.run_checks();
    }

    /// Time passed. To be called at [`Broker::next_timeout`] or later. If very much is due, the rest of it is worked on as what
    /// takes long is.
    pub fn tick(&mut self, now: Time) {
        self.begin_input(now);
        self.time_out(&mut SLICE.clone());
    }

    /// Does what is due.
    fn time_out(&mut self, steps: &mut usize) {
        let now = self.now.monotonic_ms;
        while let Some(at) = self.first_timeout().filter(|at| *at <= now) {
            self.jobs.has_overdue = *steps == 0;
            if self.jobs.has_overdue {
                return;
            }
            *steps -= 1;
            if self.sessions.next_timeout() == Some(at) {
                self.session_timeout(steps);
            } else if self.messaging.requests().next_timeout() == Some(at) {
                self.request_timeout();
            } else if self.topics.begin_sweep(now) {
                self.sweep();
            }
        }
        self.jobs.has_overdue = false;
    }

    /// Ends every session because the service stops; the sessions' outputs remain to be polled.
    pub fn shut_down(&mut self, now: Time) {
        self.begin_input(now);
        for session in self.sessions.keys() {
            self.close(session, CloseReason::ServerClosing);
        }
    }

    /// When to call [`Broker::tick`], in the monotonic clock's milliseconds. It may change with every input.
    #[must_use]
    pub fn next_timeout(&self) -> Option<u64> {
        self.first_timeout().filter(|_| !self.jobs.has_overdue)
    }

    fn first_timeout(&self) -> Option<u64> {
        let timeouts = [
            self.sessions.next_timeout(),
            self.messaging.requests().next_timeout(),
            self.topics.next_timeout(),
        ];
        timeouts.into_iter().flatten().min()
    }

    /// The next thing to do. To be called after every input until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        while let Some(session) = self.sessions.next_overflowed() {
            self.close(session, CloseReason::MessageQueueLimitReached);
        }
        self.sessions.next_output()
    }

    /// How many sessions there are, connected or waiting for a reconnect.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Bytes of requests that wait for the store: whoever drives the broker takes no further messages while there are many.
    #[must_use]
    pub const fn write_bytes(&self) -> usize {
        self.sessions.store_bytes()
    }

    /// How many topics there are.
    #[must_use]
    pub fn topic_count(&self) -> usize {
        self.topics.tree().len()
    }

    pub(crate) const fn begin_input(&mut self, now: Time) {
        self.now = now;
        self.jobs.begin_input();
        self.sessions.begin_input();
    }

    /// A ticket for a piece of work.
    pub(crate) fn new_ticket(&mut self, effect: Effect) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.effects.insert(ticket, effect);
        ticket
    }

    /// Nobody waits for a piece of work any more; it still counts until it is done.
    fn forget(&mut self, ticket: Ticket) {
        if let Some(effect) = self.effects.get_mut(&ticket) {
            *effect = Effect::Nothing;
        }
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.sessions.output(output);
    }
}

impl Completion {
    pub(crate) fn stored(self) -> Result<(), EffectError> {
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
