//! The clipboard, which not every page has.

use leptos::prelude::*;
use wasm_bindgen::JsValue;
use web_sys::Clipboard;

/// The clipboard. A page that came from another machine without TLS has none.
pub fn clipboard() -> Option<Clipboard> {
    let navigator = window().navigator();
    let found = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard"));
    found
        .is_ok_and(|found| !found.is_undefined())
        .then(|| navigator.clipboard())
}
