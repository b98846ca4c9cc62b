//! Copying what is selected in the list: every message from the first one to the last, in order, whether it is still in the
//! document or not, and nothing of the buttons between them.

use std::cell::Cell;
use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, Element, Event, Node};

use super::{At, Entry, Origin, Timeline};
use crate::i18n::I18n;
use crate::state::OpenRoom;

/// The messages that a selection begins and ends in, by their ranks.
type Ends = Cell<Option<(u64, u64)>>;

/// Follows what is selected in the list of a room, and copies it, until what this returns is dropped.
pub fn copy_selection(room: OpenRoom, i18n: I18n, list: &Element) -> [EventListener; 2] {
    let ends = Rc::new(Ends::default());
    let (followed, copied) = (Rc::clone(&ends), room.clone());
    let within = list.clone();
    let follow = EventListener::new(&document(), "selectionchange", move |_| {
        follow_selection(&followed, &room, &within);
    });
    let options = EventListenerOptions::enable_prevent_default();
    let copy = EventListener::new_with_options(list, "copy", options, move |event| {
        if let Some((one, other)) = ends.get().filter(|(one, other)| one != other) {
            copy_messages(event, &copied, i18n, one.min(other), one.max(other));
        }
    });
    [follow, copy]
}

/// A message that has left the document takes the end of the selection with it, so what it was is remembered.
fn follow_selection(ends: &Ends, room: &OpenRoom, list: &Element) {
    let selection = window().get_selection().ok().flatten();
    let Some(selection) = selection.filter(|it| !it.is_collapsed()) else {
        ends.set(None);
        return;
    };
    let rank = |node: Option<Node>| {
        let node = node.filter(|node| list.contains(Some(node)))?;
        let element = node
            .dyn_ref::<Element>()
            .cloned()
            .or(node.parent_element())?;
        let row = element.closest("li[data-key]").ok()??;
        let key = row.get_attribute("data-key")?.parse().ok()?;
        room.look(|timeline| Some(timeline.row(key)?.entry.rank))
    };
    let (anchor, focus) = (rank(selection.anchor_node()), rank(selection.focus_node()));
    ends.set(match ends.get() {
        None => anchor.zip(focus),
        Some((one, other)) => Some((anchor.unwrap_or(one), focus.unwrap_or(other))),
    });
}

fn copy_messages(event: &Event, room: &OpenRoom, i18n: I18n, first: u64, last: u64) {
    let event: &ClipboardEvent = event.unchecked_ref();
    let Some(clipboard) = event.clipboard_data() else {
        return;
    };
    let lines: Vec<String> = room.look(|timeline| {
        let (from, to) = (timeline.place_of_rank(first), timeline.place_of_rank(last));
        let rows = (from..=to).filter_map(|place| timeline.row_at(place));
        rows.map(|row| line(i18n, timeline, &row.entry)).collect()
    });
    // A browser that refuses it copies what it would have.
    if clipboard.set_data("text/plain", &lines.join("\n")).is_ok() {
        event.prevent_default();
    }
}

fn line(i18n: I18n, timeline: &Timeline, entry: &Entry) -> String {
    let time = match &entry.at {
        At::Instant { ms, .. } => i18n.time_of_day(*ms),
        At::Written(text) => text.clone(),
    };
    let name = timeline.label(&entry.message.name, &entry.author);
    let text = entry.message.text.as_str();
    match entry.origin {
        Origin::Notice => ["[", &time, "] ", text].concat(),
        _ => ["[", &time, "] ", &name, ": ", text].concat(),
    }
}
