use leptos::prelude::*;

use crate::ui::Icon;

/// Mark and name of the page.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <p class="brand">
            <Icon name="brand" />
            <span>{"Effusion"}</span>
        </p>
    }
}
