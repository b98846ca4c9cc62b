//! Sending messages, and asking for earlier ones.

use crate::state::SetIfChanged;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{fault, outbox};
use crate::browser;
use crate::model::fault::Right;
use crate::parts;
use crate::state::{App, Earlier, OpenRoom};
use effusion_chat::{ChatMessage, Timestamp};

/// Sends what somebody wrote.
pub fn send(app: App, open: OpenRoom, text: String) {
    let message = ChatMessage {
        text,
        ..ChatMessage::default()
    };
    say(app, open, message);
}

/// Sends what somebody wrote, with what belongs to it: what it answers, and whether it tells what they do.
pub fn say(app: App, open: OpenRoom, message: ChatMessage) {
    let now = browser::now();
    let message = ChatMessage {
        text: message.text.trim().to_owned(),
        name: app
            .me
            .read_untracked()
            .as_ref()
            .map(|me| me.name.clone())
            .unwrap_or_default(),
        timestamp: Timestamp::Text(browser::iso(now)),
        id: Some(browser::message_id()),
        ..message
    };
    outbox::post(app, open, message);
}

/// Asks a history room for what was before the oldest message shown.
pub fn earlier(open: OpenRoom) {
    let oldest = open.look(|timeline| timeline.oldest_sequence());
    let is_loading = *open.earlier.read_untracked() == Earlier::Loading;
    let Some(oldest) = oldest.filter(|_| !is_loading) else {
        return;
    };
    open.earlier.set(Earlier::Loading);
    spawn_local(async move {
        open.earlier.set(match fill(open, oldest, false).await {
            Some(true) => Earlier::None,
            Some(false) => Earlier::Unknown,
            None => Earlier::Failed,
        });
    });
}

/// Asks for what is missing right before a message: for the newest of it, or, for who comes from above, the oldest.
pub fn fill_gap(open: OpenRoom, rank: u64, from_above: bool) {
    if *open.filling.read_untracked() {
        return;
    }
    open.filling.set_if_changed(true);
    spawn_local(async move {
        // What cannot be had now is asked for again when somebody looks again.
        let _ = fill(open, rank, from_above).await;
        open.filling.set_if_changed(false);
    });
}

/// Asks for what is missing before a message. What asks is a part of its own.
async fn fill(open: OpenRoom, rank: u64, from_above: bool) -> Option<bool> {
    parts::fill(open, rank, from_above).await.ok()?.await
}

/// Tells those in a room that the reader has come in.
pub(super) fn announce(open: OpenRoom) {
    let name = open.look(|timeline| timeline.reader().name.clone());
    let message = ChatMessage::joined(&name, browser::iso(browser::now()));
    spawn_local(async move {
        // It is not the reader's own message: if it does not get there, nothing is lost.
        if let Err(error) = outbox::put(open, &message).await {
            outbox::refused(open, &fault::of_request(error, Right::Write));
        }
    });
}
