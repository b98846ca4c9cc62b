use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::Brand;
use crate::i18n::use_i18n;
use crate::t;

/// A screen with a form: what the page is on one side, the form on the other.
#[component]
pub fn Front(
    /// The form.
    children: Children,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <div class="front">
            <aside class="story">
                <Brand />
                <p class="claim">{move || t!(i18n, front_claim)}</p>
                <ol class="lessons">
                    <Lesson
                        title=move || t!(i18n, front_live_rooms)
                        about=move || t!(i18n, front_live_text)
                    />
                    <Lesson
                        title=move || t!(i18n, front_history_rooms)
                        about=move || t!(i18n, front_history_text)
                    />
                    <Lesson
                        title=move || t!(i18n, front_accounts)
                        about=move || t!(i18n, front_accounts_text)
                    />
                </ol>
            </aside>
            <main>{children()}</main>
        </div>
    }
}

/// A lesson of the tutorial in a sentence.
#[component]
fn Lesson(
    /// Its subject.
    #[prop(into)]
    title: TextProp,
    /// The sentence.
    #[prop(into)]
    about: TextProp,
) -> impl IntoView {
    view! {
        <li>
            <strong>{move || title.get()}</strong>
            {" "}
            {move || about.get()}
        </li>
    }
}
