//! Labelled inputs.

use leptos::prelude::*;
use leptos::text_prop::TextProp;

/// An input, below its label.
#[component]
pub fn Labelled(
    /// The `id` of the input.
    id: &'static str,
    /// Its label.
    #[prop(into)]
    label: TextProp,
    /// The input.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{move || label.get()}</label>
            {children()}
        </div>
    }
}

/// A labelled box to tick.
#[component]
pub fn Checkbox(
    /// Its label.
    #[prop(into)]
    label: TextProp,
    /// Names it for tests.
    #[prop(into)]
    test: String,
    /// Whether it is ticked.
    #[prop(into)]
    checked: Signal<bool>,
    /// Runs when somebody ticks it, or takes the tick away.
    #[prop(into)]
    on_change: UnsyncCallback<bool>,
) -> impl IntoView {
    view! {
        <label class="tick">
            <input
                type="checkbox"
                data-testid=test
                prop:checked=move || checked.get()
                on:change=move |event| on_change.run(event_target_checked(&event))
            />
            <span>{move || label.get()}</span>
        </label>
    }
}
