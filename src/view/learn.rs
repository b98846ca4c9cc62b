//! The way to what is there to learn, the lessons and the session from inside, and to the moderator's board.

use super::element::{El, el};
use super::icon::{button, icon};
use crate::state::{App, Panel, Screen};
use crate::words::say;
use leptos::prelude::*;

/// Two buttons that open a panel each, and one for moderators.
pub fn learn(app: App) -> El {
    let open = move |panel, name: &'static str, test: &'static str, words: &str| {
        let is_open = move || *app.panel.read() == Some(panel);
        button("learn", test, move || {
            let other = *app.panel.read_untracked() != Some(panel);
            app.drawer.set(false);
            app.panel.set(other.then_some(panel));
        })
        .attr("id", test)
        .attr_of("aria-expanded", move || Some(is_open().to_string()))
        .child(icon(name))
        .text(words)
    };
    el("div")
        .class("learning")
        .child(open(
            Panel::Lessons,
            "lessons",
            "lessons-button",
            say("Lessons"),
        ))
        .child(open(
            Panel::Diagnostics,
            "diagnostics",
            "diagnostics-button",
            say("Diagnostics"),
        ))
        .child_of(move || {
            let open = move || {
                app.drawer.set(false);
                app.screen.set(Screen::Board);
            };
            app.moderator.get().then(|| {
                button("learn", "board-button", open)
                    .child(icon("shield"))
                    .text(say("Moderation"))
            })
        })
}
