//! Components in a browser, with plain data in place of a service.
#![cfg(target_arch = "wasm32")]
// In a test, panicking is how one fails.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod composer;
mod connection;
mod dialog;
mod join;
mod keyed;
mod lazy;
mod messages;
mod services;
mod stage;
mod update;

// Shared with the client's own tests; some of it is used only there.
#[path = "../../crates/client/tests/with_broker/hub.rs"]
#[expect(dead_code)]
mod hub;
#[path = "../../crates/client/tests/with_broker/service.rs"]
#[expect(dead_code)]
mod service;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
