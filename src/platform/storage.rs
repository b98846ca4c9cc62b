//! What the browser stores for the page: small texts by name. Where it forbids that or has no space left, the page works without.

use leptos::prelude::window;
use web_sys::Storage;

/// What is stored on this device under a name.
pub fn load(key: &str) -> Option<String> {
    device()?.get_item(key).ok()?
}

/// Stores something on this device, or removes it.
pub fn store(key: &str, value: Option<&str>) {
    write(device(), key, value);
}

/// What is stored under a name until this window is closed.
pub fn load_for_window(key: &str) -> Option<String> {
    this_window()?.get_item(key).ok()?
}

/// Stores something until this window is closed, or removes it.
pub fn store_for_window(key: &str, value: Option<&str>) {
    write(this_window(), key, value);
}

fn device() -> Option<Storage> {
    window().local_storage().ok()?
}

fn this_window() -> Option<Storage> {
    window().session_storage().ok()?
}

fn write(storage: Option<Storage>, key: &str, value: Option<&str>) {
    let _ = storage.map(|storage| match value {
        Some(value) => storage.set_item(key, value),
        None => storage.remove_item(key),
    });
}
