use effusion_chat::RoomKind;
use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::{Choice, FormField};
use crate::features::join::form::Field;
use crate::i18n::messages;
use crate::state::use_page;

/// The room's name, and the two kinds of room.
#[component]
pub fn RoomFields() -> impl IntoView {
    view! {
        <fieldset>
            <legend>{&messages::common_room}</legend>
            <FormField
                field=Field::Room
                label=&messages::room_name
                autocomplete="off"
                placeholder="Default room"
            />
            <div class="kinds" role="radiogroup" aria-label=&messages::room_kind>
                <KindChoice
                    kind=RoomKind::Live
                    test="kind-live"
                    title=&messages::common_live
                    about=&messages::room_live_hint
                />
                <KindChoice
                    kind=RoomKind::History
                    test="kind-history"
                    title=&messages::common_history
                    about=&messages::room_history_hint
                />
            </div>
        </fieldset>
    }
}

/// One kind of room, to choose.
#[component]
fn KindChoice(
    /// The kind.
    kind: RoomKind,
    /// Names it for tests.
    test: &'static str,
    /// What the kind is called.
    #[prop(into)]
    title: TextProp,
    /// What a room of this kind does.
    #[prop(into)]
    about: TextProp,
) -> impl IntoView {
    let form = use_page().form;
    view! {
        <Choice
            name="kind"
            test
            icon=kind.word()
            title
            about
            checked=Signal::derive(move || form.read().kind() == kind)
            on_choose=move |()| form.update(|form| form.set_kind(kind))
        />
    }
}
