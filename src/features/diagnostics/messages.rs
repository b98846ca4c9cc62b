//! The last messages that went over the connection.

use std::collections::VecDeque;
use std::sync::Arc;

use leptos::prelude::*;
use leptos_use_watch_debounce_throttle::{WatchThrottledOptions, watch_throttled_with_options};

use effusion_protocol::ProtocolVersion;

use super::decoder::{DecodedMessage, MessageDecoder, Recorded, fields, hex, hex_digits};
use crate::i18n::{messages, use_i18n};
use crate::services::Services;
use crate::state::{SetIfChanged, use_app};
use crate::text;

/// How often new messages are shown at most, in milliseconds.
const INTERVAL: f64 = 500.0;

/// A message and what it says.
#[derive(Debug)]
pub struct ShownMessage {
    /// The message.
    pub recorded: Recorded,
    /// What it says.
    pub decoded: DecodedMessage,
    /// The version that it is written in.
    pub version: ProtocolVersion,
    /// The principal of its session.
    pub principal: String,
}

/// A message is the same as long as it is the one of this number.
impl PartialEq for ShownMessage {
    fn eq(&self, other: &Self) -> bool {
        self.recorded.number == other.recorded.number
    }
}

/// Whether there is space for sixteen bytes a line, provided as context where the reader can choose that.
#[derive(Clone, Copy)]
pub struct Wide(pub RwSignal<bool>);

/// The last messages, so many at most, the oldest first. They are decoded as they come, for as long as the current owner lives;
/// `also` runs with them, and when the connection changes.
pub fn watch_messages(
    services: Services,
    limit: usize,
    also: impl Fn() + Clone + 'static,
) -> RwSignal<VecDeque<Arc<ShownMessage>>> {
    let app = use_app();
    let shown = RwSignal::new(VecDeque::new());
    let decoder = StoredValue::new(MessageDecoder::default());
    let next = StoredValue::new(0);
    let traffic = services.traffic.clone();
    let flood = services.traffic.clone();
    let changes = move || {
        traffic.track();
        app.connection.track();
    };
    let take = move || {
        also();
        let new = services.traffic.recorded(next.get_value());
        let Some(last) = new.last() else { return };
        next.set_value(last.number + 1);
        shown.update(|shown: &mut VecDeque<_>| {
            for recorded in new {
                let session = services.traffic.session(recorded.session);
                let (version, principal) = match session {
                    Some(session) => (session.version, session.principal),
                    None => (services.connection.version(), String::new()),
                };
                let decoded = decoder.try_update_value(|it| it.decode(&recorded, version));
                if shown.len() == limit {
                    shown.pop_front();
                }
                shown.push_back(Arc::new(ShownMessage {
                    recorded,
                    decoded: decoded.unwrap_or_default(),
                    version,
                    principal,
                }));
            }
        });
    };
    let options = WatchThrottledOptions::default().immediate(true);
    let now_and_then = take.clone();
    let _stop =
        watch_throttled_with_options(changes, move |(), _, _| now_and_then(), INTERVAL, options);
    Effect::new(move |_| {
        flood.track();
        // What is not taken in time is dropped for newer messages.
        if flood.is_filling(next.get_value()) {
            untrack(&take);
        }
    });
    shown
}

/// A message: a line that opens to all of it.
#[component]
pub fn ProtocolMessage(
    /// The message.
    message: Arc<ShownMessage>,
) -> impl IntoView {
    let i18n = use_i18n();
    let (recorded, decoded) = (&message.recorded, &message.decoded);
    let (at, size) = (recorded.at, recorded.bytes.len() + recorded.hidden);
    let (way, arrow, direction) = if recorded.sent {
        ("sent", "↑", &messages::diagnostics_sent_message)
    } else {
        ("received", "↓", &messages::diagnostics_received_message)
    };
    let call = decoded.call.clone();
    let call = call.map(|text| view! { <Code text test="call" /> }.into_any());
    let detail = Some(decoded.detail.clone()).filter(|detail| !detail.is_empty());
    let detail = detail.map(|text| view! { <Code text test="detail" /> }.into_any());
    let hidden = (recorded.hidden > 0).then(|| {
        view! { <p class="hint">{&messages::diagnostics_credentials_hidden}</p> }.into_any()
    });
    view! {
        <li data-testid="protocol-message">
            <details>
                <summary>
                    <span class="way" data-way=way title=direction>
                        {arrow}
                    </span>
                    <span class="unseen">{direction}</span>
                    <bdi class="what">{decoded.title.clone()}</bdi>
                    <small>{text!(diagnostics_byte_count, count = size)}</small>
                </summary>
                <div>
                    <p class="hint">{move || i18n.date_and_time(at)}</p>
                    {call}
                    {detail}
                    {hidden}
                    <RawBytes message=Arc::clone(&message) />
                </div>
            </details>
        </li>
    }
}

/// The bytes of a message, once somebody opens them.
#[component]
pub fn RawBytes(
    /// The message.
    message: Arc<ShownMessage>,
) -> impl IntoView {
    let opened = RwSignal::new(false);
    let hidden = message.recorded.hidden;
    let hidden = (hidden > 0).then(|| {
        view! { <p class="hint">{text!(diagnostics_bytes_hidden, count = hidden)}</p> }.into_any()
    });
    let bytes = move || view! { <Annotated message=Arc::clone(&message) /> }.into_any();
    view! {
        <details
            class="bytes"
            on:toggle=move |event| {
                event.stop_propagation();
                opened.set_if_changed(true);
            }
        >
            <summary data-testid="show-bytes">{&messages::diagnostics_bytes}</summary>
            <div>{move || opened.get().then(&bytes)}</div>
            {hidden}
        </details>
    }
}

/// The fields of a message with their bytes, and all bytes with their characters.
#[component]
fn Annotated(
    /// The message.
    message: Arc<ShownMessage>,
) -> impl IntoView {
    let wide = use_context::<Wide>();
    let rows = fields(&message.recorded, message.decoded.about(), message.version);
    let rows = rows.into_iter().map(|field| {
        let bytes = message.recorded.bytes.get(field.bytes).unwrap_or_default();
        let bytes = bytes.iter().map(|byte| hex_digits(&[*byte]));
        let bytes = bytes.collect::<Vec<_>>().join(" ");
        view! {
            <tr data-testid="field">
                <th scope="row">{field.name}</th>
                <td class="value">{field.value}</td>
                <td class="hex">{bytes}</td>
            </tr>
        }
        .into_any()
    });
    let rows: Vec<_> = rows.collect();
    let bytes = message.recorded.bytes.clone();
    view! {
        <div class="annotated">
            <table dir="ltr" class="fields" data-testid="fields">
                <thead class="unseen">
                    <tr>
                        <th scope="col">{&messages::diagnostics_field}</th>
                        <th scope="col">{&messages::diagnostics_value}</th>
                        <th scope="col">{&messages::diagnostics_bytes}</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            {move || {
                let is_wide = wide.is_some_and(|wide| wide.0.get());
                let text = hex(&bytes, if is_wide { 16 } else { 8 });
                view! { <Code text test="hex" /> }.into_any()
            }}
        </div>
    }
}

/// What machines read, from left to right in every language.
#[component]
pub fn Code(
    /// The text.
    text: String,
    /// Names it for tests.
    #[prop(optional)]
    test: Option<&'static str>,
) -> impl IntoView {
    view! {
        <pre dir="ltr" tabindex="0" data-testid=test>
            {text}
        </pre>
    }
}
