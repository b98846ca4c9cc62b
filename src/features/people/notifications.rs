//! What the reader is told of while they look elsewhere.

use leptos::prelude::*;

use crate::i18n::messages;
use crate::lazy;
use crate::services::{beep, is_allowed, use_services};
use crate::state::use_app;
use crate::ui::{Button, Checkbox};

/// What the reader is told of, and how.
#[component]
pub fn NotificationSettings() -> impl IntoView {
    let app = use_app();
    let notifications = StoredValue::new_local(use_services().notifications.clone());
    let permission = move || {
        app.attention.track();
        let hint = match is_allowed() {
            Some(true) => &messages::profile_notifications_on,
            Some(false) => {
                let ask = move |_| notifications.with_value(|it| it.ask());
                let label = &messages::profile_turn_on_notifications;
                return view! { <Button test="allow-notifications" label on_click=ask /> }
                    .into_any();
            }
            None => &messages::profile_notifications_unsupported,
        };
        view! { <p class="hint">{hint}</p> }.into_any()
    };
    view! {
        <fieldset>
            <legend>{&messages::common_notifications}</legend>
            <Checkbox
                test="do-not-disturb"
                label=&messages::profile_do_not_disturb
                checked=Signal::derive(move || app.attention.read().do_not_disturb)
                on_change=move |set| {
                    notifications.with_value(|it| it.change(|it| it.do_not_disturb = set))
                }
            />
            <Checkbox
                test="sound"
                label=&messages::profile_sound
                checked=Signal::derive(move || app.attention.read().sound)
                on_change=move |set| {
                    notifications.with_value(|it| it.change(|it| it.sound = set));
                    if set {
                        beep();
                    }
                }
            />
            {permission}
        </fieldset>
    }
}

/// Asks whether the system may show notifications, after the first message that would have been one.
#[component]
fn AskToNotify() -> impl IntoView {
    let yes = use_services().notifications.clone();
    let no = yes.clone();
    view! {
        <div class="ask" role="status" data-testid="ask-to-notify">
            <p>{&messages::profile_notify_ask}</p>
            <Button
                class="primary"
                test="notify-yes"
                label=&messages::profile_notify_yes
                on_click=move |_| yes.ask()
            />
            <Button
                test="notify-no"
                label=&messages::profile_notify_no
                on_click=move |_| no.never_ask()
            />
        </div>
    }
}

lazy! { more, pub fn ask_to_notify() => view! { <AskToNotify /> } }
