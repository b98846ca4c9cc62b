//! What stays on the device of a room: a copy of its newest messages, to be read without a connection, and up to where the
//! reader has read.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_use_watch_debounce_throttle::{WatchDebouncedOptions, watch_debounced_with_options};

use super::navigation::name_if_shared;
use super::outbox::key_for;
use super::preferences::Newest;
use super::storage::{Storage, Store};
use crate::features::timeline::outbox_record::OutboxKey;
use crate::features::timeline::{At, copy};
use crate::state::{App, Connection, OpenRoom, RoomState};
use effusion_chat::RoomKind;

/// Up to where each room was read, by service, account and room.
const READ: Newest = Newest("effusion.read", 200);

/// How often what has changed is stored, in milliseconds.
const INTERVAL: f64 = 2_000.0;

/// What was stored last of a room: how often it had changed, and up to where it was read.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stored {
    room: usize,
    version: u64,
    read: Option<u64>,
}

/// Copies of the rooms on this device.
pub struct Copies {
    app: App,
    storage: Rc<Storage>,
    stored: RefCell<Vec<Stored>>,
}

impl Copies {
    pub(super) fn new(app: App, storage: &Rc<Storage>) -> Self {
        Self {
            app,
            storage: Rc::clone(storage),
            stored: RefCell::default(),
        }
    }

    /// Stores what changes from now on, until the owner of the caller is done with.
    pub(super) fn follow(self: &Rc<Self>) {
        let (app, this) = (self.app, self.clone());
        let track = move || {
            for open in app.tracked_rooms() {
                open.version.track();
                open.read.track();
                open.copied.track();
            }
        };
        // What comes first comes with others, and is to be seen first.
        let options = WatchDebouncedOptions::default().max_wait(INTERVAL);
        let _stop = watch_debounced_with_options(
            track,
            move |(), _, _| this.store_changes(),
            INTERVAL,
            options,
        );
    }

    /// Stores what has changed since the last time.
    pub(super) fn store_changes(&self) {
        let rooms = self.app.all_rooms();
        let mut now = Vec::with_capacity(rooms.len());
        for open in rooms {
            let stored = self.stored.borrow();
            let known = stored.iter().find(|it| it.room == open.id).copied();
            let copied = *open.copied.read_untracked();
            let Some(key) = self.key(&open).filter(|_| !copied) else {
                now.extend(known);
                continue;
            };
            let stored = Stored {
                room: open.id,
                version: open.look(|timeline| timeline.version()),
                read: open.read(),
            };
            if known.map_or(0, |known| known.version) != stored.version {
                let record = open.look(copy::of);
                self.storage
                    .put(Store::Copies, key.prefix().to_owned(), record);
            }
            if known.and_then(|known| known.read) != stored.read
                && open.info.read_untracked().kind == RoomKind::History
            {
                let read = stored.read.map(|read| read.to_string());
                if let Some(key) = self.read_key(&open) {
                    READ.set(key.prefix().to_owned(), read);
                }
            }
            now.push(stored);
        }
        self.stored.replace(now);
    }

    /// Up to where a room was read, as far as this device knows.
    pub(super) fn read_up_to(&self, open: &OpenRoom) -> Option<u64> {
        let key = self.read_key(open)?;
        READ.get(key.prefix())?.parse().ok()
    }

    /// Shows the copy of a room until the room itself is there.
    pub(super) async fn show(&self, open: &OpenRoom) {
        let is_offline = || {
            *open.state.read_untracked() == RoomState::Joining
                && *self.app.connection.read_untracked() != Connection::Connected
        };
        let Some(key) = self.key(open).filter(|_| is_offline()) else {
            return;
        };
        let Some((_, record)) = self.storage.all(Store::Copies, key.prefix()).await.pop() else {
            return;
        };
        let kept = copy::read(&record, At::local);
        if !is_offline() || kept.is_empty() {
            return;
        }
        open.change(|timeline| timeline.add_copy(kept));
        open.copied.set(true);
    }

    /// Forgets everything that is kept of anybody: whoever signs out leaves nothing behind.
    pub(super) fn forget_all(&self) {
        READ.remove("");
        self.storage.clear();
    }

    /// Forgets what is kept of a service whose rooms are deleted.
    pub(super) fn forget_service(&self, service: &str) {
        let prefix = OutboxKey::of_service(service);
        READ.remove(&prefix);
        let storage = Rc::clone(&self.storage);
        spawn_local(async move {
            for (room, _) in storage.all(Store::Copies, &prefix).await {
                storage.remove(Store::Copies, room);
            }
        });
    }

    /// Who has read, and what.
    fn read_key(&self, open: &OpenRoom) -> Option<OutboxKey> {
        key_for(self.app, open, name_if_shared)
    }

    /// Whose copy it is, and of what: rights are an account's, and a name is nothing but a name.
    fn key(&self, open: &OpenRoom) -> Option<OutboxKey> {
        key_for(self.app, open, |_| "")
    }
}
