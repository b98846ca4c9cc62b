//! What stands around a room: its title and state, what lies beside and over it, and the keys that work everywhere.

mod background;
mod bar;
mod chat;
mod faults;
mod footer;
mod no_room;
mod notices;
mod overlays;
mod pane;
mod shortcuts;

pub use {
    background::background,
    bar::{Bar, ConnectionBadge, toggle},
    chat::{ActiveRoom, Chat, chat},
    faults::{RoomFault, SessionFault},
    footer::room_footer,
    no_room::no_room,
    notices::{UpdateNotice, not_stored_notice},
    overlays::overlays,
    pane::RoomPane,
    shortcuts::{Shortcuts, handle_shortcuts, shortcuts_dialog},
};
