//! The session from inside: numbers, subscriptions, and the last messages that went over the connection.

pub mod capture;
pub mod decoder;

#[cfg(target_arch = "wasm32")]
mod messages;
#[cfg(target_arch = "wasm32")]
mod panel;
#[cfg(target_arch = "wasm32")]
mod session_facts;

#[cfg(target_arch = "wasm32")]
pub use {
    messages::{Code, RawBytes, ShownMessage, watch_messages},
    panel::diagnostics,
};
