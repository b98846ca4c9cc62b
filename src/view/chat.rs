//! The rooms: the list of them, and the one that is shown.

use crate::state::SetIfChanged;

use leptos::task::spawn_local;

use super::composer::composer;
use super::connection::connection_badge;
use super::element::{El, el};
use super::fault::{alert, join_as};
use super::icon::{button, icon, icon_button};
use super::messages::messages;
use super::part::{lazy, part};
use super::sidebar::{ask_for_room, sidebar};
use crate::browser;
use crate::features::{people, search};
use crate::live::follow;
use crate::model::fault::Fault;
use crate::parts;
use crate::session;
use crate::state::{App, Connection, Dialog, OpenRoom, Panel, RoomState};
use crate::words::say;
use effusion_chat::RoomKind;
use leptos::prelude::*;

/// Sidebar, room and whatever lies over them.
pub fn chat(app: App) -> El {
    let room = move || app.active_room();
    let main = el("main")
        .flag_of("inert", move || app.drawer.get())
        .child(bar(app, room))
        .child_of(move || match &*app.connection.read() {
            Connection::Lost(fault) => Some(alert(
                app,
                fault,
                Some(
                    button("", "reconnect-button", move || session::reconnect(app))
                        .text(say("Reconnect")),
                ),
            )),
            _ => None,
        })
        .child_of(move || {
            app.ask_to_notify
                .get()
                .then(|| lazy(people::ask_to_notify()))
        })
        .child_of(move || Some(room().map_or_else(|| nowhere(app), |room| pane(app, room))));
    let veil = el("div")
        .class("veil")
        .on_click(move || app.drawer.set(false));
    el("div")
        .attr_of("class", move || {
            Some(
                (if app.drawer.get() {
                    "chat drawer"
                } else {
                    "chat"
                })
                .to_owned(),
            )
        })
        .child(
            el("a")
                .class("skip")
                .attr("href", "#composer")
                .flag_of("hidden", move || app.active.read().is_none())
                .text(say("Skip to the message box")),
        )
        .child(sidebar(app))
        .child(veil)
        .child(main)
        .child_of(move || {
            let panel = app.panel.get()?;
            Some(match panel {
                Panel::Members => lazy(people::members(app.active_room()?)),
                Panel::Search => lazy(search::search_panel(app.active_room()?)),
                Panel::Diagnostics => part(parts::diagnostics(app)),
                Panel::Lessons => part(parts::lessons(app)),
            })
        })
        .child_of(move || match app.dialog.get() {
            Some(Dialog::Settings) => Some(part(parts::settings(app))),
            Some(Dialog::AnotherRoom) => Some(part(parts::another_room(app))),
            Some(Dialog::Keyboard) => Some(part(parts::keyboard(app))),
            Some(Dialog::Directory) => Some(part(parts::directory(app))),
            Some(Dialog::NewRoom) => Some(part(parts::new_room(app))),
            Some(Dialog::Switcher) => Some(part(parts::switcher(app))),
            Some(Dialog::Profile) => Some(lazy(people::profile())),
            Some(Dialog::RoomInfo) => Some(part(parts::room_info(app))),
            _ => None,
        })
}

fn bar(app: App, room: impl Fn() -> Option<OpenRoom> + Copy + 'static) -> El {
    let open_drawer = move || {
        app.drawer.set(true);
        browser::focus("sidebar");
    };
    let unread = move || {
        let (rooms, direct) = (app.rooms.read(), app.direct.read());
        let mut rooms = rooms.iter().chain(direct.iter());
        rooms.any(|room| app.counted(*room) > 0)
    };
    let menu = icon_button("menu", say("Rooms"), "menu-button", open_drawer)
        .attr("id", "menu-button")
        .attr_of("aria-expanded", move || Some(app.drawer.get().to_string()))
        .child(
            el("span")
                .class("mark")
                .flag_of("hidden", move || !unread()),
        );
    el("header")
        .class("bar")
        .child(menu)
        .child_of(move || room().map(title))
        .child(connection_badge(app))
        .child_of(move || room().map(|_| search_button(app)))
        .child_of(move || room().and_then(|room| members_button(app, room)))
        .child_of(move || {
            room()?;
            let info = move || app.dialog.set(Some(Dialog::RoomInfo));
            Some(icon_button(
                "info",
                say("About this room"),
                "room-info-button",
                info,
            ))
        })
        .child_of(move || {
            room().map(|room| {
                icon_button("leave", say("Leave this room"), "leave-button", move || {
                    session::leave(app, room)
                })
            })
        })
}

