//! The rooms the reader is in, and who the reader is.

use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::brand::brand;
use super::element::{El, el};
use super::icon::{button, icon, icon_button};
use super::learn::learn;
use crate::browser;
use crate::model::form::Field;
use crate::model::guest::{hue, initials};
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
        move || app.rooms.get(),
        |room| room.id,
        move |room| room_item(app, room),
    );
    let nav = el("nav")
        .attr("aria-label", say("Rooms"))
        .child(rooms)
        .child(
            button("another", "another-room-button", move || ask_for_room(app))
                .child(icon("plus"))
                .text(say("Join another room")),
        );
    el("aside")
        .class("sidebar")
        .attr("id", "sidebar")
        .attr("aria-label", say("Rooms and settings"))
        .attr("tabindex", "-1")
        .on("keydown", move |event| {
            let escape = event.unchecked_ref::<KeyboardEvent>().key() == "Escape";
            if escape && *app.drawer.peek() {
                close();
            }
        })
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
    let words = el("p")
        .class("me")
        .child(el("bdi").text(&me.name))
        .child(account);
    Some(el("div").class("who").child(avatar(&me.name)).child(words))
}

fn room_item(app: App, room: OpenRoom) -> El {
    let name = move || room.room.read().name.to_string();
    let unread = move || match room.unread.get() {
        0 => None,
        count => Some(
            el("span")
                .class("unread")
                .test("unread")
                .text(&count.to_string())
                .child(el("span").class("unseen").text(" ").text(say("unread"))),
        ),
    };
    let show = move || {
        app.show_room(room);
        browser::focus("composer");
    };
    el("li").child(
        button("room", "room-item", show)
            .attr_of("data-room", move || Some(name()))
            .attr_of("aria-current", move || {
                (app.active.get() == Some(room.id)).then(|| "page".to_owned())
            })
            .child_of(move || Some(icon(room.room.read().kind.word())))
            .child(el("bdi").text_of(name))
            .child_of(unread),
    )
}
