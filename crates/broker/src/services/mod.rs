//! The services that clients call, by subject.

mod client_control;
mod fetch;
mod locks;
mod messaging;
mod query;
mod security;
mod session_properties;
mod topics;
