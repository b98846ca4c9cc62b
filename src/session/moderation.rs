//! What moderators do from the composer.

use crate::model::composing::Note;
use crate::state::{App, OpenRoom};
use crate::words::say;

/// Keeps somebody from writing in a room.
pub fn mute(_: App, open: OpenRoom, _: &str) {
    only_moderators(open);
}

/// Lets somebody write in a room again.
pub fn unmute(_: App, open: OpenRoom, _: &str) {
    only_moderators(open);
}

fn only_moderators(open: OpenRoom) {
    let words = say("Only moderators can do that, on their board.");
    open.note.set(Some(Note::alert(words)));
}
