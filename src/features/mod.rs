//! What a person can see and do, a module each: its components, and beside them the plain data that they show.

#[cfg(target_arch = "wasm32")]
pub mod account;
#[cfg(target_arch = "wasm32")]
pub mod attendance;
pub mod composer;
pub mod diagnostics;
pub mod directory;
pub mod join;
pub mod lessons;
pub mod moderation;
pub mod people;
pub mod search;
pub mod settings;
#[cfg(target_arch = "wasm32")]
pub mod shell;
#[cfg(target_arch = "wasm32")]
pub mod sidebar;
pub mod timeline;
