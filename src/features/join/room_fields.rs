use effusion_chat::RoomKind;
use leptos::prelude::*;

use super::{Choice, FormField};
use crate::features::join::form::Field;
use crate::i18n::{Message, messages};
use crate::state::use_page;
use crate::ui::kind_glyph;

/// The kinds of room, what they are called for tests and for people, and what a room of each does.
const KINDS: [(RoomKind, &str, &Message, &Message); 2] = [
    (
        RoomKind::Live,
        "kind-live",
        &messages::common_live,
        &messages::room_live_hint,
    ),
    (
        RoomKind::History,
        "kind-history",
        &messages::common_history,
        &messages::room_history_hint,
    ),
];

/// The room's name, and the two kinds of room.
#[component]
pub fn RoomFields() -> impl IntoView {
    let form = use_page().form;
    let kinds = KINDS.map(|(kind, test, title, about)| {
        view! {
            <Choice
                name="kind"
                test
                icon=kind_glyph(kind)
                title
                about
                checked=Signal::derive(move || form.read().kind() == kind)
                on_choose=move |()| form.update(|form| form.set_kind(kind))
            />
        }
        .into_any()
    });
    view! {
        <fieldset>
            <legend>{&messages::common_room}</legend>
            <FormField field=Field::Room placeholder="Default room" />
            <div class="kinds" role="radiogroup" aria-label=&messages::room_kind>
                {kinds}
            </div>
        </fieldset>
    }
}
