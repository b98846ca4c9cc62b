//! What is said of the list of messages, above it.

use leptos::prelude::*;

use super::announcer::Announcer;
use crate::i18n::{messages, use_i18n};
use crate::state::{Focus, OpenRoom, use_room};
use crate::ui::{Button, Icon, glyph};
use crate::{lazy, t};

lazy! {
    room,
    pub fn list_notices() => view! {
        <OfflineCopy />
        <Announcer />
        <UnreadAbove />
    }
}

/// Leads to the first message that is new where there are more new ones than can be seen.
#[component]
fn UnreadAbove() -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let followed = room.clone();
    let above = Memo::new(move |_| {
        let (unread, sight) = (followed.unread.get(), followed.sight.get());
        let first = followed.look(|timeline| timeline.first_unread(followed.read()));
        let is_above = matches!((sight, first), (Some(sight), Some(first)) if first < sight.first);
        if is_above { unread } else { 0 }
    });
    let room = StoredValue::new(room);
    let jump = move |_| {
        room.with_value(|room| {
            let first = room.look(|timeline| timeline.first_unread(room.read()));
            if let Some(first) = first {
                room.scroll_to(first, Focus::Stays);
            }
        });
    };
    let bar = move || {
        view! {
            <div class="unread-above" data-testid="unread-above">
                <button
                    type="button"
                    data-testid="first-unread-button"
                    title=&messages::timeline_to_first_unread
                    on:click=jump
                >
                    <Icon path=glyph::UP />
                    {move || t!(i18n, timeline_new_messages, count = above.get())}
                </button>
                <Button
                    test="mark-read-button"
                    label=&messages::timeline_mark_read
                    on_click=move |_| room.with_value(OpenRoom::mark_read)
                />
            </div>
        }
        .into_any()
    };
    move || (above.get() > 0).then(bar)
}

/// Says that what is shown was kept for reading without a connection.
#[component]
fn OfflineCopy() -> impl IntoView {
    let room = use_room();
    let copied = room.copied.clone();
    move || {
        copied.get().then(|| {
            view! {
                <p class="copy" role="status" data-testid="offline-copy">
                    {&messages::timeline_offline_copy}
                </p>
            }
        })
    }
}
