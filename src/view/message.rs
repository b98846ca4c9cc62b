//! One message.

use super::element::{El, el};
use super::field::link;
use super::message_text::message_text;
use super::part::quietly;
use super::sidebar::{avatar, hued};
use crate::browser;
use crate::features::timeline::{Delivery, Key, Origin, Row, Timeline};
use crate::i18n::use_i18n;
use crate::model::time::At;
use crate::parts;
use crate::state::{LiveRow, OpenRoom};
use crate::words::say;
use effusion_chat::Reply;
use leptos::prelude::*;

/// A message of the list: author, time, text, and how far it has come if it is the reader's own.
pub fn message(room: OpenRoom, row: LiveRow, retry: impl Fn(Key) + Copy + 'static) -> El {
    let LiveRow { key, row } = row;
    let Row { entry, .. } = row.read_untracked().clone();
    // What of the row is shown where; only what changes is drawn again.
    let of = |part: fn(&Row) -> String| {
        let row = row.clone();
        move || part(&row.read())
    };
    let day = {
        let day = of(new_day);
        move || {
            Some(day())
                .filter(|day| !day.is_empty())
                .map(|day| el("p").class("day").text(&day))
        }
    };
    let time = el("time")
        .text_of(of(short_time))
        .attr("title", &full_time(&entry.at));
    let text = of(|row| row.entry.message.text.clone());
    if entry.origin == Origin::Notice {
        let words = el("p").child(el("bdi").text_of(text)).text(" ").child(time);
        return el("li")
            .class("notice")
            .test("notice")
            .child_of(day)
            .child(words);
    }
    let own = entry.origin == Origin::Own;
    let name = &entry.message.name;
    let state = of(|row| word(&row.entry.delivery).to_owned());
    let class = of(|row| {
        (if row.heads_group {
            "message heads"
        } else {
            "message"
        })
        .to_owned()
    });
    let head = hued(el("p").class("head"), name)
        .child(el("bdi").class("author").test("author").text(name))
        .text(" ")
        .child(time);
    let item = el("li")
        .attr_of("class", move || Some(class()))
        .test("message")
        .attr("data-own", if own { "true" } else { "false" })
        .attr_of("data-state", move || Some(state()))
        // The keyboard goes from message to message, and finds what can be done with each.
        .attr("data-key", &key.to_string())
        .attr("tabindex", "-1")
        .child_of(day)
        .child(avatar(name))
        .child(head)
        .maybe(entry.message.reply.as_ref().map(|to| quote(room, to)))
        .child(message_text(room, &row))
        .child(
            el("small")
                .class("edited")
                .test("edited")
                .text_of(of(|row| {
                    let message = &row.entry.message;
                    let words = if message.bleeped {
                        say("changed by a moderator")
                    } else if row.entry.edited.is_some() && !message.deleted {
                        say("edited")
                    } else {
                        ""
                    };
                    words.to_owned()
                })),
        )
        .child_of(reactions(room, &row));
    if !own {
        return item;
    }
    item.child_of(move || Some(delivery(room, key, &row.read(), retry)))
}

/// What a message answers, as its author quotes it.
fn quote(room: OpenRoom, reply: &Reply) -> El {
    let to = reply.to;
    let jump = move || {
        leptos::task::spawn_local(async move {
            // Without the part one can still look for it.
            let _ = parts::jump(room, to).await;
        });
    };
    let quote = super::icon::button("quote", "reply-quote", jump)
        .attr("title", say("Go to the message that this answers"));
    hued(quote, &reply.name)
        .child(el("bdi").class("author").text(&reply.name))
        .text(" ")
        .child(el("bdi").class("excerpt").text(&reply.text))
}

fn reactions(room: OpenRoom, row: &ArcRwSignal<Row>) -> impl Fn() -> Option<El> + use<> {
    let row = row.clone();
    move || {
        let target = {
            let entry = &row.read().entry;
            Timeline::target(entry).filter(|_| !entry.message.deleted)?
        };
        let any = room.reactions_of(target).any.get();
        any.then(|| quietly(parts::reactions(room, target)))
    }
}

fn delivery(
    room: OpenRoom,
    key: Key,
    Row {
        entry,
        last_sent: last,
        ..
    }: &Row,
    retry: impl Fn(Key) + Copy + 'static,
) -> El {
    let i18n = use_i18n();
    let line = el("p").class("delivery").test("delivery");
    match &entry.delivery {
        Delivery::Received => line,
        Delivery::Sending => line.text(say("Sending…")),
        Delivery::Sent if *last => line
            .child(el("span").text(say("Sent")))
            .child(quietly(parts::seen(room, key))),
        Delivery::Sent => line.text(say("Sent")),
        Delivery::Failed(fault) => line
            .child(
                el("span")
                    .text(say("Not sent."))
                    .text(" ")
                    .text(&i18n.show(&fault.what()))
                    .text(" ")
                    .text(&i18n.show(&fault.next())),
            )
            .child(link("retry", say("Retry"), move || retry(key)))
            .child(link("cancel", say("Discard"), move || {
                crate::session::cancel(room, key);
            })),
    }
}

fn word(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Received => "received",
        Delivery::Sending => "sending",
        Delivery::Sent => "sent",
        Delivery::Failed(_) => "failed",
    }
}

fn new_day(row: &Row) -> String {
    match (row.new_day, &row.entry.at) {
        (Some(day), At::Instant { ms, .. }) => browser::day(*ms, day),
        _ => String::new(),
    }
}

fn short_time(row: &Row) -> String {
    match &row.entry.at {
        At::Instant { ms, .. } => browser::time_of_day(*ms),
        At::Written(text) => text.clone(),
    }
}

fn full_time(at: &At) -> String {
    match at {
        At::Instant { ms, .. } => browser::date_and_time(*ms),
        At::Written(text) => text.clone(),
    }
}
