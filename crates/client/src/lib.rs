//! A Diffusion client: sessions, topics and their values.
//!
//! ```text
//!   page · tools
//!   Session, value streams       (async handles, for the browser and for tokio)
//!   Machine                      (state machine: bytes and time in, bytes and events out)
//!   effusion-protocol            (bytes <-> types)
//! ```
//!
//! [`Session::connect`] opens a session over any [`Transport`]; `web::connect` and `native::connect` bring a WebSocket of
//! the browser's or tokio's. The [`machine`] alone is for those who have an event loop of their own.
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
//! ```no_run
//! use effusion_client::{Json, Session, StreamEvent, TopicSpecification, TopicType};
//! use futures_util::StreamExt;
//!
//! # async fn example(session: Session) -> Result<(), Box<dyn std::error::Error>> {
//! session.topics().add("Chat/room", TopicSpecification::new(TopicType::Json)).await?;
//! let mut messages = session.add_stream::<Json>(">Chat/room")?;
//! session.topics().select(">Chat/room").await?;
//! while let Some(event) = messages.next().await {
//!     if let StreamEvent::Value { new, .. } = event {
//!         println!("{}", new.to_text()?);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

pub mod machine;

mod driver;
mod guarded;
mod options;
mod reason;
mod receivers;
mod response;
mod session;
mod shared;
mod stream;
mod traffic;
mod transport;
mod value;

#[cfg(feature = "native")]
pub use transport::native;
#[cfg(all(feature = "web", target_arch = "wasm32"))]
pub use transport::web;

pub use machine::{SessionInfo, SessionState, Topic, UnsubscribedReason};
pub use options::{ConnectOptions, Renew, ServiceAddress, SessionOptions};
pub use reason::{ConnectError, Interruption, RequestError, SessionCloseReason};
pub use receivers::Registration;
pub use response::Response;
pub use session::{
    AddAndSet, AuthenticationRequest, AuthenticationRequests, AuthenticationResponder, Clients,
    Diagnostics, Fetch, FetchResult, FetchedTopic, FilterResponses, KnownTopic, LockRequest,
    Messages, MissingTopic, MissingTopics, QueryResult, RangeQuery, Request, RequestStream,
    Responder, Security, Session, SessionEvent, SessionEventParameters, SessionEvents, SessionLock,
    States, TimeSeries, TopicNotification, TopicNotifications, TopicUpdate, Topics, UpdateStream,
};
pub use stream::{StreamError, StreamEvent, ValueStream};
pub use traffic::{Direction, Tap, TappedMessage, Traffic};
pub use transport::{BoxFuture, Runtime, Transport, TransportEvent};
pub use value::{StreamValue, TimeSeriesEvent, Typed};

// What a user of the client needs of the protocol.
pub use effusion_protocol::body::{
    AddTopicResult, ConstraintOperator, ConstraintValueKind, FetchedSize, GlobalPermission,
    PathPermission, Properties, PropertyChange, ScriptError, SelectionKind, SessionLockDetails,
    SessionLockScope, SessionUpdateType, TimeSeriesSize, TopicNotificationType, TopicSelections,
    UpdateConstraint, ValueComparison,
};
pub use effusion_protocol::script::{AuthenticationScript, SecurityScript};
pub use effusion_protocol::time_series::{EventMetadata, RangeAnchor, RangeSpan};
pub use effusion_protocol::value::{DataType, Json, RecordV2, Value, ValueError};
pub use effusion_protocol::{
    CloseReason, Credentials, ErrorReason, ErrorReport, ProtocolVersion, ResponseCode, SessionId,
    TopicSelectorError, TopicSpecification, TopicType, UnsubscribeReason, property,
};
