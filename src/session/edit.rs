//! Changing what one has said: an edit of its event. The service keeps what was there before.

use effusion_client::{Interruption, RequestError};
use leptos::prelude::*;

use super::{fault, link};
use crate::features::timeline::Key;
use crate::model::fault::{Fault, Right};
use crate::state::OpenRoom;
use effusion_chat::ChatMessage;

/// Puts other words in the place of a message's.
///
/// # Errors
/// Why the service did not do it.
pub async fn edit(open: OpenRoom, key: Key, text: String) -> Result<(), Fault> {
    replace(open, key, |message| ChatMessage { text, ..message }).await
}

/// Takes a message back: what remains says that there was one.
///
/// # Errors
/// Why the service did not do it.
pub async fn take_back(open: OpenRoom, key: Key) -> Result<(), Fault> {
    replace(open, key, |message| message.taken_back()).await
}

async fn replace(
    open: OpenRoom,
    key: Key,
    change: impl FnOnce(ChatMessage) -> ChatMessage,
) -> Result<(), Fault> {
    let known = open.look(|timeline| {
        let entry = timeline.row(key)?.entry;
        Some((entry.sequence?, entry.message))
    });
    let Some((sequence, message)) = known else {
        return Err(Fault::RoomRemoved);
    };
    let path = open.room.read_untracked().name.topic_path();
    let value = change(message).to_json();
    loop {
        let session = link::session().ok_or(Fault::NotConnected)?;
        match session.time_series().edit(&path, sequence, &value).await {
            Ok(_) => return Ok(()),
            // The session was lost with the request still here: it waits for the one that takes its place.
            Err(RequestError::NeverSent(
                Interruption::SessionLost | Interruption::MessagesLost,
            )) => {}
            Err(error) => return Err(fault::of_request(error, Right::Edit)),
        }
    }
}
