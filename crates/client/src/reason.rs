//! Why things end: connection attempts, requests, sessions.

use core::fmt::{self, Write as _};
use std::sync::Arc;

use effusion_protocol::body::ScriptError;
use effusion_protocol::value::ValueError;
use effusion_protocol::{DecodeError, ErrorReason, ErrorReport, ProtocolVersion, ResponseCode};

use crate::AddressError;

/// What is wrong with a connection. Its `source` is the error of the resolver, the socket, TLS or HTTP, or what the other end said
/// when it closed the connection.
#[derive(Clone, Debug)]
pub struct TransportError {
    kind: TransportErrorKind,
    cause: Option<Arc<dyn core::error::Error + Send + Sync>>,
}

/// At which point a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// The host's name has no address.
    NameNotResolved,
    /// Nobody listens at the host's port.
    ConnectionRefused,
    /// TLS was not agreed on: a certificate that is not trusted or for another name, or a version.
    Tls,
    /// The address begins with `wss://`, but what answered at the port is not TLS. An address with `ws://` may be right.
    NoTls,
    /// The address begins with `ws://`, but the port answered in TLS. An address with `wss://` may be right.
    TlsExpected,
    /// A server answered the WebSocket's request with this HTTP status instead of 101.
    HttpStatus(u16),
    /// What came was no WebSocket protocol, or more than is read.
    WebSocket,
    /// The operating system's network, on the way or when the connection was made.
    Io,
    /// The connection was closed by the other end.
    Closed,
    /// The other end was silent for too long.
    TimedOut,
    /// The other end closed the connection because it stops or restarts (RFC 6455, 7.4.1: 1001; IANA's registry: 1012).
    GoingAway,
    /// Nobody says: a browser never does.
    Unknown,
}

impl TransportError {
    /// An error of this kind.
    ///
    /// ```
    /// use effusion_client::{TransportError, TransportErrorKind};
    ///
    /// let error = TransportError::new(TransportErrorKind::Closed);
    /// assert_eq!(error.to_string(), "the other end closed the connection");
    /// ```
    #[must_use]
    pub const fn new(kind: TransportErrorKind) -> Self {
        Self { kind, cause: None }
    }

    /// An error of this kind, with its cause.
    ///
    /// ```
    /// use std::error::Error;
    /// use std::io;
    /// use effusion_client::{TransportError, TransportErrorKind};
    ///
    /// let cause = io::Error::from(io::ErrorKind::HostUnreachable);
    /// let error = TransportError::with_cause(TransportErrorKind::Io, cause);
    /// assert!(error.source().is_some());
    /// ```
    #[must_use]
    pub fn with_cause(
        kind: TransportErrorKind,
        cause: impl core::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind,
            cause: Some(Arc::new(cause)),
        }
    }

    /// An error of this kind, with what the other end said when it closed the connection as its cause; without one if it said
    /// nothing.
    ///
    /// ```
    /// use std::error::Error;
    /// use effusion_client::{TransportError, TransportErrorKind};
    ///
    /// let error = TransportError::with_words(TransportErrorKind::Closed, "the sign-in has expired");
    /// assert_eq!(error.source().unwrap().to_string(), "the sign-in has expired");
    /// assert!(TransportError::with_words(TransportErrorKind::Closed, "").source().is_none());
    /// ```
    #[must_use]
    pub fn with_words(kind: TransportErrorKind, words: &str) -> Self {
        if words.is_empty() {
            kind.into()
        } else {
            Self::with_cause(kind, ClosingWords(words.to_owned()))
        }
    }

    /// At which point the connection failed.
    ///
    /// ```
    /// use effusion_client::{TransportError, TransportErrorKind};
    ///
    /// let error = TransportError::new(TransportErrorKind::HttpStatus(404));
    /// assert_eq!(error.kind(), TransportErrorKind::HttpStatus(404));
    /// ```
    #[must_use]
    pub const fn kind(&self) -> TransportErrorKind {
        self.kind
    }
}

/// What the other end said when it closed the connection: the reason in a WebSocket's close frame (RFC 6455, 7.1.6).
pub(crate) struct ClosingWords(String);

