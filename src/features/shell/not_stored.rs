use leptos::prelude::*;

use crate::i18n::use_i18n;
use crate::state::use_page;
use crate::t;

/// Says once that the browser stores nothing for the page, or has no space left.
#[component]
pub fn NotStoredNotice() -> impl IntoView {
    let (i18n, not_stored) = (use_i18n(), use_page().not_stored);
    let closed = RwSignal::new(false);
    let notice = move || {
        view! {
            <div class="update above" role="status" data-testid="not-stored">
                <p>{move || t!(i18n, storage_refused)}</p>
                <button
                    type="button"
                    data-testid="not-stored-close"
                    on:click=move |_| closed.set(true)
                >
                    {move || t!(i18n, common_close)}
                </button>
            </div>
        }
        .into_any()
    };
    move || (not_stored.get() && !closed.get()).then(notice)
}
