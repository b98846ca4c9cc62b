//! What the machine reports and wants done.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use effusion_protocol::value::delta::DeltaError;
use effusion_protocol::{
    ConversationId, ErrorReport, ProtocolVersion, SessionId, UnsubscribeReason,
};

use super::{ServiceCall, Ticket, Topic};
use crate::{RequestError, SessionCloseReason};

/// What is known of an open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its identity.
    pub id: SessionId,
    /// The protocol version that both sides speak.
    pub version: ProtocolVersion,
    /// The largest message that the service reads, in bytes, if it says.
    pub maximum_message_size: Option<usize>,
}

/// Where a session stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The first connection is being opened.
    Connecting,
    /// The session is open.
    Connected(SessionInfo),
    /// The connection was lost; the machine tries to get it back.
    #[non_exhaustive]
    Recovering {
        /// How many attempts have failed.
        attempts: u32,
        /// When the next attempt begins, from when this state was reported.
        retry_in: Duration,
        /// Whether the old session is gone, so that a new one is being opened in its place.
        renewing: bool,
    },
    /// The session is over.
    Closed(SessionCloseReason),
}

impl SessionState {
    /// Whether requests are sent at once.
    ///
    /// ```no_run
    /// # fn example(session: &effusion_client::Session) {
    /// if !session.state().is_connected() {
    ///     println!("requests wait for a connection");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self, Self::Connected(_))
    }

    /// Whether nothing will ever happen again.
    ///
    /// ```no_run
    /// # fn example(session: &effusion_client::Session) {
    /// if session.state().is_closed() {
    ///     println!("it takes another session to go on");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }
}

/// Why a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnsubscribedReason {
    /// The service says why.
    Service(UnsubscribeReason),
    /// The session lost its subscriptions: it is gone and a new one is being opened, or it reconnected with a loss of
    /// messages. What was selected will be selected again.
    SessionLost,
}

impl UnsubscribedReason {
    /// What it means, in words; so does `Display`.
    ///
    /// ```
    /// use effusion_client::UnsubscribedReason;
    ///
    /// assert_eq!(UnsubscribedReason::SessionLost.description(), "the session was lost");
    /// ```
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Service(UnsubscribeReason::Requested) => "the session asked for it",
            Self::Service(UnsubscribeReason::Control) => "another client or the service ended it",
            Self::Service(UnsubscribeReason::Removal) => "the topic was removed",
            Self::Service(UnsubscribeReason::Authorization) => {
                "the session may no longer read the topic"
            }
            Self::Service(UnsubscribeReason::BackPressure) => "the session reads too slowly",
            Self::Service(UnsubscribeReason::BranchMappings) => {
                "the branch is mapped to another one"
            }
            Self::Service(_) => "the service does not say why",
            Self::SessionLost => "the session was lost",
        }
    }
}

impl fmt::Display for UnsubscribedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

/// What the machine reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The session's state changed.
    State(SessionState),
    /// The session is subscribed to a topic.
    Subscribed(Arc<Topic>),
    /// A topic has a value.
    Value {
        /// The topic.
        topic: Arc<Topic>,
        /// The value before, if the session had one.
        old: Option<Bytes>,
        /// The value.
        new: Bytes,
    },
    /// A delta does not fit the topic's last value. The topic is silent until the service sends a whole value.
    Broken {
        /// The topic.
        topic: Arc<Topic>,
        /// What is wrong.
        error: DeltaError,
    },
    /// The session is no longer subscribed to a topic.
    Unsubscribed {
        /// The topic.
        topic: Arc<Topic>,
        /// Why.
        reason: UnsubscribedReason,
    },
    /// A request was answered, or will never be.
    Answer {
        /// What [`Machine::request`](super::Machine::request) returned.
        ticket: Ticket,
        /// The body of the answer.
        result: Result<Bytes, RequestError>,
    },
    /// The service calls the session, by a service that the session accepts calls of: to be answered by
    /// [`Machine::answer_call`](super::Machine::answer_call).
    Called(ServiceCall),
    /// The service ended a conversation that is no request: nothing more will be sent to the handler or listener that was
    /// registered by it.
    ConversationEnded {
        /// What [`Machine::new_conversation`](super::Machine::new_conversation) returned, unless it is a request that waits no
        /// longer.
        conversation: ConversationId,
        /// Why.
        report: ErrorReport,
    },
    /// A selection that was made again in a new session was refused.
    SelectionFailed {
        /// The topic selector expression.
        selector: String,
        /// Why.
        error: RequestError,
    },
}

/// What the machine wants done.
///
/// `Debug` shows neither queries nor messages, because credentials may be in them.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a connection with this query, after dropping the one before, of which nothing must be reported any more.
    Open {
        /// The upgrade request's query, without the `?`.
        query: String,
    },
    /// Send one binary message.
    Send(Bytes),
    /// Send what is left to send, then close the connection. Nothing more must be reported of it.
    Close,
    /// Tell the session's owner.
    Event(Event),
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { .. } => f.write_str("Open(…)"),
            Self::Send(message) => write!(f, "Send({} bytes)", message.len()),
            Self::Close => f.write_str("Close"),
            Self::Event(event) => f.debug_tuple("Event").field(event).finish(),
        }
    }
}
