//! The buttons for one message.

use effusion_chat::{Reply, Target};
use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::clipboard::copy_to_clipboard;
use super::editing::{can_edit, carry_out, put_edit_aside, start_edit};
use super::prose::excerpt;
use super::reaction_bar::{frequent, react};
use super::{Delivery, Entry, Key, Origin, Row, Timeline};
use crate::features::composer::composing::{Picking, Purpose};
use crate::i18n::{Message, messages};
use crate::services::{link_copied, link_to, use_services};
use crate::state::{RoomState, use_app, use_room};
use crate::text;
use crate::ui::{Button, Glyph, ToolButton, glyph};

/// How many of the reader's most used emoji are offered.
const QUICK: usize = 3;

/// What can be done with a message.
#[component]
pub fn MessageToolbar(
    /// The row of the message.
    row: ArcRwSignal<Row>,
    /// Whether it lies over the page's lower edge, for a finger.
    sheet: bool,
    /// Closes it.
    #[prop(into)]
    on_close: UnsyncCallback<()>,
    /// Closes it, and goes back to the composer.
    #[prop(into)]
    on_done: UnsyncCallback<()>,
) -> impl IntoView {
    let (room, asking) = (use_room(), RwSignal::new(false));
    // The message may be deleted while somebody points to it, or the room closed.
    let content = move || {
        let entry = row.read().entry.clone();
        let is_archived = room.is_archived();
        let can_reply = !is_archived && !matches!(*room.state.read(), RoomState::ReadOnly(_));
        if asking.get() && !is_archived {
            view! { <ConfirmDelete key=entry.key asking on_done /> }.into_any()
        } else {
            view! { <Actions entry is_archived can_reply asking on_close on_done /> }.into_any()
        }
    };
    view! {
        <div
            class=if sheet { "tools sheet" } else { "tools" }
            role="toolbar"
            aria-label=&messages::message_actions
            data-testid="message-tools"
        >
            <div class="row">{move || content()}</div>
        </div>
    }
}

/// What can be done with a message as it is now.
#[component]
fn Actions(
    /// The message.
    entry: Entry,
    /// Whether nothing of it can be changed.
    is_archived: bool,
    /// Whether there is a composer to reply in.
    can_reply: bool,
    /// Whether to ask if it is to be deleted.
    asking: RwSignal<bool>,
    /// Closes the toolbar.
    on_close: UnsyncCallback<()>,
    /// Closes it, and goes back to the composer.
    on_done: UnsyncCallback<()>,
) -> impl IntoView {
    let (app, room) = (use_app(), use_room());
    let direct = room.peer.is_some();
    // What two people say to each other stands in two series: only its id is the same in both.
    let target = if direct {
        entry.message.id.map(Target::Id)
    } else {
        Timeline::target(&entry)
    };
    let gone = entry.message.deleted;
    let settled = matches!(entry.delivery, Delivery::Received | Delivery::Sent);
    let own = entry.origin == Origin::Own && settled && !gone && !is_archived;
    let editable = own && entry.sequence.is_some() && can_edit(&room);
    let answerable = target.filter(|_| !gone && settled);
    let reactable = answerable.filter(|_| !direct && !is_archived);
    let reaction = reactable.map(|target| {
        view! { <ReactionTools target on_close /> }
    });
    let reply = answerable.filter(|_| can_reply).map(|target| {
        let (room, message) = (room.clone(), entry.message.clone());
        let reply = move |_| {
            put_edit_aside(&room);
            room.purpose.set(Purpose::Reply(Reply {
                to: target,
                name: message.name.clone(),
                text: excerpt(&message.text, Reply::EXCERPT),
            }));
            on_done.run(());
        };
        tool(glyph::REPLY, &messages::message_reply, "tool-reply", reply)
    });
    let key = entry.key;
    let edit = editable.then(|| {
        let room = room.clone();
        let edit = move |_| {
            start_edit(&room, key);
            on_done.run(());
        };
        let delete = move |_| asking.set(true);
        view! {
            {tool(glyph::EDIT, &messages::message_edit, "tool-edit", edit)}
            {tool(glyph::DELETE, &messages::message_delete, "tool-delete", delete)}
        }
    });
    let copy = (!gone).then(|| {
        let (room, text) = (room.clone(), entry.message.text.clone());
        let copy = move |_| {
            copy_to_clipboard(room.clone(), &text, text!(message_text_copied));
            on_done.run(());
        };
        tool(glyph::COPY, &messages::message_copy_text, "tool-copy", copy)
    });
    let link = target.and_then(|target| link_to(app, &room, Some(target)));
    let link = link.filter(|_| !direct).map(|link| {
        let room = room.clone();
        let copy = move |_| {
            copy_to_clipboard(room.clone(), &link, link_copied(app));
            on_done.run(());
        };
        tool(glyph::LINK, &messages::message_copy_link, "tool-link", copy)
    });
    let close = move |_| on_close.run(());
    view! {
        {reaction}
        {reply}
        {edit}
        {copy}
        {link}
        {tool(glyph::CLOSE, &messages::common_close, "tool-close", close)}
    }
}

