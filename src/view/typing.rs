//! Who is typing.

use super::element::{El, el};
use crate::state::{App, OpenRoom};
use crate::words::{say, say_with};
use leptos::prelude::*;

/// A line that says who is typing; empty while nobody is.
pub fn typing(app: App, room: OpenRoom) -> El {
    let words = move || {
        let me = app.me.read();
        let (name, principal) = me.as_ref().map_or(("", ""), |me| {
            (me.name.as_str(), me.credentials.principal.as_str())
        });
        match room.people.read().typing(name, principal).as_slice() {
            [] => String::new(),
            [one] => say_with("{name} is typing…", &[("name", one)]),
            [one, two] => say_with("{one} and {two} are typing…", &[("one", one), ("two", two)]),
            _ => say("Several people are typing…").to_owned(),
        }
    };
    // No announcement: it would be read out all the time.
    el("p")
        .class("typing")
        .test("typing")
        .attr("dir", "auto")
        .text_of(words)
}
