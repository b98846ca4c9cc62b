use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::Brand;
use crate::i18n::messages;

/// A screen with a form: what the page is on one side, the form on the other.
#[component]
pub fn Front(
    /// The form.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="front">
            <aside class="story">
                <Brand />
                <p class="claim">{&messages::front_claim}</p>
                <ol class="lessons">
                    <Lesson title=&messages::front_live_rooms about=&messages::front_live_text />
                    <Lesson
                        title=&messages::front_history_rooms
                        about=&messages::front_history_text
                    />
                    <Lesson title=&messages::front_accounts about=&messages::front_accounts_text />
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
