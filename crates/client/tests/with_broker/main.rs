//! The client and the broker in one process, with nothing between them but what a test puts there.
#![cfg(feature = "native")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod authenticator;
mod chat;
mod control;
mod diagnostics;
mod faults;
mod hub;
mod messaging;
mod network;
mod random;
mod series;
mod service;
mod session;
mod sessions;
mod versions;