/// Without what could command a terminal.
impl fmt::Display for ClosingWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut printable = self.0.chars().filter(|it| !it.is_control());
        printable.try_for_each(|it| f.write_char(it))
    }
}

impl fmt::Debug for ClosingWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for ClosingWords {}

impl From<TransportErrorKind> for TransportError {
    fn from(kind: TransportErrorKind) -> Self {
        Self::new(kind)
    }
}

/// Errors are the same if they are of one kind.
impl PartialEq for TransportError {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Eq for TransportError {}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            TransportErrorKind::NameNotResolved => "the host's name has no address",
            TransportErrorKind::ConnectionRefused => "nobody listens at the host's port",
            TransportErrorKind::Tls => "no encrypted connection was agreed on",
            TransportErrorKind::NoTls => {
                "the port does not speak TLS: is the address to begin with ws:// instead of wss://?"
            }
            TransportErrorKind::TlsExpected => {
                "the port speaks TLS: is the address to begin with wss:// instead of ws://?"
            }
            TransportErrorKind::HttpStatus(status) => {
                return write!(f, "the server answered with HTTP status {status}");
            }
            TransportErrorKind::WebSocket => "what came was no WebSocket protocol",
            TransportErrorKind::Io => "the network failed",
            TransportErrorKind::Closed => "the other end closed the connection",
            TransportErrorKind::TimedOut => "the other end was silent for too long",
            TransportErrorKind::GoingAway => "the other end is stopping",
            TransportErrorKind::Unknown => "there is no connection",
        })
    }
}

impl core::error::Error for TransportError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.cause {
            Some(cause) => Some(cause.as_ref()),
            None => None,
        }
    }
}

/// Why no session could be opened.
///
/// Source of the codes: section 1.2 of `docs/protocol.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none.
    InvalidAddress(AddressError),
    /// Nothing answers at the address, or what answers does not speak WebSocket. A browser does not say which.
    Unreachable(TransportError),
    /// A connection came about, but was closed before the service had answered the connect request.
    NoResponse(TransportError),
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
    /// The background task of the session is gone: see [`SessionCloseReason::RuntimeShutDown`].
    RuntimeShutDown,
}

/// What has become of a session whose driver was dropped.
const RUNTIME_SHUT_DOWN: &str =
    "the runtime in which the session was opened has ended, or is one without timers or network";

impl ConnectError {
    /// Whether the service says that the principal or its credentials are wrong.
    ///
    /// ```no_run
    /// # async fn example() {
    /// if let Err(error) = effusion_client::connect("ws://localhost:8080").await {
    ///     if error.is_authentication_failure() {
    ///         println!("wrong name or password");
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub const fn is_authentication_failure(&self) -> bool {
        matches!(self, Self::Refused(ResponseCode::AuthenticationFailed))
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidAddress(error) => error.fmt(f),
            Self::Unreachable(_) => f.write_str("no Diffusion service answers at this address"),
            Self::NoResponse(_) => {
                f.write_str("the service closed the connection without an answer")
            }
            Self::TimedOut => f.write_str("the service did not answer in time"),
            Self::UnreadableResponse(_) => {
                f.write_str("the service answered with something else than a connect response")
            }
            Self::VersionRefused(oldest) => {
                f.write_str(
                    "the service speaks no protocol version that this client does, down to ",
                )?;
                oldest.fmt(f)
            }
            Self::Refused(code) => f.write_str(code.description()),
            Self::Cancelled => f.write_str("the session was closed before it was open"),
            Self::RuntimeShutDown => f.write_str(RUNTIME_SHUT_DOWN),
        }
    }
}

impl core::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreachable(error) | Self::NoResponse(error) => Some(error),
            Self::UnreadableResponse(error) => Some(error),
            _ => None,
        }
    }
}

impl From<AddressError> for ConnectError {
    fn from(error: AddressError) -> Self {
        Self::InvalidAddress(error)
    }
}

