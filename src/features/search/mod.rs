//! Finding words and days in a room, and saving it as a file.

pub mod export;
pub mod needle;

#[cfg(target_arch = "wasm32")]
mod export_buttons;
#[cfg(target_arch = "wasm32")]
mod finder;
#[cfg(target_arch = "wasm32")]
mod highlight;
#[cfg(target_arch = "wasm32")]
mod panel;
#[cfg(target_arch = "wasm32")]
mod results;

#[cfg(target_arch = "wasm32")]
pub use panel::search_panel;
