//! What goes on in every open room beside its messages, whatever is on the screen: the reader is shown to the others, and the
//! others and their reactions to the reader.

use leptos::ev;
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

/// Attends the rooms once the first messages of one can be seen: reading comes first. What cannot be fetched is fetched again
/// with the next room, and when the device is online again.
#[component]
pub fn AttendRooms() -> impl IntoView {
    let app = use_app();
    let entered = Memo::new(move |_| {
        let rooms = app.rooms.read();
        rooms
            .iter()
            .filter(|it| it.entered.read().is_some())
            .count()
    });
    // Which attempt this is, beginning with the first room.
    let attempt = RwSignal::new(0);
    let failed = StoredValue::new(false);
    let retry = move || {
        if failed.get_value() {
            failed.set_value(false);
            attempt.update(|attempt| *attempt += 1);
        }
    };
    Effect::new(move |before: Option<usize>| {
        let count = entered.get();
        match before.unwrap_or_default() {
            0 if count > 0 && attempt.get_untracked() == 0 => attempt.set(1),
            before if before < count => retry(),
            _ => {}
        }
        count
    });
    let online = window_event_listener(ev::online, move |_| retry());
    on_cleanup(move || online.remove());
    // Without this chunk, rooms are as good but for those who are in them.
    move || {
        (attempt.get() > 0).then(|| {
            let on_error = move |()| failed.set_value(true);
            view! { <Lazy load=attendance() quiet=true on_error /> }
        })
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
    on_cleanup(move || leaving.presence.leave(&left));
    Effect::new(move |_| {
        let Some(entered) = room.entered.get() else {
            return;
        };
        services.direct.follow_inbox();
        services.moderation.find_rights();
        services.presence.join(&room);
        if entered.made {
            services.directory.introduce(&room);
        }
        services.reactions.follow(&room);
    });
}
