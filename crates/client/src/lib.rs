//! A Diffusion client: sessions, topics and their values.
//!
//! ```text
//!   page · tools
//!   Session, value streams       (async handles, for the browser and for tokio)
//!   Machine                      (state machine: bytes and time in, bytes and events out)
//!   effusion-protocol            (bytes <-> types)
//! ```
//!
//! [`ConnectOptions`] open a session over a WebSocket of tokio's or the browser's, [`Session::connect`] does it over any
//! [`Transport`]. The machine alone, for those who have an event loop of their own, is there by the feature
//! `unstable-machine`; it may change with any version.
//!
//! | from a [`Session`] | what for |
//! | --- | --- |
//! | [`Session::add_stream`], [`Session::add_fallback_stream`], [`Session::fetch`] | values of topics |
//! | [`Session::topics`] | adding, removing and selecting topics, [`TopicNotifications`], [`MissingTopics`] |
//! | [`Session::topic_update`] | setting values, [`UpdateStream`], JSON patches |
//! | [`Session::time_series`] | appending, editing, [`RangeQuery`] |
//! | [`Session::messages`] | requests to paths, sessions and filters; [`RequestStream`] for those that come |
//! | [`Session::clients`] | other sessions: [`SessionEvents`], properties, roles, subscriptions, closing |
//! | [`Session::security`] | the stores, permissions, the principal, [`AuthenticationRequests`] |
//! | [`Session::lock`] | [`SessionLock`] |
//! | [`Session::diagnostics`], [`Session::set_tap`] | what goes on inside |
//!
//! What the service is to call (handlers, listeners) is a stream: dropping it ends the registration, and in a new session
//! that takes the place of a lost one it is registered again. See [`Registration`].
//!
//! Values are any types that serde knows: see [`StreamValue`]. The README has a whole program, `examples/` has more.
//!
//! What goes on is told to `tracing` (feature `tracing`), without credentials at any level.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(not(feature = "unstable-machine"))]
mod machine;
#[cfg(feature = "unstable-machine")]
pub mod machine;

mod driver;
mod guarded;
mod options;
mod queue;
mod reason;
mod receivers;
mod response;
mod session;
mod shared;
mod stream;
mod trace;
mod traffic;
mod transport;
mod value;

#[cfg(all(feature = "native", not(target_family = "wasm")))]
pub use transport::native;
#[cfg(all(feature = "web", target_arch = "wasm32"))]
pub use transport::web;

pub use machine::{SessionInfo, SessionState, Topic, UnsubscribedReason};
pub use options::{AddressError, ConnectOptions, ReconnectStrategy, Renew, ServiceAddress};
pub use queue::{Overflow, StreamOptions};
pub use reason::{
    ConnectError, Interruption, RequestError, SessionCloseReason, TransportError,
    TransportErrorKind,
};
pub use receivers::Registration;
pub use response::Response;
pub use session::{
    AddAndSet, AuthenticationRequest, AuthenticationRequests, AuthenticationResponder, Clients,
    Diagnostics, Fetch, FetchResult, FetchedTopic, FilterResponses, KnownTopic, LockRequest,
    Messages, MissingTopic, MissingTopics, QueryResult, RangeAnchor, RangeQuery, RangeSpan,
    Request, RequestStream, Responder, Security, Session, SessionEvent, SessionEventParameters,
    SessionEvents, SessionLock, States, TimeSeries, TopicNotification, TopicNotifications,
    TopicUpdate, Topics, UpdateStream,
};
pub use stream::{StreamError, StreamEvent, ValueStream};
pub use traffic::{Direction, Tap, TappedMessage, Traffic};
pub use transport::{BoxFuture, Runtime, Transport, TransportEvent};
pub use value::{EventMetadata, StreamValue, TimeSeriesEvent};

#[cfg(all(feature = "rustls", not(target_family = "wasm")))]
pub use tokio_rustls::rustls;

/// Opens an anonymous session with tokio's or the browser's WebSocket; [`ConnectOptions`] have all the rest.
///
/// # Errors
/// See [`ConnectOptions::connect`].
///
/// # Panics
/// As [`ConnectOptions::connect`].
///
/// ```no_run
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let session = effusion_client::connect("wss://example.com:443/diffusion").await?;
///     println!("a round trip takes {:?}", session.ping().await?);
///     session.close().await;
///     Ok(())
/// }
/// ```
#[cfg(any(
    all(feature = "native", not(target_family = "wasm")),
    all(feature = "web", target_arch = "wasm32")
))]
pub async fn connect<A: TryInto<ServiceAddress>>(address: A) -> Result<Session, ConnectError>
where
    ConnectError: From<A::Error>,
{
    ConnectOptions::new().connect(address).await
}

// What a user of the client needs of the protocol.
pub use bytes::Bytes;
pub use effusion_protocol::body::{
    AddTopicResult, ConstraintOperator, ConstraintValueKind, FetchedSize, GlobalPermission,
    PathPermission, Properties, PropertyChange, ScriptError, SelectionKind, SessionLockDetails,
    SessionLockScope, SessionUpdateType, TimeSeriesSize, TopicNotificationType, TopicSelections,
    UpdateConstraint, ValueComparison,
};
pub use effusion_protocol::script::{
    AuthenticationCommand, AuthenticationScript, SecurityCommand, SecurityScript,
};
pub use effusion_protocol::value::{
    DataType, Json, RecordV2, Value, ValueError, data_type_of, from_bytes, to_bytes,
};
pub use effusion_protocol::{
    CloseReason, Credentials, ErrorReason, ErrorReport, ProtocolVersion, ResponseCode, SessionId,
    TopicSelectorError, TopicSpecification, TopicType, UnsubscribeReason, property,
};
