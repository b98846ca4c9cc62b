//! A session as a state machine without I/O.
//!
//! Bytes and the time go in by method calls; [`Output`]s come out of [`Machine::poll_output`]. The machine knows no
//! socket, no clock and no other source of randomness than its seed, so that the same inputs give the same outputs.
//!
//! After every input: take all outputs, and call [`Machine::tick`] no later than [`Machine::next_timeout`].
//!
//! ```
//! use effusion_client::machine::{Event, Machine, Output, SessionOptions};
//!
//! let mut machine = Machine::new(SessionOptions::default(), 0, 42);
//! let mut opens = false;
//! while let Some(output) = machine.poll_output() {
//!     match output {
//!         // Open a WebSocket with this query; then call `machine.opened`, `received` and, at the end, `lost`.
//!         Output::Open { query } => opens = query.starts_with("ty=WB&v=29&"),
//!         Output::Send(message) => drop(message),
//!         Output::Close => {}
//!         Output::Event(Event::State(state)) => println!("{state:?}"),
//!         Output::Event(_) => {}
//!     }
//! }
//! assert!(opens);
//! assert!(machine.next_timeout().is_some());
//! ```

mod calls;
mod connecting;
mod event;
mod live;
mod random;
mod recovery;
mod requests;
mod selections;
#[cfg(test)]
mod tests;
mod topics;

pub(crate) use calls::nobody;
pub use calls::{CallId, ServiceCall};
pub use event::{Event, Output, SessionInfo, SessionState, UnsubscribedReason};
pub use selections::Selection;
pub use topics::Topic;

pub use crate::options::SessionOptions;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use effusion_protocol::{
    Credentials, ErrorReport, Message, ProtocolVersion, ServiceId, SessionToken,
};

use crate::{
    ConnectError, Interruption, Renew, RequestError, SessionCloseReason, TransportError,
    TransportErrorKind,
};
use random::Random;
use recovery::Recovery;
use requests::{Call, Pending, Requests};
use selections::Selections;
use topics::Topics;

/// The number of a request, by which its answer comes. It is used once in a machine's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What a connection is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// The first session.
    First,
    /// The session that lost its connection.
    Reconnect,
    /// A session in place of one that is gone.
    Renew,
}

/// How the version is being found that both sides speak. Credentials go out with at most three requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Negotiation {
    /// The request says who asks.
    Asking,
    /// As before, in a version that the service has named.
    Offered,
    /// The request is anonymous: it is to find out a version.
    Probing,
    /// A probe has found the version, so the request says again who asks.
    Found,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Connecting {
        aim: Aim,
        opened: bool,
        deadline: u64,
    },
    /// Between two attempts.
    Waiting {
        aim: Aim,
        until: u64,
    },
    Live {
        since: u64,
        heard: u64,
        pinged: Option<u64>,
    },
    /// The close request is sent; the service may answer it.
    Closing {
        until: u64,
    },
    /// The service has ended the session. Why, is told by the end of the connection.
    Aborted {
        since: u64,
        until: u64,
    },
    Closed,
}

/// A session that the service knows.
#[derive(Debug)]
struct OpenSession {
    info: SessionInfo,
    token: SessionToken,
    ping_period: u64,
    recovery: Recovery,
    /// When the connection was lost.
    lost_at: u64,
}

/// How long the service may take to answer a close request, or to end the connection of a session that it has ended, in
/// milliseconds: as long as the LGPL 5.9 client waits.
const CLOSE_TIMEOUT: u64 = 1_000;

/// How long after a session has left messages unread it is held to have been too slow, if the service ends it, in milliseconds:
/// by then it has read what the service had sent before.
const SLOW_MEMORY: u64 = 10_000;

/// A session, from the first attempt to connect to its end.
#[derive(Debug)]
pub struct Machine {
    options: SessionOptions,
    random: Random,
    outputs: VecDeque<Output>,
    phase: Phase,
    /// The version that is spoken, or asked for.
    version: ProtocolVersion,
    /// Whether the service has accepted the version.
    version_settled: bool,
    negotiation: Negotiation,
    attempts: u32,
    session: Option<OpenSession>,
    requests: Requests,
    topics: Topics,
    selections: Selections,
    /// The services whose calls the session's owner answers.
    accepted: Vec<ServiceId>,
    /// Answers to the service that wait for a connection.
    answers: Vec<Bytes>,
    /// What the last connection, or the last attempt to get it back, failed by.
    failure: TransportError,
    /// When messages were last left unread.
    held: Option<u64>,
    era: u32,
}

