//! What this device keeps for the next visit: messages that are not acknowledged, and copies of rooms.
//!
//! A part of the page that is fetched once somebody joins a room: only [`crate::parts`] calls what is here. What sends
//! does not wait for it, but for what was written before.

use leptos::prelude::*;
use std::cell::Cell;

use effusion_client::{Json, RangeAnchor};

use super::database::{self, Store};
use super::{link, offline, outbox, value};
use crate::model::outbox::{from_record, to_record};
use crate::state::{App, OpenRoom};
use effusion_chat::{MessageId, RoomKind};

/// In how many of the newest events of a room a message is looked for before it is sent again.
const LOOK_BACK: u64 = 200;

thread_local! {
    static BEGUN: Cell<bool> = const { Cell::new(false) };
}

/// Takes up what is kept of a room: what was written in it and did not get there, before a reload or under another session,
/// and, until the room itself can be had, what was said there. From now on, the rooms are kept.
pub(crate) async fn recall(app: App, open: OpenRoom) {
    if !BEGUN.replace(true) {
        offline::begin(app);
    }
    write().await;
    if let Some(shelter) = outbox::shelter(app, open) {
        for (key, record) in database::all(Store::Outbox, shelter.prefix()).await {
            let message = from_record(record).and_then(|message| Some((message.id?, message)));
            match message {
                Some((id, message)) => {
                    let at = value::written(&message.timestamp);
                    outbox::send_again(open, key, id, message, at);
                }
                None => database::remove(Store::Outbox, key).await,
            }
        }
    }
    outbox::taken_up(open);
    offline::recall(app, open).await;
}

/// Does what waits to be done for messages that are not acknowledged.
pub(crate) async fn write() {
    while let Some((key, message)) = outbox::next_task() {
        match message {
            Some(message) => database::put(Store::Outbox, key, to_record(&message)).await,
            None => database::remove(Store::Outbox, key).await,
        }
    }
}

/// Whether a message that may have arrived is among the newest of a history room.
pub(crate) async fn look_for(open: OpenRoom, id: Option<MessageId>) -> bool {
    if open.room.read_untracked().kind == RoomKind::Live {
        return false; // Everyone recognises it by its id.
    }
    let Some(session) = link::session() else {
        return false;
    };
    let path = open.room.read_untracked().name.topic_path();
    let newest = session
        .time_series()
        .range_query()
        .from(RangeAnchor::Last(LOOK_BACK))
        .select_from::<Json>(&path);
    let Ok(newest) = newest.await else {
        return false;
    };
    let mut events = newest.events.into_iter().map(value::of);
    let Some(event) = events.find(|event| event.message.id == id) else {
        return false;
    };
    open.change(|timeline| timeline.recognise(&event));
    true
}

/// Removes all that is kept of anybody.
pub(crate) async fn forget_all() {
    for store in [Store::Copies, Store::Outbox] {
        database::clear(store).await;
    }
}
