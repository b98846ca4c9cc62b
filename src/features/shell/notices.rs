//! What the page says over every screen.

use gloo_events::{EventListener, EventListenerOptions};
use leptos::prelude::*;

use crate::features::timeline::Timeline;
use crate::i18n::messages;
use crate::lazy;
use crate::platform::page;
use crate::state::{App, OpenRoom, use_app, use_page};
use crate::ui::Button;

/// Says that the page's host has a newer version of it.
#[component]
pub fn UpdateNotice() -> impl IntoView {
    let outdated = use_page().outdated;
    let notice = move || {
        view! {
            <div class="update" role="status" data-testid="update-notice">
                <p>{&messages::update_ready}</p>
                <Button
                    class="primary"
                    test="update-reload"
                    label=&messages::update_reload
                    on_click=|_| page::reload()
                />
                <Button
                    test="update-later"
                    label=&messages::update_later
                    on_click=move |_| outdated.set(false)
                />
            </div>
        }
        .into_any()
    };
    move || outdated.get().then(notice)
}

lazy! { room, pub fn not_stored_notice() => view! { <NotStoredNotice /> } }

/// Says once that the browser stores nothing for the page, or has no space left. Then a window asks before it is closed with messages
/// that are not sent.
#[component]
fn NotStoredNotice() -> impl IntoView {
    let app = use_app();
    ask_before_loss(app);
    let closed = RwSignal::new(false);
    let notice = move || {
        view! {
            <div class="update above" role="status" data-testid="not-stored">
                <p>{&messages::storage_refused}</p>
                <Button
                    test="not-stored-close"
                    label=&messages::common_close
                    on_click=move |_| closed.set(true)
                />
            </div>
        }
        .into_any()
    };
    move || (app.not_stored.get() && !closed.get()).then(notice)
}

/// Has the browser ask whoever leaves the page with messages that are nowhere else. A page that needs not ask does not listen: some
/// browsers do not keep one that does, for whoever comes back to it.
fn ask_before_loss(app: App) {
    Effect::new(move |_: Option<Option<EventListener>>| {
        app.not_stored.get().then(|| {
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(&window(), "beforeunload", options, move |event| {
                let has_unsent = |room: &OpenRoom| room.look(Timeline::has_any_unsent);
                if app.all_rooms().iter().any(has_unsent) {
                    event.prevent_default();
                }
            })
        })
    });
}
