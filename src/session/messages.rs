//! Sending messages, and asking for earlier ones.

use effusion_client::{Interruption, Json, RangeAnchor, RangeSpan, RequestError};
use leptos::task::spawn_local;

use super::{fault, link, value};
use crate::browser;
use crate::model::fault::{Fault, Right};
use crate::model::timeline::Key;
use crate::state::{App, Earlier, OpenRoom, RoomState};
use effusion_chat::{ChatMessage, RoomKind, Timestamp};

/// How many earlier messages to ask for at once.
const PAGE: u64 = 100;

/// Sends what somebody wrote.
pub fn send(app: App, open: OpenRoom, text: String) {
    let now = browser::now();
    let message = ChatMessage {
        text: text.trim().to_owned(),
        name: app
            .me
            .peek()
            .as_ref()
            .map(|me| me.name.clone())
            .unwrap_or_default(),
        timestamp: Timestamp::Text(browser::iso(now)),
        ..ChatMessage::default()
    };
    let key = open.change(|timeline| timeline.send(message.clone(), browser::at(now)));
    deliver(open, key, message);
}

/// Sends a message again that did not get there.
pub fn retry(open: OpenRoom, key: Key) {
    if let Some(message) = open.change(|timeline| timeline.retry(key)) {
        deliver(open, key, message);
    }
}

/// Asks a history room for what was before the oldest message shown.
pub fn earlier(open: OpenRoom) {
    let Some((session, oldest)) =
        link::session().zip(open.look(|timeline| timeline.oldest_sequence()))
    else {
        return;
    };
    let path = open.room.peek().name.topic_path();
    open.earlier.set(Earlier::Loading);
    spawn_local(async move {
        let found = session
            .time_series()
            .range_query()
            .from(RangeAnchor::Sequence(oldest.saturating_sub(PAGE)))
            .to(RangeSpan::ToSequence(oldest.saturating_sub(1)))
            .select_from::<Json>(&path)
            .await;
        open.earlier.set(match found {
            Ok(found) if found.events.is_empty() => Earlier::None,
            Ok(found) => {
                let events = found.events.into_iter().map(value::of).collect();
                open.change(|timeline| timeline.add_older(events));
                Earlier::Unknown
            }
            Err(_) => Earlier::Failed,
        });
    });
}

/// Tells those in a room that the reader has come in.
pub(super) fn announce(open: OpenRoom) {
    let name = open.look(|timeline| timeline.reader().name.clone());
    let message = ChatMessage::joined(&name, browser::iso(browser::now()));
    spawn_local(async move {
        // It is not the reader's own message: if it does not get there, nothing is lost.
        if let Err(fault) = put(open, &message).await {
            mind_rights(open, &fault);
        }
    });
}

fn deliver(open: OpenRoom, key: Key, message: ChatMessage) {
    spawn_local(async move {
        match put(open, &message).await {
            Ok(sequence) => {
                // Rights change: who was told of a missing one has it now.
                let was_read_only = matches!(*open.state.peek(), RoomState::ReadOnly(_));
                if was_read_only {
                    open.state.set(RoomState::Open);
                }
                open.change(|timeline| timeline.acknowledge(key, sequence));
            }
            Err(fault) => {
                mind_rights(open, &fault);
                open.change(|timeline| timeline.fail(key, fault));
            }
        }
    });
}

/// Who may not write should know before trying again.
fn mind_rights(open: OpenRoom, fault: &Fault) {
    if *fault == Fault::NotPermitted(Right::Write) && *open.state.peek() == RoomState::Open {
        open.state.set(RoomState::ReadOnly(fault.clone()));
    }
}

/// Puts a message into a room: as the topic's value, or as an event, whose sequence is answered.
async fn put(open: OpenRoom, message: &ChatMessage) -> Result<Option<u64>, Fault> {
    let (path, kind) = {
        let room = open.room.peek();
        (room.name.topic_path(), room.kind)
    };
    let value = message.to_json();
    loop {
        let session = link::session().ok_or(Fault::NotConnected)?;
        let done = match kind {
            RoomKind::Live => session
                .topic_update()
                .set(&path, &value)
                .await
                .map(|()| None),
            RoomKind::History => session
                .time_series()
                .append(&path, &value)
                .await
                .map(|metadata| Some(metadata.sequence)),
        };
        match done {
            // The session was lost with the message still here: it waits for the one that takes its place.
            Err(RequestError::NeverSent(
                Interruption::SessionLost | Interruption::MessagesLost,
            )) => {}
            done => return done.map_err(|error| fault::of_request(error, Right::Write)),
        }
    }
}
