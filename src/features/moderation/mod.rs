//! The moderator's board: rules, flagged messages, what was done, and how much is said where.

pub mod records;
pub mod rules_draft;

#[cfg(target_arch = "wasm32")]
mod activity;
#[cfg(target_arch = "wasm32")]
mod board;
#[cfg(target_arch = "wasm32")]
mod flagged;
#[cfg(target_arch = "wasm32")]
mod log;
#[cfg(target_arch = "wasm32")]
mod rules_form;
#[cfg(target_arch = "wasm32")]
mod withdraw;

#[cfg(target_arch = "wasm32")]
pub use board::board;

#[cfg(target_arch = "wasm32")]
crate::lazy! {
    moderation,
    /// Keeps somebody from writing in a room, or lets them again, once the code for it is there. Shows nothing.
    pub fn set_muted(services: crate::services::Services, room: crate::state::OpenRoom, name: String, muted: bool) =>
        services.moderation.set_muted(&room, &name, muted)
}
