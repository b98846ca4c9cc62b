//! The messages of a room, as a list that scrolls.

use std::rc::Rc;

use effusion_chat::RoomKind;
use leptos::prelude::*;

use super::Origin;
use super::list_notices::list_notices;
use super::message_row::MessageRow;
use super::message_tools::message_tools;
use super::virtual_list::VirtualList;
use crate::features::lessons::welcome;
use crate::i18n::{messages, use_i18n};
use crate::state::{Earlier, RoomState, Wanted, use_room};
use crate::t;
use crate::ui::{BrandIcon, Button, Completed, Icon, Lazy, List, glyph};

/// The messages of the room. The list stays at the newest one unless the reader scrolls away.
#[component]
pub fn MessageList(
    /// Runs when something else of it can be seen: `sight` of the room says what.
    #[prop(into)]
    on_sight: Callback<()>,
) -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let away = ArcRwSignal::new(false);
    let (viewport, content) = (NodeRef::new(), NodeRef::new());
    // The rows come before what settles the list after them: effects run in the order that they are made in.
    let handle = StoredValue::new_local(None::<Rc<VirtualList>>);
    let rows = {
        let (room, shown) = (room.clone(), room.clone());
        view! {
            <List
                each=move || {
                    handle.with_value(|list| list.iter().for_each(|list| list.note_focus()));
                    shown.rows.get()
                }
                key=|row| row.key.to_string()
                let:row
            >
                <MessageRow room=room.clone() i18n row />
            </List>
        }
        .into_any()
    };
    let list = VirtualList::new(room.clone(), viewport, content, away.clone(), on_sight);
    handle.set_value(Some(Rc::clone(&list)));
    let to_newest = move |_| {
        if let Some(list) = handle.try_with_value(Option::clone).flatten() {
            list.scroll_to_end();
        }
    };
    let newest = move || {
        view! {
            <button type="button" class="newest" data-testid="newest-button" on:click=to_newest>
                <Icon path=glyph::DOWN />
                {&messages::timeline_to_newest}
            </button>
        }
        .into_any()
    };
    view! {
        <div class="messages">
            <Completed load=list_notices />
            <div
                class="scroll"
                data-testid="scroll"
                tabindex="0"
                role="region"
                aria-label=&messages::common_messages
                node_ref=viewport
                on:scroll=move |_| list.scrolled()
            >
                <div class="page">
                    <EarlierMessages />
                    <NoMessages />
                    // What comes into the document is not always new, so what is new is announced elsewhere.
                    <div
                        role="log"
                        aria-live="off"
                        aria-label=&messages::common_messages
                        data-testid="message-list"
                        node_ref=content
                    >
                        <div></div>
                        <ol>{rows}</ol>
                        <div></div>
                    </div>
                    <Greeting />
                </div>
            </div>
            {move || away.get().then(newest)}
            <Completed load=move || message_tools(viewport) />
        </div>
    }
}

/// Offers messages from before the oldest one, and says how that goes.
#[component]
fn EarlierMessages() -> impl IntoView {
    let room = use_room();
    let offered = room.clone();
    let is_offered = Memo::new(move |_| {
        offered.oldest.track();
        offered.copied.track();
        offered.offers_earlier()
    });
    let (i18n, earlier, asked) = (use_i18n(), room.earlier.clone(), room.earlier.clone());
    let room = StoredValue::new(room);
    let are_there_more = Memo::new(move |_| *asked.read() != Earlier::None);
    // The button stays while they come, and the keyboard's focus with it.
    let button = move || {
        let earlier = earlier.clone();
        let label = move || match earlier.get() {
            Earlier::Failed => t!(i18n, timeline_earlier_failed),
            Earlier::Loading => t!(i18n, timeline_earlier_loading),
            _ => t!(i18n, timeline_earlier),
        };
        let load = move |_| room.with_value(|room| room.want(Wanted::Earlier));
        view! { <Button class="earlier" test="earlier-button" label on_click=load /> }.into_any()
    };
    let beginning = || view! { <p class="earlier">{&messages::timeline_beginning}</p> }.into_any();
    move || match (is_offered.get(), are_there_more.get()) {
        (false, _) => None,
        (true, true) => Some(button()),
        (true, false) => Some(beginning()),
    }
}

/// What stands in a room without messages.
#[component]
fn NoMessages() -> impl IntoView {
    let room = use_room();
    let counted = room.clone();
    let is_empty = Memo::new(move |_| {
        counted.oldest.track();
        let is_cleared = *counted.earlier.read() == Earlier::Cleared;
        counted.extent.read().len == 0 && !is_cleared && !counted.offers_earlier()
    });
    move || {
        if !is_empty.get() {
            return None;
        }
        let hint = match room.info.read().kind {
            RoomKind::Live => &messages::timeline_empty_live,
            RoomKind::History => &messages::timeline_empty_history,
        };
        let shown = match room.state.get() {
            RoomState::Failed(_) => return None,
            RoomState::Joining => {
                view! { <p class="hint">{&messages::timeline_joining}</p> }.into_any()
            }
            _ => view! {
                <div class="empty">
                    <BrandIcon />
                    <h2>{&messages::timeline_empty}</h2>
                    <p>{hint}</p>
                </div>
            }
            .into_any(),
        };
        Some(shown)
    }
}

/// How many notices there may be in a room that greets.
const MAX_NOTICES: usize = 20;

/// Greets in a room where nobody has said anything yet.
#[component]
fn Greeting() -> impl IntoView {
    let room = use_room();
    let is_silent = Memo::new(move |_| {
        room.extent.track();
        *room.state.read() == RoomState::Open
            && room.look(|timeline| {
                let mut entries = timeline.entries();
                timeline.len() < MAX_NOTICES && entries.all(|it| it.origin == Origin::Notice)
            })
    });
    move || {
        let greet = || view! { <Lazy quiet=true load=welcome() /> }.into_any();
        is_silent.get().then(greet)
    }
}
