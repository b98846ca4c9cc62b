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
//! [`Reader`] and [`Writer`], so a type that changed between versions decides for itself. `docs/protocol.md` says
//! what is known of the wire and where each fact comes from.

mod codec;
#[cfg(feature = "compression")]
mod compression;
mod error;
mod handshake;
mod message;
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

pub use codec::{DecodeError, DecodeErrorKind, Reader, Wire, Writer, decode, encode, encode_into};
#[cfg(feature = "compression")]
pub use compression::InflateError;
pub use error::{ErrorReason, ErrorReport};
pub use handshake::{
    ClientType, ConnectRequest, ConnectRequestError, ConnectResponse, ConnectSuccess, Credentials,
    Reconnect, ResponseCode, capabilities,
};
pub use message::{ConversationId, Message, MessageKind};
#[cfg(feature = "regex")]
pub use selector::compile_whole;
pub use selector::{TopicSelector, TopicSelectorError};
pub use service::ServiceId;
pub use session::{CloseReason, SessionId, SessionToken};
pub use topic::{
    TopicId, TopicPath, TopicPathError, TopicSpecification, TopicType, UnsubscribeReason, property,
};
pub use version::ProtocolVersion;
