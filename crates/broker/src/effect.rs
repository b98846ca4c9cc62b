//! What the broker asks of the world around it, and what the world answers.

use bytes::Bytes;
use core::fmt;
use std::collections::BTreeSet;

use effusion_protocol::time_series::Event;
use effusion_protocol::{CloseReason, ResponseCode};

use crate::{AuthenticationPolicy, Principal, SecurityStore, StoredTopic};

/// A connection, numbered by who drives the broker. A number must not be used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Who is at the other end of a connection; becomes session properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address without the port, as `$ClientIP` shows it.
    pub address: String,
    /// The connector's name, as `$Connector` shows it.
    pub connector: String,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

/// Names a piece of work until it is completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Text that `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What the broker wants done. Outputs are to be carried out in the order in which they are polled.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send a message: one binary WebSocket message. Subscribers of one topic share the bytes.
    Send {
        /// Where to.
        connection: ConnectionId,
        /// The message.
        message: Bytes,
    },
    /// Send what is waiting, then close the connection. The broker has already forgotten it: `disconnected` may be
    /// called for it or not, and what is still received from it is passed over.
    Close {
        /// The connection.
        connection: ConnectionId,
        /// Why, for the log.
        reason: ConnectionEnd,
    },
    /// Apply all operations durably, in their order, or none of them; then complete with [`Completion::Stored`].
    /// Tickets are to be applied in the order in which they were polled; several may share a transaction.
    Store {
        /// For the completion.
        ticket: Ticket,
        /// What to write.
        operations: Vec<StoreOp>,
    },
    /// Hash a password with a random salt; complete with [`Completion::Hashed`].
    Hash {
        /// For the completion.
        ticket: Ticket,
        /// The password.
        password: Secret,
    },
    /// Check a password against a hash that was made by [`Output::Hash`]; complete with [`Completion::Verified`].
    Verify {
        /// For the completion.
        ticket: Ticket,
        /// The hash. `None` if there is no such principal: check against any hash and answer `Ok(false)`, so that the
        /// time does not tell whether there is one.
        hash: Option<String>,
        /// The password.
        password: Secret,
    },
    /// Check a token that is offered as credentials: a JWT (RFC 7519). Complete with [`Completion::TokenVerified`].
    VerifyToken {
        /// For the completion.
        ticket: Ticket,
        /// The token: three parts in base64url with dots between them; nothing else about it is known.
        token: Secret,
    },
}

/// Why the broker closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionEnd {
    /// The connection was refused, and the client was told so.
    Refused(ResponseCode),
    /// The connection was refused, because there are too many sessions from its address.
    TooManySessions,
    /// The connection was refused, because too many sign-ins failed before.
    TooManyAttempts {
        /// How long the client has to wait, in milliseconds.
        wait_ms: u64,
    },
    /// The session ended.
    Session(CloseReason),
    /// The session goes on over another connection.
    Replaced,
    /// The client was silent for too long; its session waits for a reconnect.
    Unresponsive,
}

impl fmt::Display for ConnectionEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(f, "refused: {}", code.description()),
            Self::TooManySessions => f.write_str("refused: too many sessions from its address"),
            Self::TooManyAttempts { wait_ms } => {
                write!(
                    f,
                    "refused: too many failed sign-ins, another one has to wait for {wait_ms} ms"
                )
            }
            Self::Session(reason) => write!(f, "the session ended: {reason:?}"),
            Self::Replaced => f.write_str("the session goes on over another connection"),
            Self::Unresponsive => f.write_str("the client did not answer pings"),
        }
    }
}

/// One change to what is stored. Every operation can be repeated without harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreOp {
    /// Add a topic, or replace it. It has no events; those that are stored under the path belong to it no longer.
    PutTopic {
        /// Where.
        path: String,
        /// What.
        topic: StoredTopic,
    },
    /// Replace the value of a topic that is stored.
    PutValue {
        /// The topic.
        path: String,
        /// The value.
        value: Bytes,
    },
    /// Remove a topic and its events.
    RemoveTopic {
        /// The topic.
        path: String,
    },
    /// Add an event to a time series; its sequence (`event.metadata.sequence`) is larger than that of any stored one.
    AppendEvent {
        /// The topic.
        path: String,
        /// The event.
        event: Event,
    },
    /// Remove events of a time series by their sequences.
    RemoveEvents {
        /// The topic.
        path: String,
        /// The sequences, ascending. One that is not stored is passed over.
        sequences: Vec<u64>,
    },
    /// Add a principal, or replace it.
    PutPrincipal(Principal),
    /// Remove a principal.
    RemovePrincipal {
        /// Its name.
        name: String,
    },
    /// Replace the rest of the authentication store.
    PutAuthentication(AuthenticationPolicy),
    /// Replace the security store.
    PutSecurity(SecurityStore),
}

/// What became of a piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completion {
    /// Of [`Output::Store`]: durable, or not written at all.
    Stored(Result<(), EffectError>),
    /// Of [`Output::Hash`].
    Hashed(Result<String, EffectError>),
    /// Of [`Output::Verify`]: whether the password is right.
    Verified(Result<bool, EffectError>),
    /// Of [`Output::VerifyToken`]: what the token says, or `None` if it must not be believed.
    TokenVerified(Result<Option<TokenClaims>, EffectError>),
}

/// What a token says that is signed as it must be, meant for this service, and valid now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenClaims {
    /// The principal.
    pub subject: String,
    /// The principal's roles; those that the security store gives every named session come on top.
    pub roles: BTreeSet<String>,
    /// When it was issued, in milliseconds since 1970, if it says so.
    pub issued_ms: Option<u64>,
    /// When the session has to end, in milliseconds since 1970.
    pub expires_ms: u64,
}

/// Work that could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EffectError(pub String);
