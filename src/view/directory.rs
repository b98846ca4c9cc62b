//! The rooms of the service, to choose from.

use leptos::task::spawn_local;

use super::dialog::dialog;
use super::element::{El, el, value_of};
use super::fault::alert;
use super::icon::{button, icon};
use super::last_line::last_line;
use crate::browser;
use crate::model::directory::{Listed, rank};
use crate::model::fault::Fault;
use crate::model::form::{Field, Room};
use crate::session;
use crate::state::{App, Dialog};
use crate::words::{say, say_with};
use leptos::prelude::*;

/// What the directory has found so far.
enum Found {
    Searching,
    Rooms(Vec<Listed>),
    Failed(Fault),
}

/// The list of all rooms, with a box to search in it.
pub fn directory(app: App) -> El {
    let found = ArcRwSignal::new(Found::Searching);
    let typed = ArcRwSignal::new(String::new());
    let coming = found.clone();
    spawn_local(async move {
        coming.set(match session::directory::load().await {
            Ok(rooms) => Found::Rooms(rooms),
            Err(fault) => Found::Failed(fault),
        });
    });
    let search = {
        let typed = typed.clone();
        el("input")
            .id("directory-search")
            .attr("type", "search")
            .attr("autocomplete", "off")
            .attr("dir", "auto")
            .attr("placeholder", say("Search rooms"))
            .attr("aria-label", say("Search rooms"))
            .on("input", move |event| typed.set(value_of(&event)))
    };
    let list = move || {
        let typed = typed.read();
        Some(match &*found.read() {
            Found::Searching => el("p").class("hint").text(say("Looking for rooms…")),
            Found::Failed(fault) => alert(app, fault, None),
            Found::Rooms(rooms) => {
                let mut list = el("ul").class("choices").test("directory-list");
                let mut any = false;
                for room in rooms {
                    let text = [room.name.as_str(), " ", &room.topic].concat();
                    if rank(&text, &typed).is_some() {
                        any = true;
                        list = list.child(el("li").child(listed(app, room)));
                    }
                }
                if any {
                    list
                } else {
                    el("p")
                        .class("hint")
                        .test("no-such-room")
                        .text(say("There is no such room."))
                }
            }
        })
    };
    let new = move || {
        app.problems.set(Vec::new());
        app.fault.set(None);
        app.form.update(|form| form.set(Field::Room, String::new()));
        app.dialog.set(Some(Dialog::NewRoom));
    };
    let body = el("div")
        .class("directory")
        .child(
            el("div").class("find").child(search).child(
                button("", "new-room-button", new)
                    .child(icon("plus"))
                    .text(say("New room")),
            ),
        )
        .child_of(list);
    dialog(app, "directory", say("Rooms"), "directory-search", body)
}

fn listed(app: App, room: &Listed) -> El {
    let choice = Room {
        name: room.name.clone(),
        kind: room.kind,
    };
    let join = move || {
        app.dialog.set(None);
        session::open_room(app, choice.clone());
    };
    let mut title = el("span")
        .class("named")
        .child(el("bdi").text(room.name.as_str()));
    if room.archived {
        title = title.child(el("span").class("chip plain").text(say("archived")));
    }
    let people = match room.people {
        0 => String::new(),
        1 => say("1 person").to_owned(),
        count => say_with(
            "{count} people",
            &[("count", &browser::number(count as f64))],
        ),
    };
    let mut words = el("span").class("words").child(title);
    if !room.topic.is_empty() {
        words = words.child(
            el("span")
                .class("about")
                .attr("dir", "auto")
                .text(&room.topic),
        );
    }
    words = words.maybe(last_line(room));
    button("choice", "directory-room", join)
        .attr("data-room", room.name.as_str())
        .child(icon(room.kind.word()))
        .child(words)
        .child(
            el("small")
                .class("people")
                .test("directory-people")
                .text(&people),
        )
}
