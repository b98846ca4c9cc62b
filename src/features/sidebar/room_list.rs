use leptos::ev::{DragEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::task::{spawn_local, tick};
use web_sys::HtmlElement;

use crate::features::directory::{Mark, Marks, marks_of};
use crate::i18n::{messages, use_i18n};
use crate::platform::focus;
use crate::services::use_services;
use crate::state::{OpenRoom, use_app};
use crate::text;
use crate::ui::identity::revealed;
use crate::ui::{Avatar, Icon, List, glyph, kind_glyph};

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
    let dragged = RwSignal::new(None);
    let list = NodeRef::new();
    keep_shown_in_sight(list);
    let names = move || {
        let rooms = rooms.read();
        let names = rooms.iter().map(|room| room.info.read().name.to_string());
        names.collect()
    };
    let marks = marks_of(Signal::derive(names));
    view! {
        <ul node_ref=list>
            <List each=move || rooms.get() key=|room| room.id.to_string() let:room>
                <Row room movable dragged marks />
            </List>
        </ul>
    }
}

/// Scrolls the list to the room that is shown, if that is out of sight.
fn keep_shown_in_sight(list: NodeRef<html::Ul>) {
    let app = use_app();
    Effect::new(move |_| {
        app.active.track();
        let Some(list) = list.get() else { return };
        request_animation_frame(move || {
            let shown = list.query_selector("[aria-current]").ok().flatten();
            let lists = list.closest("nav").ok().flatten();
            if let (Some(shown), Some(lists)) = (shown, lists) {
                let (own, all) = (
                    shown.get_bounding_client_rect(),
                    lists.get_bounding_client_rect(),
                );
                if own.top() < all.top() || own.bottom() > all.bottom() {
                    shown.scroll_into_view_with_bool(false);
                }
            }
        });
    });
}

/// A room in its list. Where it can be moved, it can be dragged to another place, or moved there with Alt, Shift and the arrows.
#[component]
fn Row(
    /// The room.
    room: OpenRoom,
    /// Whether the reader can move it to another place.
    movable: bool,
    /// The room that is being dragged.
    dragged: RwSignal<Option<usize>>,
    /// What tells rooms apart.
    marks: Marks,
) -> impl IntoView {
    let app = use_app();
    let (rooms, id) = (use_services().rooms.clone(), room.id);
    let place = move || {
        let rooms = app.rooms.read_untracked();
        rooms.iter().position(|room| room.id == id)
    };
    let dropping = rooms.clone();
    let put = move |event: DragEvent| {
        if let (Some(room), Some(to)) = (dragged.get_untracked(), place()) {
            event.prevent_default();
            dropping.move_to(room, to);
        }
    };
    let step = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowUp" => -1,
            "ArrowDown" => 1,
            _ => return,
        };
        let moves = movable && event.alt_key() && event.shift_key();
        if let Some(at) = place().filter(|_| moves) {
            event.prevent_default();
            event.stop_propagation();
            rooms.move_to(id, at.saturating_add_signed(by));
            let button: HtmlElement = event_target(&event);
            spawn_local(async move {
                tick().await;
                // An element that is moved in the document loses the focus; it can be focused where it is now.
                let _ = button.focus();
            });
        }
    };
    view! {
        <li
            draggable=movable.then_some("true")
            on:dragstart=move |_| dragged.set(movable.then_some(id))
            on:dragover=move |event| {
                if dragged.get_untracked().is_some() {
                    event.prevent_default();
                }
            }
            on:drop=put
            on:dragend=move |_| dragged.set(None)
            on:keydown=step
        >
            <RoomButton room marks />
        </li>
    }
}

/// Shows a room.
#[component]
fn RoomButton(
    /// The room.
    room: OpenRoom,
    /// What tells rooms apart.
    marks: Marks,
) -> impl IntoView {
    let app = use_app();
    let (id, shown) = (room.id, room.clone());
    let (info, named, marked) = (room.info.clone(), room.info.clone(), room.info.clone());
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
            <bdi>{move || revealed(named.read().name.as_str())}</bdi>
            <Mark name=Signal::derive(move || marked.read().name.to_string()) marks />
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
        None => {
            (move || view! { <Icon path=kind_glyph(info.read().kind) /> }.into_any()).into_any()
        }
    }
}

/// How many messages of a room are new, how many of them name the reader, and whether something was begun there.
#[component]
fn Unread(
    /// The room.
    room: OpenRoom,
) -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let (id, draft, mentions) = (room.id, room.draft.clone(), room.mentions.clone());
    let counted = Memo::new(move |_| app.badge_count(&room));
    let has_draft =
        Memo::new(move |_| app.active.get() != Some(id) && !draft.read().trim().is_empty());
    let mark = move || {
        view! {
            <span class="drafted" data-testid="drafted">
                <Icon path=glyph::EDIT />
                <span class="unseen">{&messages::sidebar_draft}</span>
            </span>
        }
        .into_any()
    };
    let named = move |count: usize| {
        view! {
            <span class="unread named" data-testid="unread-mentions">
                <span aria-hidden="true">{move || i18n.number(count as f64)}</span>
                <span class="unseen">{text!(sidebar_mentions, count = count)}</span>
            </span>
        }
        .into_any()
    };
    let all = move |count: usize| {
        view! {
            <span class="unread" data-testid="unread">
                {move || i18n.number(count as f64)}
                <span class="unseen">{" "} {&messages::sidebar_unread}</span>
            </span>
        }
        .into_any()
    };
    view! {
        {move || has_draft.get().then(mark)}
        {move || {
            let mentions = mentions.get();
            (mentions > 0 && counted.get() > 0).then(|| named(mentions))
        }}
        {move || Some(counted.get()).filter(|count| *count > 0).map(all)}
    }
}
