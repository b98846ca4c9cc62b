//! What lies over the page. The browser's own dialog keeps the focus inside, closes on Esc and gives the focus back.

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::text_prop::TextProp;

use super::{IconButton, glyph};
use crate::i18n::messages;
use crate::platform::focus;
use crate::state::use_app;

/// The chat's dialog, with a title and a button to close it. It is shown as soon as it is in the document.
#[component]
pub fn Dialog(
    /// What it is about.
    #[prop(into)]
    title: TextProp,
    /// Names it for tests.
    test: &'static str,
    /// The `id` of the element that gets the focus: what is typed next is for the dialog, even if nothing has been drawn yet.
    focus: &'static str,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let app = use_app();
    let node = NodeRef::<html::Dialog>::new();
    show_modal(node, focus);
    let close = move |_| {
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
    };
    let label = title.clone();
    view! {
        <dialog
            node_ref=node
            data-testid=test
            aria-label=move || label.get()
            on:close=move |_| {
                app.dialog.set(None);
                focus::offer("composer");
            }
        >
            <div class="dialog">
                <header>
                    <h2>{move || title.get()}</h2>
                    <IconButton
                        icon=glyph::CLOSE
                        label=&messages::common_close
                        test="close-dialog"
                        on_click=close
                    />
                </header>
                {children()}
            </div>
        </dialog>
    }
}

/// Shows a dialog as soon as it is in the document, and moves the focus to the element with this `id`.
pub fn show_modal(node: NodeRef<html::Dialog>, focus: &'static str) {
    node.on_load(move |dialog| {
        spawn_local(async move {
            // It fails only where the dialog is shown already, or is gone again.
            let _ = dialog.show_modal();
            if !focus::move_now(focus) {
                focus::move_to(focus);
            }
        });
    });
}
