//! The rooms the reader is in, and who the reader is.

use leptos::prelude::*;
use std::cell::Cell;

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use super::brand::brand;
use super::element::{El, el};
use super::icon::{button, icon, icon_button};
use super::learn::learn;
use crate::browser;
use crate::model::form::Field;
use crate::model::guest::{hue, initials};
use crate::model::people::Person;
use crate::session;
use crate::state::{App, Dialog, OpenRoom};
use crate::words::say;

/// Rooms, and below them the reader's name and the settings. Where the page is narrow it is a drawer.
pub fn sidebar(app: App) -> El {
    let close = move || {
        app.drawer.set(false);
        browser::focus("menu-button");
    };
    let settings = move || {
        app.drawer.set(false);
        session::open_settings(app);
    };
    let rooms = el("ul").each(
        move || in_order(app),
        |room| room.id,
        move |room| room_item(app, room),
    );
    let direct = move || {
        let none = app.direct.read().is_empty();
        (!none).then(|| {
            let list = el("ul").each(
                move || app.direct.get(),
                |room| room.id,
                move |room| room_item(app, room),
            );
            el("section")
                .class("direct")
                .attr("aria-label", say("Direct messages"))
                .child(el("h2").text(say("Direct messages")))
                .child(list)
        })
    };
    let browse = move || {
        app.drawer.set(false);
        app.dialog.set(Some(Dialog::Directory));
    };
    let nav = el("nav")
        .attr("aria-label", say("Rooms"))
        .child(rooms)
        .child(
            button("another", "another-room-button", move || ask_for_room(app))
                .child(icon("plus"))
                .text(say("Join another room")),
        )
        .child(
            button("another", "directory-button", browse)
                .child(icon("find"))
                .text(say("Browse rooms")),
        )
        .child_of(direct);
    el("aside")
        .class("sidebar")
        .attr("id", "sidebar")
        .attr("aria-label", say("Rooms and settings"))
        .attr("tabindex", "-1")
        .child(el("header").child(brand()).child(icon_button(
            "close",
            say("Close the list of rooms"),
            "close-drawer",
            close,
        )))
        .child(nav)
        .child(learn(app))
        .child(el("footer").child_of(move || me(app)).child(icon_button(
            "settings",
            say("Settings"),
            "settings-button",
            settings,
        )))
}

/// Opens the dialog that asks for another room.
pub fn ask_for_room(app: App) {
    app.problems.set(Vec::new());
    app.form.update(|form| form.set(Field::Room, String::new()));
    app.drawer.set(false);
    app.dialog.set(Some(Dialog::AnotherRoom));
}

/// The circle that stands for somebody.
pub fn avatar(name: &str) -> El {
    hued(el("span").class("avatar"), name)
        .attr("aria-hidden", "true")
        .text(&initials(name))
}

/// Gives an element the colour that stays with a name.
pub fn hued(element: El, name: &str) -> El {
    element
        .css("--hue", &hue(name).to_string())
        .attr("data-hued", "")
}

fn me(app: App) -> Option<El> {
    let me = app.me.get()?;
    let account = el("small")
        .test("signed-in-as")
        .child(el("bdi").text(&me.credentials.principal))
        .text(" ")
        .text(say("at"))
        .text(" ")
        .text(&me.service.address());
    let words = el("span")
        .class("me")
        .child(el("bdi").text(&me.name))
        .child(account);
    let shown = Person {
        name: me.name.clone(),
        principal: me.credentials.principal.clone(),
        away: false,
        windows: 1,
    };
    let open = move || {
        app.drawer.set(false);
        app.whom.set(Some(shown.clone()));
        app.dialog.set(Some(Dialog::Profile));
    };
    Some(
        button("who", "my-profile", open)
            .attr("title", say("Your profile"))
            .child(avatar(&me.name))
            .child(words),
    )
}

/// The rooms as they are listed: those in the archive last.
fn in_order(app: App) -> Vec<OpenRoom> {
    let archived = |room: &OpenRoom| room.card.read().as_ref().is_some_and(|card| card.archived);
    let rooms = app.rooms.get();
    let (last, mut first): (Vec<_>, Vec<_>) = rooms.into_iter().partition(archived);
    first.extend(last);
    first
}

fn room_item(app: App, room: OpenRoom) -> El {
    let name = move || room.room.read().name.to_string();
    let unread = move || match app.counted(room) {
        0 => None,
        count => {
            let named = *room.mentions.read() > 0;
            let mut badge = el("span")
                .class(if named { "unread named" } else { "unread" })
                .test("unread")
                .text(&browser::number(count as f64))
                .child(el("span").class("unseen").text(" ").text(say("unread")));
            if named {
                badge = badge.child(
                    el("span")
                        .class("unseen")
                        .text(", ")
                        .text(say("you are named")),
                );
            }
            Some(badge)
        }
    };
    let show = move || {
        app.show_room(room);
        browser::focus("composer");
    };
    let picture = move || {
        Some(match &room.peer {
            Some(peer) => avatar(peer),
            None => icon(room.room.read().kind.word()),
        })
    };
    let item = el("li").child(
        button("room", "room-item", show)
            .attr_of("data-room", move || Some(name()))
            .attr_of("aria-current", move || {
                (app.active.get() == Some(room.id)).then(|| "page".to_owned())
            })
            .child_of(picture)
            .child(el("bdi").text_of(name))
            .child_of(unread),
    );
    if room.peer.is_some() {
        item
    } else {
        movable(app, room, item)
    }
}

thread_local! {
    /// The room that is being dragged.
    static DRAGGED: Cell<Option<usize>> = const { Cell::new(None) };
}

/// A room can be dragged to another place, or moved there with Alt, Shift and the arrows.
fn movable(app: App, room: OpenRoom, item: El) -> El {
    let place = move || {
        app.rooms
            .read_untracked()
            .iter()
            .position(|it| it.id == room.id)
    };
    item.attr("draggable", "true")
        .on("dragstart", move |_| DRAGGED.set(Some(room.id)))
        .on("dragover", |event| {
            if DRAGGED.get().is_some() {
                event.prevent_default();
            }
        })
        .on("drop", move |event| {
            if let (Some(dragged), Some(to)) = (DRAGGED.take(), place()) {
                event.prevent_default();
                session::move_room(app, dragged, to);
            }
        })
        .on("keydown", move |event| {
            let key: &KeyboardEvent = event.unchecked_ref();
            let by = match key.key().as_str() {
                "ArrowUp" => -1,
                "ArrowDown" => 1,
                _ => return,
            };
            if let Some(at) = place().filter(|_| key.alt_key() && key.shift_key()) {
                event.prevent_default();
                event.stop_propagation();
                session::move_room(app, room.id, at.saturating_add_signed(by));
                if let Some(button) = event
                    .target()
                    .and_then(|it| it.dyn_into::<HtmlElement>().ok())
                {
                    // It has just been where it is.
                    let _ = button.focus();
                }
            }
        })
}
