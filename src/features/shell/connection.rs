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
    let countdown = move || match *connection.read() {
        Connection::Recovering { seconds: 0 } => Some(t!(i18n, connection_reconnecting_now)),
        Connection::Recovering { seconds } => {
            Some(t!(i18n, connection_reconnecting_in, seconds = seconds))
        }
        _ => None,
    };
    let recovering = move || matches!(*connection.read(), Connection::Recovering { .. });
    let may_try = move || matches!(*connection.read(), Connection::Recovering { seconds: 1.. });
    view! {
        <div
            class="connection"
            data-testid="connection-state"
            data-state=move || connection.read().word()
        >
            // What it says is read out, so it does not change every second as the countdown does.
            <span role="status" class=move || recovering().then_some("unseen")>
                {move || state()}
            </span>
            <span aria-hidden="true">{move || countdown()}</span>
            <Button
                class="link"
                test="reconnect"
                label=&messages::connection_try_now
                hidden=Signal::derive(move || !may_try())
                on_click=move |_| services.entry.reconnect()
            />
        </div>
    }
}