/// A button of the toolbar. Tab passes over it, because arrow keys lead to it.
fn tool(
    path: Glyph,
    label: &'static Message,
    test: &'static str,
    on_click: impl Fn(MouseEvent) + 'static,
) -> AnyView {
    view! { <ToolButton path label test tabindex="-1" on_click /> }.into_any()
}

/// The reader's most used reactions, and all others.
#[component]
fn ReactionTools(
    /// The message.
    target: Target,
    /// Closes the toolbar.
    on_close: UnsyncCallback<()>,
) -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    let quick = frequent().top(QUICK);
    let picking = room.picking.clone();
    let pick = move |_| {
        on_close.run(());
        picking.set(Some(Picking::Reaction(target)));
    };
    view! {
        <div class="quick">
            {quick
                .into_iter()
                .map(|emoji| {
                    let (services, room) = (services.clone(), room.clone());
                    let given = emoji.clone();
                    let label = text!(message_react_with, emoji = &emoji);
                    view! {
                        <button
                            type="button"
                            class="tool"
                            data-testid="tool-quick"
                            tabindex="-1"
                            data-emoji=emoji.clone()
                            aria-label=label.clone()
                            title=label
                            on:click=move |_| {
                                react(&services, &room, target, &given);
                                on_close.run(());
                            }
                        >
                            {emoji.clone()}
                        </button>
                    }
                })
                .collect_view()}
        </div>
        {tool(glyph::REACT, &messages::common_react, "tool-react", pick)}
    }
}

/// Asks whether a message is to be deleted.
#[component]
fn ConfirmDelete(
    /// The message.
    key: Key,
    /// Whether to ask.
    asking: RwSignal<bool>,
    /// Closes the toolbar, and goes back to the composer.
    on_done: UnsyncCallback<()>,
) -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    let confirm = NodeRef::<html::Button>::new();
    // Before the next frame: a toolbar without the focus goes once the pointer is not on its message.
    confirm.on_load(|button| {
        spawn_local(async move {
            // It is on the screen.
            let _ = button.focus();
        });
    });
    let delete = move |_| {
        on_done.run(());
        let (history, open) = (services.history.clone(), room.clone());
        let delete = async move { history.take_back(&open, key).await };
        carry_out(&services, &room, &messages::message_delete_failed, delete);
    };
    view! {
        <span class="ask">{&messages::message_delete_confirm}</span>
        <button
            type="button"
            class="danger"
            data-testid="delete-confirm"
            node_ref=confirm
            on:click=delete
        >
            {&messages::message_delete}
        </button>
        <Button
            test="delete-keep"
            label=&messages::message_delete_cancel
            on_click=move |_| asking.set(false)
        />
    }
}
