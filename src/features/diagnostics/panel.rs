//! The panel that shows the session from inside.

use std::collections::VecDeque;
use std::sync::Arc;

use effusion_protocol::ServiceId;
use leptos::prelude::*;

use super::messages::{ProtocolMessage, ShownMessage, Wide, watch_messages};
use super::session_facts::{SessionFacts, Subscriptions};
use crate::i18n::messages;
use crate::platform::page;
use crate::services::use_services;
use crate::state::SetIfChanged;
use crate::ui::{Button, Checkbox, List, Panel, Select, option};
use crate::{lazy, text};

/// How many messages are shown.
const MAX_MESSAGES: usize = 100;

/// The panel that shows the session from inside.
#[component]
fn Diagnostics() -> impl IntoView {
    let services = use_services();
    let connection = services.connection.clone();
    let snapshot = RwSignal::new(connection.snapshot());
    let messages = watch_messages(services, MAX_MESSAGES, move || {
        snapshot.set_if_changed(connection.snapshot());
    });
    provide_context(Wide(RwSignal::new(false)));
    let connected = Memo::new(move |_| snapshot.read().is_some());
    let session = move || {
        view! {
            <SessionFacts snapshot />
            <Subscriptions snapshot />
        }
        .into_any()
    };
    view! {
        <Panel
            id="diagnostics"
            class="panel inside"
            title=&messages::common_diagnostics
            label=&messages::common_diagnostics
            focus="diagnostics"
            opener="diagnostics-button"
        >
            {move || connected.get().then(session)}
            <h3>{&messages::common_messages}</h3>
            <p class="hint">{&messages::diagnostics_messages_hint}</p>
            <Messages messages />
        </Panel>
    }
}

/// The messages, and what of them is shown.
#[component]
fn Messages(
    /// The messages, the oldest first.
    messages: RwSignal<VecDeque<Arc<ShownMessage>>>,
) -> impl IntoView {
    let services = use_services();
    let Wide(wide) = expect_context();
    let folded = RwSignal::new(true);
    let filter = RwSignal::new(String::new());
    let names = Memo::new(move |_| {
        let messages = messages.read();
        let services = messages.iter().filter_map(|it| it.decoded.service);
        let mut names: Vec<_> = services.map(ServiceId::name).collect();
        names.sort_unstable();
        names.dedup();
        names
    });
    let rows = Memo::new(move |_| {
        let (folded, filter) = (folded.get(), filter.read());
        rows(&messages.read(), folded, &filter)
    });
    let save = move |_| {
        let capture = services.traffic.capture();
        page::save_file("effusion.jsonl", "application/jsonl", &capture.into());
    };
    view! {
        <div class="panel-tools">
            {move || {
                let mut options = vec![
                    option("", &messages::diagnostics_all_services),
                    option(VALUES, &messages::diagnostics_values),
                ];
                options.extend(names.get().into_iter().map(|name| option(name, name)));
                view! {
                    <Select
                        id="service-filter"
                        label=&messages::diagnostics_filter
                        options
                        value=filter
                        on_change=move |name| filter.set(name)
                    />
                }
                    .into_any()
            }}
            <Checkbox
                label=&messages::diagnostics_fold
                test="fold"
                checked=folded
                on_change=move |ticked| folded.set(ticked)
            />
            <Checkbox
                label=&messages::diagnostics_wide
                test="wide"
                checked=wide
                on_change=move |ticked| wide.set(ticked)
            /> <Button test="save-capture" label=&messages::diagnostics_save on_click=save />
        </div>
        <ol class="protocol" data-testid="protocol-messages">
            <List each=move || rows.get() key=Row::key let:row>
                {match row {
                    Row::Message(message) => view! { <ProtocolMessage message /> }.into_any(),
                    Row::Folded(messages) => view! { <Folded messages /> }.into_any(),
                }}
            </List>
        </ol>
    }
}

/// Messages one after the other that only keep things going.
#[component]
fn Folded(
    /// The messages, the newest first.
    messages: Vec<Arc<ShownMessage>>,
) -> impl IntoView {
    let opened = RwSignal::new(false);
    let count = messages.len();
    let item = |message| view! { <ProtocolMessage message /> };
    let shown = move || {
        opened
            .get()
            .then(|| messages.iter().cloned().map(item).collect_view())
    };
    view! {
        <li data-testid="folded">
            <details on:toggle=move |_| opened.set_if_changed(true)>
                <summary>{text!(diagnostics_folded, count = count)}</summary>
                <ol class="protocol">{move || shown()}</ol>
            </details>
        </li>
    }
}

/// What a line shows.
#[derive(Clone, PartialEq)]
enum Row {
    /// A message.
    Message(Arc<ShownMessage>),
    /// Messages that only keep things going, the newest first.
    Folded(Vec<Arc<ShownMessage>>),
}

impl Row {
    /// Tells one line from another: the number of its oldest message, and how many there are.
    fn key(&self) -> String {
        let (oldest, count) = match self {
            Self::Message(message) => (Some(message), 0),
            Self::Folded(messages) => (messages.last(), messages.len()),
        };
        let oldest = oldest.map_or(0, |it| it.recorded.number);
        format!("{oldest} {count}")
    }
}

/// What stands for the values of topics where services are chosen.
const VALUES: &str = "values";

/// The lines of messages, the newest first: those of a service, if one is named.
fn rows(messages: &VecDeque<Arc<ShownMessage>>, folded: bool, filter: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for message in messages.iter().rev() {
        let decoded = &message.decoded;
        let is_wanted = match (filter, decoded.service) {
            ("", _) | (VALUES, None) => true,
            (name, service) => service.is_some_and(|service| service.name() == name),
        };
        if !is_wanted {
            continue;
        }
        let is_folded = folded && filter.is_empty() && decoded.is_routine;
        match rows.last_mut() {
            Some(Row::Folded(group)) if is_folded => group.push(Arc::clone(message)),
            _ if is_folded => rows.push(Row::Folded(vec![Arc::clone(message)])),
            _ => rows.push(Row::Message(Arc::clone(message))),
        }
    }
    rows
}

lazy! { more, pub fn diagnostics() => view! { <Diagnostics /> } }
