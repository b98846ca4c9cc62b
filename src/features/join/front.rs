use leptos::prelude::*;

use crate::i18n::{Message, messages};
use crate::ui::BrandIcon;

/// The lessons of the tutorial, each with its subject and a sentence.
const LESSONS: [(&Message, &Message); 3] = [
    (&messages::front_live_rooms, &messages::front_live_text),
    (
        &messages::front_history_rooms,
        &messages::front_history_text,
    ),
    (&messages::front_accounts, &messages::front_accounts_text),
];

/// A screen with a form: what the page is on one side, the form on the other.
#[component]
pub fn Front(
    /// The form.
    children: Children,
) -> impl IntoView {
    let [live, history, accounts] = LESSONS.map(|(title, about)| {
        view! {
            <li>
                <strong>{title}</strong>
                {" "}
                {about}
            </li>
        }
    });
    view! {
        <div class="front">
            <aside class="story">
                <Brand />
                <p class="claim">{&messages::front_claim}</p>
                <ol class="lessons">{live} {history} {accounts}</ol>
            </aside>
            <main>{children()}</main>
        </div>
    }
}

/// Mark and name of the page.
#[component]
pub fn Brand() -> impl IntoView {
    view! {
        <p class="brand">
            <BrandIcon />
            <span>{"Effusion"}</span>
        </p>
    }
}
