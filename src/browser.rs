//! What the page needs from the browser: clock, storage, address, focus.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Date, Reflect};
use leptos::prelude::{document, request_animation_frame, set_timeout, window};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlElement, Response, Storage};

use crate::model::time::At;
use effusion_chat::MessageId;

/// Milliseconds since 1970.
#[must_use]
pub fn now() -> i64 {
    Date::now() as i64
}

/// The instant as the reader's calendar has it.
#[must_use]
pub fn at(ms: i64) -> At {
    At::instant(ms, date(ms).get_timezone_offset() as i64)
}

/// An instant in ISO 8601, UTC.
#[must_use]
pub fn iso(ms: i64) -> String {
    // Only an impossible date has no ISO form.
    let date = date(ms);
    if date.get_time().is_nan() {
        String::new()
    } else {
        date.to_iso_string().into()
    }
}

/// Reads ISO 8601 and nothing laxer: browsers would take many a text for a date.
#[must_use]
pub fn parse_iso(text: &str) -> Option<i64> {
    let shaped = text.len() >= 19 && text.as_bytes().get(10) == Some(&b'T');
    let ms = if shaped { Date::parse(text) } else { f64::NAN };
    (!ms.is_nan()).then_some(ms as i64)
}

/// When a day begins for the reader: `2026-11-21`, as an input gives it.
#[must_use]
pub fn start_of_day(date: &str) -> Option<i64> {
    // Without a zone, a time is the reader's.
    let ms = Date::parse(&[date, "T00:00"].concat());
    (date.len() >= 10 && !ms.is_nan()).then_some(ms as i64)
}

/// What is stored on this device under a name.
#[must_use]
pub fn recall(key: &str) -> Option<String> {
    recall_from(local()?, key)
}

/// Stores something on this device, or removes it. Where the browser forbids it, nothing is remembered.
pub fn remember(key: &str, value: Option<&str>) {
    remember_in(local(), key, value);
}

/// What is stored for this window.
#[must_use]
pub fn recall_here(key: &str) -> Option<String> {
    recall_from(here()?, key)
}

/// Stores something for this window, or removes it.
pub fn remember_here(key: &str, value: Option<&str>) {
    remember_in(here(), key, value);
}

/// The query of the page's address.
#[must_use]
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
#[must_use]
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
#[must_use]
pub fn texts_from_the_start() -> Option<String> {
    Reflect::get(&window(), &JsValue::from_str("effusionTexts"))
        .ok()?
        .as_string()
}

/// A text file that stands beside the page; none if it cannot be had.
pub async fn fetch_text(path: &str) -> Option<String> {
    let answer = JsFuture::from(window().fetch_with_str(path)).await.ok()?;
    let answer: Response = answer.dyn_into().ok()?;
    if !answer.ok() {
        return None;
    }
    JsFuture::from(answer.text().ok()?).await.ok()?.as_string()
}

/// The page's address, without what it is asked for.
#[must_use]
pub fn page_address() -> String {
    let location = window().location();
    let part = |part: Result<String, JsValue>| part.unwrap_or_default();
    [&part(location.origin()), part(location.pathname()).as_str()].concat()
}

/// What follows `#` in the page's address, with it.
#[must_use]
pub fn hash() -> String {
    window().location().hash().unwrap_or_default()
}

/// Forces a look, such as dark colours, or leaves it to the system.
pub fn set_look(name: &str, value: Option<&str>) {
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
#[must_use]
pub fn page_is_secure() -> bool {
    window()
        .location()
        .protocol()
        .is_ok_and(|protocol| protocol == "https:")
}

/// What the page's host chose in a `<meta>`.
#[must_use]
pub fn meta(name: &str) -> Option<String> {
    let found = document()
        .query_selector(&["meta[name=", name, "]"].concat())
        .ok()??;
    found
        .get_attribute("content")
        .filter(|content| !content.is_empty())
}

/// A random number from 0 up to 1.
#[must_use]
pub fn random() -> f64 {
    js_sys::Math::random()
}

/// A name for a message that is about to be sent.
#[must_use]
pub fn message_id() -> MessageId {
    const HALF: f64 = 4_294_967_296.0;
    let half = || (random() * HALF) as u64;
    MessageId::from_bits(half() << 32 | half())
}

/// Moves the keyboard's focus to an element once what has changed is on the screen, if it is there then.
pub fn focus(id: &'static str) {
    request_animation_frame(move || {
        focus_now(id);
    });
}

/// Does something once what has changed is on the screen; a while later where nothing is drawn, as in a hidden window.
pub fn once_drawn(then: impl FnOnce() + 'static) {
    /// How long a frame may take to come, in milliseconds.
    const PATIENCE: u64 = 500;
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
    set_timeout(move || go(&late), Duration::from_millis(PATIENCE));
}

/// Clicks an element, if it is there.
pub fn click(id: &str) {
    let found = document().get_element_by_id(id);
    if let Some(element) = found.and_then(|e| e.dyn_into::<HtmlElement>().ok()) {
        element.click();
    }
}

/// Whether the keyboard's focus is where one writes.
#[must_use]
pub fn is_writing() -> bool {
    let focused = document().active_element();
    focused.is_some_and(|it| matches!(it.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

/// Whether the page is written from right to left.
#[must_use]
pub fn is_from_right() -> bool {
    let root = document().document_element();
    root.is_some_and(|root| root.get_attribute("dir").as_deref() == Some("rtl"))
}

/// Moves the keyboard's focus to an element, if it is on the screen already. Whether the element has it now.
pub fn focus_now(id: &str) -> bool {
    let found = document().get_element_by_id(id);
    let Some(element) = found.and_then(|e| e.dyn_into::<HtmlElement>().ok()) else {
        return false;
    };
    // Focusing an element that is not shown does nothing, which is right.
    let _ = element.focus();
    document().active_element().as_ref() == Some(element.as_ref())
}

fn date(ms: i64) -> Date {
    Date::new(&JsValue::from_f64(ms as f64))
}

fn local() -> Option<Storage> {
    window().local_storage().ok()?
}

fn here() -> Option<Storage> {
    window().session_storage().ok()?
}

fn recall_from(storage: Storage, key: &str) -> Option<String> {
    storage.get_item(key).ok()?
}

fn remember_in(storage: Option<Storage>, key: &str, value: Option<&str>) {
    // A full or forbidden storage is no fault of the user's, and the page works without it.
    let _ = storage.map(|storage| match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    });
}
