//! The Diffusion protocol as bytes: no socket, no clock, no task inside.
//!
//! ```text
//!   page · sandbox
//!   transports · storage
//!   client session · broker      (state machines)
//!   effusion-protocol            (you are here: bytes <-> types)
//! ```
//!
//! One codec serves protocol versions 13 (Diffusion 6.0) to 29 (6.12); the [`ProtocolVersion`] travels with every
//! [`Reader`] and [`Writer`], so a type that changed between versions decides for itself. `docs/protocol.md` describes
//! what is known of the wire and where each fact comes from, `docs/protocol-versions.md` what differs by version.
//!
//! # From the outside in
//!
//! - [`ConnectRequest`] and [`ConnectResponse`] open a connection.
//! - After that each binary WebSocket message is a [`Message`]: a request, a response or an error of a service, or a
//!   topic's value or delta.
//! - What a request and a response of a [`ServiceId`] carry is in [`body`]: [`body::Call`] ties a service to its two
//!   types, [`body::RequestBody`] and [`body::ResponseBody`] hold any of them. An error carries an [`ErrorReport`].
//! - Values are in [`value`]: JSON as CBOR, strings, numbers, records, and the deltas between them; events of time
//!   series and their queries in [`time_series`].
//! - Languages inside strings have types of their own: [`TopicSelector`], [`TopicPath`],
//!   [`time_series::RangeExpression`], and the scripts of [`script`].
//!
//! ```
//! use effusion_protocol::body::SubscriptionNotification;
//! use effusion_protocol::value::Json;
//! use effusion_protocol::{Message, ProtocolVersion, ServiceId, decode};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // What a server of version 29 sends first for a topic, and then.
//! let notification = b"\x00\x57\x00\x07\x09Chat/room\x0f\x00".as_slice();
//! let value = b"\x04\0\0\0\x07\xbf\x64text\x65hello\xff".as_slice();
//!
//! let version = ProtocolVersion::NEWEST;
//! if let Message::Request { service: ServiceId::SubscriptionNotification, body, .. } =
//!     Message::decode(notification.into(), version)?
//! {
//!     let topic: SubscriptionNotification = decode(body, version)?;
//!     assert_eq!((topic.topic.0, topic.path.as_str()), (7, "Chat/room"));
//! }
//! if let Message::TopicValue { value, .. } = Message::decode(value.into(), version)? {
//!     assert_eq!(Json::from_cbor(value).to_text()?, r#"{"text":"hello"}"#);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What holds everywhere
//!
//! Nothing here panics on untrusted input or allocates by a length that it has not checked. What is read and
//! written again is the same bytes: the example `inspect` proves it by captures of real servers, property tests by
//! any value and any bytes, and the cargo-fuzz targets in `fuzz/` by what a fuzzer finds.
//!
//! # Features
//!
//! All are on by default; the page, which has to be small, needs none.
//! - `regex`: topic selectors with patterns;
//! - `diff`: making deltas (applying them needs nothing);
//! - `compression`: compressed topic messages.

mod codec;
#[cfg(feature = "compression")]
mod compression;
mod error;
mod handshake;
#[cfg(feature = "regex")]
mod java_pattern;
mod message;
#[cfg(feature = "regex")]
mod pattern;
#[cfg(test)]
mod sample;
mod selector;
mod service;
mod session;
mod topic;
mod version;

pub mod body;
pub mod script;
pub mod time_series;
pub mod value;

pub use codec::{
    About, DecodeError, DecodeErrorKind, Field, Reader, Wire, Writer, annotate_message, decode,
    encode, encode_into,
};
#[cfg(feature = "compression")]
pub use compression::InflateError;
pub use error::{ErrorReason, ErrorReport};
pub use handshake::{
    ClientType, ConnectRequest, ConnectRequestError, ConnectResponse, ConnectSuccess, Credentials,
    Reconnect, ResponseCode, capabilities,
};
pub use message::{ConversationId, Message, MessageKind};
#[cfg(feature = "regex")]
pub use pattern::WholePattern;
pub use selector::{Barren, TopicSelector, TopicSelectorError};
pub use service::ServiceId;
pub use session::{CloseReason, SessionId, SessionToken};
pub use topic::{
    TopicId, TopicPath, TopicPathError, TopicSpecification, TopicType, UnsubscribeReason, property,
};
pub use version::ProtocolVersion;
