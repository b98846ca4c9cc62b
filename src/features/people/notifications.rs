//! What the reader is told of while they look elsewhere.

use leptos::prelude::*;

use crate::i18n::use_i18n;
use crate::services::{beep, is_allowed, use_services};
use crate::state::use_app;
use crate::ui::{Button, Checkbox};
use crate::{lazy, t};

/// What the reader is told of, and how.
#[component]
pub fn NotificationSettings() -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let notifications = StoredValue::new_local(use_services().notifications.clone());
    view! {
        <fieldset>
            <legend>{move || t!(i18n, common_notifications)}</legend>
            <Checkbox
                test="do-not-disturb"
                label=move || t!(i18n, profile_do_not_disturb)
                checked=Signal::derive(move || app.attention.read().do_not_disturb)
                on_change=move |set| {
                    notifications.with_value(|it| it.change(|it| it.do_not_disturb = set))
                }
            />
            <Checkbox
                test="sound"
                label=move || t!(i18n, profile_sound)
                checked=Signal::derive(move || app.attention.read().sound)
                on_change=move |set| {
                    notifications.with_value(|it| it.change(|it| it.sound = set));
                    if set {
                        beep();
                    }
                }
            />
            {move || {
                app.attention.track();
                match is_allowed() {
                    Some(true) => {
                        view! { <p class="hint">{move || t!(i18n, profile_notifications_on)}</p> }
                            .into_any()
                    }
                    Some(false) => {
                        view! {
                            <Button
                                test="allow-notifications"
                                label=move || t!(i18n, profile_turn_on_notifications)
                                on_click=move |_| notifications.with_value(|it| it.ask())
                            />
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
    let (services, i18n) = (use_services(), use_i18n());
    let (yes, no) = (
        services.notifications.clone(),
        services.notifications.clone(),
    );
    view! {
        <div class="ask" role="status" data-testid="ask-to-notify">
            <p>{move || t!(i18n, profile_notify_ask)}</p>
            <Button
                class="primary"
                test="notify-yes"
                label=move || t!(i18n, profile_notify_yes)
                on_click=move |_| yes.ask()
            />
            <button type="button" data-testid="notify-no" on:click=move |_| no.never_ask()>
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
