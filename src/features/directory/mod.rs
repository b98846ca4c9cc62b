//! The rooms of the service: to choose from, to make, and what is known of one.

#[cfg(target_arch = "wasm32")]
mod alike;
#[cfg(target_arch = "wasm32")]
mod directory_dialog;
pub mod listing;
#[cfg(target_arch = "wasm32")]
mod new_room;
#[cfg(target_arch = "wasm32")]
mod room_info;
#[cfg(target_arch = "wasm32")]
mod switcher;

#[cfg(target_arch = "wasm32")]
pub use {
    alike::{Mark, Marks, marks_of},
    directory_dialog::directory_dialog,
    new_room::new_room_dialog,
    room_info::room_info_dialog,
    switcher::switcher,
};
