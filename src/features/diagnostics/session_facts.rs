//! The numbers of a session, and what it is subscribed to.

use leptos::prelude::*;

use crate::i18n::{messages, use_i18n};
use crate::services::{SessionSnapshot, use_services};
use crate::state::use_app;
use crate::ui::{Button, Fact};
use crate::{t, text};

/// The session as it is now; none without one.
pub type Snapshot = RwSignal<Option<SessionSnapshot>>;

/// The numbers of the session.
#[component]
pub fn SessionFacts(
    /// The session.
    snapshot: Snapshot,
) -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let principal = move || {
        let me = app.me.get();
        me.map_or_else(String::new, |me| me.credentials.principal)
    };
    let of = move |fact: fn(&SessionSnapshot) -> String| {
        move || snapshot.with(|it| it.as_ref().map(fact).unwrap_or_default())
    };
    let traffic = move |count: fn(&SessionSnapshot) -> (u64, u64)| {
        move || {
            let (messages, bytes) = snapshot.read().as_ref().map(count).unwrap_or_default();
            t!(
                i18n,
                diagnostics_traffic,
                messages = t!(i18n, common_message_count, count = messages),
                bytes = t!(i18n, diagnostics_byte_count, count = bytes)
            )
        }
    };
    let pending = move || snapshot.with(|it| it.as_ref().map_or(0, |it| it.open_requests));
    let largest = move || {
        let largest = snapshot.with(|it| it.as_ref()?.largest)?;
        let title = &messages::diagnostics_largest_message;
        let value = text!(diagnostics_byte_count, count = largest);
        Some(view! { <Fact title test="largest" value /> }.into_any())
    };
    view! {
        <dl class="facts">
            <Fact
                title=&messages::diagnostics_session
                test="session-id"
                value=of(|it| it.id.clone())
            />
            <Fact title=&messages::diagnostics_principal test="principal" value=principal />
            <Fact
                title=&messages::diagnostics_protocol_version
                test="protocol-version"
                value=of(|it| it.version.to_string())
            />
            <RoundTrip />
            <Fact
                title=&messages::diagnostics_received
                test="received"
                value=traffic(|it| it.received)
            />
            <Fact title=&messages::common_sent test="sent" value=traffic(|it| it.sent) />
            <Fact
                title=&messages::diagnostics_pending_requests
                test="open-requests"
                value=move || i18n.number(pending() as f64)
            />
            {largest}
        </dl>
    }
}

/// How long a message takes to the service and back, measured on request.
#[component]
fn RoundTrip() -> impl IntoView {
    let i18n = use_i18n();
    let measured = ArcRwSignal::new(None);
    let connection = use_services().connection.clone();
    connection.measure(measured.clone());
    let again = measured.clone();
    view! {
        <div>
            <dt>{&messages::diagnostics_round_trip}</dt>
            <dd data-testid="round-trip">
                {move || match measured.get() {
                    Some(ms) => t!(i18n, diagnostics_milliseconds, ms = i18n.number(ms as f64)),
                    None => "…".to_owned(),
                }} {" "}
                <Button
                    class="link"
                    label=&messages::diagnostics_measure
                    test="measure"
                    on_click=move |_| connection.measure(again.clone())
                />
            </dd>
        </div>
    }
}

/// The selectors that were used, and the topics that they brought.
#[component]
pub fn Subscriptions(
    /// The session.
    snapshot: Snapshot,
) -> impl IntoView {
    let i18n = use_i18n();
    let selections = move || {
        let snapshot = snapshot.read();
        let selections = snapshot.iter().flat_map(|it| &it.selections);
        let row = |(selector, selects): &(String, bool)| {
            let sign = if *selects { "+ " } else { "− " };
            view! { <li dir="ltr">{[sign, selector].concat()}</li> }
        };
        selections.map(row).collect_view()
    };
    let topics = move || {
        let snapshot = snapshot.read();
        let topics = snapshot.iter().flat_map(|it| &it.topics);
        let row = |(path, kind, size): &(String, String, Option<usize>)| {
            let size = match *size {
                Some(size) => t!(i18n, diagnostics_byte_count, count = size),
                None => t!(i18n, diagnostics_no_value),
            };
            view! {
                <li>
                    <bdi>{path.clone()}</bdi>
                    <small>{[kind, " · ", &size].concat()}</small>
                </li>
            }
        };
        topics.map(row).collect_view()
    };
    view! {
        <div>
            <h3>{&messages::diagnostics_selections}</h3>
            <ul class="paths" data-testid="selections">
                {selections}
            </ul>
            <h3>{&messages::diagnostics_topics}</h3>
            <ul class="paths" data-testid="topics">
                {topics}
            </ul>
        </div>
    }
}
