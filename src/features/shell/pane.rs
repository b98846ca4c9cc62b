//! The room that is shown.

use leptos::prelude::*;

use crate::features::composer::Composer;
use crate::features::people::typing;
use crate::features::sidebar::ask_for_room;
use crate::features::timeline::{MessageList, Requests};
use crate::i18n::{messages, use_i18n};
use crate::platform::focus;
use crate::services::use_services;
use crate::state::{Dialog, Fault, ReadOnly, Right, RoomState, use_app, use_room};
use crate::t;
use crate::ui::{BrandIcon, Button, FaultAlert, Icon, Lazy, glyph};

/// Its messages, who is typing, and the composer.
#[component]
pub fn RoomPane() -> impl IntoView {
    let room = use_room();
    let state = room.state.clone();
    let attended = room.attended.clone();
    let (app, here) = (use_app(), StoredValue::new((use_services(), room)));
    let requests = Requests {
        sight: Callback::new(move |()| app.look()),
        earlier: Callback::new(move |()| {
            here.with_value(|(services, room)| services.history.load_earlier(room));
        }),
        gap: Callback::new(move |(rank, from_above)| {
            here.with_value(|(services, room)| services.history.fill_gap(room, rank, from_above));
        }),
        retry: Callback::new(move |key| {
            here.with_value(|(services, room)| services.outbox.retry(room, key));
        }),
        discard: Callback::new(move |key| {
            here.with_value(|(services, room)| services.outbox.cancel(room, key));
        }),
    };
    view! {
        <div class="pane" data-testid="room-pane" data-state=move || state.read().word()>
            <RoomNotice />
            <MessageList requests />
            {move || attended.get().then(|| view! { <Lazy load=typing() /> }.into_any())}
            <ComposerPlace />
        </div>
    }
}

/// Why the room cannot be used, and what helps.
#[component]
fn RoomNotice() -> impl IntoView {
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

/// The composer, or why there is none.
#[component]
fn ComposerPlace() -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    let (looked_at, state) = (room.clone(), room.state.clone());
    // What else is learnt of the room leaves the box alone that somebody may be writing in.
    let closed = Memo::new(move |_| {
        let is_archived = looked_at.is_archived();
        let read_only = match &*state.read() {
            RoomState::ReadOnly(reason) if !is_archived => Some(*reason),
            _ => None,
        };
        (is_archived, read_only)
    });
    move || match closed.get() {
        (true, _) => view! { <Archived /> }.into_any(),
        (false, Some(ReadOnly::NotPermitted)) => {
            view! { <FaultAlert fault=Fault::NotPermitted(Right::Write) /> }.into_any()
        }
        (false, Some(ReadOnly::Muted(until))) => view! { <Muted until /> }.into_any(),
        (false, None) => {
            let (services, room) = (services.clone(), room.clone());
            view! { <Composer on_send=move |text| services.outbox.send_text(&room, text) /> }
                .into_any()
        }
    }
}

/// Says that a moderator has withdrawn the right to write, where the composer would be.
#[component]
fn Muted(
    /// Until when, in milliseconds since 1970; none if a moderator has to give it back.
    until: Option<i64>,
) -> impl IntoView {
    let i18n = use_i18n();
    let words = move || match until {
        Some(until) => t!(i18n, room_muted_until, time = i18n.moment(until)),
        None => t!(i18n, room_muted),
    };
    view! {
        <div class="archived" role="status" data-testid="muted">
            <Icon path=glyph::INFO />
            <p>
                <strong>{words}</strong>
                {" "}
                {&messages::room_muted_hint}
            </p>
        </div>
    }
}

/// Says that a room is archived, where its composer would be.
#[component]
fn Archived() -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    view! {
        <div class="archived" data-testid="archived">
            <Icon path=glyph::ARCHIVE />
            <p>{&messages::room_archived}</p>
            <Button
                test="reopen-button"
                label=&messages::room_unarchive
                on_click=move |_| services.directory.archive(&room, false)
            />
        </div>
    }
}

/// What is shown where a room would be, while the reader is in none.
#[component]
pub fn NoRoom() -> impl IntoView {
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