/// Opens what finds in the room.
fn search_button(app: App) -> El {
    let toggle = move || {
        let open = *app.panel.read_untracked() == Some(Panel::Search);
        app.panel.set((!open).then_some(Panel::Search));
    };
    icon_button("find", say("Search in this room"), "search-button", toggle)
        .attr("id", "search-button")
        .attr_of("aria-expanded", move || {
            Some((*app.panel.read() == Some(Panel::Search)).to_string())
        })
}

/// Opens the list of those who are in the room, and says how many they are.
fn members_button(app: App, room: OpenRoom) -> Option<El> {
    room.attended.get().then_some(())?;
    let toggle = move || {
        let open = *app.panel.read_untracked() == Some(Panel::Members);
        app.panel.set((!open).then_some(Panel::Members));
    };
    let count = move || match room.people.read().count() {
        0 => String::new(),
        count => browser::number(count as f64),
    };
    Some(
        button("quiet count", "members-button", toggle)
            .attr("id", "members-button")
            .attr("title", say("People in this room"))
            .attr_of("aria-expanded", move || {
                Some((*app.panel.read() == Some(Panel::Members)).to_string())
            })
            .child(icon("people"))
            .child(el("span").test("members-count").text_of(count))
            .child(el("span").class("unseen").text(" "))
            .child(el("span").class("unseen").text(say("People in this room"))),
    )
}

fn title(room: OpenRoom) -> El {
    let kind = move || {
        let kind = room.room.read().kind;
        let word = match kind {
            RoomKind::Live => say("Live"),
            RoomKind::History => say("History"),
        };
        room.peer
            .is_none()
            .then(|| el("span").class("chip").child(icon(kind.word())).text(word))
    };
    let topic = move || {
        let card = room.card.read();
        let topic = card.as_ref().map(|card| card.topic.as_str());
        let topic = topic.filter(|topic| !topic.is_empty())?;
        Some(
            el("p")
                .class("topic")
                .attr("dir", "auto")
                .attr("title", topic)
                .test("room-topic")
                .text(topic),
        )
    };
    let named = el("div")
        .class("named")
        .child(
            el("h1")
                .attr("dir", "auto")
                .test("room-title")
                .text_of(move || room.room.read().name.to_string()),
        )
        .child_of(topic);
    el("div").class("title").child(named).child_of(kind)
}

/// Says that a room is archived, where its composer would be.
fn archived(app: App, room: OpenRoom) -> El {
    el("div")
        .class("archived")
        .test("archived")
        .child(icon("archive"))
        .child(el("p").text(say(
            "This room is archived: it can be read, but nothing is written here any more.",
        )))
        .child(
            button("", "reopen-button", move || session::reopen(app, room))
                .text(say("Open it again")),
        )
}

fn pane(app: App, room: OpenRoom) -> El {
    provide_context(room);
    let notice = move || match &*room.state.read() {
        RoomState::Failed(fault) => {
            let help = match *fault {
                Fault::OtherKind(kind) => join_as(kind, move || session::join_as(app, room, kind)),
                _ => button("", "join-again", move || session::join_again(app, room))
                    .text(say("Join again")),
            };
            Some(alert(app, fault, Some(help)))
        }
        RoomState::ReadOnly(fault) => Some(alert(app, fault, None)),
        RoomState::Joining | RoomState::Open => None,
    };
    // What else is learnt of the room leaves the box alone that somebody may be writing in.
    let is_archived = ArcRwSignal::new(false);
    let archived_now = is_archived.clone();
    follow(Box::new(move || {
        let card = room.card.read();
        archived_now.set_if_changed(card.as_ref().is_some_and(|card| card.archived));
    }));
    el("div")
        .class("pane")
        .test("room-pane")
        .attr_of("data-state", move || {
            Some(room.state.read().word().to_owned())
        })
        .child_of(notice)
        .child(with_tools(
            app,
            room,
            messages(
                room,
                move |key| session::retry(room, key),
                move || session::earlier(room),
            ),
        ))
        .child_of(move || room.attended.get().then(|| lazy(people::typing())))
        .child_of(move || {
            Some(if *is_archived.read() {
                archived(app, room)
            } else {
                composer(app, room, move |text| session::send(app, room, text))
            })
        })
}

/// A list of messages with which something can be done.
fn with_tools(app: App, room: OpenRoom, list: El) -> El {
    let node = list.node().clone();
    // Reading comes first.
    room.once_begun(move || {
        spawn_local(async move {
            // Without the part the messages can be read all the same.
            let _ = parts::message_tools(app, room, node).await;
        });
    });
    list
}

fn nowhere(app: App) -> El {
    el("div")
        .class("empty")
        .test("no-rooms")
        .child(icon("brand"))
        .child(el("h1").text(say("You are in no room")))
        .child(el("p").text(say("Join one, and what is said there appears here.")))
        .child(
            button("primary", "first-room-button", move || ask_for_room(app))
                .text(say("Join a room")),
        )
}
