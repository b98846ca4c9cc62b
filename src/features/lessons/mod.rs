//! The tutorial as a living page.

mod code;
pub mod lesson;

#[cfg(target_arch = "wasm32")]
mod panel;
#[cfg(target_arch = "wasm32")]
mod progress;
#[cfg(target_arch = "wasm32")]
mod step;
#[cfg(target_arch = "wasm32")]
mod welcome;

pub use code::{Language, connect_call, fill, values};

#[cfg(target_arch = "wasm32")]
pub use {
    panel::{Lessons, lessons},
    progress::follow_lessons,
    welcome::welcome,
};
