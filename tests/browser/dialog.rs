//! Dialogs.

use effusion::state::{self, App, use_app};
use effusion::ui::Dialog;
use leptos::prelude::*;
use leptos::task::tick;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{HtmlDialogElement, HtmlElement};

use crate::stage::{Stage, app, drawn};

/// A button that opens a dialog with one box, and takes the dialog away when it is closed.
#[component]
fn Opener() -> impl IntoView {
    let open = use_app().dialog;
    let dialog = move || {
        view! {
            <Dialog title="Fruit" test="fruit" focus="box">
                <input id="box" data-testid="box" />
            </Dialog>
        }
        .into_any()
    };
    view! {
        <button
            id="opener"
            data-testid="opener"
            on:click=move |_| open.set(Some(state::Dialog::NewRoom))
        >
            {"Open"}
        </button>
        {move || open.get().map(|_| dialog())}
    }
}

fn focused() -> String {
    document().active_element().unwrap().id()
}

/// The dialog, opened by the button, which had the focus.
async fn opened() -> (Stage, App, HtmlDialogElement) {
    let app = app();
    let stage = Stage::mount(app, || view! { <Opener /> });
    let _ = stage.one("opener").unchecked_into::<HtmlElement>().focus();
    stage.click("opener").await;
    tick().await;
    let dialog = stage.one("fruit").unchecked_into();
    (stage, app, dialog)
}

#[wasm_bindgen_test]
async fn it_lies_over_the_page_and_has_the_focus() {
    let (_stage, _app, dialog) = opened().await;
    assert!(dialog.matches(":modal").unwrap());
    assert_eq!(dialog.get_attribute("aria-label").unwrap(), "Fruit");
    assert_eq!(focused(), "box", "what is typed next is for the dialog");
}

#[wasm_bindgen_test]
async fn closing_it_gives_the_focus_back() {
    let (stage, app, dialog) = opened().await;
    stage.click("close-dialog").await;
    assert!(!dialog.open());
    drawn().await;
    assert!(
        app.dialog.get_untracked().is_none(),
        "whoever has opened it is told"
    );
    assert!(stage.all("fruit").is_empty());
    assert_eq!(focused(), "opener");
}

#[wasm_bindgen_test]
async fn what_the_browser_closes_is_closed() {
    let (stage, app, dialog) = opened().await;
    // What the browser does on Esc: a script cannot press a key as a person does.
    dialog.close();
    drawn().await;
    assert!(app.dialog.get_untracked().is_none());
    assert!(stage.all("fruit").is_empty());
    assert_eq!(focused(), "opener");
}
