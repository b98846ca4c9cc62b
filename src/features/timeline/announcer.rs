//! What a screen reader says of new messages.

use leptos::prelude::*;

use crate::i18n::messages;
use crate::platform::storage;
use crate::state::{App, use_app, use_room};

/// Under this name the device remembers that new messages are not announced.
const MUTED: &str = "effusion.quiet";

/// Takes up whether new messages are announced on this device.
pub fn load_announcements(app: App) {
    app.announcements_muted.set(storage::load(MUTED).is_some());
}

/// Stops announcing new messages, or starts again, and remembers it on this device.
pub fn mute_announcements(app: App, muted: bool) {
    app.announcements_muted.set(muted);
    storage::store(MUTED, muted.then_some("true"));
}

/// Announces new messages to those who cannot see them, unless they stopped it.
#[component]
pub fn Announcer() -> impl IntoView {
    let (app, room) = (use_app(), use_room());
    let muted = app.announcements_muted;
    let heard = room.announcement.clone();
    let missed = room.announcement.clone();
    // What was not announced while it was stopped is no news later.
    Effect::new(move |_| {
        if muted.get() && !missed.read().is_empty() {
            missed.set(String::new());
        }
    });
    view! {
        <div class="announcer">
            <button
                type="button"
                class="pause"
                data-testid="pause-announcements"
                aria-pressed=move || muted.get().to_string()
                on:click=move |_| mute_announcements(app, !muted.get_untracked())
            >
                {&messages::common_mute_announcements}
            </button>
            <p class="unseen" aria-live="polite" data-testid="announcer">
                {move || if muted.get() { String::new() } else { heard.get() }}
            </p>
        </div>
    }
}
