//! The room that is shown.

use effusion_chat::RoomKind;
use leptos::prelude::*;

use crate::features::composer::Composer;
use crate::features::people::typing;
use crate::features::sidebar::ask_for_room;
use crate::features::timeline::MessageList;
use crate::i18n::use_i18n;
use crate::services::use_services;
use crate::state::{Fault, RoomState, use_app, use_room};
use crate::t;
use crate::ui::{Button, FaultAlert, Icon, Lazy};

/// Its messages, who is typing, and the composer.
#[component]
pub fn RoomPane() -> impl IntoView {
    let room = use_room();
    let state = room.state.clone();
    let attended = room.attended.clone();
    let here = StoredValue::new((use_services(), room));
    view! {
        <div class="pane" data-testid="room-pane" data-state=move || state.read().word()>
            <RoomNotice />
            <MessageList
                on_retry=move |key| {
                    here.with_value(|(services, room)| services.outbox.retry(room, key))
                }
                on_discard=move |key| {
                    here.with_value(|(services, room)| services.outbox.cancel(room, key))
                }
                on_earlier=move |()| {
                    here.with_value(|(services, room)| services.history.load_earlier(room))
                }
                on_gap=move |(rank, from_above)| {
                    here.with_value(|(services, room)| {
                        services.history.fill_gap(room, rank, from_above)
                    })
                }
            />
            {move || attended.get().then(|| view! { <Lazy load=typing() /> }.into_any())}
            <ComposerOrArchived />
        </div>
    }
}

/// Why nothing can be written in the room, and what helps.
#[component]
fn RoomNotice() -> impl IntoView {
    let room = use_room();
    let state = room.state.clone();
    move || match &*state.read() {
        RoomState::Failed(fault) => {
            let help = fault.clone();
            let alert = view! {
                <FaultAlert fault=fault.clone()>
                    <JoinAgain fault=help />
                </FaultAlert>
            };
            Some(alert.into_any())
        }
        RoomState::ReadOnly(fault) => Some(view! { <FaultAlert fault=fault.clone() /> }.into_any()),
        RoomState::Joining | RoomState::Open => None,
    }
}

/// Joins a room again that could not be joined; as what it is, if it is of the other kind.
#[component]
fn JoinAgain(
    /// Why the room could not be joined.
    fault: Fault,
) -> impl IntoView {
    let (services, room, i18n) = (use_services(), use_room(), use_i18n());
    match fault {
        Fault::OtherKind(kind) => {
            let label = move || match kind {
                RoomKind::Live => t!(i18n, room_join_as_live),
                RoomKind::History => t!(i18n, room_join_as_history),
            };
            view! {
                <Button
                    test="join-as-other"
                    label=move || label()
                    on_click=move |_| services.rooms.join_as(&room, kind)
                />
            }
            .into_any()
        }
        _ => view! {
            <Button
                test="join-again"
                label=move || t!(i18n, room_join_again)
                on_click=move |_| services.rooms.join_again(&room)
            />
        }
        .into_any(),
    }
}

/// The composer, or why there is none.
#[component]
fn ComposerOrArchived() -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    let card = room.card.clone();
    // What else is learnt of the room leaves the box alone that somebody may be writing in.
    let archived = Memo::new(move |_| card.read().as_ref().is_some_and(|card| card.archived));
    move || {
        if archived.get() {
            return view! { <Archived /> }.into_any();
        }
        let (services, room) = (services.clone(), room.clone());
        view! { <Composer on_send=move |text| services.outbox.send_text(&room, text) /> }.into_any()
    }
}

/// Says that a room is archived, where its composer would be.
#[component]
fn Archived() -> impl IntoView {
    let (services, room, i18n) = (use_services(), use_room(), use_i18n());
    view! {
        <div class="archived" data-testid="archived">
            <Icon name="archive" />
            <p>{move || t!(i18n, room_archived)}</p>
            <Button
                test="reopen-button"
                label=move || t!(i18n, room_unarchive)
                on_click=move |_| services.directory.archive(&room, false)
            />
        </div>
    }
}

/// What is shown where a room would be, while the reader is in none.
#[component]
pub fn NoRoom() -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let view = move || {
        view! {
            <div class="empty" data-testid="no-rooms">
                <Icon name="brand" />
                <h1>{move || t!(i18n, room_none)}</h1>
                <p>{move || t!(i18n, room_none_hint)}</p>
                <Button
                    class="primary"
                    test="first-room-button"
                    label=move || t!(i18n, common_join_room)
                    on_click=move |_| ask_for_room(app)
                />
            </div>
        }
        .into_any()
    };
    move || app.active_room().is_none().then(view)
}
