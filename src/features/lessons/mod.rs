//! The tutorial as a living page.

pub mod code;
pub mod lesson;

#[cfg(target_arch = "wasm32")]
mod panel;
#[cfg(target_arch = "wasm32")]
mod progress;
#[cfg(target_arch = "wasm32")]
mod step;
#[cfg(target_arch = "wasm32")]
mod welcome;

#[cfg(target_arch = "wasm32")]
pub use {panel::lessons, progress::follow_lessons, welcome::welcome};
