//! Components in a browser, with plain data in place of a service.
#![cfg(target_arch = "wasm32")]
// In a test, panicking is how one fails.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod composer;
mod connection;
mod dialog;
mod join;
mod keyed;
mod messages;
mod services;
mod stage;
mod update;

// The client's own tests use them, too; some of it is for those only.
#[path = "../../crates/client/tests/with_broker/hub.rs"]
#[expect(dead_code)]
mod hub;
#[path = "../../crates/client/tests/with_broker/service.rs"]
#[expect(dead_code)]
mod service;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
