use leptos::prelude::*;

use super::{Bar, Dialogs, NoRoom, Panels, RoomPane};
use crate::features::people::ask_to_notify;
use crate::features::sidebar::Sidebar;
use crate::i18n::messages;
use crate::lazy;
use crate::services::use_services;
use crate::state::{Connection, Fault, OpenRoom, use_app};
use crate::ui::{Button, FaultAlert, Keyed, Lazy};

// In the chunk of the services, which are fetched before it.
lazy! { chat, pub fn chat() => view! { <Chat /> } }

/// The rooms: the list of them, the one that is shown, and whatever lies beside and over it.
#[component]
pub fn Chat() -> impl IntoView {
    let app = use_app();
    view! {
        <div class=move || if app.drawer.get() { "chat drawer" } else { "chat" }>
            <a class="skip" href="#composer" hidden=move || app.active.read().is_none()>
                {&messages::room_skip_to_composer}
            </a>
            <Sidebar />
            <div class="veil" on:click=move |_| app.drawer.set(false)></div>
            <main inert=move || app.drawer.get()>
                <Bar />
                <SessionFault />
                {move || {
                    app.ask_to_notify
                        .get()
                        .then(|| view! { <Lazy load=ask_to_notify() /> }.into_any())
                }}
                <ActiveRoom>
                    <RoomPane />
                </ActiveRoom>
                <NoRoom />
            </main>
            <Panels />
            <Dialogs />
        </div>
    }
}

/// Its content for the room that is shown, which it provides as context; anew for another room.
#[component]
pub fn ActiveRoom(
    /// The content.
    children: ChildrenFn,
) -> impl IntoView {
    let app = use_app();
    let room_of = move || untrack(|| app.active_room());
    let key = Signal::derive(move || app.active_room().map(|room| room.id));
    view! {
        <Keyed key>
            {room_of()
                .map(|room: OpenRoom| {
                    provide_context(room);
                    children()
                })}
        </Keyed>
    }
}

/// Says that the session is over, and offers another one.
#[component]
fn SessionFault() -> impl IntoView {
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
