//! The document in its window: its address, its language and what its host says in it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use gloo_net::http::Request;
use js_sys::Reflect;
use leptos::prelude::{document, request_animation_frame, set_timeout, window};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlElement;

/// The query of the page's address.
pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// Replaces the query of the page's address, without loading anything.
pub fn set_query(query: &str) {
    let Ok(history) = window().history() else {
        return;
    };
    let path = window().location().pathname().unwrap_or_default();
    // A page opened from a file may not change its address. It then stays as it is.
    let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&[&path, "?", query].concat()));
}

/// The locales that the reader's browser asks for, the best first.
pub fn locales() -> Vec<String> {
    let locales = window().navigator().languages();
    locales.iter().filter_map(|it| it.as_string()).collect()
}

/// Tells the document its language and the direction of its text.
pub fn set_language(code: &str, direction: &str) {
    if let Some(root) = document().document_element() {
        // Both attributes can always be set.
        let _ = root.set_attribute("lang", code);
        let _ = root.set_attribute("dir", direction);
    }
}

/// The texts of a language that `assets/start.js` has fetched beside the program; none for English.
pub fn texts_from_start() -> Option<String> {
    Reflect::get(&window(), &JsValue::from_str("effusionTexts"))
        .ok()?
        .as_string()
}

/// A text file that stands beside the page; none if it cannot be had.
pub async fn fetch_text(path: &str) -> Option<String> {
    let response = Request::get(path).send().await.ok()?;
    response.ok().then_some(response)?.text().await.ok()
}

/// The page's address, without what it is asked for.
pub fn address() -> String {
    let location = window().location();
    let part = |part: Result<String, JsValue>| part.unwrap_or_default();
    [&part(location.origin()), part(location.pathname()).as_str()].concat()
}

/// What follows `#` in the page's address, with it.
pub fn hash() -> String {
    window().location().hash().unwrap_or_default()
}

/// Forces an appearance, such as dark colours, or leaves it to the system.
pub fn set_appearance(name: &str, value: Option<&str>) {
    if let Some(root) = document().document_element() {
        let name = ["data-", name].concat();
        // The names are fixed ones, and right.
        let _ = match value {
            Some(value) => root.set_attribute(&name, value),
            None => root.remove_attribute(&name),
        };
    }
}

/// Whether the page came by `https:`.
pub fn is_secure() -> bool {
    window()
        .location()
        .protocol()
        .is_ok_and(|protocol| protocol == "https:")
}

/// What the page's host chose in a `<meta>`.
pub fn meta(name: &str) -> Option<String> {
    let found = document()
        .query_selector(&["meta[name=", name, "]"].concat())
        .ok()??;
    found
        .get_attribute("content")
        .filter(|content| !content.is_empty())
}

/// Does something once what has changed is on the screen; a while later where nothing is drawn, as in a hidden window.
pub fn once_drawn(then: impl FnOnce() + 'static) {
    /// How long a frame may take to come, in milliseconds.
    const FRAME_TIMEOUT: u64 = 500;
    fn go(then: &Cell<Option<Box<dyn FnOnce()>>>) {
        if let Some(then) = then.take() {
            then();
        }
    }
    let then: Box<dyn FnOnce()> = Box::new(then);
    let then = Rc::new(Cell::new(Some(then)));
    let late = Rc::clone(&then);
    // A list draws some in the next frame. What a timer does after the one that follows comes when both have been seen.
    request_animation_frame(move || {
        request_animation_frame(move || set_timeout(move || go(&then), Duration::ZERO));
    });
    set_timeout(move || go(&late), Duration::from_millis(FRAME_TIMEOUT));
}

/// Clicks an element, if it is there.
pub fn click(id: &str) {
    let found = document().get_element_by_id(id);
    if let Some(element) = found.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        element.click();
    }
}

/// Whether the page is written from right to left.
pub fn is_right_to_left() -> bool {
    let root = document().document_element();
    root.is_some_and(|root| root.get_attribute("dir").as_deref() == Some("rtl"))
}
