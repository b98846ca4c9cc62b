//! The messages of a room.
//!
//! [`Timeline`] has them in order; `MessageList` shows those in sight, a `MessageRow` each.

#[cfg(target_arch = "wasm32")]
mod announcer;
#[cfg(target_arch = "wasm32")]
mod clipboard;
pub mod copy;
mod data;
#[cfg(target_arch = "wasm32")]
mod delivery;
#[cfg(target_arch = "wasm32")]
mod editing;
pub mod items;
#[cfg(target_arch = "wasm32")]
mod list_notices;
pub mod markdown;
#[cfg(target_arch = "wasm32")]
mod marked_text;
pub mod markup;
pub mod mention;
#[cfg(target_arch = "wasm32")]
mod message_list;
#[cfg(target_arch = "wasm32")]
mod message_row;
#[cfg(target_arch = "wasm32")]
mod message_text;
#[cfg(target_arch = "wasm32")]
mod message_toolbar;
#[cfg(target_arch = "wasm32")]
mod message_tools;
pub mod outbox_record;
pub mod prose;
#[cfg(target_arch = "wasm32")]
mod reaction_bar;
pub mod reactions;
#[cfg(target_arch = "wasm32")]
mod selection;
pub mod time;
pub mod viewport;
#[cfg(target_arch = "wasm32")]
mod virtual_list;

pub use data::{
    Delivery, Entry, Event, Gap, Key, Origin, Quote, Quoted, Reader, Row, Sender, Timeline,
};
pub use time::At;
#[cfg(target_arch = "wasm32")]
pub use {
    announcer::{load_announcements, mute_announcements},
    clipboard::{copy_text, copy_to_clipboard},
    editing::{end_edit, is_unchanged, last_own, resume_edit, show_failure, start_edit},
    marked_text::known_names,
    message_list::MessageList,
    reaction_bar::{frequent, react, remember},
};
