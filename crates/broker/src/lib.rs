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
//! comes back through [`Broker::completed`]. What takes long is done in slices, a call of [`Broker::work`] each, between which
//! other inputs may come. The same inputs and the same [`Config::seed`] give the same outputs.
//!
//! Nothing that must survive a crash is acknowledged, or shown to a subscriber, before its [`Output::Store`] completed.

mod accounts;
mod attempts;
mod authenticate;
mod authentication;
mod authentication_script;
mod bearer;
pub mod bootstrap;
mod broker;
mod checks;
mod clients;
mod config;
mod connect;
mod constraint;
mod dispatch;
mod draft;
mod effect;
mod errors;
mod feeding;
mod filter;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod handlers;
mod jobs;
mod lifecycle;
mod locks;
mod missing_topics;
mod notifications;
mod outgoing;
mod patch;
mod pipeline;
mod publish;
mod removals;
mod responses;
mod scripts;
mod security;
mod security_script;
mod selector;
mod services;
mod session;
mod session_events;
mod snapshot;
mod standing;
mod subscriptions;
mod time;
mod timers;
mod tokens;
mod topic;
mod wire;

pub use attempts::network_of;
pub use authentication::{AnonymousPolicy, AuthenticationPolicy, Principal, PropertyTrust};
pub use broker::Broker;
pub use config::{AttemptLimits, AuthenticationHandler, Config, Limits};
pub use effect::{
    Completion, ConnectionEnd, ConnectionId, EffectError, Output, Peer, Secret, StoreOp, Ticket,
    TokenClaims,
};
pub use effusion_protocol::body::{GlobalPermission, PathPermission};
pub use security::{Role, SecurityStore};
pub use snapshot::{Creator, Snapshot, StoredTopic};
pub use time::Time;
