//! The window's place among the rooms: what of it stands in the address and in the title, and where addresses lead.

use gloo_events::EventListener;
use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::navigation::{ROOMS, read_address};
use super::preferences::For;
use crate::features::join::form::Room;
use crate::features::join::{place, query};
use crate::platform::page;
use crate::state::{App, OpenRoom, Request, Screen};
use effusion_chat::Target;

/// Keeps address and title at what the window shows, and goes where addresses lead, until the owner of the caller is done with.
pub fn follow_location(app: App) {
    app.jump
        .set(read_address(&page::hash()).and_then(|(room, target)| Some((room.name, target?))));
    Effect::new(move |_| remember_place(app));
    Effect::new(move |_| show_unread(app));
    let visibility = EventListener::new(&document(), "visibilitychange", move |_| app.look());
    let visibility = SendWrapper::new(visibility);
    let hash = window_event_listener_untyped("hashchange", move |_| follow_address(app));
    on_cleanup(move || {
        drop(visibility);
        hash.remove();
    });
}

/// Keeps the window's rooms, and puts the one that is shown into the address, as an invitation for others.
fn remember_place(app: App) {
    let me = app.me.read();
    let Some(me) = me.as_ref() else { return };
    let active = *app.active.read();
    let open = app.rooms.read();
    let rooms: Vec<Room> = open.iter().map(|open| open.info.get()).collect();
    For::Window.store(ROOMS, Some(&place::pairs(&rooms)));
    let shown = open.iter().position(|open| Some(open.id) == active);
    if let Some(room) = rooms.get(shown.unwrap_or_default()) {
        page::set_query(&place::invitation(&me.service, room));
    }
}

fn show_unread(app: App) {
    let (rooms, direct) = (app.rooms.read(), app.direct.read());
    let rooms = rooms.iter().chain(direct.iter());
    let unread: usize = rooms.map(|room| app.badge_count(room.clone())).sum();
    let title = if unread > 0 {
        ["(", &unread.to_string(), ") Effusion"].concat()
    } else {
        "Effusion".to_owned()
    };
    document().set_title(&title);
}

/// Goes where the page's address leads now.
fn follow_address(app: App) {
    if app.screen.get_untracked() != Screen::Chat {
        return;
    }
    if let Some((room, target)) = read_address(&page::hash()) {
        app.jump
            .set(target.map(|target| (room.name.clone(), target)));
        app.request.set(Some(Request::Open(room)));
    }
}

/// The address of a room, or of a message in it.
pub fn link_to(app: App, open: &OpenRoom, target: Option<Target>) -> Option<String> {
    let me = app.me.read_untracked();
    let room = open.info.read_untracked();
    let message = match target {
        Some(Target::Sequence(sequence)) => sequence.to_string(),
        Some(Target::Id(id)) => id.to_string(),
        None => String::new(),
    };
    let pairs = [
        ("room", room.name.as_str()),
        ("kind", room.kind.word()),
        ("message", &message),
    ];
    let hash = query::format(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
    let query = place::invitation(&me.as_ref()?.service, &room);
    Some([&page::address(), "?", &query, "#", &hash].concat())
}

/// Puts the address of a room, or of a message in it, into the clipboard.
pub fn copy_link(app: App, open: &OpenRoom, target: Option<Target>) {
    if let Some(link) = link_to(app, open, target) {
        // Where the browser forbids it, the clipboard stays as it is.
        drop(window().navigator().clipboard().write_text(&link));
    }
}
