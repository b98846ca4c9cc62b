use leptos::prelude::*;

use crate::features::join::{Actions, RoomFields};
use crate::i18n::messages;
use crate::lazy;
use crate::services::use_services;
use crate::state::use_app;
use crate::ui::{Dialog, Form};

lazy! { more, pub fn another_room_dialog() => view! { <AnotherRoomDialog /> } }

/// Asks for another room.
#[component]
fn AnotherRoomDialog() -> impl IntoView {
    let (app, services) = (use_app(), use_services());
    let submit = move |()| {
        let read = app.form.read_untracked().room();
        match read {
            Ok(room) => {
                app.dialog.set(None);
                services.rooms.open_and_show(room);
            }
            Err(problem) => app.show_problems(vec![problem]),
        }
    };
    view! {
        <Dialog title=&messages::common_join_another_room test="another-room" focus="room">
            <Form test="room-form" on_submit=submit>
                <RoomFields />
                <Actions
                    test="room-button"
                    label=&messages::common_join
                    busy_label=&messages::common_joining
                />
            </Form>
        </Dialog>
    }
}
