//! What lies over the page. The browser's own dialog keeps the focus inside, closes on Esc and gives the focus back.

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::HtmlDialogElement;

use super::element::{El, el};
use super::icon::icon_button;
use crate::browser;
use crate::state::App;
use crate::words::say;

/// A dialog with a title and a button to close it. The focus goes to the element named `first`.
pub fn dialog(app: App, test: &str, title: &str, first: &'static str, body: El) -> El {
    let dialog = el("dialog")
        .test(test)
        .attr("aria-label", title)
        .on("close", move |_| app.dialog.set(None));
    let node: HtmlDialogElement = dialog.node().clone().unchecked_into();
    let closed = node.clone();
    open(node, first);
    let header = el("header").child(el("h2").text(title)).child(icon_button(
        "close",
        say("Close"),
        "close-dialog",
        move || closed.close(),
    ));
    dialog.child(el("div").class("dialog").child(header).child(body))
}

/// Shows a dialog as soon as it is in the document, and moves the focus into it: what is typed next is for the dialog, even
/// if nothing has been drawn yet.
pub(super) fn open(dialog: HtmlDialogElement, first: &'static str) {
    spawn_local(async move {
        // It fails only where the dialog is shown already, or is gone again.
        let _ = dialog.show_modal();
        if !browser::focus_now(first) {
            browser::focus(first);
        }
    });
}
