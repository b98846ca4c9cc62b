use leptos::prelude::*;

use super::{Bar, RoomPane, SessionFault, no_room, overlays};
use crate::features::people::ask_to_notify;
use crate::features::sidebar::sidebar;
use crate::i18n::messages;
use crate::lazy;
use crate::state::{Completion, OpenRoom, use_app};
use crate::ui::lazy::LoadFailed;
use crate::ui::{Completed, Keyed, Lazy};

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
            <aside class="sidebar" id="sidebar" aria-label=&messages::sidebar_title tabindex="-1">
                <Completed load=sidebar />
            </aside>
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
                <Completed load=no_room />
                {move || {
                    (app.completion.get() == Completion::Missing)
                        .then(|| view! { <LoadFailed /> }.into_any())
                }}
            </main>
            <Completed load=overlays />
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
