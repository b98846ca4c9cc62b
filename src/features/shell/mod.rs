//! What stands around a room: its title and state, what lies beside and over it, and the keys that work everywhere.

#[cfg(target_arch = "wasm32")]
mod background;
#[cfg(target_arch = "wasm32")]
mod bar;
#[cfg(target_arch = "wasm32")]
mod chat;
#[cfg(target_arch = "wasm32")]
mod connection;
#[cfg(target_arch = "wasm32")]
mod not_stored;
#[cfg(target_arch = "wasm32")]
mod overlays;
#[cfg(target_arch = "wasm32")]
mod pane;
#[cfg(target_arch = "wasm32")]
mod shortcuts;
#[cfg(target_arch = "wasm32")]
mod update;

#[cfg(target_arch = "wasm32")]
pub use {
    background::background,
    bar::{Bar, toggle},
    chat::{ActiveRoom, Chat, chat},
    connection::ConnectionBadge,
    not_stored::NotStoredNotice,
    overlays::{Dialogs, Panels},
    pane::{NoRoom, RoomPane},
    shortcuts::{Shortcuts, handle_shortcuts, shortcuts_dialog},
    update::UpdateNotice,
};
