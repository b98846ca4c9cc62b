use leptos::prelude::*;
use leptos::text_prop::TextProp;

use crate::i18n::use_i18n;
use crate::t;

/// Shows all of what is folded, or folds it again.
#[component]
pub fn FoldButton(
    /// Whether it is folded.
    folded: RwSignal<bool>,
    /// What the button says while it is.
    #[prop(into)]
    label: TextProp,
    /// Names it for tests.
    test: &'static str,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <button
            type="button"
            class="unfold"
            data-testid=test
            tabindex="-1"
            aria-expanded=move || (!folded.get()).to_string()
            on:click=move |_| folded.update(|folded| *folded = !*folded)
        >
            {move || {
                if folded.get() { label.get().to_string() } else { t!(i18n, message_show_less) }
            }}
        </button>
    }
}
