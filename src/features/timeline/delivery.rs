//! How far a message of the reader's own has come, and who has seen it.

use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::editing::write_anew;
use super::{Delivery, Key, Row};
use crate::i18n::{Message, messages, use_i18n};
use crate::platform::focus;
use crate::services::use_services;
use crate::state::{Fault, OpenRoom};
use crate::ui::identity::isolate;
use crate::ui::{Button, Lazy};
use crate::{lazy, t};

/// More names than these are only counted.
const MAX_NAMES: usize = 2;

/// How far a message of the reader's own has come.
#[component]
pub fn DeliveryState(
    /// The room that it is sent to.
    room: OpenRoom,
    /// Its row.
    row: ArcRwSignal<Row>,
    /// Its key.
    key: Key,
) -> impl IntoView {
    let state = Memo::new(move |_| {
        let row = row.read();
        (row.entry.delivery.clone(), row.last_sent)
    });
    let content = move || match state.get() {
        (Delivery::Received, _) => ().into_any(),
        (Delivery::Sending, _) => (&messages::message_sending).into_render().into_any(),
        (Delivery::Sent, false) => (&messages::common_sent).into_render().into_any(),
        (Delivery::Sent, true) => view! {
            <span>{&messages::common_sent}</span>
            <Lazy quiet=true load=seen_by(room.clone(), key) />
        }
        .into_any(),
        (Delivery::Failed(fault), _) => {
            view! { <Lazy load=not_sent(room.clone(), key, fault) /> }.into_any()
        }
    };
    view! {
        <p class="delivery" data-testid="delivery">
            {content}
        </p>
    }
}

lazy! { room, fn not_sent(room: OpenRoom, key: Key, fault: Fault) => view! { <NotSent room key fault /> } }

/// Says why the reader's own message was not sent, and what can be done.
#[component]
fn NotSent(
    /// The room of the message.
    room: OpenRoom,
    /// Its key.
    key: Key,
    /// Why.
    fault: Fault,
) -> impl IntoView {
    let here = StoredValue::new_local((use_services().outbox.clone(), room));
    let retry = move |_| here.with_value(|(outbox, room)| outbox.retry(room, key));
    let discard = move |_| here.with_value(|(outbox, room)| outbox.cancel(room, key));
    let edit = move |event| {
        here.with_value(|(_, room)| write_anew(room, key));
        discard(event);
        focus::move_to("composer");
    };
    view! {
        <span>{&messages::message_not_sent} {" "} {fault.what()} {" "} {fault.next()}</span>
        {link(&messages::message_retry, "retry", retry)}
        {link(&messages::message_edit, "edit-unsent", edit)}
        {link(&messages::message_discard, "cancel", discard)}
    }
}

/// A button for a message that failed. Tab passes over it, because arrow keys lead to it.
fn link(
    label: &'static Message,
    test: &'static str,
    on_click: impl Fn(MouseEvent) + 'static,
) -> AnyView {
    view! { <Button class="link" label test tabindex="-1" on_click /> }.into_any()
}

lazy! { room, fn seen_by(room: OpenRoom, key: Key) => view! { <SeenBy room key /> } }

/// Says behind the reader's own message who has seen it, as soon as somebody has.
#[component]
fn SeenBy(
    /// The room of the message.
    room: OpenRoom,
    /// Its key.
    key: Key,
) -> impl IntoView {
    let i18n = use_i18n();
    let names = Memo::new(move |_| names_of_readers(&room, key));
    let joined = move |names: &[String]| {
        let isolated = names.iter().map(|name| isolate(name));
        isolated
            .collect::<Vec<_>>()
            .join(&t!(i18n, common_list_separator))
    };
    view! {
        <span class="seen" data-testid="seen" title=move || joined(&names.read())>
            {move || {
                let names = names.read();
                let words = match names.len() {
                    0 => return String::new(),
                    few if few <= MAX_NAMES => {
                        t!(i18n, people_seen_by_names, names = joined(&names))
                    }
                    count => t!(i18n, people_seen_by_count, count = count),
                };
                [" ", &words].concat()
            }}
        </span>
    }
}

/// The names of those, but for the reader, who have seen a message of the room or a later one; follows changes.
fn names_of_readers(room: &OpenRoom, key: Key) -> Vec<String> {
    room.people.track();
    room.look(|timeline| {
        let seen = timeline
            .row(key)
            .map(|row| timeline.seen_by(row.entry.rank));
        let label = |(name, principal): &(String, String)| timeline.label(name, principal);
        seen.unwrap_or_default().iter().map(label).collect()
    })
}
