//! The tutorial as a living page.

pub mod lesson;

#[cfg(target_arch = "wasm32")]
mod panel;

#[cfg(target_arch = "wasm32")]
pub use panel::{Lessons, lessons};