/// For an address that was one already.
impl From<core::convert::Infallible> for ConnectError {
    fn from(never: core::convert::Infallible) -> Self {
        match never {}
    }
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionCloseReason {
    /// The client closed it.
    ClosedByClient,
    /// The service closed it: somebody with the right to did so, or the session broke a rule. Its `source` is what the service
    /// said at the end of the connection, if it said anything.
    ClosedByService(TransportError),
    /// The service ended it while the session did not read from its connection, because a stream with
    /// [`Overflow::Wait`](crate::Overflow::Wait) was full, or shortly afterwards: more waited for the session than the
    /// service keeps.
    TooSlow,
    /// The connection was lost and did not come back within the reconnect timeout, because of what the last attempt met with, or
    /// the loss itself if there was none.
    ConnectionLost(TransportError),
    /// The service closed it because it is stopping or restarting, which the end of the connection told.
    ServiceStopping,
    /// The service no longer knows the session: it was away too long, or the service was restarted.
    SessionUnknown,
    /// Messages were lost that neither side can send again.
    MessagesLost,
    /// The service sent something that is no message.
    InvalidMessage(DecodeError),
    /// The background task of the session is gone, because the runtime in which the session was opened was shut down, or has no
    /// timers or network. What the service knows of the session ends with its reconnect timeout.
    RuntimeShutDown,
    /// No session could be opened: at first, or in place of one that was gone.
    NotConnected(ConnectError),
}

impl fmt::Display for SessionCloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClosedByClient => "the session was closed",
            Self::ClosedByService(_) => "the service closed the session",
            Self::TooSlow => {
                "the service ended the session, which read too slowly: a stream of it was full"
            }
            Self::ConnectionLost(_) => "the connection was lost and could not be restored in time",
            Self::ServiceStopping => "the service is stopping",
            Self::SessionUnknown => "the service no longer knows the session",
            Self::MessagesLost => "messages were lost that cannot be sent again",
            Self::InvalidMessage(_) => "the service sent a message that could not be read",
            Self::RuntimeShutDown => RUNTIME_SHUT_DOWN,
            Self::NotConnected(error) => return error.fmt(f),
        })
    }
}

impl core::error::Error for SessionCloseReason {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::ConnectionLost(error) => Some(error),
            // The words alone: that the connection was closed is said already.
            Self::ClosedByService(error) => error.source(),
            Self::InvalidMessage(error) => Some(error),
            Self::NotConnected(error) => error.source(),
            _ => None,
        }
    }
}

/// What came between a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interruption {
    /// The session was closed, by either side, or its runtime was shut down: [`Session::state`](crate::Session::state) says
    /// which.
    SessionClosed,
    /// The session was lost; a new one may take its place.
    SessionLost,
    /// The session goes on, but messages were lost when it reconnected.
    MessagesLost,
    /// The request timeout passed.
    TimedOut,
    /// There is no connection, and as many requests are waiting for one as the options allow.
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
#[non_exhaustive]
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
    /// The value in it has no form on the wire; it was not sent.
    UnwritableValue(ValueError),
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
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), Box<dyn std::error::Error>> {
    /// use effusion_client::ErrorReason;
    ///
    /// if let Err(error) = session.topic_update().set("motd", "hello").await {
    ///     match error.refusal() {
    ///         Some(ErrorReason::NoSuchTopic) => println!("add the topic first"),
    ///         Some(reason) => println!("refused: {reason:?}"),
    ///         None => println!("{error}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn refusal(&self) -> Option<ErrorReason> {
        match self {
            Self::Refused(report) => Some(report.reason),
            _ => None,
        }
    }

    /// Whether the request may have been carried out in spite of the error.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Err(error) = session.time_series().append("log", "started").await {
    ///     if !error.may_have_happened() {
    ///         println!("it is not there: {error}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
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
            Self::UnwritableValue(_) => f.write_str("the value has no form on the wire"),
            Self::UnreadableResponse(_) => f.write_str("the answer could not be read"),
            Self::UnreadableValue(_) => f.write_str("a value in the answer could not be read"),
        }
    }
}

impl core::error::Error for RequestError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::UnreadableResponse(error) => Some(error),
            Self::UnwritableValue(error) | Self::UnreadableValue(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DecodeError> for RequestError {
    fn from(error: DecodeError) -> Self {
        Self::UnreadableResponse(error)
    }
}
