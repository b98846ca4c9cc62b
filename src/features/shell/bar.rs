//! The bar over a room.

use effusion_chat::RoomKind;
use leptos::prelude::*;

use super::ActiveRoom;
use crate::i18n::{messages, use_i18n};
use crate::platform::focus;
use crate::services::use_services;
use crate::state::{Connection, Dialog, Panel, use_app, use_room};
use crate::ui::identity::{isolate, revealed};
use crate::ui::{Button, Completed, Icon, IconButton, glyph, kind_glyph};
use crate::{lazy, t};

/// What the room is called, how the connection stands, and what can be done with the room.
#[component]
pub fn Bar() -> impl IntoView {
    view! {
        <header class="bar">
            // Where the list of rooms is beside the room, there is nothing to open.
            <div class="menu">
                <Completed load=menu_button />
            </div>
            <ActiveRoom>
                <Title />
            </ActiveRoom>
            <ConnectionBadge />
            <Completed load=room_buttons />
        </header>
    }
}

lazy! { room, fn menu_button() => view! { <MenuButton /> } }

/// Opens the list of rooms where there is no space for it beside the room, and marks that there is something new in it.
#[component]
fn MenuButton() -> impl IntoView {
    let app = use_app();
    let unread = move || {
        let rooms = app.tracked_rooms();
        rooms.iter().any(|room| app.badge_count(room) > 0)
    };
    let open = move |_| {
        app.drawer.set(true);
        focus::move_to("sidebar");
    };
    view! {
        <IconButton
            icon=glyph::MENU
            label=&messages::common_rooms
            test="menu-button"
            id="menu-button"
            expanded=app.drawer
            on_click=open
        >
            <span class="mark" hidden=move || !unread()></span>
        </IconButton>
    }
}

/// The room's name, what it is about, and its kind.
#[component]
fn Title() -> impl IntoView {
    let room = use_room();
    let (info, is_room) = (room.info.clone(), room.peer.is_none());
    view! {
        <div class="title">
            <div class="named">
                <h1 dir="auto" data-testid="room-title">
                    {move || revealed(info.read().name.as_str())}
                </h1>
                <Completed load=topic />
            </div>
            {is_room.then(|| view! { <KindChip /> }.into_any())}
        </div>
    }
}

lazy! {
    room,
    fn topic() => if use_room().peer.is_none() {
        view! { <Topic /> }.into_any()
    } else {
        view! { <PeerState /> }.into_any()
    }
}

/// Whether the other of a conversation is there, and who can read what is said.
#[component]
fn PeerState() -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let (people, info) = (room.people.clone(), room.info.clone());
    let away = Memo::new(move |_| people.read().persons().iter().map(|it| it.away).min());
    let state = move || match away.get() {
        Some(false) => ("online", &messages::people_online),
        Some(true) => ("away", &messages::common_away),
        None => ("offline", &messages::people_offline),
    };
    view! {
        <p class="topic" data-testid="peer-state" data-state=move || state().0>
            {move || i18n.text(state().1, &[])}
            " · "
            {move || t!(i18n, direct_private, name = isolate(info.read().name.as_str()))}
        </p>
    }
}

/// What the room is about, if somebody has said so.
#[component]
fn Topic() -> impl IntoView {
    let card = use_room().card.clone();
    move || {
        let card = card.read();
        let topic = card.as_ref().map(|card| card.topic.clone());
        let topic = topic.filter(|topic| !topic.is_empty())?;
        let shown = topic.clone();
        let topic = view! {
            <p class="topic" dir="auto" title=topic data-testid="room-topic">
                {shown}
            </p>
        };
        Some(topic.into_any())
    }
}

/// The kind of the room.
#[component]
fn KindChip() -> impl IntoView {
    let info = use_room().info.clone();
    move || {
        let kind = info.read().kind;
        view! {
            <span class="chip">
                <Icon path=kind_glyph(kind) />
                {match kind {
                    RoomKind::Live => &messages::common_live,
                    RoomKind::History => &messages::common_history,
                }}
            </span>
        }
        .into_any()
    }
}

