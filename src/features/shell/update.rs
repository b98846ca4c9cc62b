use leptos::prelude::*;

use crate::i18n::messages;
use crate::state::use_page;
use crate::ui::Button;

/// Says that the page's host has a newer version of it.
#[component]
pub fn UpdateNotice() -> impl IntoView {
    let outdated = use_page().outdated;
    let reload = |_| {
        // A page that is shown can be loaded again.
        let _ = window().location().reload();
    };
    let notice = move || {
        view! {
            <div class="update" role="status" data-testid="update-notice">
                <p>{&messages::update_ready}</p>
                <Button
                    class="primary"
                    test="update-reload"
                    label=&messages::update_reload
                    on_click=reload
                />
                <Button
                    test="update-later"
                    label=&messages::update_later
                    on_click=move |_| outdated.set(false)
                />
            </div>
        }
        .into_any()
    };
    move || outdated.get().then(notice)
}
