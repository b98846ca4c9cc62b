//! The circle that stands for somebody, and the colour that stays with a name.

use leptos::prelude::*;

use super::identity::{hue, initials};

/// The circle that stands for somebody.
#[component]
pub fn Avatar(
    /// The name of the person.
    #[prop(into)]
    name: String,
    /// The hue, where it is not that of the name alone.
    #[prop(optional, into)]
    hue: Option<Signal<String>>,
) -> impl IntoView {
    let own = hue_of(&name);
    let hue = move || hue.map_or_else(|| own.clone(), |hue| hue.get());
    view! {
        <span class="avatar" aria-hidden="true" data-hued="" style=("--hue", hue)>
            {initials(&name)}
        </span>
    }
}

/// The hue that stays with a name, for the custom property `--hue` of an element with `data-hued`.
pub fn hue_of(name: &str) -> String {
    hue(name).to_string()
}
