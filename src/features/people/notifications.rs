//! What the reader is told of while they look elsewhere.

use leptos::prelude::*;

use crate::i18n::use_i18n;
use crate::session::notify;
use crate::state::use_app;
use crate::ui::Checkbox;
use crate::{lazy, t};

/// What the reader is told of, and how.
#[component]
pub fn NotificationSettings() -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    view! {
        <fieldset>
            <legend>{move || t!(i18n, common_notifications)}</legend>
            <Checkbox
                test="do-not-disturb"
                label=move || t!(i18n, profile_do_not_disturb)
                checked=Signal::derive(move || app.attention.read().do_not_disturb)
                on_change=move |set| notify::change(app, |it| it.do_not_disturb = set)
            />
            <Checkbox
                test="sound"
                label=move || t!(i18n, profile_sound)
                checked=Signal::derive(move || app.attention.read().sound)
                on_change=move |set| {
                    notify::change(app, |it| it.sound = set);
                    if set {
                        notify::beep();
                    }
                }
            />
            {move || {
                app.attention.track();
                match notify::is_allowed() {
                    Some(true) => {
                        view! { <p class="hint">{move || t!(i18n, profile_notifications_on)}</p> }
                            .into_any()
                    }
                    Some(false) => {
                        view! {
                            <button
                                type="button"
                                data-testid="allow-notifications"
                                on:click=move |_| notify::ask(app)
                            >
                                {move || t!(i18n, profile_turn_on_notifications)}
                            </button>
                        }
                            .into_any()
                    }
                    None => {
                        view! {
                            <p class="hint">
                                {move || t!(i18n, profile_notifications_unsupported)}
                            </p>
                        }
                            .into_any()
                    }
                }
            }}
        </fieldset>
    }
}

/// Asks whether the system may show notifications, after the first message that would have been one.
#[component]
pub fn AskToNotify() -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    view! {
        <div class="ask" role="status" data-testid="ask-to-notify">
            <p>{move || t!(i18n, profile_notify_ask)}</p>
            <button
                type="button"
                class="primary"
                data-testid="notify-yes"
                on:click=move |_| notify::ask(app)
            >
                {move || t!(i18n, profile_notify_yes)}
            </button>
            <button type="button" data-testid="notify-no" on:click=move |_| notify::never_ask(app)>
                {move || t!(i18n, profile_notify_no)}
            </button>
        </div>
    }
}

lazy! {
    room,
    /// Asks whether the system may show notifications.
    pub fn ask_to_notify() => view! { <AskToNotify/> }
}
