//! Effusion's page: a chat that runs in the browser alone and speaks the Diffusion protocol to its service.
//!
//! ```text
//!   app       the page: one screen at a time
//!   features  a folder for each: its components, and beside them the plain data that they show, tested natively
//!   ui        components that the features share
//!   services  what talks to the Diffusion service and the browser's storage; the only module that does
//!   state     what the page knows, as signals
//!   i18n      the languages of the interface
//!   platform  what no crate offers of the browser
//! ```
//!
//! Components read the state and call services; services change the state, and call no component.

// Only browsers can run these; the rest is tested natively.
#[cfg(target_arch = "wasm32")]
pub mod app;
pub mod features;
pub mod i18n;
#[cfg(target_arch = "wasm32")]
pub mod platform;
#[cfg(target_arch = "wasm32")]
pub mod services;
pub mod state;
pub mod ui;

/// Shows the page in place of what `index.html` shows while it loads.
#[cfg(target_arch = "wasm32")]
pub fn start() {
    use leptos::prelude::*;

    if let Some(loading) = document().get_element_by_id("loading") {
        loading.remove();
    }
    mount_to_body(|| {
        provide_context(services::start(i18n::provide_i18n()));
        view! { <app::Page /> }
    });
}
