//! The clipboard, which not every page has.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::Clipboard;

use crate::features::composer::composing::Note;
use crate::i18n::Text;
use crate::state::OpenRoom;
use crate::text;

/// How long it is told that something was done, in milliseconds.
const NOTE_TIME: u64 = 5_000;

/// The clipboard. A page that came from another machine without TLS has none.
pub fn clipboard() -> Option<Clipboard> {
    let navigator = window().navigator();
    let found = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard"));
    found
        .is_ok_and(|found| !found.is_undefined())
        .then(|| navigator.clipboard())
}

/// Copies a text, and says above the composer how that went.
pub fn copy_to_clipboard(room: OpenRoom, words: &str, done: Text) {
    let Some(clipboard) = clipboard() else {
        let insecure = Note::Alert(text!(message_copy_insecure));
        room.note.set(Some(insecure));
        return;
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
        set_timeout(forget, Duration::from_millis(NOTE_TIME));
    });
}
