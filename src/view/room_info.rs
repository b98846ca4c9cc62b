//! What a room is about, and what the reader is told of it.

use wasm_bindgen::JsValue;

use super::dialog::dialog;
use super::element::{El, el, value_of};
use super::field::{form, labelled};
use super::icon::{button, icon};
use crate::model::attention::Level;
use crate::session;
use crate::state::{App, OpenRoom};
use crate::words::{say, say_with};
use leptos::prelude::*;

/// The subject, the level of attention, the address, and the archive.
pub fn room_info(app: App) -> El {
    let Some(room) = app.active_room() else {
        return el("span");
    };
    let mut body = el("div").class("profile");
    if room.peer.is_none() {
        body = body.child(subject(app, room));
    }
    body = body.child(level(app, room));
    if room.peer.is_none() {
        body = body.child(
            el("div")
                .class("actions")
                .child(
                    button("", "copy-room-link", move || {
                        session::copy_link(app, room, None);
                        app.dialog.set(None);
                    })
                    .text(say("Copy the link to this room")),
                )
                .child_of(move || Some(archive(app, room))),
        );
    }
    let title = room.room.read_untracked().name.to_string();
    dialog(app, "room-info", &title, "room-subject", body)
}

fn subject(app: App, room: OpenRoom) -> El {
    let card = room.card.read_untracked();
    let now = card
        .as_ref()
        .map(|card| card.topic.clone())
        .unwrap_or_default();
    let by = card
        .as_ref()
        .map(|card| card.by.clone())
        .filter(|by| !by.is_empty());
    let typed = ArcRwSignal::new(now.clone());
    let submitted = typed.clone();
    let submit = move || {
        session::set_topic(app, room, submitted.read_untracked().trim().to_owned());
        app.dialog.set(None);
    };
    let input = el("input")
        .id("room-subject")
        .attr("type", "text")
        .attr("maxlength", "200")
        .attr("autocomplete", "off")
        .attr("dir", "auto")
        .attr("value", &now)
        .on("input", move |event| typed.set(value_of(&event)));
    let by = by.map(|by| {
        let words = say_with("Written down by {name}", &[("name", &by)]);
        el("p").class("hint").text(&words)
    });
    form("subject-form", submit)
        .child(labelled("room-subject", say("What it is about"), input).maybe(by))
        .child(
            el("button")
                .attr("type", "submit")
                .test("subject-button")
                .text(say("Write it down")),
        )
}

fn level(app: App, room: OpenRoom) -> El {
    let name = room.room.read_untracked().name.to_string();
    let mut select = el("select").id("room-level");
    for (level, words) in Level::ALL.into_iter().zip([
        say("Every message"),
        say("Messages that name me"),
        say("Nothing"),
    ]) {
        select = select.child(el("option").attr("value", level.word()).text(words));
    }
    let shown = name.clone();
    let select = select
        .prop_of("value", move || {
            JsValue::from_str(app.attention.read().level(&shown).word())
        })
        .on("change", move |event| {
            let level = Level::from_word(&value_of(&event)).unwrap_or_default();
            session::notify::change(app, |it| it.set_level(&name, level));
        });
    labelled("room-level", say("Tell me of"), select)
}

fn archive(app: App, room: OpenRoom) -> El {
    let archived = room.card.read().as_ref().is_some_and(|card| card.archived);
    let words = if archived {
        say("Take it out of the archive")
    } else {
        say("Archive this room")
    };
    button("", "archive-button", move || {
        session::directory::archive(app, room, !archived);
        app.dialog.set(None);
    })
    .child(icon("archive"))
    .text(words)
}
