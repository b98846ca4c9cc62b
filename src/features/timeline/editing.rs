//! Changing what was said.

use effusion_chat::RoomKind;
use leptos::prelude::*;

use super::{Entry, Key, Origin};
use crate::features::composer::composing::{Note, Purpose};
use crate::i18n::Message;
use crate::state::{Fault, OpenRoom, SetIfChanged};

/// Of how many of the newest messages the newest own one is looked for.
const RECENT: usize = 200;

/// Puts what a message says into the composer, to be changed.
pub fn start_edit(room: OpenRoom, key: Key) {
    end_edit(room.clone());
    let Some(row) = room.look(|timeline| timeline.row(key)) else {
        return;
    };
    let kept = room.draft.read_untracked().clone();
    room.note.set_if_changed(None);
    room.purpose.set(Purpose::Edit {
        key,
        kept,
        saving: false,
    });
    room.draft.set(row.entry.message.text);
}

/// Leaves a message as it is, or a question unanswered; what was in the composer before comes back.
pub fn end_edit(room: OpenRoom) {
    let purpose = room.purpose.read_untracked().clone();
    if let Purpose::Edit { kept, .. } = purpose {
        room.draft.set(kept);
    }
    room.purpose.set_if_changed(Purpose::Send);
}

/// Whether what was said in a room can be changed: not in a live one, which has one value, and not between two people, where
/// each has a copy.
pub fn can_edit(room: &OpenRoom) -> bool {
    room.peer.is_none() && room.info.read_untracked().kind == RoomKind::History
}

/// The newest of the reader's own messages that can be changed.
pub fn last_own(room: OpenRoom) -> Option<Key> {
    if !can_edit(&room) {
        return None;
    }
    let is_one = |entry: &Entry| {
        entry.origin == Origin::Own && entry.sequence.is_some() && !entry.message.deleted
    };
    room.look(|timeline| timeline.entries().rev().take(RECENT).find(is_one))
        .map(|entry| entry.key)
}

/// Says above the composer that something was not done, and why.
pub fn show_failure(room: OpenRoom, what: &'static Message, fault: Fault) {
    room.note.set(Some(Note::Failure { what, fault }));
}
