//! What a message says.

use std::cell::Cell;
use std::rc::Rc;

use leptos::task::spawn_local;

use super::element::{El, el};
use crate::features::timeline::Row;
use crate::features::timeline::markup::is_marked;
use crate::live::follow;
use crate::parts;
use crate::state::OpenRoom;
use crate::words::say;
use leptos::prelude::*;

/// Longer texts, in bytes, are folded up.
const LONG: usize = 3_000;

/// And those of more lines.
const MANY_LINES: usize = 30;

/// The text of a message, which stays what it is until what reads its markup, if it has any, is there.
pub fn message_text(room: OpenRoom, row: &ArcRwSignal<Row>) -> El {
    let body = el("div").attr("dir", "auto").test("text");
    let place = el("div").class("text").child(body.clone());
    let box_of = place.clone();
    let row = row.clone();
    // Which text is to be shown: another one may come while the part is fetched.
    let turn = Rc::new(Cell::new(0_usize));
    let mut shown = None;
    let mut unfold: Option<El> = None;
    follow(Box::new(move || {
        let row = row.read();
        let message = &row.entry.message;
        let wanted = (message.text.clone(), message.deleted);
        let unreadable = row.entry.is_unreadable();
        if shown.as_ref() == Some(&wanted) {
            return;
        }
        let now = turn.get() + 1;
        turn.set(now);
        let (text, deleted) = wanted.clone();
        shown = Some(wanted);
        let body = body.clone();
        body.node().set_text_content(Some(""));
        let long = is_long(&text);
        if let Some(button) = unfold.take() {
            button.node().remove();
        }
        drop(
            box_of
                .clone()
                .class(if long { "text long" } else { "text" }),
        );
        if deleted {
            let words = say("This message was deleted.");
            drop(body.child(el("em").class("gone").test("deleted").text(words)));
            return;
        }
        if unreadable {
            let words = say("Something was put here that is no chat message.");
            drop(body.child(el("em").class("gone").text(words)));
            return;
        }
        if long {
            let button = unfolding(&box_of);
            unfold = Some(button.clone());
            drop(box_of.clone().child(button));
        }
        let body = if message.act {
            body.child(el("bdi").class("actor").text(&message.name))
                .text(" ")
        } else {
            body
        };
        if !is_marked(&text) {
            drop(body.text(&text));
            return;
        }
        let plain = el("span").text(&text);
        drop(body.child(plain.clone()));
        let turn = Rc::clone(&turn);
        spawn_local(async move {
            // Where it cannot be fetched, the text stays as it was written.
            if let Ok(marked) = parts::marked(room, text).await
                && turn.get() == now
            {
                // Both are on the same page.
                let _ = plain.node().replace_with_with_node_1(marked.node());
            }
        });
    }));
    place
}

/// Whether a text takes so much room that what comes after it should be in sight first. A snippet folds itself.
fn is_long(text: &str) -> bool {
    !text.starts_with("```") && (text.len() > LONG || text.lines().nth(MANY_LINES).is_some())
}

/// The button that shows all of a text, or folds it up again.
fn unfolding(place: &El) -> El {
    let button = el("button")
        .attr("type", "button")
        .class("unfold")
        .test("show-all")
        .attr("aria-expanded", "false")
        .text(say("Show all"));
    let (place, node) = (place.clone(), button.node().clone());
    button.on_click(move || {
        let folded = node.get_attribute("aria-expanded").as_deref() == Some("true");
        drop(
            place
                .clone()
                .class(if folded { "text long" } else { "text" }),
        );
        node.set_text_content(Some(if folded {
            say("Show all")
        } else {
            say("Show less")
        }));
        // A plain attribute.
        let _ = node.set_attribute("aria-expanded", if folded { "false" } else { "true" });
    })
}
