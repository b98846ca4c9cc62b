//! What the reader chooses: who and where to be, how the page looks, and what it tells of.

#[cfg(target_arch = "wasm32")]
mod another_room;
#[cfg(target_arch = "wasm32")]
mod appearance;
#[cfg(target_arch = "wasm32")]
mod browser_service;
#[cfg(target_arch = "wasm32")]
mod connection;
pub mod saved;
#[cfg(target_arch = "wasm32")]
mod services;
#[cfg(target_arch = "wasm32")]
mod settings_dialog;

#[cfg(target_arch = "wasm32")]
pub use {another_room::another_room_dialog, settings_dialog::settings_dialog};
