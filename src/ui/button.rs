//! Buttons with more to them than `<button>`.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::{Glyph, Icon};

/// A button that shows an icon alone, and says in words what it does.
#[component]
pub fn IconButton(
    /// The icon, by its name in `index.html`.
    icon: Glyph,
    /// What it does, for a tooltip and for who cannot see the icon.
    #[prop(into)]
    label: TextProp,
    /// Names it for tests.
    test: &'static str,
    /// Names it in the document.
    #[prop(optional)]
    id: Option<&'static str>,
    /// Whether what it opens is open, if it opens something.
    #[prop(optional, into)]
    expanded: Option<Signal<bool>>,
    /// Runs when it is pressed.
    #[prop(into)]
    on_click: UnsyncCallback<MouseEvent>,
    /// What stands beside the icon.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let title = label.clone();
    view! {
        <button
            type="button"
            class="quiet"
            id=id
            data-testid=test
            aria-label=move || label.get()
            title=move || title.get()
            aria-expanded=move || expanded.map(|expanded| expanded.get().to_string())
            on:click=move |event| on_click.run(event)
        >
            <Icon path=icon />
            {children.map(|children| children())}
        </button>
    }
}

/// A button with words on it.
#[component]
pub fn Button(
    /// What it says.
    #[prop(into)]
    label: TextProp,
    /// Names it for tests.
    test: &'static str,
    /// What kind of button it is, for the style sheet.
    #[prop(optional)]
    class: Option<&'static str>,
    /// `-1` if Tab passes over it, because arrow keys lead to it.
    #[prop(optional)]
    tabindex: Option<&'static str>,
    /// Whether it is hidden.
    #[prop(optional, into)]
    hidden: Signal<bool>,
    /// Whether it cannot be pressed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// Runs when it is pressed.
    #[prop(into)]
    on_click: UnsyncCallback<MouseEvent>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class=class
            data-testid=test
            tabindex=tabindex
            hidden=move || hidden.get()
            disabled=move || disabled.get()
            on:click=move |event| on_click.run(event)
        >
            {move || label.get()}
        </button>
    }
}

/// A small button with an icon of the chunk that shows it, and its words, which the style sheet may hide from sight.
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
            <Icon path />
            <span class="label">{move || label.get()}</span>
        </button>
    }
}
