//! What stays on the device of a room: a copy of what was said last, to be read without a connection, and up to where the
//! reader has read.
//!
//! All but the latter is for [`super::keep`], a part of the page that is fetched.

use leptos::prelude::*;
use std::cell::RefCell;
use std::time::Duration;

use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, closure::Closure};

use super::database::{self, Store};
use super::outbox;
use crate::browser;
use crate::features::timeline::copy;
use crate::model::outbox::Shelter;
use crate::model::query;
use crate::parts;
use crate::state::{App, Connection, OpenRoom, RoomState};
use effusion_chat::RoomKind;

/// Up to where each room was read, by service, account and room.
const READ: &str = "effusion.read";

/// Of how many rooms that is kept.
const MOST: usize = 200;

/// How often what has changed is stored, in milliseconds.
const OFTEN: u64 = 2_000;

thread_local! {
    /// For each room what was stored last: how often it had changed, and up to where it was read.
    static STORED: RefCell<Vec<(usize, u64, Option<u64>)>> = const { RefCell::new(Vec::new()) };
}

/// Keeps the rooms from now on.
pub(super) fn begin(app: App) {
    set_interval(move || keep(app), Duration::from_millis(OFTEN));
    // It may be the last that the page is told.
    let seen = Closure::<dyn FnMut()>::new(move || keep(app)).into_js_value();
    // Listening fails only for what is no function.
    let _ = document().add_event_listener_with_callback("visibilitychange", seen.unchecked_ref());
}

/// Stores what has changed.
fn keep(app: App) {
    let rooms: Vec<OpenRoom> = {
        let (rooms, direct) = (app.rooms.read_untracked(), app.direct.read_untracked());
        rooms.iter().chain(direct.iter()).copied().collect()
    };
    for open in rooms {
        let copied = *open.copied.read_untracked();
        let Some(shelter) = shelter(app, open).filter(|_| !copied) else {
            continue;
        };
        let (version, read) = (open.look(|timeline| timeline.version()), open.read());
        let before = STORED.with_borrow_mut(|stored| {
            let place = stored.iter().position(|(id, ..)| *id == open.id);
            let before = place.map(|place| stored.swap_remove(place));
            stored.push((open.id, version, read));
            before
        });
        let (_, old_version, old_read) = before.unwrap_or((open.id, 0, None));
        if old_version != version {
            let record = open.look(copy::of);
            spawn_local(database::put(
                Store::Copies,
                shelter.prefix().to_owned(),
                record,
            ));
        }
        if old_read != read && open.room.read_untracked().kind == RoomKind::History {
            remember_read(&shelter, read);
        }
    }
}

/// Up to where a room was read, as far as this device knows.
pub(super) fn recall_read(app: App, open: OpenRoom) -> Option<u64> {
    let shelter = shelter(app, open)?;
    let known = stored_reads();
    let (_, read) = known.iter().find(|(key, _)| key == shelter.prefix())?;
    read.parse().ok()
}

/// Shows what was kept of a room, until the room itself can be had.
pub(super) async fn recall(app: App, open: OpenRoom) {
    let offline = move || {
        *open.state.read_untracked() == RoomState::Joining
            && *app.connection.read_untracked() != Connection::Connected
    };
    let Some(shelter) = shelter(app, open).filter(|_| offline()) else {
        return;
    };
    let Some((_, record)) = database::all(Store::Copies, shelter.prefix()).await.pop() else {
        return;
    };
    let kept = copy::read(record, browser::at);
    if !offline() || kept.is_empty() {
        return;
    }
    open.change(|timeline| timeline.add_copy(kept));
    open.copied.set(true);
}

/// Forgets everything that is kept of anybody: whoever signs out leaves nothing behind.
pub(super) fn forget_all() {
    browser::remember(READ, None);
    outbox::drop_tasks();
    spawn_local(async {
        match parts::forget_all().await {
            Ok(forgetting) => forgetting.await,
            // Then nothing of this page uses the database.
            Err(_) => {
                if let Ok(Some(databases)) = window().indexed_db() {
                    // There is nobody who could be told.
                    let _ = databases.delete_database(database::NAME);
                }
            }
        }
    });
}

fn remember_read(shelter: &Shelter, read: Option<u64>) {
    let mut known = stored_reads();
    known.retain(|(key, _)| key != shelter.prefix());
    if let Some(read) = read {
        known.push((shelter.prefix().to_owned(), read.to_string()));
    }
    let old = known.len().saturating_sub(MOST);
    known.drain(..old);
    let pairs = known
        .iter()
        .map(|(key, read)| (key.as_str(), read.as_str()));
    browser::remember(READ, Some(&query::format(pairs)));
}

fn stored_reads() -> Vec<(String, String)> {
    query::parse(&browser::recall(READ).unwrap_or_default())
}

/// Whose copy it is, and of what: rights are an account's, and a name is nothing but a name.
fn shelter(app: App, open: OpenRoom) -> Option<Shelter> {
    outbox::shelter_for(app, open, "")
}
