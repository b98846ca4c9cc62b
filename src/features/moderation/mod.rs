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
mod manual_actions;
#[cfg(target_arch = "wasm32")]
mod rules_form;

#[cfg(target_arch = "wasm32")]
pub use board::{BoardScreen, board};
