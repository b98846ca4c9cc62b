//! The services that clients call, by subject.

mod client_control;
pub(crate) mod fetch;
mod locks;
mod messaging;
pub(crate) mod metrics;
mod query;
mod security;
mod session_properties;
mod topics;
