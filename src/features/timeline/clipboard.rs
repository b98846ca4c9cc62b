//! The clipboard, which not every page has.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;
use web_sys::Clipboard;

use crate::features::composer::composing::Note;
use crate::i18n::Text;
use crate::state::OpenRoom;
use crate::text;

/// How long it is told that something was done.
const NOTE_TIME: Duration = Duration::from_secs(5);

/// The clipboard. A page that came from another machine without TLS has none.
pub fn clipboard() -> Option<Clipboard> {
    let clipboard = window().navigator().clipboard();
    (!clipboard.is_undefined()).then_some(clipboard)
}

/// Copies a text, and says above the composer how that went.
pub fn copy_to_clipboard(room: OpenRoom, words: &str, done: Text) {
    let Some(clipboard) = clipboard() else {
        return room
            .note
            .set(Some(Note::Alert(text!(message_copy_insecure))));
    };
    let written = clipboard.write_text(words);
    spawn_local(async move {
        let told = match JsFuture::from(written).await {
            Ok(_) => Note::Info(done),
            Err(_) => Note::Alert(text!(message_copy_denied)),
        };
        room.note.set(Some(told.clone()));
        let forget = move || {
            let same = room.note.read_untracked().as_ref() == Some(&told);
            if same && !told.is_alert() {
                room.note.set(None);
            }
        };
        set_timeout(forget, NOTE_TIME);
    });
}
