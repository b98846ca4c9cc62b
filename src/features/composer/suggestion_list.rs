//! How what is being typed may go on, as a list above the box.

use leptos::prelude::*;

use super::composer_form::ComposerBox;
use super::suggestions::Suggestion;
use crate::i18n::messages;

/// The `id` of a suggestion, by its place.
pub fn option_id(place: usize) -> String {
    ["completion-", &place.to_string()].concat()
}

/// The suggestions, while there are any.
#[component]
pub fn SuggestionList(
    /// Runs with the place of a suggestion that is taken.
    #[prop(into)]
    on_accept: UnsyncCallback<usize>,
) -> impl IntoView {
    let suggestions = expect_context::<ComposerBox>().suggestions;
    let option = move |place: usize, selected: bool, item: Suggestion| {
        view! {
            <li
                role="option"
                id=option_id(place)
                data-testid="completion-item"
                aria-selected=selected.to_string()
                // The box keeps the focus.
                on:mousedown=|event| event.prevent_default()
                on:click=move |_| on_accept.run(place)
            >
                <span class="sign" aria-hidden="true">
                    {item.sign}
                </span>
                <bdi>{item.name}</bdi>
                <small>{item.detail.map(IntoRender::into_render)}</small>
            </li>
        }
    };
    // It may be longer than there is room for, so it can be scrolled by keyboard.
    move || {
        let shown = suggestions.get()?;
        let options = shown.items().iter().cloned().enumerate();
        let options =
            options.map(|(place, item)| option(place, shown.selected() == Some(place), item));
        let list = view! {
            <ul
                class="completion"
                id="completion"
                data-testid="completion"
                role="listbox"
                tabindex="0"
                aria-label=&messages::composer_suggestions
            >
                {options.collect_view()}
            </ul>
        };
        Some(list.into_any())
    }
}
