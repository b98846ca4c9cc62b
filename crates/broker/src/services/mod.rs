//! The services that clients call, by subject.

mod authentication;
mod client_control;
pub(crate) mod dispatch;
pub(crate) mod fetch;
mod locks;
pub(crate) mod matching;
mod messaging;
pub(crate) mod metrics;
mod missing_topics;
pub(crate) mod notifications;
pub(crate) mod query;
pub(crate) mod removal;
pub(crate) mod responses;
mod security;
pub(crate) mod session_events;
mod session_properties;
pub(crate) mod subscriptions;
mod topics;
