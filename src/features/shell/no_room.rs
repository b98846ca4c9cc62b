use leptos::prelude::*;

use crate::features::sidebar::ask_for_room;
use crate::i18n::messages;
use crate::lazy;
use crate::platform::focus;
use crate::state::{Dialog, use_app};
use crate::ui::{BrandIcon, Button};

lazy! { room, pub fn no_room() => view! { <NoRoom /> } }

/// What is shown where a room would be, while the reader is in none.
#[component]
fn NoRoom() -> impl IntoView {
    let app = use_app();
    let view = move || {
        focus::offer("no-rooms");
        view! {
            <div class="empty" id="no-rooms" tabindex="-1" data-testid="no-rooms">
                <BrandIcon />
                <h1>{&messages::room_none}</h1>
                <p>{&messages::room_none_hint}</p>
                <Button
                    class="primary"
                    test="first-room-button"
                    label=&messages::common_join_room
                    on_click=move |_| ask_for_room(app, Dialog::AnotherRoom)
                />
            </div>
        }
        .into_any()
    };
    move || app.active_room().is_none().then(view)
}
