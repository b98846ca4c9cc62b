//! Why the room that is shown, or the session, cannot be used, and what helps.

use leptos::prelude::*;

use crate::i18n::messages;
use crate::services::use_services;
use crate::state::{Connection, Fault, RoomState, use_app, use_room};
use crate::ui::{Button, FaultAlert};

/// Why the room cannot be used, and what helps.
#[component]
pub fn RoomFault() -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    let state = room.state.clone();
    move || {
        let RoomState::Failed(fault) = state.get() else {
            return None;
        };
        let (services, room) = (services.clone(), room.clone());
        let alert = view! {
            <FaultAlert fault>
                <Button
                    test="join-again"
                    label=&messages::room_join_again
                    on_click=move |_| services.rooms.join_again(&room)
                />
            </FaultAlert>
        };
        Some(alert.into_any())
    }
}

/// Says that the session is over, and offers another one.
#[component]
pub fn SessionFault() -> impl IntoView {
    let app = use_app();
    let services = use_services();
    let alert = move |fault: Fault| {
        let services = services.clone();
        view! {
            <FaultAlert fault>
                <Button
                    test="reconnect-button"
                    label=&messages::room_reconnect
                    on_click=move |_| services.entry.reconnect()
                />
            </FaultAlert>
        }
        .into_any()
    };
    move || match &*app.connection.read() {
        Connection::Lost(fault) => Some(alert(fault.clone())),
        _ => None,
    }
}
