//! What stands below the messages of a room.

use leptos::prelude::*;

use crate::features::composer::Composer;
use crate::features::people::Typing;
use crate::i18n::{messages, use_i18n};
use crate::services::use_services;
use crate::state::{Fault, ReadOnly, Right, RoomState, use_room};
use crate::ui::{Button, FaultAlert, Icon, glyph};
use crate::{lazy, t};

lazy! { room, pub fn room_footer() => view! { <Typing /> <ComposerPlace /> } }

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
