//! Keys that do something wherever one is, and the list of all keys.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::KeyboardEvent;

use super::dialog::dialog;
use super::element::{El, el};
use crate::browser;
use crate::session;
use crate::state::{App, Dialog, Panel, Screen};
use crate::words::{key, say};

/// Every key: what to press, and what it does. `Ctrl` is the Command key on a Mac.
const SHORTCUTS: [(&[&str], &str); 11] = [
    (&["?"], key("Show this list")),
    (&["Ctrl", "K"], key("Go to a room or a person")),
    (&["Ctrl", "F"], key("Search in the room")),
    (&["Ctrl", ","], key("Open the settings")),
    (&["Alt", "↑"], key("Go to the room before")),
    (&["Alt", "↓"], key("Go to the next room")),
    (&["Enter"], key("Send the message")),
    (&["Shift", "Enter"], key("Begin a new line")),
    (&["↑"], key("Edit your last message, if the box is empty")),
    (&["Esc"], key("Close what is open, or stop editing")),
    (
        &["Tab"],
        key("Go to the next thing; with Shift, to the one before"),
    ),
];

/// Listens to the keys from now on.
pub(super) fn listen(app: App) {
    let pressed = move |event: KeyboardEvent| {
        let in_chat =
            *app.screen.read_untracked() == Screen::Chat && app.dialog.read_untracked().is_none();
        if in_chat && !event.is_composing() && press(app, &event) {
            event.prevent_default();
        }
    };
    let pressed = Closure::<dyn FnMut(KeyboardEvent)>::new(pressed).into_js_value();
    // Listening fails only for what is no function.
    let _ = document().add_event_listener_with_callback("keydown", pressed.unchecked_ref());
}

/// True if the key did something.
fn press(app: App, event: &KeyboardEvent) -> bool {
    let command = event.ctrl_key() || event.meta_key();
    match event.key().as_str() {
        "?" if !command && !browser::is_writing() => app.dialog.set(Some(Dialog::Keyboard)),
        "," if command => session::open_settings(app),
        "f" if command && !event.shift_key() && app.active.read_untracked().is_some() => {
            app.panel.set(Some(Panel::Search));
            browser::focus("search");
        }
        "k" | "K" if command => app.dialog.set(Some(Dialog::Switcher)),
        // Also while the focus is still on its way to the list of rooms.
        "Escape" if *app.drawer.read_untracked() => {
            app.drawer.set(false);
            browser::focus("menu-button");
        }
        "ArrowUp" if event.alt_key() && !command => step(app, -1),
        "ArrowDown" if event.alt_key() && !command => step(app, 1),
        _ => return false,
    }
    true
}

/// Shows the room that stands before or after the one that is shown.
fn step(app: App, by: isize) {
    let next = {
        let rooms = app.rooms.read_untracked();
        let active = *app.active.read_untracked();
        let count = rooms.len() as isize;
        let place = rooms.iter().position(|room| Some(room.id) == active);
        // None is before the first one, and after the last.
        let from = place.map_or(if by < 0 { 0 } else { -1 }, |place| place as isize);
        (count > 0).then(|| rooms[(from + by).rem_euclid(count) as usize])
    };
    if let Some(room) = next {
        app.show_room(room);
        browser::focus("composer");
    }
}

/// The list of all keys, over the chat.
pub fn keyboard(app: App) -> El {
    dialog(app, "keyboard", say("Keyboard"), "shortcuts", shortcuts())
}

/// The list of all keys.
pub(super) fn shortcuts() -> El {
    let mut list = el("dl")
        .class("shortcuts")
        .id("shortcuts")
        .attr("tabindex", "-1");
    for (keys, words) in SHORTCUTS {
        let mut term = el("dt");
        for (place, key) in keys.iter().enumerate() {
            if place > 0 {
                term = term.text(" + ");
            }
            term = term.child(el("kbd").text(key));
        }
        list = list.child(el("div").child(term).child(el("dd").text(say(words))));
    }
    list
}
