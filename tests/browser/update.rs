//! The notice of a new version of the page.

use effusion::features::shell::UpdateNotice;
use leptos::prelude::*;
use leptos::task::tick;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Stage, app};

#[wasm_bindgen_test]
async fn a_new_version_is_told_of_and_can_wait() {
    let app = app();
    let stage = Stage::mount(app, || view! { <UpdateNotice /> });
    assert!(stage.all("update-notice").is_empty());
    app.outdated.set(true);
    tick().await;
    assert_eq!(stage.attributes("update-notice", "role"), ["status"]);
    assert_eq!(stage.text("update-reload"), "Reload");
    stage.click("update-later").await;
    tick().await;
    assert!(stage.all("update-notice").is_empty());
    assert!(!app.outdated.get_untracked());
}
