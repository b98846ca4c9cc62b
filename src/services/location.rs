//! The window's place among the rooms: what of it stands in the address and in the title, and where addresses lead.

use leptos::prelude::*;

use super::navigation::{ROOMS, note_rooms, read_address};
use super::preferences::For;
use crate::features::join::form::{Room, SignIn};
use crate::features::join::service::SHARED_ACCOUNT;
use crate::features::join::{place, query};
use crate::i18n::Text;
use crate::platform::page;
use crate::state::{App, OpenRoom, Panel, Request, Screen};
use crate::text;
use crate::ui::identity::revealed;
use effusion_chat::Target;

/// What an address has that opens the lessons.
const LESSONS: (&str, &str) = ("panel", "lessons");

/// Keeps address and title at what the window shows, and goes where addresses lead, until the owner of the caller is done with.
pub fn follow_location(app: App) {
    let asked = query::parse(&page::query());
    if asked
        .iter()
        .any(|(name, value)| (name.as_str(), value.as_str()) == LESSONS)
    {
        app.panel.set(Some(Panel::Lessons));
    }
    app.jump
        .set(read_address(&page::hash()).and_then(|(room, target)| Some((room.name, target?))));
    Effect::new(move |before: Option<Option<(SignIn, Vec<Room>)>>| {
        remember_place(app, before.flatten())
    });
    Effect::new(move |_| show_unread(app));
    page::listen(&document(), "visibilitychange", move |_| app.look());
    page::listen(&window(), "focus", move |_| app.look());
    page::listen(&window(), "blur", move |_| app.look());
    page::listen(&window(), "hashchange", move |_| follow_address(app));
}

/// Keeps the rooms of the window and of the account, and puts the one that is shown into the address, as an invitation for others.
/// Given and returned is who is in which rooms.
fn remember_place(app: App, before: Option<(SignIn, Vec<Room>)>) -> Option<(SignIn, Vec<Room>)> {
    let me = app.me.get()?;
    let active = *app.active.read();
    let open = app.rooms.read();
    let rooms: Vec<Room> = open.iter().map(|open| open.info.get()).collect();
    For::Window.store(ROOMS, Some(&place::pairs(&rooms)));
    let shown = open.iter().position(|open| Some(open.id) == active);
    if let Some(room) = rooms.get(shown.unwrap_or_default()) {
        page::set_query(&place::invitation(&me.service, room));
    }
    let before = before.filter(|(who, _)| *who == me);
    let before = before.map_or_else(Vec::new, |(_, rooms)| rooms);
    if before != rooms {
        note_rooms(&me, &before, &rooms);
    }
    Some((me, rooms))
}

fn show_unread(app: App) {
    let rooms = app.tracked_rooms();
    let unread: usize = rooms.iter().map(|room| app.badge_count(room)).sum();
    let room = app
        .active_room()
        .map(|room| revealed(room.info.read().name.as_str()));
    let place = match (app.screen.get(), room) {
        (Screen::Chat, Some(room)) => [&room, " – Effusion"].concat(),
        _ => "Effusion".to_owned(),
    };
    let title = match unread {
        0 => place,
        _ => ["(", &unread.to_string(), ") ", &place].concat(),
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

/// The address of a room for a second window of the reader's, with the lessons beside it; or of the form for an account that leads
/// there. None where no second window reaches the service.
pub fn lesson_link(app: App, room: &Room, screen: Screen) -> Option<String> {
    let me = app.me.read();
    let me = me.as_ref().filter(|me| !is_in_this_tab_alone(me))?;
    let mut more = vec![LESSONS];
    let hash = if screen == Screen::Account {
        "#account"
    } else {
        // Two windows with one name would be one person. An account that was left blank is the reader's name, and stays.
        more.push(("name", ""));
        let account = me.credentials.principal.as_str();
        if account != SHARED_ACCOUNT {
            more.push(("account", account));
        }
        ""
    };
    let query = place::invitation(&me.service, room);
    let more = query::format(more);
    Some([&page::address(), "?", &query, "&", &more, hash].concat())
}

/// Whether no other window reaches the service, as it runs in this one.
fn is_in_this_tab_alone(me: &SignIn) -> bool {
    me.service.in_browser && !page::has_shared_workers()
}

/// Says that a link was copied, and where it leads to nothing for others.
pub fn link_copied(app: App) -> Text {
    let me = app.me.read_untracked();
    if me.as_ref().is_some_and(|me| me.service.in_browser) {
        text!(message_link_copied_here)
    } else {
        text!(message_link_copied)
    }
}
