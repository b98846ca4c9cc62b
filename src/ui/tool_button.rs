//! Buttons with an icon of the chunk that shows them.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::{Glyph, PathIcon};

/// A small button with an icon, and its words, which the style sheet may hide from sight.
#[component]
pub fn ToolButton(
    /// What the icon draws.
    path: Glyph,
    /// What it does.
    #[prop(into)]
    label: TextProp,
    /// Names it for tests.
    test: &'static str,
    /// `-1` if Tab passes over it, because arrow keys lead to it.
    #[prop(optional)]
    tabindex: Option<&'static str>,
    /// Runs when it is pressed.
    #[prop(into)]
    on_click: UnsyncCallback<MouseEvent>,
) -> impl IntoView {
    let title = label.clone();
    view! {
        <button
            type="button"
            class="tool"
            data-testid=test
            tabindex=tabindex
            title=move || title.get()
            on:click=move |event| on_click.run(event)
        >
            <PathIcon path />
            <span class="label">{move || label.get()}</span>
        </button>
    }
}
