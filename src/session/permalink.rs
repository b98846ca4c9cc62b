//! Addresses of rooms and of messages: `#room=…&kind=…&message=…`.

use crate::browser;
use crate::model::form::{Field, Form, Room};
use crate::model::{place, query};
use crate::state::{App, OpenRoom, Screen};
use effusion_chat::{MessageId, RoomKind, RoomName, Target};
use leptos::prelude::*;

/// Where an address leads, if it leads anywhere.
pub(super) fn read(hash: &str) -> Option<(Room, Option<Target>)> {
    let pairs = query::parse(hash.strip_prefix('#')?);
    let part = |name: &str| {
        let found = pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let target = part("message").and_then(|text| {
        // An id is sixteen digits; no series gets that far.
        let id = MessageId::parse(text).map(Target::Id);
        id.or_else(|| text.parse().ok().map(Target::Sequence))
    });
    let kind = part("kind").and_then(RoomKind::from_word);
    let room = Room {
        name: RoomName::parse(part("room")?).ok()?,
        kind: kind.unwrap_or(match target {
            Some(Target::Id(_)) => RoomKind::Live,
            _ => RoomKind::History,
        }),
    };
    Some((room, target))
}

/// Fills in what the page's address leads to.
pub(super) fn fill_in(form: &mut Form) -> Option<(RoomName, Target)> {
    let (room, target) = read(&browser::hash())?;
    form.set(Field::Room, room.name.to_string());
    form.kind = room.kind;
    Some((room.name, target?))
}

/// Goes where the page's address leads now.
pub(super) fn follow(app: App) {
    if *app.screen.read_untracked() != Screen::Chat {
        return;
    }
    if let Some((room, target)) = read(&browser::hash()) {
        app.jump
            .set(target.map(|target| (room.name.clone(), target)));
        super::open_room(app, room);
    }
}

/// The address of a room, or of a message in it.
#[must_use]
pub fn link_to(app: App, open: OpenRoom, target: Option<Target>) -> Option<String> {
    let me = app.me.read_untracked();
    let room = open.room.read_untracked();
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
    Some([&browser::page_address(), "?", &query, "#", &hash].concat())
}

/// Puts the address of a room, or of a message in it, into the clipboard.
pub fn copy_link(app: App, open: OpenRoom, target: Option<Target>) {
    if let Some(link) = link_to(app, open, target) {
        // Where the browser forbids it, the clipboard stays as it is.
        drop(
            leptos::prelude::window()
                .navigator()
                .clipboard()
                .write_text(&link),
        );
    }
}
