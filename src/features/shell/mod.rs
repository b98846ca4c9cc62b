//! What stands around a room: its title and state, what lies beside and over it, and the keys that work everywhere.

mod background;
mod bar;
mod chat;
mod notices;
mod overlays;
mod pane;
mod shortcuts;

pub use {
    background::background,
    bar::{Bar, ConnectionBadge, toggle},
    chat::{ActiveRoom, Chat, chat},
    notices::{NotStoredNotice, UpdateNotice},
    overlays::{Dialogs, Panels},
    pane::{NoRoom, RoomPane},
    shortcuts::{Shortcuts, handle_shortcuts, shortcuts_dialog},
};
