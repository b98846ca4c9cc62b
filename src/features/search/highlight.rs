//! Highlights in the messages on the screen, painted by the browser: nothing in the document changes.

use js_sys::{Array, Function, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Node;

use super::needle::Needle;

/// The name of the highlight in the style sheet.
const NAME: &str = "search";

/// Highlights words wherever they are in the messages; nothing without any.
pub fn show(needle: Option<&Needle>) {
    let ranges = Array::new();
    if let Some(needle) = needle
        && let Ok(texts) = document().query_selector_all("[data-testid=message-list] .text")
    {
        for place in 0..texts.length() {
            if let Some(text) = texts.get(place) {
                add_ranges(&text, needle, &ranges);
            }
        }
    }
    paint(&ranges);
}

/// Takes all highlights away.
pub fn clear() {
    paint(&Array::new());
}

/// Adds where the words are in the texts of a node.
fn add_ranges(node: &Node, needle: &Needle, ranges: &Array) {
    if node.node_type() != Node::TEXT_NODE {
        let mut child = node.first_child();
        while let Some(node) = child {
            add_ranges(&node, needle, ranges);
            child = node.next_sibling();
        }
        return;
    }
    let text = node.node_value().unwrap_or_default();
    for place in needle.places_in_utf16(&text) {
        let Ok(range) = document().create_range() else {
            return;
        };
        if range.set_start(node, place.start).is_ok() && range.set_end(node, place.end).is_ok() {
            ranges.push(&range);
        }
    }
}

/// Sets the highlight to these ranges, in a browser that has the CSS Custom Highlight API.
fn paint(ranges: &Array) {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
    let window: JsValue = window().into();
    let highlights = get(&window, "CSS").and_then(|css| get(&css, "highlights"));
    let highlight = get(&window, "Highlight").and_then(|it| it.dyn_into::<Function>().ok());
    if let (Some(highlights), Some(highlight)) = (highlights, highlight)
        && let Ok(highlight) = Reflect::construct(&highlight, ranges)
        && let Some(set) = get(&highlights, "set").and_then(|it| it.dyn_into::<Function>().ok())
    {
        // A browser that has these objects takes them.
        let _ = set.call2(&highlights, &JsValue::from_str(NAME), &highlight);
    }
}
