use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::Labelled;

/// Something that can be chosen in a [`Select`]: its value, and what it is called.
pub type SelectOption = (String, TextProp);

/// A `SelectOption`.
pub fn option(value: impl Into<String>, label: impl Into<TextProp>) -> SelectOption {
    (value.into(), label.into())
}

/// A choice of few, below its label.
#[component]
pub fn Select(
    /// Names it in the document and for tests.
    id: &'static str,
    /// Its label.
    #[prop(into)]
    label: TextProp,
    /// What can be chosen.
    options: Vec<SelectOption>,
    /// The value that is chosen.
    #[prop(into)]
    value: Signal<String>,
    /// Whether nothing can be chosen now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// Runs with the value when another one is chosen.
    #[prop(into)]
    on_change: UnsyncCallback<String>,
) -> impl IntoView {
    let options = options.into_iter().map(|(value, label)| {
        view! { <option value=value>{move || label.get()}</option> }.into_any()
    });
    let options: Vec<_> = options.collect();
    view! {
        <Labelled id=id label=label>
            <select
                id=id
                data-testid=id
                disabled=move || disabled.get()
                prop:value=move || value.get()
                on:change=move |event| on_change.run(event_target_value(&event))
            >
                {options}
            </select>
        </Labelled>
    }
}
