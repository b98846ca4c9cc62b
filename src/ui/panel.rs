//! What stands beside a room, or lies over it in a narrow window.

use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::{IconButton, glyph};
use crate::i18n::messages;
use crate::platform::focus;
use crate::platform::keyboard::is_composing;
use crate::state::use_app;

/// The chat's panel, with a title and a button to close it. Esc closes it, too.
#[component]
pub fn Panel(
    /// Names it in the document and for tests.
    id: &'static str,
    /// What kinds of panel it is, for the style sheet.
    #[prop(default = "panel")]
    class: &'static str,
    /// Its title.
    #[prop(into)]
    title: TextProp,
    /// What it holds, for those who cannot see it.
    #[prop(into)]
    label: TextProp,
    /// The `id` of the element that gets the focus when it opens.
    focus: &'static str,
    /// The `id` of the button that opened it, which gets the focus back.
    opener: &'static str,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let app = use_app();
    let close = move || {
        app.panel.set(None);
        focus::move_to(opener);
    };
    focus::move_to(focus);
    view! {
        <aside
            class=class
            id=id
            data-testid=id
            tabindex="-1"
            aria-label=move || label.get()
            on:keydown=move |event| {
                if event.key() == "Escape" && !is_composing(&event) {
                    close();
                }
            }
        >
            <header>
                <h2>{move || title.get()}</h2>
                <IconButton
                    icon=glyph::CLOSE
                    label=&messages::common_close
                    test="close-panel"
                    on_click=move |_| close()
                />
            </header>
            {children()}
        </aside>
    }
}
