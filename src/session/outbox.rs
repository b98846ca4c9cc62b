//! Sending: what is not acknowledged is kept, and goes out in order, one message of a room at a time.
//!
//! Each message has an id by which everyone recognises it. So it can be sent again when nobody knows whether it got there;
//! and where the service can be asked, it is asked before.
//!
//! What keeps messages on the device is [`super::keep`], a part of the page of its own. Until it is there, what is to be
//! kept waits here.

use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::time::Duration;

use effusion_client::web::Browser;
use effusion_client::{Interruption, RequestError, Runtime, Session, SessionState};
use futures_util::StreamExt;
use leptos::task::spawn_local;

use super::direct::Sent;
use super::{fault, link};
use crate::browser;
use crate::features::timeline::Key;
use crate::model::fault::{Fault, Right};
use crate::model::outbox::Shelter;
use crate::model::time::At;
use crate::parts;
use crate::state::{App, OpenRoom, RoomState};
use effusion_chat::{ChatMessage, MessageId, RoomKind};

/// How long to wait before what had no answer is sent again, in milliseconds.
const PAUSE: u64 = 1_000;

/// How long what is written waits for what was written before, while that is being fetched, in milliseconds.
const PATIENCE: u64 = 5_000;

thread_local! {
    /// Which rooms are being served.
    static BUSY: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// Of which rooms what was written before is to be taken up, and whether that has begun.
    static RECALLING: RefCell<Vec<(usize, bool)>> = const { RefCell::new(Vec::new()) };
    /// The messages that are to be stored, and those that are, with their keys.
    static STORED: RefCell<Vec<(MessageId, String)>> = const { RefCell::new(Vec::new()) };
    /// What is to be done in the database.
    static TASKS: RefCell<Vec<Task>> = const { RefCell::new(Vec::new()) };
    /// Messages that may have arrived.
    static DOUBTFUL: RefCell<Vec<MessageId>> = const { RefCell::new(Vec::new()) };
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// What is to be stored under a key; nothing, if what is there is to be removed.
pub(super) type Task = (String, Option<ChatMessage>);

/// What became of an attempt.
enum Outcome {
    /// The service has it, in a history room at this place of the series.
    Done(Option<u64>),
    /// It got there already.
    Known,
    /// The service does not take it.
    Refused(Fault),
    /// It may have arrived, or may not.
    Unknown,
    /// There is no connection, and none is to be expected.
    NoSession,
}

/// Puts a message on its way.
pub(super) fn post(app: App, open: OpenRoom, message: ChatMessage) {
    let now = browser::now();
    store(app, open, now, &message);
    open.change(|timeline| {
        // Whoever answers has read.
        timeline.set_line(None);
        timeline.send(message, browser::at(now))
    });
    serve(open);
}

/// Sends a message again that was not taken.
pub fn retry(open: OpenRoom, key: Key) {
    open.change(|timeline| timeline.retry(key));
    serve(open);
}

/// Gives up a message that was not taken.
pub fn cancel(open: OpenRoom, key: Key) {
    if let Some(id) = open
        .change(|timeline| timeline.cancel(key))
        .and_then(|it| it.id)
    {
        forget(id);
    }
}

/// Has what is kept of a room taken up: what was written before goes out before anything else. What is said in the room now
/// comes first, unless the service lets one wait for it.
pub(super) fn take_up(app: App, open: OpenRoom) {
    RECALLING.with_borrow_mut(|rooms| rooms.push((open.id, false)));
    if link::session().is_none() || open.peer.is_some() {
        recall(app, open);
    }
    set_timeout(move || recall(app, open), Duration::from_millis(PAUSE));
    // What fetches the part may not hold up what is written for ever.
    set_timeout(move || taken_up(open), Duration::from_millis(PATIENCE));
}

/// Takes up what is kept of a room, if that is due and has not begun.
pub(super) fn recall(app: App, open: OpenRoom) {
    let begins = RECALLING.with_borrow_mut(|rooms| {
        let due = rooms.iter_mut().find(|(room, _)| *room == open.id);
        due.is_some_and(|(_, begun)| !std::mem::replace(begun, true))
    });
    if !begins {
        return;
    }
    spawn_local(async move {
        if let Ok(recalling) = parts::recall(app, open).await {
            recalling.await;
        }
        taken_up(open);
    });
}

/// What was written before is there, or will not come.
pub(super) fn taken_up(open: OpenRoom) {
    RECALLING.with_borrow_mut(|rooms| rooms.retain(|(room, _)| *room != open.id));
    serve(open);
}

/// Takes up a message that was written before and did not get there as far as anybody knows; unless it is seen to have got
/// there, since the room is shown first. It is stored under this key.
pub(super) fn send_again(open: OpenRoom, key: String, id: MessageId, message: ChatMessage, at: At) {
    let is_known = is_stored(id);
    if is_known && open.look(|timeline| timeline.has_unsent(id)) {
        return;
    }
    if !is_known {
        STORED.with_borrow_mut(|stored| stored.push((id, key)));
    }
    if open.look(|timeline| timeline.has_own(id)) {
        forget(id);
        return;
    }
    DOUBTFUL.with_borrow_mut(|doubtful| doubtful.push(id));
    open.change(|timeline| timeline.send(message, at));
}

/// Sends what waits in a room, the oldest first, unless that is under way.
pub(super) fn serve(open: OpenRoom) {
    let ready = matches!(
        *open.state.read_untracked(),
        RoomState::Open | RoomState::ReadOnly(_)
    );
    let busy = BUSY.with_borrow(|rooms| rooms.contains(&open.id));
    let recalling = RECALLING.with_borrow(|rooms| rooms.iter().any(|(room, _)| *room == open.id));
    if !ready || busy || recalling {
        return;
    }
    BUSY.with_borrow_mut(|busy| busy.push(open.id));
    spawn_local(async move {
        while let Some((key, message)) = open.look(|timeline| timeline.next_unsent()) {
            let outcome = attempt(open, &message).await;
            if let Some(id) = message.id {
                let doubtful = matches!(outcome, Outcome::Unknown);
                DOUBTFUL.with_borrow_mut(|known| {
                    known.retain(|known| *known != id);
                    if doubtful {
                        known.push(id);
                    }
                });
            }
            match outcome {
                Outcome::Done(sequence) => {
                    open.change(|timeline| timeline.acknowledge(key, sequence));
                    writable(open);
                }
                Outcome::Known => {}
                Outcome::Refused(fault) => {
                    refused(open, &fault);
                    open.change(|timeline| timeline.fail(key, fault));
                    continue;
                }
                Outcome::Unknown => {
                    Browser.sleep(PAUSE).await;
                    continue;
                }
                // A new session opens its rooms, and then this begins again.
                Outcome::NoSession => break,
            }
            if let Some(id) = message.id {
                forget(id);
            }
        }
        BUSY.with_borrow_mut(|busy| busy.retain(|room| *room != open.id));
    });
}

/// The service has confirmed by its events what was sent from here: it need not be kept any more.
pub(super) fn arrived(open: OpenRoom, message: &ChatMessage) {
    if let Some(id) = message.id
        && is_stored(id)
        && !open.look(|timeline| timeline.has_unsent(id))
    {
        forget(id);
    }
}

/// Who may not write should know before trying again.
pub(super) fn refused(open: OpenRoom, fault: &Fault) {
    if *fault == Fault::NotPermitted(Right::Write)
        && *open.state.read_untracked() == RoomState::Open
    {
        open.state.set(RoomState::ReadOnly(fault.clone()));
    }
}

/// Rights change: who was told of a missing one has it now.
fn writable(open: OpenRoom) {
    let was_read_only = matches!(*open.state.read_untracked(), RoomState::ReadOnly(_));
    if was_read_only {
        open.state.set(RoomState::Open);
    }
}

/// Puts a message into a room once: as the topic's value, or as an event, whose sequence is answered.
pub(super) async fn put(
    open: OpenRoom,
    message: &ChatMessage,
) -> Result<Option<u64>, RequestError> {
    let (path, kind) = {
        let room = open.room.read_untracked();
        (room.name.topic_path(), room.kind)
    };
    let value = message.to_json();
    let Some(session) = link::session() else {
        return Err(RequestError::NeverSent(Interruption::SessionLost));
    };
    match kind {
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
    }
}

async fn attempt(open: OpenRoom, message: &ChatMessage) -> Outcome {
    if open.peer.is_some() {
        return attempt_direct(open, message.clone()).await;
    }
    let Some(session) = link::session() else {
        return Outcome::NoSession;
    };
    let doubtful = message
        .id
        .is_some_and(|id| DOUBTFUL.with_borrow(|known| known.contains(&id)));
    if doubtful && look_for(open, message).await {
        return Outcome::Known;
    }
    match put(open, message).await {
        Ok(sequence) => Outcome::Done(sequence),
        // Nothing of what the service does not say can be known.
        Err(error) if error.may_have_happened() => Outcome::Unknown,
        Err(RequestError::NeverSent(_)) if is_over(&session) => Outcome::NoSession,
        Err(RequestError::NeverSent(_)) => Outcome::Unknown,
        Err(error) => Outcome::Refused(fault::of_request(error, Right::Write)),
    }
}

/// Sends a message to one person alone.
async fn attempt_direct(open: OpenRoom, message: ChatMessage) -> Outcome {
    let Some(session) = link::session() else {
        return Outcome::NoSession;
    };
    match parts::send_direct(open, message).await {
        Ok(sending) => match sending.await {
            Sent::Done => Outcome::Done(None),
            Sent::Refused(fault) => Outcome::Refused(fault),
            Sent::Unknown if is_over(&session) => Outcome::NoSession,
            Sent::Unknown => Outcome::Unknown,
        },
        Err(_) => Outcome::Refused(Fault::NotConnected),
    }
}

/// Whether a message that may have arrived is there. If nobody can tell, everyone recognises it by its id.
async fn look_for(open: OpenRoom, message: &ChatMessage) -> bool {
    match parts::look_for(open, message.id).await {
        Ok(looking) => looking.await,
        Err(_) => false,
    }
}

fn is_over(session: &Session) -> bool {
    let mut states = session.states();
    // The first item is the state now, and there at once.
    let now = futures_util::FutureExt::now_or_never(states.next());
    matches!(now, None | Some(None | Some(SessionState::Closed(_))))
}

fn store(app: App, open: OpenRoom, now: i64, message: &ChatMessage) {
    if let (Some(shelter), Some(id)) = (shelter(app, open), message.id) {
        NUMBER.set(NUMBER.get().wrapping_add(1));
        let key = shelter.key(now, NUMBER.get());
        STORED.with_borrow_mut(|stored| stored.push((id, key.clone())));
        TASKS.with_borrow_mut(|tasks| tasks.push((key, Some(message.clone()))));
        write();
    }
}

fn forget(id: MessageId) {
    let key = STORED.with_borrow_mut(|stored| {
        let place = stored.iter().position(|(known, _)| *known == id)?;
        Some(stored.swap_remove(place).1)
    });
    let Some(key) = key else { return };
    TASKS.with_borrow_mut(
        |tasks| match tasks.iter().position(|(known, _)| *known == key) {
            // What has not been stored yet need not be.
            Some(place) => drop(tasks.remove(place)),
            None => tasks.push((key, None)),
        },
    );
    write();
}

fn is_stored(id: MessageId) -> bool {
    STORED.with_borrow(|stored| stored.iter().any(|(known, _)| *known == id))
}

/// Has the database do what there is to do, as soon as the part that knows it is there.
fn write() {
    spawn_local(async {
        // Without the part it waits, as long as the page is open, for the next time.
        if let Ok(writing) = parts::write().await {
            writing.await;
        }
    });
}

/// What is to be done next in the database.
pub(super) fn next_task() -> Option<Task> {
    TASKS.with_borrow_mut(|tasks| (!tasks.is_empty()).then(|| tasks.remove(0)))
}

/// Nothing is to be kept of what was not stored yet.
pub(super) fn drop_tasks() {
    TASKS.take();
}

/// Where what is written in a room is kept. What two people say to each other has its own way.
pub(super) fn shelter(app: App, open: OpenRoom) -> Option<Shelter> {
    let name = app.me.read_untracked().as_ref()?.name.clone();
    shelter_for(app, open, &name)
}

/// Where something of a room is kept for the reader's account at its service, and for a name if that matters.
pub(super) fn shelter_for(app: App, open: OpenRoom, name: &str) -> Option<Shelter> {
    let me = app.me.read_untracked();
    let me = me.as_ref()?;
    let path = match &open.peer {
        Some(peer) => effusion_chat::direct_path(peer)?,
        None => open.room.read_untracked().name.topic_path(),
    };
    Some(Shelter::new(
        &me.service.address(),
        &me.credentials.principal,
        name,
        &path,
    ))
}