lazy! { room, fn room_buttons() => view! { <ActiveRoom><RoomButtons /></ActiveRoom> } }

/// What opens beside a room, what tells about it, and what leaves it.
#[component]
fn RoomButtons() -> impl IntoView {
    let (app, room) = (use_app(), use_room());
    let services = use_services();
    let is_room = room.peer.is_none();
    let attended = room.attended.clone();
    view! {
        <IconButton
            icon=glyph::FIND
            label=&messages::common_search_room
            test="search-button"
            id="search-button"
            expanded=Signal::derive(move || *app.panel.read() == Some(Panel::Search))
            on_click=move |_| toggle(app.panel, Panel::Search)
        />
        {move || (is_room && attended.get()).then(|| view! { <MembersButton /> }.into_any())}
        <IconButton
            icon=glyph::INFO
            label=&messages::room_details
            test="room-info-button"
            on_click=move |_| app.dialog.set(Some(Dialog::RoomInfo))
        />
        <IconButton
            icon=glyph::LEAVE
            label=&messages::room_leave
            test="leave-button"
            on_click=move |_| services.rooms.leave(&room)
        />
    }
}

/// Opens the list of those who are in the room, and says how many they are.
#[component]
fn MembersButton() -> impl IntoView {
    let (app, room, i18n) = (use_app(), use_room(), use_i18n());
    let people = room.people.clone();
    let count = move || match people.read().count() {
        0 => String::new(),
        count => i18n.number(count as f64),
    };
    view! {
        <button
            type="button"
            class="quiet count"
            id="members-button"
            data-testid="members-button"
            title=&messages::common_people_in_room
            aria-expanded=move || (*app.panel.read() == Some(Panel::Members)).to_string()
            on:click=move |_| toggle(app.panel, Panel::Members)
        >
            <Icon path=glyph::PEOPLE />
            <span data-testid="members-count">{move || count()}</span>
            <span class="unseen">{" "}</span>
            <span class="unseen">{&messages::common_people_in_room}</span>
        </button>
    }
}

/// Opens a panel, or closes it if it is open.
pub fn toggle(shown: RwSignal<Option<Panel>>, panel: Panel) {
    let open = *shown.read_untracked() == Some(panel);
    shown.set((!open).then_some(panel));
}

/// The state of the connection; while it is being made again, the seconds until the next attempt.
#[component]
pub fn ConnectionBadge() -> impl IntoView {
    let (services, i18n) = (use_services(), use_i18n());
    let connection = use_app().connection;
    let state = move || match *connection.read() {
        Connection::Idle => t!(i18n, connection_idle),
        Connection::Connecting => t!(i18n, common_connecting),
        Connection::Connected => t!(i18n, connection_connected),
        Connection::Recovering { .. } => t!(i18n, connection_reconnecting),
        Connection::Lost(_) => t!(i18n, connection_disconnected),
    };
    let left = move || match *connection.read() {
        Connection::Recovering { seconds } => Some(seconds),
        _ => None,
    };
    let countdown = move |seconds| match seconds {
        0 => t!(i18n, connection_reconnecting_now),
        seconds => t!(i18n, connection_reconnecting_in, seconds = seconds),
    };
    view! {
        <div
            class="connection"
            data-testid="connection-state"
            data-state=move || connection.read().word()
        >
            // What it says is read out, so it does not change every second as the countdown does.
            <span role="status" class=move || left().map(|_| "unseen")>
                {move || state()}
            </span>
            <span aria-hidden="true">{move || left().map(countdown)}</span>
            <Button
                class="link"
                test="reconnect"
                label=&messages::connection_try_now
                hidden=Signal::derive(move || left().is_none_or(|seconds| seconds == 0))
                on_click=move |_| services.entry.reconnect()
            />
        </div>
    }
}
