//! What goes on in every open room beside its messages, whatever is on the screen: the reader is shown to the others, and the
//! others and their reactions to the reader.

use leptos::prelude::*;

use crate::lazy;
use crate::services::use_services;
use crate::state::{OpenRoom, use_app};
use crate::ui::Lazy;

lazy! {
    room,
    /// Fetches [`Attendance`].
    pub fn attendance() => view! { <Attendance/> }
}

/// Attends the rooms once the first messages of one can be seen: reading comes first.
#[component]
pub fn AttendRooms() -> impl IntoView {
    let app = use_app();
    let has_entered = Memo::new(move |before: Option<&bool>| {
        before.is_some_and(|before| *before)
            || app
                .rooms
                .read()
                .iter()
                .any(|room| room.entered.read().is_some())
    });
    // Without this chunk, rooms are as good but for those who are in them.
    move || {
        has_entered
            .get()
            .then(|| view! { <Lazy load=attendance() quiet=true /> })
    }
}

/// Attends all rooms that the reader is in. Shows nothing.
#[component]
pub fn Attendance() -> impl IntoView {
    let app = use_app();
    use_services().notifications.start();
    view! {
        <For
            each=move || app.rooms.get().into_iter().chain(app.direct.get())
            key=|room| room.id
            let:room
        >
            <RoomAttendance room />
        </For>
    }
}

/// Attends one room for as long as the reader is in it.
#[component]
fn RoomAttendance(
    /// The room.
    room: OpenRoom,
) -> impl IntoView {
    let (app, services) = (use_app(), use_services());
    if room.peer.is_some() {
        Effect::new(move |_| {
            app.active.track();
            room.rows.track();
            room.unread.track();
            services.direct.remember_read(&room);
        });
        return;
    }
    let (left, leaving) = (room.clone(), services.clone());
    on_cleanup(move || leaving.presence.depart(&left));
    Effect::new(move |_| {
        let Some(entered) = room.entered.get() else {
            return;
        };
        services.direct.follow_inbox();
        services.moderation.look_up_rights();
        services.presence.attend(&room);
        if entered.made {
            services.directory.introduce(&room);
        }
        services.reactions.follow(&room);
    });
}
