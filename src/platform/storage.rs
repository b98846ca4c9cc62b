//! What the browser stores for the page: small texts by name. Where it forbids that or has no space left, the page works
//! without, and says so once.

use leptos::prelude::window;
use web_sys::Storage;

use super::page;

/// What is stored on this device under a name.
pub fn load(key: &str) -> Option<String> {
    device()?.get_item(key).ok()?
}

/// Stores something on this device, or removes it. False if the browser does not.
pub fn store(key: &str, value: Option<&str>) -> bool {
    write(device(), key, value)
}

/// What is stored under a name until this window is closed.
pub fn load_for_window(key: &str) -> Option<String> {
    this_window()?.get_item(key).ok()?
}

/// Stores something until this window is closed, or removes it. False if the browser does not.
pub fn store_for_window(key: &str, value: Option<&str>) -> bool {
    write(this_window(), key, value)
}

fn device() -> Option<Storage> {
    window().local_storage().ok()?
}

fn this_window() -> Option<Storage> {
    window().session_storage().ok()?
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

fn write(storage: Option<Storage>, key: &str, value: Option<&str>) -> bool {
    let done = storage.is_some_and(|storage| match value {
        Some(value) => storage.set_item(key, value).is_ok(),
        None => storage.remove_item(key).is_ok(),
    });
    if !done && value.is_some() {
        refused();
    }
    done
}
