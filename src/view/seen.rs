//! Who has seen a message.

use super::element::{El, el};
use crate::features::timeline::Key;
use crate::i18n::use_i18n;
use crate::state::OpenRoom;
use crate::t;
use crate::words::{say, say_with};
use effusion_chat::Target;
use leptos::prelude::*;

/// More names than these are only counted.
const MOST: usize = 2;

/// Says behind the reader's own message who has seen it, as soon as somebody has.
pub fn seen(room: OpenRoom, key: Key) -> El {
    let i18n = use_i18n();
    let words = move || {
        let names = seen_by(room, key);
        let words = match names.len() {
            0 => return String::new(),
            few if few <= MOST => say_with("· seen by {names}", &[("names", &joined(&names))]),
            count => t!(i18n, people_seen_by_count, count = count),
        };
        [" ", &words].concat()
    };
    el("span")
        .class("seen")
        .test("seen")
        .attr_of("title", move || Some(joined(&seen_by(room, key))))
        .text_of(words)
}

/// The names of those, but for the reader, who have seen a message of a room or a later one; follows changes.
pub fn seen_by(room: OpenRoom, key: Key) -> Vec<String> {
    let people = room.people.read();
    room.look(|timeline| {
        let Some(row) = timeline.row(key) else {
            return Vec::new();
        };
        let (sequence, rank) = (row.entry.sequence, row.entry.rank);
        let reader = timeline.reader();
        people.seen_by(&reader.name, &reader.principal, |seen| match seen {
            Target::Sequence(seen) => sequence.is_some_and(|own| seen >= own),
            Target::Id(_) => timeline.find(seen).is_some_and(|seen| seen >= rank),
        })
    })
}

fn joined(names: &[String]) -> String {
    let mut text = String::new();
    for name in names {
        if !text.is_empty() {
            text.push_str(say(", "));
        }
        // A name of the other direction moves nothing beside it.
        text.push('\u{2068}');
        text.push_str(name);
        text.push('\u{2069}');
    }
    text
}
