//! Views whose code is fetched.

use std::future::{pending, ready};

use effusion::ui::Lazy;
use effusion::ui::lazy::{LoadError, Loading};
use leptos::prelude::*;
use leptos::task::tick;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Stage, app};

#[wasm_bindgen_test]
async fn a_view_that_cannot_be_fetched_is_reported() {
    for late in [false, true] {
        for quiet in [false, true] {
            let failures = ArcRwSignal::new(0);
            let counted = failures.clone();
            let stage = Stage::mount(app(), move || {
                let load: Loading = if late {
                    Box::pin(async {
                        tick().await;
                        Err(LoadError)
                    })
                } else {
                    Box::pin(ready(Err(LoadError)))
                };
                let on_error = move |()| counted.update(|count| *count += 1);
                view! { <Lazy load quiet on_error /> }
            });
            for _ in 0..10 {
                tick().await;
            }
            assert_eq!(failures.get_untracked(), 1, "{late} {quiet}");
            let shown = stage.all("part-missing").len();
            assert_eq!(shown, usize::from(!quiet), "{late} {quiet}");
        }
    }
}

#[wasm_bindgen_test]
async fn nothing_is_reported_while_it_is_fetched() {
    let failures = ArcRwSignal::new(0);
    let counted = failures.clone();
    let stage = Stage::mount(app(), move || {
        let load: Loading = Box::pin(pending());
        let on_error = move |()| counted.update(|count| *count += 1);
        view! { <Lazy load on_error /> }
    });
    tick().await;
    assert_eq!(failures.get_untracked(), 0);
    assert!(stage.all("part-missing").is_empty());
}
