use leptos::ev::{DragEvent, KeyboardEvent};
use leptos::prelude::*;
use leptos::task::{spawn_local, tick};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::i18n::use_i18n;
use crate::platform::focus;
use crate::services::use_services;
use crate::state::{OpenRoom, use_app};
use crate::t;
use crate::ui::{Avatar, Icon};

/// Rooms, to show one of them.
#[component]
pub fn RoomList(
    /// The rooms in the order in which they are listed.
    #[prop(into)]
    rooms: Signal<Vec<OpenRoom>>,
    /// Whether the reader can move them to other places.
    #[prop(optional)]
    movable: bool,
) -> impl IntoView {
    let dragged = movable.then(|| RwSignal::new(None));
    view! {
        <ul>
            <For each=move || rooms.get() key=|room| room.id let:room>
                <Row room dragged />
            </For>
        </ul>
    }
}

/// A room in its list. Where it can be moved, it can be dragged to another place, or moved there with Alt, Shift and the arrows.
#[component]
fn Row(
    /// The room.
    room: OpenRoom,
    /// The room that is being dragged, in a list whose rooms can be moved.
    dragged: Option<RwSignal<Option<usize>>>,
) -> impl IntoView {
    let app = use_app();
    let (rooms, id) = (use_services().rooms.clone(), room.id);
    let place = move || {
        let rooms = app.rooms.read_untracked();
        rooms.iter().position(|room| room.id == id)
    };
    let take = move |_: DragEvent| {
        if let Some(dragged) = dragged {
            dragged.set(Some(id));
        }
    };
    let is_dragging = move || dragged.and_then(|dragged| dragged.get_untracked());
    let allow = move |event: DragEvent| {
        if is_dragging().is_some() {
            event.prevent_default();
        }
    };
    let dropping = rooms.clone();
    let put = move |event: DragEvent| {
        if let (Some(room), Some(to)) = (is_dragging(), place()) {
            event.prevent_default();
            dropping.move_to(room, to);
        }
    };
    let end = move |_: DragEvent| {
        if let Some(dragged) = dragged {
            dragged.set(None);
        }
    };
    let step = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowUp" => -1,
            "ArrowDown" => 1,
            _ => return,
        };
        let moves = dragged.is_some() && event.alt_key() && event.shift_key();
        if let Some(at) = place().filter(|_| moves) {
            event.prevent_default();
            event.stop_propagation();
            rooms.move_to(id, at.saturating_add_signed(by));
            let button = event
                .target()
                .and_then(|it| it.dyn_into::<HtmlElement>().ok());
            if let Some(button) = button {
                spawn_local(async move {
                    tick().await;
                    // An element that is moved in the document loses the focus; it can be focused where it is now.
                    let _ = button.focus();
                });
            }
        }
    };
    view! {
        <li
            draggable=dragged.map(|_| "true")
            on:dragstart=take
            on:dragover=allow
            on:drop=put
            on:dragend=end
            on:keydown=step
        >
            <RoomButton room />
        </li>
    }
}

/// Shows a room.
#[component]
fn RoomButton(
    /// The room.
    room: OpenRoom,
) -> impl IntoView {
    let app = use_app();
    let (id, shown) = (room.id, room.clone());
    let (info, named) = (room.info.clone(), room.info.clone());
    let show = move |_| {
        app.show_room(shown.clone());
        focus::move_to("composer");
    };
    view! {
        <button
            type="button"
            class="room"
            data-testid="room-item"
            data-room=move || info.read().name.to_string()
            aria-current=move || (app.active.get() == Some(id)).then_some("page")
            on:click=show
        >
            <Picture room=room.clone() />
            <bdi>{move || named.read().name.to_string()}</bdi>
            <Unread room />
        </button>
    }
}

/// The kind of a room, or whom the reader talks to.
#[component]
fn Picture(
    /// The room.
    room: OpenRoom,
) -> impl IntoView {
    let info = room.info.clone();
    match room.peer.clone() {
        Some(peer) => view! { <Avatar name=peer /> }.into_any(),
        None => (move || view! { <Icon name=info.read().kind.word() /> }.into_any()).into_any(),
    }
}

/// How many messages of a room are new, and whether some name the reader.
#[component]
fn Unread(
    /// The room.
    room: OpenRoom,
) -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let mentions = room.mentions.clone();
    let badge = move |count: usize, named: bool| {
        view! {
            <span class=if named { "unread named" } else { "unread" } data-testid="unread">
                {move || i18n.number(count as f64)}
                <span class="unseen">{" "} {move || t!(i18n, sidebar_unread)}</span>
                {named
                    .then(|| {
                        view! {
                            <span class="unseen">{", "} {move || t!(i18n, sidebar_mentioned)}</span>
                        }
                            .into_any()
                    })}
            </span>
        }
        .into_any()
    };
    move || match app.badge_count(room.clone()) {
        0 => None,
        count => Some(badge(count, *mentions.read() > 0)),
    }
}
