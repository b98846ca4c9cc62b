//! What goes on in every open room beside its messages, whatever is on the screen: the reader is shown to the others, and the
//! others and their reactions to the reader. What is written is sent, and kept until then.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::features::timeline::Timeline;
use crate::lazy;
use crate::platform::page;
use crate::services::{serve_room, serve_rooms, use_services};
use crate::state::{Completion, Connection, OpenRoom, RoomState, use_app};
use crate::ui::identity::{ascii_look, without_joiners};
use crate::ui::lazy::LoadError;
use crate::ui::{Lazy, List};

lazy! { room, pub fn attendance() => view! { <Attendance /> } }

/// Attends the rooms once the first messages of one can be seen: reading comes first. What cannot be fetched is fetched again
/// with the next room, and when the device is online or the connection is there again.
#[component]
pub fn AttendRooms() -> impl IntoView {
    let app = use_app();
    let entered = Memo::new(move |_| {
        // Conversations and notices come wherever the reader is not let in, too, and what was kept is there without a service.
        let is_cut_off = matches!(
            *app.connection.read(),
            Connection::Recovering { .. } | Connection::Lost(_)
        );
        let is_entered = |room: &&OpenRoom| {
            is_cut_off
                || room.entered.read().is_some()
                || matches!(*room.state.read(), RoomState::Failed(_))
        };
        let rooms = app.rooms.read();
        // Who is in no room wants to come into one.
        let is_nowhere = rooms.is_empty() && *app.connection.read() == Connection::Connected;
        usize::from(is_nowhere) + rooms.iter().filter(is_entered).count()
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
    Effect::new(move |_| {
        // The service may be the page's host, too.
        if *app.connection.read() == Connection::Connected {
            retry();
        }
    });
    page::listen(&window(), "online", move |_| retry());
    // Rooms can be read without this chunk, and say where the composer would be that it is missing.
    move || {
        (attempt.get() > 0).then(|| {
            let on_error = move |()| {
                failed.set_value(true);
                app.completion.set(Completion::Missing);
            };
            view! { <Lazy load=attendance() quiet=true on_error /> }
        })
    }
}

/// Attends all rooms that the reader is in. Shows nothing.
#[component]
fn Attendance() -> impl IntoView {
    let (app, services) = (use_app(), use_services());
    serve_rooms(app, &services);
    app.completion.set(Completion::Here);
    Effect::new(move |_| {
        if *app.connection.read() == Connection::Connected {
            services.direct.follow_inbox();
            services.moderation.find_rights();
        }
    });
    view! {
        <List
            each=move || app.rooms.get().into_iter().chain(app.direct.get())
            key=|room| room.id.to_string()
            let:room
        >
            <RoomAttendance room />
        </List>
    }
}

/// Attends one room for as long as the reader is in it.
#[component]
fn RoomAttendance(
    /// The room.
    room: OpenRoom,
) -> impl IntoView {
    let (app, services) = (use_app(), use_services());
    serve_room(&services, &room);
    services.history.follow(&room);
    tell_names_apart(&room);
    let (left, leaving) = (room.clone(), services.clone());
    on_cleanup(move || leaving.presence.leave(&left));
    if room.peer.is_some() {
        services.presence.join(&room);
        Effect::new(move |_| {
            app.active.track();
            room.rows.track();
            room.unread.track();
            room.sight.track();
            services.direct.remember_read(&room);
        });
        return;
    }
    Effect::new(move |_| {
        let Some(entered) = room.entered.get() else {
            return;
        };
        services.rights.check(&room);
        services.presence.join(&room);
        if entered.made {
            services.directory.introduce(&room);
        }
        services.reactions.follow(&room);
    });
}

/// Finds out which names look like others. The tables for that are fetched with the first name that needs them.
fn tell_names_apart(room: &OpenRoom) {
    let room = room.clone();
    Effect::new(move |_| {
        room.version.track();
        let names = room.change(Timeline::take_unjudged);
        if names.is_empty() {
            return;
        }
        let room = room.clone();
        spawn_local(async move {
            for name in names {
                let look = look_of(&name).await;
                room.change(|timeline| timeline.judge(&name, look));
            }
        });
    });
}

/// What a name looks like; none where the tables for that cannot be fetched.
pub async fn look_of(name: &str) -> Option<String> {
    let look = ascii_look(name);
    if look.is_some() {
        return look;
    }
    let look = fetch_skeleton(without_joiners(name));
    #[cfg(feature = "split")]
    let look = look.await;
    look.ok()
}

// The macro declares a foreign function for the tool that splits the page.
#[allow(unsafe_code)]
#[cfg_attr(feature = "split", wasm_split_helpers::wasm_split(names, fallible))]
fn fetch_skeleton(name: String) -> Result<String, LoadError> {
    Ok(effusion_chat::lookalike::skeleton(&name))
}
