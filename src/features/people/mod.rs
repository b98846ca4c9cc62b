//! Who else is in a room.

pub mod roster;

#[cfg(target_arch = "wasm32")]
mod members;
#[cfg(target_arch = "wasm32")]
mod notifications;
#[cfg(target_arch = "wasm32")]
mod profile;
#[cfg(target_arch = "wasm32")]
mod typing;

#[cfg(target_arch = "wasm32")]
pub use {
    members::members,
    notifications::{NotificationSettings, ask_to_notify},
    profile::profile,
    typing::Typing,
};
