//! One row of the list: a message or a notice, below what is said before it.

use leptos::prelude::*;

use super::delivery::DeliveryState;
use super::message_text::MessageText;
use super::reaction_bar::reaction_bar;
use super::{Delivery, Origin, Quoted, Row, Sender, Timeline};
use crate::features::timeline::At;
use crate::i18n::{I18n, Message, messages};
use crate::state::{Focus, OpenRoom, RowSignal, Wanted};
use crate::ui::identity::isolate;
use crate::ui::{Avatar, Button, Lazy};
use crate::{t, text};

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
) -> impl IntoView {
    let RowSignal { key, row } = row;
    let origin = row.with_untracked(|row| row.entry.origin);
    if origin == Origin::Notice {
        let (folded, empty) = (row.clone(), row.clone());
        return view! {
            // An empty item stays in its place in the list, and is no item for who hears the list.
            <li
                class=move || if folded.read().folded { "notice folded" } else { "notice" }
                aria-hidden=move || empty.read().is_empty().then_some("true")
                data-testid="notice"
                data-key=key
            >
                <RowTop room=room.clone() i18n row=row.clone() />
                <Notice i18n row />
            </li>
        }
        .into_any();
    }
    let (name, is_reply) = row.with_untracked(|row| {
        let message = &row.entry.message;
        (message.name.clone(), message.reply.is_some())
    });
    let own = origin == Origin::Own;
    let (hued, told) = (row.clone(), row.clone());
    let hue = move || hued.read().sender.hue.to_string();
    let (heads, delivered, last, edited) = (row.clone(), row.clone(), row.clone(), row.clone());
    view! {
        // Tab goes from message to message; arrow keys lead to what can be done with each.
        <li
            class=move || if heads.read().heads_group { "message heads" } else { "message" }
            data-testid="message"
            data-own=if own { "true" } else { "false" }
            data-state=move || delivery_word(&delivered.read().entry.delivery)
            data-key=key
            data-last-sent=own.then_some(move || last.read().last_sent.then_some(""))
            tabindex="0"
        >
            <RowTop room=room.clone() i18n row=row.clone() />
            <Avatar name=name.clone() hue=Signal::derive(hue.clone()) />
            <p class="head" data-hued="" style=("--hue", hue)>
                <bdi class="author" data-testid="author">
                    {name}
                </bdi>
                {" "}
                {move || account_of(&told.read().sender)}
                <MessageTime i18n row=row.clone() />
            </p>
            {is_reply.then(|| view! { <QuoteButton room=room.clone() row=row.clone() /> })}
            <MessageText room=room.clone() row=row.clone() />
            <small class="edited" data-testid="edited">
                {move || edited_word(i18n, &edited.read())}
            </small>
            <Reactions room=room.clone() row=row.clone() />
            {own.then(|| view! { <DeliveryState room row key /> })}
        </li>
    }
    .into_any()
}

/// What a notice says: by itself, or that several people have come in, in the reader's language.
#[component]
fn Notice(
    /// The language of the interface.
    i18n: I18n,
    /// Its row.
    row: ArcRwSignal<Row>,
) -> impl IntoView {
    move || {
        let shown = row.read();
        if shown.folded {
            return None;
        }
        let names = &shown.joined;
        let title = (names.len() > 1).then(|| names.join(", "));
        let mut isolated = names.iter().map(|name| isolate(name));
        let words = match (isolated.next(), isolated.next(), names.len()) {
            (Some(name), None, _) => text!(timeline_joined, name = name),
            (Some(first), Some(second), 2) => {
                text!(timeline_joined_two, first = first, second = second)
            }
            (Some(first), Some(second), all) => {
                let others = all - 2;
                text!(
                    timeline_joined_many,
                    first = first,
                    second = second,
                    count = others
                )
            }
            (None, ..) => text!(timeline_unreadable, count = shown.unreadable),
        };
        let notice = view! {
            <p title=title>
                <bdi>{words}</bdi>
                {" "}
                <MessageTime i18n row=row.clone() />
            </p>
        };
        Some(notice.into_any())
    }
}

