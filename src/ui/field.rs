//! Forms and labelled inputs.

use leptos::ev::SubmitEvent;
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

/// A form that the page itself checks and sends.
#[component]
pub fn Form(
    /// Names it for tests.
    test: &'static str,
    /// What kind of form it is, for the style sheet.
    #[prop(optional)]
    class: Option<&'static str>,
    /// Runs when it is submitted.
    #[prop(into)]
    on_submit: UnsyncCallback<()>,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        on_submit.run(());
    };
    view! {
        <form class=class data-testid=test novalidate="" on:submit=submit>
            {children()}
        </form>
    }
}

/// A labelled line of text.
#[component]
pub fn TextField(
    /// Names it in the document and, unless `test` does, for tests.
    id: &'static str,
    /// Names it for tests.
    #[prop(optional)]
    test: Option<&'static str>,
    /// Its label.
    #[prop(into)]
    label: TextProp,
    /// What is typed.
    value: RwSignal<String>,
    /// How many characters can be typed.
    #[prop(optional)]
    max_length: Option<u16>,
    /// What stands below it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <Labelled id label>
            <input
                id=id
                data-testid=test.unwrap_or(id)
                type="text"
                maxlength=max_length
                autocomplete="off"
                dir="auto"
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            {children.map(|children| children())}
        </Labelled>
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