impl Machine {
    /// A session that begins to connect at once. `now` is a monotonic time in milliseconds, as everywhere here; `seed`
    /// spreads the waits between attempts.
    #[must_use]
    pub fn new(options: SessionOptions, now: u64, seed: u64) -> Self {
        let mut machine = Self {
            version: options.version.unwrap_or(ProtocolVersion::NEWEST),
            options,
            random: Random::new(seed),
            outputs: VecDeque::new(),
            phase: Phase::Closed,
            version_settled: false,
            negotiation: Negotiation::Asking,
            attempts: 0,
            session: None,
            requests: Requests::default(),
            topics: Topics::default(),
            selections: Selections::default(),
            accepted: Vec::new(),
            answers: Vec::new(),
            failure: TransportErrorKind::Unknown.into(),
            held: None,
            era: 0,
        };
        machine.event(Event::State(SessionState::Connecting));
        machine.open(now, Aim::First);
        machine
    }

    /// What to do next; `None` until there is another input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Machine::tick`] must be called, if nothing else happens before.
    #[must_use]
    pub fn next_timeout(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::Connecting { aim, deadline, .. } => self.not_after_session(aim, deadline),
            Phase::Waiting { aim, until } => self.not_after_session(aim, until),
            Phase::Live { heard, pinged, .. } => self.silence_deadline(heard, pinged),
            Phase::Closing { until } | Phase::Aborted { until, .. } => Some(until),
            Phase::Closed => None,
        };
        match (phase, self.requests.next_deadline()) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Tells the machine the time.
    pub fn tick(&mut self, now: u64) {
        for (id, pending) in self.requests.overdue(now) {
            self.interrupt(id, &pending, Interruption::TimedOut);
        }
        match self.phase {
            Phase::Connecting {
                aim: Aim::Reconnect,
                ..
            }
            | Phase::Waiting {
                aim: Aim::Reconnect,
                ..
            } if self.reconnect_deadline() <= now => {
                if matches!(self.phase, Phase::Connecting { .. }) {
                    self.outputs.push_back(Output::Close);
                }
                self.lost_for_good(now);
            }
            Phase::Connecting { deadline, .. } if deadline <= now => {
                self.outputs.push_back(Output::Close);
                self.attempt_failed(now, TransportErrorKind::TimedOut.into());
            }
            Phase::Waiting { aim, until } if until <= now => self.open(now, aim),
            Phase::Live { heard, pinged, .. } => self.supervise(now, heard, pinged),
            Phase::Closing { until } if until <= now => {
                self.outputs.push_back(Output::Close);
                self.end(SessionCloseReason::ClosedByClient);
            }
            Phase::Aborted { until, .. } if until <= now => {
                self.outputs.push_back(Output::Close);
                let error = TransportErrorKind::Closed.into();
                self.session_gone(now, SessionCloseReason::ClosedByService(error));
            }
            _ => {}
        }
    }

    /// The connection that [`Output::Open`] asked for is open.
    pub fn opened(&mut self, _now: u64) {
        if let Phase::Connecting { opened, .. } = &mut self.phase {
            *opened = true;
        }
    }

    /// A binary message has come.
    pub fn received(&mut self, now: u64, message: Bytes) {
        match self.phase {
            Phase::Connecting { aim, .. } => self.connect_response(now, aim, message),
            Phase::Live { .. } => self.message(now, message),
            Phase::Closing { .. } => {
                if let Ok(Message::Abort) = Message::decode(message, self.version) {
                    self.outputs.push_back(Output::Close);
                    self.end(SessionCloseReason::ClosedByClient);
                }
            }
            Phase::Waiting { .. } | Phase::Aborted { .. } | Phase::Closed => {}
        }
    }

    /// Messages of the service may have come, but are not read now.
    pub fn held(&mut self, now: u64) {
        if let Phase::Live { heard, .. } = &mut self.phase {
            *heard = now;
            self.held = Some(now);
        }
    }

