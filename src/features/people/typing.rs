//! Who is typing.

use leptos::prelude::*;

use crate::i18n::use_i18n;
use crate::state::{use_app, use_room};
use crate::t;

/// A line that says who is typing; empty while nobody is. It is not announced: it would be read out all the time.
#[component]
pub fn Typing() -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let room = use_room();
    let text = move || {
        let me = app.me.read();
        let (name, principal) = me.as_ref().map_or(("", ""), |me| {
            (me.name.as_str(), me.credentials.principal.as_str())
        });
        let typing = room.people.read().typing(name, principal);
        let names: Vec<String> = room.look(|timeline| {
            let label = |(name, principal): &(String, String)| timeline.label(name, principal);
            typing.iter().map(label).collect()
        });
        match names.as_slice() {
            [] => String::new(),
            [one] => t!(i18n, people_typing_one, name = one),
            [one, two] => t!(i18n, people_typing_two, one = one, two = two),
            _ => t!(i18n, people_typing_many),
        }
    };
    view! {
        <p class="typing" data-testid="typing" dir="auto">
            {move || text()}
        </p>
    }
}
