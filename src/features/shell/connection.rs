use leptos::prelude::*;

use crate::i18n::{messages, use_i18n};
use crate::services::use_services;
use crate::state::{Connection, use_app};
use crate::t;
use crate::ui::Button;

/// The state of the connection; while it is being made again, the seconds until the next attempt.
#[component]
pub fn ConnectionBadge() -> impl IntoView {
    let (services, i18n) = (use_services(), use_i18n());
    let connection = use_app().connection;
    let state = move || match *connection.read() {
        Connection::Idle => t!(i18n, connection_idle),
        Connection::Connecting => t!(i18n, common_connecting),
        Connection::Connected => t!(i18n, connection_connected),
        Connection::Recovering { .. } => t!(i18n, connection_reconnecting),
        Connection::Lost(_) => t!(i18n, connection_disconnected),
    };
    let left = move || match *connection.read() {
        Connection::Recovering { seconds } => Some(seconds),
        _ => None,
    };
    let countdown = move |seconds| match seconds {
        0 => t!(i18n, connection_reconnecting_now),
        seconds => t!(i18n, connection_reconnecting_in, seconds = seconds),
    };
    view! {
        <div
            class="connection"
            data-testid="connection-state"
            data-state=move || connection.read().word()
        >
            // What it says is read out, so it does not change every second as the countdown does.
            <span role="status" class=move || left().map(|_| "unseen")>
                {move || state()}
            </span>
            <span aria-hidden="true">{move || left().map(countdown)}</span>
            <Button
                class="link"
                test="reconnect"
                label=&messages::connection_try_now
                hidden=Signal::derive(move || left().is_none_or(|seconds| seconds == 0))
                on_click=move |_| services.entry.reconnect()
            />
        </div>
    }
}
