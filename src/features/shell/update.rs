use leptos::prelude::*;

use crate::i18n::use_i18n;
use crate::state::use_page;
use crate::t;
use crate::ui::Button;

/// Says that the page's host has a newer version of it.
#[component]
pub fn UpdateNotice() -> impl IntoView {
    let (outdated, i18n) = (use_page().outdated, use_i18n());
    let reload = |_| {
        // A page that is shown can be loaded again.
        let _ = window().location().reload();
    };
    let notice = move || {
        view! {
            <div class="update" role="status" data-testid="update-notice">
                <p>{move || t!(i18n, update_ready)}</p>
                <Button
                    class="primary"
                    test="update-reload"
                    label=move || t!(i18n, update_reload)
                    on_click=reload
                />
                <Button
                    test="update-later"
                    label=move || t!(i18n, update_later)
                    on_click=move |_| outdated.set(false)
                />
            </div>
        }
        .into_any()
    };
    move || outdated.get().then(notice)
}
