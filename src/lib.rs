//! Effusion's page: a chat that runs in the browser alone and speaks the Diffusion protocol to its service.
//!
//! ```text
//!   view      components: what is on the screen
//!   services  what talks to the Diffusion service and the browser's storage; the only module that does
//!   state     what the page knows, as values that it follows (live)
//!   model     view models: plain data, tested without a browser
//!   words     the language of the interface
//! ```

// Only browsers can run these; the rest is tested natively.
#[cfg(target_arch = "wasm32")]
pub mod app;
#[cfg(target_arch = "wasm32")]
pub mod browser;
pub mod features;
pub mod i18n;
#[cfg(target_arch = "wasm32")]
pub mod live;
pub mod model;
#[cfg(target_arch = "wasm32")]
pub mod platform;
#[cfg(target_arch = "wasm32")]
pub mod services;
#[cfg(target_arch = "wasm32")]
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
        let app = services::start(i18n::provide_i18n());
        provide_context(app);
        services::provide_services(app);
        view! { <app::Page /> }
    });
}
