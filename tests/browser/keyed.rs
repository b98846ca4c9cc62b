//! Content that is created anew for each key.

use effusion::ui::Keyed;
use leptos::prelude::*;
use leptos::task::tick;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Stage, app};

#[wasm_bindgen_test]
async fn another_key_makes_the_content_anew_and_the_same_one_does_not() {
    let app = app();
    let key = RwSignal::new(Some(1));
    let content = move || {
        let shown = key.get_untracked();
        view! {
            <Keyed key>
                <p data-testid="content">{shown}</p>
            </Keyed>
        }
    };
    let stage = Stage::mount(app, content);
    let first = stage.one("content");
    key.set(Some(1));
    tick().await;
    assert!(first.is_same_node(Some(&stage.one("content"))));
    key.set(Some(2));
    tick().await;
    assert!(!first.is_same_node(Some(&stage.one("content"))));
    key.set(None);
    tick().await;
    assert!(stage.all("content").is_empty());
}
