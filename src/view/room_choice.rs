//! Which room, and of which kind.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::element::{El, el};
use super::field::{field, group};
use super::icon::icon;
use crate::model::form::Field;
use crate::state::App;
use crate::words::say;
use effusion_chat::RoomKind;

/// The room's name and the two kinds of room.
pub fn room_choice(app: App) -> El {
    let kinds = el("div")
        .class("kinds")
        .attr("role", "radiogroup")
        .attr("aria-label", say("Kind of room"))
        .child(kind(
            app,
            RoomKind::Live,
            "kind-live",
            say("Live"),
            say("Lesson 1: you see what is said from now on."),
        ))
        .child(kind(
            app,
            RoomKind::History,
            "kind-history",
            say("History"),
            say("Lesson 2: the last 100 messages are kept."),
        ));
    group(say("Room"))
        .child(field(
            app,
            Field::Room,
            say("Room name"),
            "off",
            "Default Room",
        ))
        .child(kinds)
}

fn kind(app: App, kind: RoomKind, test: &str, title: &str, words: &str) -> El {
    let input = el("input")
        .attr("type", "radio")
        .attr("name", "kind")
        .test(test)
        .prop_of("checked", move || {
            JsValue::from_bool(app.form.read().kind == kind)
        })
        .on("change", move |_| app.form.update(|form| form.kind = kind));
    let words = el("span")
        .child(el("strong").child(icon(kind.word())).text(title))
        .child(el("small").text(words));
    el("label").class("kind").child(input).child(words)
}
