//! What a message says.

use std::cell::Cell;
use std::rc::Rc;

use leptos::task::spawn_local;

use super::element::{El, el};
use crate::live::{Live, follow};
use crate::model::markup::is_marked;
use crate::model::timeline::Row;
use crate::parts;
use crate::state::OpenRoom;
use crate::words::say;

/// Of how many of the newest messages the authors can be mentioned.
const RECENT: usize = 200;

/// The text of a message, which stays what it is until what reads its markup, if it has any, is there.
pub fn message_text(room: OpenRoom, row: &Rc<Live<Row>>) -> El {
    let place = el("div").class("text").attr("dir", "auto").test("text");
    let filled = place.clone();
    let row = Rc::clone(row);
    // Which text is to be shown: another one may come while the part is fetched.
    let turn = Rc::new(Cell::new(0_usize));
    let mut shown = None;
    follow(Box::new(move || {
        let row = row.read();
        let message = &row.entry.message;
        let wanted = (message.text.clone(), message.deleted);
        if shown.as_ref() == Some(&wanted) {
            return;
        }
        let now = turn.get() + 1;
        turn.set(now);
        let (text, deleted) = wanted.clone();
        shown = Some(wanted);
        let place = filled.clone();
        place.node().set_text_content(Some(""));
        if deleted {
            let words = say("This message was deleted.");
            drop(place.child(el("em").class("gone").test("deleted").text(words)));
            return;
        }
        let place = if message.act {
            place
                .child(el("bdi").class("actor").text(&message.name))
                .text(" ")
        } else {
            place
        };
        let body = el("span").text(&text);
        drop(place.child(body.clone()));
        if !is_marked(&text) {
            return;
        }
        let turn = Rc::clone(&turn);
        let names = names(room, &text);
        spawn_local(async move {
            // Where it cannot be fetched, the text stays as it was written.
            if let Ok(marked) = parts::marked(text, names).await
                && turn.get() == now
            {
                // Both are on the same page.
                let _ = body.node().replace_with_with_node_1(marked.node());
            }
        });
    }));
    place
}

/// Who can be mentioned: the reader first, then those who are in the room, and those who said something lately.
fn names(room: OpenRoom, text: &str) -> Vec<String> {
    if text.contains('@') {
        known_names(room)
    } else {
        Vec::new()
    }
}

/// Everybody whose name is known here, the reader first, then those who are there, then those who have spoken lately.
pub fn known_names(room: OpenRoom) -> Vec<String> {
    room.look(|timeline| {
        let mut names = vec![timeline.reader().name.clone()];
        for person in room.people.peek().persons() {
            if !names.contains(&person.name) {
                names.push(person.name);
            }
        }
        for (author, ..) in timeline.texts().rev().take(RECENT) {
            if !names.iter().any(|name| name == author) {
                names.push(author.to_owned());
            }
        }
        names
    })
}
