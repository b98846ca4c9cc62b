//! The Diffusion service's logic: no socket, no clock, no disk, no thread inside.
//!
//! ```text
//!   sandbox                      (sockets, database, password hashing, time)
//!   effusion-broker              (you are here: sessions, topics, rights)
//!   effusion-protocol            (bytes <-> types)
//! ```
//!
//! A [`Broker`] is told what happened (`connect`, `receive`, `disconnected`, `completed`, `tick`) and answers with
//! [`Output`]s: messages to send, connections to close, and work that it cannot do itself, each with a [`Ticket`] that
//! comes back through [`Broker::completed`]. The same inputs and the same [`Config::seed`] give the same outputs.
//!
//! Nothing that must survive a crash is acknowledged, or shown to a subscriber, before its [`Output::Store`] completed.

mod authentication;
pub mod bootstrap;
mod broker;
mod config;
mod effect;
mod security;
mod snapshot;
mod time;

pub use authentication::{AnonymousPolicy, AuthenticationPolicy, Principal, PropertyTrust};
pub use broker::Broker;
pub use config::{Config, Limits};
pub use effect::{
    Completion, ConnectionEnd, ConnectionId, EffectError, Output, Peer, Secret, StoreOp, Ticket,
};
pub use security::{GlobalPermission, PathPermission, Role, SecurityStore};
pub use snapshot::{Creator, Snapshot, StoredTopic};
pub use time::Time;