    /// The connection is gone, or did not come about.
    pub fn lost(&mut self, now: u64, error: TransportError) {
        match self.phase {
            Phase::Connecting { .. } => self.attempt_failed(now, error),
            Phase::Live { .. } => self.connection_lost(now, error),
            Phase::Closing { .. } => self.end(SessionCloseReason::ClosedByClient),
            Phase::Aborted { .. } => {
                let reason = match error.kind() {
                    TransportErrorKind::GoingAway => SessionCloseReason::ServiceStopping,
                    _ => SessionCloseReason::ClosedByService(error),
                };
                self.session_gone(now, reason);
            }
            Phase::Waiting { .. } | Phase::Closed => {}
        }
    }

    /// Calls a service; the answer comes as [`Event::Answer`], in any case and only once.
    ///
    /// While there is no connection, the request waits.
    pub fn request(&mut self, now: u64, service: ServiceId, body: Bytes) -> Ticket {
        let version = self.version;
        self.call(
            now,
            Call::Service {
                service,
                body,
                version,
            },
            self.options.request_timeout,
        )
    }

    /// Subscribes (`select`) to the topics that a selector names, or ends these subscriptions; answered as a request is.
    ///
    /// The machine remembers selections for a session that takes the place of this one.
    pub fn select(&mut self, now: u64, selector: &str, select: bool) -> Ticket {
        self.select_in_scope(
            now,
            Selection {
                selector: selector.to_owned(),
                scope: Some(String::new()),
                select,
            },
        )
    }

    /// As [`Machine::select`], in any scope.
    pub fn select_in_scope(&mut self, now: u64, selection: Selection) -> Ticket {
        let timeout = self.options.request_timeout;
        self.call(now, Call::Selection(selection), timeout)
    }

    /// Closes the session. Requests on their way are answered with what is known of them.
    pub fn close(&mut self, now: u64) {
        match self.phase {
            Phase::Live { .. } => {
                let message = Message::Close.encode(self.version);
                self.outputs.push_back(Output::Send(message));
                self.phase = Phase::Closing {
                    until: now.saturating_add(CLOSE_TIMEOUT),
                };
                self.interrupt_all(Interruption::SessionClosed);
            }
            Phase::Connecting { aim, .. } => {
                self.outputs.push_back(Output::Close);
                self.end(if aim == Aim::First {
                    SessionCloseReason::NotConnected(ConnectError::Cancelled)
                } else {
                    SessionCloseReason::ClosedByClient
                });
            }
            Phase::Waiting { .. } => self.end(SessionCloseReason::ClosedByClient),
            Phase::Aborted { .. } => {
                self.outputs.push_back(Output::Close);
                self.end(SessionCloseReason::ClosedByClient);
            }
            Phase::Closing { .. } | Phase::Closed => {}
        }
    }

    /// The principal and the credentials with which to connect from now on.
    pub fn set_principal(&mut self, principal: &str, credentials: Credentials) {
        self.options.principal = Some(principal.to_owned());
        self.options.credentials = credentials;
    }

    /// Ends a wait between two attempts, or asks a service that is connected whether it is still there: for instance because
    /// the network is said to be back, or the device has slept.
    pub fn hurry(&mut self, now: u64) {
        match &mut self.phase {
            Phase::Waiting { until, .. } => *until = now,
            Phase::Live { pinged: None, .. } if self.options.ping_after > 0 => self.ping(now),
            _ => {}
        }
    }

    /// Every topic that the session is subscribed to, with its newest value.
    pub fn topics(&self) -> impl Iterator<Item = (&Arc<Topic>, Option<&Bytes>)> {
        self.topics.iter()
    }

