//! The rooms that the reader is in, and who the reader is.

#[cfg(target_arch = "wasm32")]
mod drawer;
#[cfg(target_arch = "wasm32")]
mod footer;
#[cfg(target_arch = "wasm32")]
mod learn;
#[cfg(target_arch = "wasm32")]
mod room_list;

#[cfg(target_arch = "wasm32")]
pub use drawer::{Sidebar, ask_for_room};
