//! One row of the list: a message or a notice, below what is said before it.

use effusion_chat::Reply;
use leptos::prelude::*;

use super::delivery::DeliveryState;
use super::message_text::MessageText;
use super::reaction_bar::reaction_bar;
use super::{Delivery, Key, Origin, Row, Timeline};
use crate::features::timeline::At;
use crate::i18n::{I18n, use_i18n};
use crate::services::use_services;
use crate::state::{Focus, OpenRoom, RowSignal};
use crate::t;
use crate::ui::{Avatar, Button, Lazy, hue_of};

/// A message or a notice.
///
/// A room has many rows, so they get by properties what other components look up in their context.
#[component]
pub fn MessageRow(
    /// The room that it was written in.
    room: OpenRoom,
    /// The language of the interface.
    i18n: I18n,
    /// What it looks like, and its key.
    row: RowSignal,
    /// Sends the message again if it failed.
    on_retry: Callback<Key>,
    /// Gives the message up if it failed.
    on_discard: Callback<Key>,
    /// Requests what is missing before it.
    on_gap: Callback<(u64, bool)>,
) -> impl IntoView {
    let RowSignal { key, row } = row;
    let origin = row.with_untracked(|row| row.entry.origin);
    if origin == Origin::Notice {
        let text = row.clone();
        return view! {
            <li class="notice" data-testid="notice" data-key=key>
                <RowTop i18n row=row.clone() on_gap />
                <p>
                    <bdi>{move || text.read().entry.message.text.clone()}</bdi>
                    {" "}
                    <MessageTime i18n row />
                </p>
            </li>
        }
        .into_any();
    }
    let (name, reply) = row.with_untracked(|row| {
        let message = &row.entry.message;
        (message.name.clone(), message.reply.clone())
    });
    let own = origin == Origin::Own;
    let hue = hue_of(&name);
    let (heads, delivered, last, edited) = (row.clone(), row.clone(), row.clone(), row.clone());
    view! {
        // The keyboard goes from message to message, and finds what can be done with each.
        <li
            class=move || if heads.read().heads_group { "message heads" } else { "message" }
            data-testid="message"
            data-own=if own { "true" } else { "false" }
            data-state=move || delivery_word(&delivered.read().entry.delivery)
            data-key=key
            data-last-sent=own.then_some(move || last.read().last_sent.then_some(""))
            tabindex="-1"
        >
            <RowTop i18n row=row.clone() on_gap />
            <Avatar name=name.clone() />
            <p class="head" data-hued="" style=("--hue", hue)>
                <bdi class="author" data-testid="author">
                    {name}
                </bdi>
                {" "}
                <MessageTime i18n row=row.clone() />
            </p>
            {reply.map(|reply| view! { <Quote room=room.clone() reply /> })}
            <MessageText room=room.clone() i18n row=row.clone() />
            <small class="edited" data-testid="edited">
                {move || edited_word(i18n, &edited.read())}
            </small>
            <Reactions room=room.clone() row=row.clone() />
            {own.then(|| view! { <DeliveryState room row key on_retry on_discard /> })}
        </li>
    }
    .into_any()
}

/// What stands above a message: messages that are missing, the line of what was read, the day.
#[component]
fn RowTop(
    /// The language of the interface.
    i18n: I18n,
    /// The row of the message.
    row: ArcRwSignal<Row>,
    /// Requests what is missing.
    on_gap: Callback<(u64, bool)>,
) -> impl IntoView {
    move || {
        let row = row.read();
        let rank = row.entry.rank;
        let before = if row.gap {
            Some(
                view! {
                    <Button
                        class="earlier"
                        test="gap-button"
                        label=move || t!(i18n, timeline_fill_gap)
                        on_click=move |_| on_gap.run((rank, false))
                    />
                }
                .into_any(),
            )
        } else {
            row.unread_from_here.then(|| {
                view! {
                    <p class="unread-line" data-testid="unread-line">
                        {move || t!(i18n, timeline_new)}
                    </p>
                }
                .into_any()
            })
        };
        let day = match (row.new_day, &row.entry.at) {
            (Some(day), At::Instant { ms, .. }) => Some((*ms, day)),
            _ => None,
        };
        view! {
            <div class="before">{before}</div>
            {day
                .map(|(ms, day)| {
                    view! { <p class="day">{move || i18n.day(ms, day)}</p> }
                })}
        }
        .into_any()
    }
}

/// When a message was written.
#[component]
fn MessageTime(
    /// The language of the interface.
    i18n: I18n,
    /// The row of the message.
    row: ArcRwSignal<Row>,
) -> impl IntoView {
    move || {
        let (short, full) = match &row.read().entry.at {
            At::Instant { ms, .. } => (i18n.time_of_day(*ms), i18n.date_and_time(*ms)),
            At::Written(text) => (text.clone(), text.clone()),
        };
        view! { <time title=full>{short}</time> }
    }
}

/// What a message answers, as its author quotes it. A click goes there.
#[component]
fn Quote(
    /// The room of both.
    room: OpenRoom,
    /// What is quoted.
    reply: Reply,
) -> impl IntoView {
    let (services, i18n) = (use_services(), use_i18n());
    let Reply { to, name, text } = reply;
    let hue = hue_of(&name);
    view! {
        <button
            type="button"
            class="quote"
            data-testid="reply-quote"
            title=move || t!(i18n, message_go_to_original)
            data-hued=""
            style=("--hue", hue)
            on:click=move |_| services.history.jump_to(&room, to, Focus::Moves)
        >
            <bdi class="author">{name}</bdi>
            {" "}
            <bdi class="excerpt">{text}</bdi>
        </button>
    }
}

/// The reactions to a message, once there are any.
#[component]
fn Reactions(
    /// The room of the message.
    room: OpenRoom,
    /// Its row.
    row: ArcRwSignal<Row>,
) -> impl IntoView {
    let known = room.clone();
    // What a message is named by can change once: when the service has acknowledged it.
    let reactions = Memo::new_with_compare(
        move |_| {
            let row = row.read();
            let target = Timeline::target(&row.entry).filter(|_| !row.entry.message.deleted)?;
            Some((target, known.reactions_of(target)))
        },
        |before, now| {
            let target =
                |known: Option<&Option<(_, _)>>| known.and_then(|known| Some(known.as_ref()?.0));
            target(before) != target(now)
        },
    );
    move || {
        let (target, reactions) = reactions.get()?;
        let any = reactions.any.get();
        any.then(|| view! { <Lazy quiet=true load=reaction_bar(room.clone(), target) /> })
    }
}

fn edited_word(i18n: I18n, row: &Row) -> String {
    let message = &row.entry.message;
    if message.bleeped {
        t!(i18n, message_moderated)
    } else if row.entry.edited.is_some() && !message.deleted {
        t!(i18n, common_edited)
    } else {
        String::new()
    }
}

fn delivery_word(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Received => "received",
        Delivery::Sending => "sending",
        Delivery::Sent => "sent",
        Delivery::Failed(_) => "failed",
    }
}