    /// What the session has selected and taken out again, in the order in which they count.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> {
        self.selections.iter()
    }

    /// How many requests have no answer yet, whether they were sent or wait for a connection.
    #[must_use]
    pub fn open_requests(&self) -> usize {
        self.requests.open()
    }

    /// Whether the connect request is answered, so that what comes is the messages of a session.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(
            self.phase,
            Phase::Live { .. } | Phase::Closing { .. } | Phase::Aborted { .. }
        )
    }

    /// Whether the session goes on over this connection: neither end is closing it.
    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live { .. })
    }

    /// What is known of the session; `None` before the first and between two.
    #[must_use]
    pub fn session(&self) -> Option<SessionInfo> {
        self.session.as_ref().map(|session| session.info)
    }

    /// The version in which bodies are to be written and read.
    #[must_use]
    pub const fn version(&self) -> ProtocolVersion {
        self.version
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn call(&mut self, now: u64, call: Call, timeout: u64) -> Ticket {
        let deadline = (timeout > 0).then(|| now.saturating_add(timeout));
        // With a connection they wait for room in the recovery buffer, which answers make: there is no need to refuse any.
        let is_live = matches!(self.phase, Phase::Live { .. });
        let too_many = !is_live && self.requests.waiting() >= self.options.waiting_requests;
        let ticket = self.requests.add(call, deadline);
        let refusal = match self.phase {
            Phase::Closing { .. } | Phase::Closed => Some(Interruption::SessionClosed),
            _ if too_many => Some(Interruption::TooManyWaiting),
            _ => None,
        };
        if let Some(interruption) = refusal {
            if let Some(pending) = self.requests.withdraw(ticket) {
                self.interrupt(ticket.0, &pending, interruption);
            }
        } else {
            self.send_waiting();
        }
        ticket
    }

    fn answer(&mut self, id: u64, pending: &Pending, result: Result<Bytes, RequestError>) {
        if !pending.internal {
            self.event(Event::Answer {
                ticket: Ticket(id),
                result,
            });
        } else if let (Err(error), Call::Selection(selection)) = (result, &pending.call) {
            let selector = selection.selector.clone();
            self.event(Event::SelectionFailed { selector, error });
        }
    }

    fn interrupt(&mut self, id: u64, pending: &Pending, why: Interruption) {
        let error = if pending.is_sent() {
            RequestError::OutcomeUnknown(why)
        } else {
            RequestError::NeverSent(why)
        };
        self.answer(id, pending, Err(error));
    }

    fn interrupt_all(&mut self, why: Interruption) {
        for (id, pending) in self.requests.take(&|_| true) {
            // What the machine asked for itself is of no interest any more.
            if !pending.internal {
                self.interrupt(id, &pending, why);
            }
        }
        self.requests.forget_sequences();
    }

    /// The session is over for good.
    fn end(&mut self, reason: SessionCloseReason) {
        self.phase = Phase::Closed;
        self.session = None;
        self.interrupt_all(Interruption::SessionClosed);
        self.event(Event::State(SessionState::Closed(reason)));
    }

    /// The session is gone, without its owner having closed it.
    fn session_gone(&mut self, now: u64, reason: SessionCloseReason) {
        let renew = match reason {
            SessionCloseReason::ClosedByService(_) => self.options.renew == Renew::Always,
            _ => self.options.renew != Renew::Never,
        };
        if renew {
            self.leave_session();
            match self.phase {
                Phase::Live { since, .. } | Phase::Aborted { since, .. } => {
                    self.forgive(now, since)
                }
                // The service has answered, or has had all the time that it asked for.
                _ => self.attempts = 0,
            }
            self.wait(now, Aim::Renew);
        } else if self.was_too_slow(now, &reason) {
            self.end(SessionCloseReason::TooSlow);
        } else {
            self.end(reason);
        }
    }

    /// Whether the session is gone because it left messages unread. A service that ends a session for that seldom gets to say
    /// so: what was not read is in its way.
    fn was_too_slow(&self, now: u64, reason: &SessionCloseReason) -> bool {
        let end = match reason {
            SessionCloseReason::ClosedByService(_) => now,
            SessionCloseReason::SessionUnknown => {
                self.session.as_ref().map_or(now, |session| session.lost_at)
            }
            _ => return false,
        };
        self.held
            .is_some_and(|held| end.saturating_sub(held) <= SLOW_MEMORY)
    }

    /// Ends everything that belongs to the session, but for selections.
    fn leave_session(&mut self) {
        self.session = None;
        self.begin_era();
        self.drop_subscriptions();
        for (id, pending) in self.requests.take(&|_| true) {
            match pending.call {
                // To select twice is the same as to select once, so it can be done again without asking.
                Call::Selection(_) if !pending.internal => self.requests.add_again(id, pending),
                _ if pending.internal => {}
                _ => self.interrupt(id, &pending, Interruption::SessionLost),
            }
        }
        self.requests.forget_sequences();
    }

    fn drop_subscriptions(&mut self) {
        let ended: Vec<_> = self.topics.clear().collect();
        for topic in ended {
            self.event(Event::Unsubscribed {
                topic,
                reason: UnsubscribedReason::SessionLost,
            });
        }
    }

    fn refused(&mut self, id: u64, pending: &Pending, report: ErrorReport) {
        self.answer(id, pending, Err(RequestError::Refused(report)));
    }
}
