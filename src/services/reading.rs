//! What is read in one window is read in all windows of the browser that show the same room to the same account.

use std::cell::RefCell;
use std::rc::Rc;

use effusion_chat::RoomKind;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{BroadcastChannel, MessageEvent};

use super::navigation::account_key;
use super::notifications::Notifications;
use crate::platform::page;
use crate::state::{App, OpenRoom};

/// The channel between the windows.
const CHANNEL: &str = "effusion-read";

/// Up to where a room was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ReadMark {
    /// The account, as [`account_key`] names it.
    account: String,
    /// The room's name.
    room: String,
    /// The principal that the reader talks to, if it is a conversation.
    peer: Option<String>,
    /// The sequence of the newest event that was read; none where there is no series, and all was read.
    sequence: Option<u64>,
}

/// What is known to have been read, by the rooms' numbers.
type Known = Rc<RefCell<Vec<(usize, Option<u64>)>>>;

/// Shares what is read with other windows, until the owner of the caller is done with.
pub(super) fn share(app: App, notifications: Rc<Notifications>) {
    // Without channels, each window is for itself.
    let Ok(channel) = BroadcastChannel::new(CHANNEL) else {
        return;
    };
    let known = Known::default();
    let heard = Rc::clone(&known);
    page::listen(&channel, "message", move |event| {
        let data = event.unchecked_ref::<MessageEvent>().data();
        if let Some(Ok(mark)) = data
            .as_string()
            .map(|text| serde_json::from_str::<ReadMark>(&text))
        {
            take_in(app, &heard, &mark);
        }
    });
    let closing = SendWrapper::new(channel.clone());
    on_cleanup(move || closing.close());
    let told = Rc::clone(&notifications);
    Effect::new(move |_| {
        for room in app.tracked_rooms() {
            room.version.track();
        }
        told.follow_edits();
    });
    Effect::new(move |_| {
        let rooms = app.tracked_rooms();
        let reads: Vec<_> = rooms.iter().map(|it| (it.id, it.read.get())).collect();
        let before = known.replace(reads.clone());
        for (room, (id, read)) in rooms.iter().zip(&reads) {
            let is_new = before
                .iter()
                .any(|(known, before)| known == id && before != read);
            let mark = read.filter(|_| is_new).and_then(|_| mark(app, room));
            if let Some(Ok(mark)) = mark.map(|mark| serde_json::to_string(&mark)) {
                // A window that cannot be told stays as it is.
                let _ = channel.post_message(&JsValue::from_str(&mark));
            }
        }
        notifications.close_read();
    });
}

/// What this window has read of a room.
fn mark(app: App, room: &OpenRoom) -> Option<ReadMark> {
    let me = app.me.read_untracked();
    let me = me.as_ref()?;
    let info = room.info.read_untracked();
    let has_series = info.kind == RoomKind::History && room.peer.is_none();
    Some(ReadMark {
        account: account_key(me),
        room: info.name.to_string(),
        peer: room.peer.clone(),
        sequence: room.read().filter(|_| has_series),
    })
}

/// Another window has read something.
fn take_in(app: App, known: &Known, told: &ReadMark) {
    for room in app.all_rooms() {
        let Some(own) = mark(app, &room) else { return };
        let is_it = ReadMark {
            sequence: told.sequence,
            ..own
        } == *told;
        if !is_it {
            continue;
        }
        match told.sequence {
            Some(sequence) if room.read() < Some(sequence) => room.set_read(Some(sequence)),
            Some(_) => {}
            None => room.mark_read(),
        }
        // It is not told again.
        let mut known = known.borrow_mut();
        known.retain(|(id, _)| *id != room.id);
        known.push((room.id, room.read()));
    }
}
