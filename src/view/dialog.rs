//! What lies over the page. The browser's own dialog keeps the focus inside, closes on Esc and gives the focus back.

use leptos::task::spawn_local;
use web_sys::HtmlDialogElement;

use crate::browser;

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
