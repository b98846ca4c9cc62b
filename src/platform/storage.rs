//! What the browser stores for the page: small texts by name. Where it forbids that or has no space left, the page works
//! without, and says so once.

use js_sys::{Array, JSON};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Storage;

use super::page;

/// For whom something is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// For every window of this device, until it is removed.
    Device,
    /// For this window, until it is closed.
    Window,
}

impl For {
    /// The text that is stored under a name.
    pub fn load_text(self, key: &str) -> Option<String> {
        self.storage()?.get_item(key).ok()?
    }

    /// Stores a text, or removes it. False if the browser does not.
    pub fn store_text(self, key: &str, value: Option<&str>) -> bool {
        let done = self.storage().is_some_and(|storage| match value {
            Some(value) => storage.set_item(key, value).is_ok(),
            None => storage.remove_item(key).is_ok(),
        });
        if !done && value.is_some() {
            refused();
        }
        done
    }

    fn storage(self) -> Option<Storage> {
        match self {
            Self::Device => window().local_storage().ok()?,
            Self::Window => window().session_storage().ok()?,
        }
    }
}

/// Names and values in JSON, as a list of pairs; none if it is something else. The browser reads them, because the first load was
/// 19 kB larger with `serde_json` (`cargo xtask bench sizes`): it says in words what it did not expect, and a number needs tables for that.
pub fn read_pairs(json: &str) -> Option<Vec<(String, String)>> {
    let pairs: Array = JSON::parse(json).ok()?.dyn_into().ok()?;
    let pair = |pair: JsValue| {
        let pair: Array = pair.dyn_into().ok()?;
        Some((pair.get(0).as_string()?, pair.get(1).as_string()?))
    };
    pairs.iter().map(pair).collect()
}

/// What is stored on this device under a name.
pub fn load(key: &str) -> Option<String> {
    For::Device.load_text(key)
}

/// Stores something on this device, or removes it. False if the browser does not.
pub fn store(key: &str, value: Option<&str>) -> bool {
    For::Device.store_text(key, value)
}

/// What the window is told, as an event, when the browser has not stored something.
const REFUSED: &str = "effusion-not-stored";

/// The browser has not stored something: it forbids that, or has no space left.
pub fn refused() {
    page::dispatch(REFUSED);
}

/// Listens until the owner of the caller is done with for what the browser does not store.
pub fn on_refused(then: impl Fn() + 'static) {
    page::listen(&window(), REFUSED, move |_| then());
}
