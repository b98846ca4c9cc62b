//! The elements that components are made of.

use std::cell::Cell;
use std::rc::Rc;

use effusion::live::{Live, follow};
use effusion::view::{ElView, el};
use leptos::prelude::*;
use leptos::task::tick;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::Stage;

#[wasm_bindgen_test]
async fn an_element_is_a_leptos_view() {
    let count = RwSignal::new(1);
    let stage = Stage::show(|| el("div"));
    let inner = move || {
        ElView::from(
            el("b")
                .test("inner")
                .text_of(move || count.get().to_string()),
        )
    };
    leptos::mount::mount_to(
        stage.place().clone(),
        move || view! { <p>"It is " {inner()}</p> },
    )
    .forget();
    assert_eq!(stage.place().text_content().unwrap(), "It is 1");
    count.set(2);
    tick().await;
    assert_eq!(stage.text("inner"), "2");
}

#[wasm_bindgen_test]
async fn what_has_left_the_page_follows_nothing() {
    let shown: &'static Live<bool> = Box::leak(Box::new(Live::new(true)));
    let value: &'static Live<u32> = Box::leak(Box::new(Live::new(0)));
    let runs = Rc::new(Cell::new(0));
    let keep = Rc::clone(&runs);
    let stage = Stage::show(move || {
        el("div").child_of(move || {
            shown.get().then(|| {
                let runs = Rc::clone(&keep);
                follow(Box::new(move || {
                    value.read();
                    runs.set(runs.get() + 1);
                }));
                el("i")
            })
        })
    });
    assert_eq!(runs.get(), 1);
    value.set(1);
    tick().await;
    assert_eq!(runs.get(), 2);
    shown.set(false);
    tick().await;
    value.set(2);
    tick().await;
    assert_eq!(runs.get(), 2);
    assert!(stage.place().query_selector("i").unwrap().is_none());
}

#[wasm_bindgen_test]
async fn lists_follow_their_items_in_any_order() {
    let items: &'static Live<Vec<usize>> = Box::leak(Box::new(Live::new(vec![1, 2, 3])));
    let made = Rc::new(Cell::new(0));
    let keep = Rc::clone(&made);
    let stage = Stage::show(move || {
        el("ul").each(
            move || items.get(),
            |item| *item,
            move |item| {
                keep.set(keep.get() + 1);
                el("li").test("item").text(&item.to_string())
            },
        )
    });
    for order in [
        vec![1, 2, 3, 4],
        vec![2, 4],
        vec![4, 2],
        vec![],
        vec![9, 8, 7, 6, 5],
        vec![5, 6, 7, 8, 9],
        vec![7, 1, 5],
    ] {
        items.set(order.clone());
        tick().await;
        let texts: Vec<usize> = stage
            .texts("item")
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        assert_eq!(texts, order);
    }
    assert_eq!(made.get(), 3 + 1 + 5 + 1, "what stays is not made again");
}

#[wasm_bindgen_test]
async fn values_that_stay_the_same_are_not_told() {
    let value: &'static Live<u32> = Box::leak(Box::new(Live::new(7)));
    let runs = Rc::new(Cell::new(0));
    let keep = Rc::clone(&runs);
    let _stage = Stage::show(move || {
        el("p").text_of(move || {
            keep.set(keep.get() + 1);
            value.read().to_string()
        })
    });
    value.put(7);
    tick().await;
    assert_eq!(runs.get(), 1);
    value.put(8);
    tick().await;
    assert_eq!(runs.get(), 2);
}
