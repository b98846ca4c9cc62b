//! The Diffusion service's logic: no socket, no clock, no disk, no thread inside.
//!
//! ```text
//!   sandbox                      (sockets, database, password hashing, time)
//!   effusion-broker              (you are here: sessions, topics, rights)
//!   effusion-protocol            (bytes <-> types)
//! ```
//!
//! A [`Broker`] is told what happened (`connect`, `receive`, `disconnected`, `completed`, `tick`) and gives back
//! [`Output`]s: messages to send, connections to close, and work that it cannot do itself, each with a [`Ticket`] that
//! comes back through [`Broker::completed`]. What takes long is done in slices, a call of [`Broker::work`] each, between which
//! other inputs may come. The same inputs and the same [`Config::seed`] give the same outputs.
//!
//! Four parts own all state, each behind an interface of its own: `topics`, `sessions`, `auth` and `messaging`. None holds or is
//! given another; what they use of each other are plain types (`ARCHITECTURE.md` has a table).
//! `broker` turns an input into calls on them and hands what they give back to the next; `services` does that for each request of
//! the protocol.
//!
//! Nothing that must survive a crash is acknowledged, or shown to a subscriber, before its [`Output::Store`] completed.

mod auth;
pub mod bootstrap;
mod broker;
mod caller;
mod config;
mod effect;
mod errors;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod lexer;
mod messaging;
mod services;
mod sessions;
mod snapshot;
mod time;
mod topics;
mod turns;
mod wire;

pub use auth::{
    AnonymousPolicy, AuthenticationPolicy, Principal, PropertyTrust, Role, SecurityStore,
    network_of,
};
pub use broker::Broker;
pub use config::{AttemptLimits, AuthenticationHandler, Config, Limits};
pub use effect::{
    Completion, ConnectionEnd, ConnectionId, EffectError, Output, Peer, Secret, StoreOp, Ticket,
    TokenClaims,
};
pub use effusion_protocol::body::{GlobalPermission, PathPermission};
pub use snapshot::{Creator, Snapshot, StoredTopic};
pub use time::Time;
