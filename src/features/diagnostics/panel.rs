//! The panel that shows the session from inside.

use leptos::prelude::*;

use super::messages::{ProtocolMessage, watch_messages};
use super::session_facts::{SessionFacts, Subscriptions};
use crate::i18n::use_i18n;
use crate::services::use_services;
use crate::state::{SetIfChanged, use_app};
use crate::ui::Panel;
use crate::{lazy, t};

/// How many messages are shown.
const MAX_MESSAGES: usize = 100;

/// The panel that shows the session from inside.
#[component]
pub fn Diagnostics() -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let services = use_services();
    let connection = services.connection.clone();
    let snapshot = RwSignal::new(connection.snapshot());
    let messages = watch_messages(services, MAX_MESSAGES, move || {
        snapshot.set_if_changed(connection.snapshot());
    });
    let newest_first = move || messages.read().iter().rev().cloned().collect::<Vec<_>>();
    let connected = Memo::new(move |_| snapshot.read().is_some());
    view! {
        <Panel
            id="diagnostics"
            class="panel inside"
            title=move || t!(i18n, common_diagnostics)
            label=move || t!(i18n, common_diagnostics)
            focus="diagnostics"
            opener="diagnostics-button"
            on_close=move |()| app.panel.set(None)
        >
            {move || {
                connected
                    .get()
                    .then(|| {
                        view! {
                            <SessionFacts snapshot />
                            <Subscriptions snapshot />
                        }
                            .into_any()
                    })
            }}
            <h3>{move || t!(i18n, common_messages)}</h3>
            <p class="hint">{move || t!(i18n, diagnostics_messages_hint)}</p>
            <ol class="protocol" data-testid="protocol-messages">
                <For each=newest_first key=|message| message.recorded.number let:message>
                    <ProtocolMessage message />
                </For>
            </ol>
        </Panel>
    }
}

lazy! {
    more,
    /// The panel that shows the session from inside.
    pub fn diagnostics() => view! { <Diagnostics/> }
}