/// What stands above a message: messages that are missing, the line of what was read, the day.
#[component]
fn RowTop(
    /// The room of the message.
    room: OpenRoom,
    /// The language of the interface.
    i18n: I18n,
    /// The row of the message.
    row: ArcRwSignal<Row>,
) -> impl IntoView {
    move || {
        let row = row.read();
        let rank = row.entry.rank;
        let before = match (row.gap, row.unread_from_here) {
            (true, _) => {
                let room = room.clone();
                let wanted = Wanted::Gap {
                    rank,
                    from_above: false,
                };
                let fill = move |_| room.want(wanted);
                view! {
                    <Button
                        class="earlier"
                        test="gap-button"
                        label=&messages::timeline_fill_gap
                        on_click=fill
                    />
                }
                .into_any()
            }
            (false, true) => view! {
                <p class="unread-line" data-testid="unread-line">
                    {&messages::timeline_new}
                </p>
            }
            .into_any(),
            (false, false) => ().into_any(),
        };
        let day = match row.entry.at {
            At::Instant { ms, day } if row.new_day.is_some() => {
                Some(view! { <p class="day">{move || i18n.day(ms, day)}</p> })
            }
            _ => None,
        };
        view! {
            <div class="before">{before}</div>
            {day}
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

/// What a message answers, as that says it now, and how the quote differs from it. A click goes there.
#[component]
fn QuoteButton(
    /// The room of both.
    room: OpenRoom,
    /// The row of the reply.
    row: ArcRwSignal<Row>,
) -> impl IntoView {
    let room = StoredValue::new(room);
    let quote = Memo::new(move |_| row.read().quote.clone());
    move || {
        let quote = quote.get()?;
        let (to, state) = (quote.to, quote.state);
        let jump = move |_| {
            room.with_value(|room| room.want(Wanted::Message(to, Focus::Moves)));
        };
        let hue = quote.sender.hue.to_string();
        let is_claim = matches!(state, Quoted::NotLoaded | Quoted::Missing);
        let excerpt = match state {
            Quoted::Deleted => {
                view! { <em class="gone">{&messages::message_deleted}</em> }.into_any()
            }
            _ => view! { <bdi class="excerpt">{quote.text}</bdi> }.into_any(),
        };
        let (word, remark) = comparison(state);
        let remark = remark.map(|remark| {
            view! {
                <small class="remark" data-testid="quote-remark">
                    {remark}
                </small>
            }
            .into_any()
        });
        let button = view! {
            <button
                type="button"
                class="quote"
                class:unchecked=is_claim
                data-testid="reply-quote"
                tabindex="-1"
                data-state=word
                title=&messages::message_go_to_original
                data-hued=""
                style=("--hue", hue)
                on:click=jump
            >
                <bdi class="author">{quote.name}</bdi>
                {" "}
                {account_of(&quote.sender)}
                {excerpt}
                {remark}
            </button>
        };
        Some(button.into_any())
    }
}

/// The account behind a name that looks like somebody else's.
fn account_of(sender: &Sender) -> Option<AnyView> {
    let account = sender.account.clone()?;
    let words = match account.as_str() {
        "" => (&messages::people_account_unknown).into_render().into_any(),
        _ => account.into_any(),
    };
    let shown = view! {
        <bdi class="account" data-testid="account" title=&messages::people_looks_alike>
            {words}
        </bdi>
        {" "}
    };
    Some(shown.into_any())
}

/// How a quote compares with its original: the word for it in `data-state`, and what is said of it.
fn comparison(state: Quoted) -> (&'static str, Option<&'static Message>) {
    match state {
        Quoted::True => ("true", None),
        Quoted::Edited => ("edited", Some(&messages::common_edited)),
        Quoted::Moderated => ("moderated", Some(&messages::message_moderated)),
        Quoted::Deleted => ("deleted", None),
        Quoted::Misquoted => ("misquoted", Some(&messages::message_misquoted)),
        Quoted::NotLoaded => ("not-loaded", Some(&messages::message_original_not_loaded)),
        Quoted::Missing => ("missing", Some(&messages::message_original_missing)),
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
    // What a message is named by can change once: when the service has acknowledged it.
    let target = Memo::new(move |_| {
        let entry = &row.read().entry;
        Timeline::target(entry).filter(|_| !entry.message.deleted)
    });
    move || {
        let target = target.get()?;
        let reactions = room.reactions_of(target);
        let any = Memo::new(move |_| !reactions.read().is_empty());
        any.get()
            .then(|| view! { <Lazy quiet=true load=reaction_bar(room.clone(), target) /> })
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
