//! Changing what was said.

use effusion_chat::{RoomKind, Target};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{Entry, Key, Origin};
use crate::features::composer::composing::{EditProgress, Note, Purpose, UnsavedEdit, trimmed};
use crate::i18n::Message;
use crate::services::Services;
use crate::state::{Fault, OpenRoom, SetIfChanged};
use crate::text;

/// Of how many of the newest messages the newest own one is looked for.
const RECENT: usize = 200;

/// Begins to edit a message in the composer. The draft from before returns after the edit.
pub fn start_edit(room: &OpenRoom, key: Key) {
    let Some(row) = room.look(|timeline| timeline.row(key)) else {
        return;
    };
    let Some(sequence) = row.entry.sequence else {
        return;
    };
    if edited(room) == Some(sequence) {
        return;
    }
    // An edit of the same message that is not saved goes on.
    let mut unsaved = room.unsaved.get_untracked().into_iter();
    let unsaved = unsaved.find(|edit| edit.sequence == sequence);
    let text = unsaved.map_or(row.entry.message.text, |edit| edit.text);
    resume_edit(room, sequence, text);
}

/// The sequence of the message whose edit is in the composer.
fn edited(room: &OpenRoom) -> Option<u64> {
    match *room.purpose.read_untracked() {
        Purpose::Edit { sequence, .. } => Some(sequence),
        _ => None,
    }
}

/// Puts an edit into the composer that was begun or that has failed.
pub fn resume_edit(room: &OpenRoom, sequence: u64, text: String) {
    put_edit_aside(room);
    room.unsaved.update(|unsaved| {
        unsaved.retain(|edit| edit.sequence != sequence || edit.progress == EditProgress::Saving);
    });
    let kept = room.kept_draft();
    room.note.set_if_changed(None);
    room.purpose.set(Purpose::Edit { sequence, kept });
    room.draft.set(text);
}

/// Takes an edit that is not saved out of the composer for another one, and keeps its text. The draft from before returns.
pub fn put_edit_aside(room: &OpenRoom) {
    let Some(sequence) = edited(room) else {
        return;
    };
    let text = room.draft.get_untracked();
    if !is_unchanged(room, sequence, &text) && !text.trim().is_empty() {
        room.set_unsaved(UnsavedEdit {
            sequence,
            text,
            progress: EditProgress::PutAside,
        });
    }
    end_edit(room);
}

/// Puts a message that was not sent back into the composer, in front of what was begun since.
pub fn write_anew(room: &OpenRoom, key: Key) {
    let Some(row) = room.look(|timeline| timeline.row(key)) else {
        return;
    };
    let message = row.entry.message;
    put_edit_aside(room);
    room.draft.update(|draft| {
        let sign = if message.act { "/me " } else { "" };
        let parting = if draft.is_empty() { "" } else { "\n" };
        *draft = [sign, &message.text, parting, draft.as_str()].concat();
    });
    let is_free = *room.purpose.read_untracked() == Purpose::Send;
    if let Some(reply) = message.reply.filter(|_| is_free) {
        room.purpose.set(Purpose::Reply(reply));
    }
}

/// Whether an edit of a message changes nothing.
pub fn is_unchanged(room: &OpenRoom, sequence: u64, text: &str) -> bool {
    room.look(|timeline| {
        let rank = timeline.find(Target::Sequence(sequence));
        let place = rank.map(|rank| timeline.place_of_rank(rank));
        let known = place.and_then(|place| timeline.text_at(place));
        known.is_some_and(|(known, _)| known == trimmed(text))
    })
}

/// Leaves a message as it is, or a question unanswered; what was in the composer before an edit comes back.
pub fn end_edit(room: &OpenRoom) {
    let next = match room.purpose.get_untracked() {
        Purpose::Edit { kept, .. } => {
            let next = kept.purpose();
            room.draft.set(kept.text);
            next
        }
        _ => Purpose::Send,
    };
    room.purpose.set_if_changed(next);
}

/// Whether what was said in a room can be changed: not in a live one, which has one value, and not between two people, where
/// each has a copy.
pub fn can_edit(room: &OpenRoom) -> bool {
    room.peer.is_none() && room.info.read_untracked().kind == RoomKind::History
}

/// The newest of the reader's own messages that can be changed.
pub fn last_own(room: &OpenRoom) -> Option<Key> {
    if !can_edit(room) {
        return None;
    }
    let is_one = |entry: &Entry| {
        entry.origin == Origin::Own && entry.sequence.is_some() && !entry.message.deleted
    };
    room.look(|timeline| timeline.entries().rev().take(RECENT).find(is_one))
        .map(|entry| entry.key)
}

/// Does something with a message, and says above the composer if it waits for the connection, or why it was not done.
pub fn carry_out(
    services: &Services,
    room: &OpenRoom,
    failed: &'static Message,
    deed: impl Future<Output = Result<(), Fault>> + 'static,
) {
    let waits = (!services.connection.is_up()).then(|| Note::Info(text!(composer_waits)));
    if waits.is_some() {
        room.note.set(waits.clone());
    }
    let room = room.clone();
    spawn_local(async move {
        let result = deed.await;
        if waits.is_some() && *room.note.read_untracked() == waits {
            room.note.set(None);
        }
        if let Err(fault) = result {
            show_failure(&room, failed, fault);
        }
    });
}

/// Says above the composer that something was not done, and why.
pub fn show_failure(room: &OpenRoom, what: &'static Message, fault: Fault) {
    room.note.set(Some(Note::Failure { what, fault }));
}
