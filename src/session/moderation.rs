//! What moderators do from the composer. What the service makes of it is said there, too.

use effusion_chat::moderation::Deed;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::board::{self, Order};
use crate::model::composing::Note;
use crate::parts;
use crate::state::{App, OpenRoom};
use crate::text;

/// Keeps somebody from writing in a room.
pub fn mute(app: App, open: OpenRoom, name: &str) {
    begin(app, open, name.to_owned(), true);
}

/// Lets somebody write in a room again.
pub fn unmute(app: App, open: OpenRoom, name: &str) {
    begin(app, open, name.to_owned(), false);
}

fn begin(app: App, open: OpenRoom, name: String, mute: bool) {
    spawn_local(async move {
        if parts::moderate(app, open, name, mute).await.is_err() {
            open.note
                .set(Some(Note::Alert(text!(moderation_load_failed))));
        }
    });
}

/// Does what was asked for; only the part of the page that moderates calls this. A name stands for the principal of the one
/// member who bears it, or else for the principal itself.
pub(crate) fn carry_out(app: App, open: OpenRoom, name: &str, mute: bool) {
    let people = open.people.read_untracked().persons();
    let principal = people
        .iter()
        .find(|person| person.name == name && !person.principal.is_empty())
        .map_or_else(|| name.to_owned(), |person| person.principal.clone());
    let room = open.room.read_untracked().name.clone();
    let order = if mute {
        Order::Withdraw {
            deed: Deed::Muted,
            principal,
            room: Some(room),
            minutes: 0,
            why: String::new(),
        }
    } else {
        Order::Unmute { principal, room }
    };
    board::order_here(app, open, order);
}
