//! Why things end: connection attempts, requests, sessions.

use core::fmt;

use effusion_protocol::body::ScriptError;
use effusion_protocol::value::ValueError;
use effusion_protocol::{DecodeError, ErrorReason, ErrorReport, ProtocolVersion, ResponseCode};

/// Why no session could be opened.
///
/// Source of the codes: section 1.2 of `docs/protocol.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// Nothing answers at the address, or what answers does not speak WebSocket. A browser does not say which.
    Unreachable,
    /// A connection came about, but was closed before the service had answered the connect request.
    NoResponse,
    /// The service did not answer in time.
    TimedOut,
    /// The first message was no connect response, so this is no Diffusion service of a kind that we know.
    UnreadableResponse(DecodeError),
    /// The service speaks none of the versions that were tried; this is the oldest of them.
    VersionRefused(ProtocolVersion),
    /// The service refused, with this code.
    Refused(ResponseCode),
    /// The session was closed by its owner before it was open.
    Cancelled,
}

impl ConnectError {
    /// Whether the service says that the principal or its credentials are wrong.
    #[must_use]
    pub const fn is_authentication_failure(&self) -> bool {
        matches!(self, Self::Refused(ResponseCode::AuthenticationFailed))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable => f.write_str("no Diffusion service answers at this address"),
            Self::NoResponse => f.write_str("the service closed the connection without an answer"),
            Self::TimedOut => f.write_str("the service did not answer in time"),
            Self::UnreadableResponse(error) => {
                f.write_str("the service answered with something else than a connect response: ")?;
                error.fmt(f)
            }
            Self::VersionRefused(oldest) => {
                f.write_str(
                    "the service speaks no protocol version that this client does, down to ",
                )?;
                oldest.fmt(f)
            }
            Self::Refused(code) => f.write_str(code.description()),
            Self::Cancelled => f.write_str("the session was closed before it was open"),
        }
    }
}

impl core::error::Error for ConnectError {}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionCloseReason {
    /// The client closed it.
    ClosedByClient,
    /// The service closed it: it is stopping, or somebody with the right to closed this session.
    ClosedByService,
    /// The connection was lost and did not come back within the reconnect timeout.
    ConnectionLost,
    /// The service no longer knows the session: it was away too long, or the service was restarted.
    SessionUnknown,
    /// Messages were lost that neither side can send again.
    MessagesLost,
    /// The service sent something that is no message.
    InvalidMessage(DecodeError),
    /// No session could be opened: at first, or in place of one that was gone.
    NotConnected(ConnectError),
}

impl fmt::Display for SessionCloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClosedByClient => "the session was closed",
            Self::ClosedByService => "the service closed the session",
            Self::ConnectionLost => "the connection was lost and could not be restored in time",
            Self::SessionUnknown => "the service no longer knows the session",
            Self::MessagesLost => "messages were lost that cannot be sent again",
            Self::InvalidMessage(error) => {
                f.write_str("the service sent a message that could not be read: ")?;
                return error.fmt(f);
            }
            Self::NotConnected(error) => return error.fmt(f),
        })
    }
}

impl core::error::Error for SessionCloseReason {}

/// What came between a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interruption {
    /// The session was closed, by either side.
    SessionClosed,
    /// The session was lost; a new one may take its place.
    SessionLost,
    /// The session goes on, but messages were lost when it reconnected.
    MessagesLost,
    /// The request timeout passed.
    TimedOut,
    /// As many requests are waiting for a connection as the options allow.
    TooManyWaiting,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SessionClosed => "the session is closed",
            Self::SessionLost => "the session was lost",
            Self::MessagesLost => "messages were lost while the session reconnected",
            Self::TimedOut => "no answer came in time",
            Self::TooManyWaiting => "too many requests are waiting for a connection",
        })
    }
}

/// Why a request was not answered with a success, and whether it may have been carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The service refused it: it was not carried out.
    Refused(ErrorReport),
    /// The service refused the script in it, for these reasons: nothing of it was carried out.
    ScriptRefused(Vec<ScriptError>),
    /// The session filter in it is not valid, for these reasons: it was not carried out.
    FilterRefused(Vec<ScriptError>),
    /// It never reached the service: it was not carried out and may be made again.
    NeverSent(Interruption),
    /// It was sent, but no answer came: nobody knows whether it was carried out.
    OutcomeUnknown(Interruption),
    /// It is larger than what the service reads; it was not sent. Both in bytes.
    TooLarge {
        /// What the message would take.
        size: usize,
        /// What the service said when the session was opened.
        limit: usize,
    },
    /// It was carried out, but the answer makes no sense.
    UnreadableResponse(DecodeError),
    /// It was carried out, but a value in the answer is not of the type that was asked for.
    UnreadableValue(ValueError),
}

impl RequestError {
    /// What the client refuses in the service's place.
    pub(crate) fn refused(reason: ErrorReason, message: &str) -> Self {
        let message = message.to_owned();
        Self::Refused(ErrorReport { message, reason })
    }

    /// Why the service refused, if it did.
    #[must_use]
    pub const fn refusal(&self) -> Option<ErrorReason> {
        match self {
            Self::Refused(report) => Some(report.reason),
            _ => None,
        }
    }

    /// Whether the request may have been carried out in spite of the error.
    #[must_use]
    pub const fn may_have_happened(&self) -> bool {
        matches!(
            self,
            Self::OutcomeUnknown(_) | Self::UnreadableResponse(_) | Self::UnreadableValue(_)
        )
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(report) => report.fmt(f),
            Self::ScriptRefused(errors) | Self::FilterRefused(errors) => {
                f.write_str(if matches!(self, Self::ScriptRefused(_)) {
                    "the script was refused"
                } else {
                    "the session filter is not valid"
                })?;
                for error in errors {
                    write!(
                        f,
                        "; line {}, column {}: {}",
                        error.line, error.column, error.message
                    )?;
                }
                Ok(())
            }
            Self::NeverSent(why) => {
                f.write_str("the request was not sent: ")?;
                why.fmt(f)
            }
            Self::OutcomeUnknown(why) => {
                f.write_str("nobody knows whether the request was carried out: ")?;
                why.fmt(f)
            }
            Self::TooLarge { size, limit } => {
                write!(
                    f,
                    "the request takes {size} bytes, and the service reads at most {limit}"
                )
            }
            Self::UnreadableResponse(error) => {
                f.write_str("the answer could not be read: ")?;
                error.fmt(f)
            }
            Self::UnreadableValue(error) => {
                f.write_str("a value in the answer could not be read: ")?;
                error.fmt(f)
            }
        }
    }
}

impl core::error::Error for RequestError {}

impl From<DecodeError> for RequestError {
    fn from(error: DecodeError) -> Self {
        Self::UnreadableResponse(error)
    }
}

impl From<ValueError> for RequestError {
    fn from(error: ValueError) -> Self {
        Self::UnreadableValue(error)
    }
}
