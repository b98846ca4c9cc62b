//! The clipboard, which not every page has.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use crate::features::composer::composing::Note;
use crate::i18n::{Message, Text, messages};
use crate::state::OpenRoom;

/// How long it is told that something was done.
const NOTE_TIME: Duration = Duration::from_secs(5);

/// Copies a text, at once, as browsers allow it only while somebody presses something.
///
/// # Errors
/// Why it was not copied. A page that came from another machine without TLS has no clipboard.
pub fn copy_text(words: &str) -> impl Future<Output = Result<(), &'static Message>> + use<> {
    let clipboard = window().navigator().clipboard();
    let written = (!clipboard.is_undefined()).then(|| clipboard.write_text(words));
    async move {
        let written = written.ok_or(&messages::message_copy_insecure)?;
        let done = JsFuture::from(written).await;
        done.map(drop).map_err(|_| &messages::message_copy_denied)
    }
}

/// Copies a text, and says above the composer how that went.
pub fn copy_to_clipboard(room: OpenRoom, words: &str, done: Text) {
    let copied = copy_text(words);
    spawn_local(async move {
        let told = match copied.await {
            Ok(()) => Note::Info(done),
            Err(why) => Note::Alert(why.into()),
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
