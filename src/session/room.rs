//! Being in a room: its topic, the subscription to it, and what comes of that.

use std::cell::Cell;
use std::time::Duration;

use effusion_client::{
    Session, StreamEvent, TopicSpecification, TopicType, UnsubscribeReason, UnsubscribedReason,
    ValueStream, property,
};
use futures_util::StreamExt;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::value::{self, RoomValue};
use super::{fault, link, messages};
use crate::browser;
use crate::chat::{HISTORY_LIMIT, RoomKind};
use crate::model::fault::{Fault, Right};
use crate::model::form::Room;
use crate::state::{App, OpenRoom, RoomState};

/// How long the service may take to show a topic that was there before, in milliseconds.
const PATIENCE: u64 = 3_000;

/// For how long after a subscription what comes is not news: it was said before.
const CATCHING_UP: i64 = 1_500;

thread_local! {
    static NEXT_ROOM: Cell<usize> = const { Cell::new(0) };
}

/// Joins a room and shows it; one that is open already is only shown.
pub fn open_room(app: App, room: Room) {
    app.show_room(open(app, room, true));
}

/// Joins a room that turned out to be of another kind.
pub fn join_as(app: App, open: OpenRoom, kind: RoomKind) {
    open.room.update(|room| room.kind = kind);
    establish(app, open, true);
}

/// Joins a room again, after it could not be joined or was removed.
pub fn join_again(app: App, open: OpenRoom) {
    establish(app, open, true);
}

/// Leaves a room.
pub fn leave(app: App, open: OpenRoom) {
    let selector = selector(&open.room.read_untracked());
    if let Some(session) = link::session() {
        spawn_local(async move {
            // What still comes is passed over; there is nothing that a reader could do about a refusal.
            let _ = session.topics().unsubscribe(&selector).await;
        });
    }
    let mut rooms = app.rooms.get_untracked();
    let place = rooms
        .iter()
        .position(|room| room.id == open.id)
        .unwrap_or_default();
    rooms.retain(|room| room.id != open.id);
    let next = rooms.get(place).or(rooms.last()).copied();
    app.rooms.set(rooms);
    match next {
        Some(next) => app.show_room(next),
        None => app.active.set(None),
    }
}

/// Opens a room, if it is not open yet.
pub(super) fn open(app: App, room: Room, announce: bool) -> OpenRoom {
    let known = app
        .rooms
        .get_untracked()
        .into_iter()
        .find(|open| open.room.read_untracked().name == room.name);
    if let Some(known) = known {
        return known;
    }
    let id = NEXT_ROOM.replace(NEXT_ROOM.get() + 1);
    let reader = app
        .me
        .get_untracked()
        .map(|me| link::reader(&me))
        .unwrap_or_default();
    let open = OpenRoom::new(id, room, reader);
    app.rooms.update(|rooms| rooms.push(open));
    establish(app, open, announce);
    open
}

/// Makes the room's topic if need be, subscribes to it, and follows it until it is left or the session is over.
pub(super) fn establish(app: App, open: OpenRoom, announce: bool) {
    open.state.set(RoomState::Joining);
    let visit = open.begin_visit();
    let Some(session) = link::session() else {
        open.state.set(RoomState::Failed(Fault::NotConnected));
        return;
    };
    spawn_local(async move {
        if let Err(fault) = follow(app, open, visit, session, announce).await {
            fail(open, visit, fault);
        }
    });
}

async fn follow(
    app: App,
    open: OpenRoom,
    visit: usize,
    session: Session,
    announce: bool,
) -> Result<(), Fault> {
    let room = open.room.get_untracked();
    let selector = selector(&room);
    let stream = session
        .add_stream::<RoomValue>(&selector)
        .map_err(|_| Fault::NotARoom)?;
    // The room may be there already, and the reader may be allowed to see it, but not to make it. The order is the
    // tutorial's: make, listen, subscribe.
    let added = session
        .topics()
        .add(&room.name.topic_path(), specification(room.kind))
        .await;
    session
        .topics()
        .select(&selector)
        .await
        .map_err(|error| fault::of_request(error, Right::Read))?;
    match added {
        Ok(_) => opened(open, visit, announce),
        Err(error) => {
            let fault = match fault::of_request(error, Right::Create) {
                // Something is there, or else it could have been made.
                Fault::NotARoom => Fault::NotPermitted(Right::Read),
                fault => fault,
            };
            let give_up = move || {
                if *open.state.read_untracked() == RoomState::Joining {
                    fail(open, visit, fault);
                }
            };
            set_timeout(give_up, Duration::from_millis(PATIENCE));
        }
    }
    listen(app, open, visit, stream, announce).await
}

async fn listen(
    app: App,
    open: OpenRoom,
    visit: usize,
    mut stream: ValueStream<RoomValue>,
    announce: bool,
) -> Result<(), Fault> {
    let mut news_from = browser::now() + CATCHING_UP;
    while let Some(event) = stream.next().await {
        let is_left = app
            .rooms
            .read_untracked()
            .iter()
            .all(|room| room.id != open.id);
        if is_left || !open.is_visit(visit) {
            break;
        }
        match event {
            StreamEvent::Subscribed { topic } => {
                match value::kind(&topic.specification) {
                    Some(kind) if kind == open.room.read_untracked().kind => {}
                    Some(kind) => return Err(Fault::OtherKind(kind)),
                    None => return Err(Fault::NotARoom),
                }
                news_from = browser::now() + CATCHING_UP;
                if !matches!(
                    *open.state.read_untracked(),
                    RoomState::Open | RoomState::ReadOnly(_)
                ) {
                    opened(open, visit, announce);
                }
            }
            StreamEvent::Value { old, new, .. } => {
                let first = old.is_none();
                // A live room has one value from before; which of the events are from before, nothing says.
                let is_old = match new {
                    RoomValue::Live(_) => first,
                    RoomValue::Event(_) => browser::now() <= news_from,
                };
                if receive(open, new, first) && !is_old {
                    app.notice(open);
                }
            }
            StreamEvent::Unsubscribed { reason, .. } => match reason {
                UnsubscribedReason::Service(UnsubscribeReason::Removal) => {
                    fail(open, visit, Fault::RoomRemoved)
                }
                UnsubscribedReason::Service(UnsubscribeReason::Authorization) => {
                    fail(open, visit, Fault::NotPermitted(Right::Read));
                }
                _ => {}
            },
            StreamEvent::NotSelected(error) => return Err(fault::of_request(error, Right::Read)),
            StreamEvent::Unreadable { .. } => {}
            StreamEvent::Closed(_) => break,
        }
    }
    Ok(())
}

/// True if it is news.
fn receive(open: OpenRoom, value: RoomValue, first: bool) -> bool {
    match value {
        RoomValue::Event(event) => open.change(|timeline| timeline.receive_event(event)),
        RoomValue::Live(message) => {
            // What was there before has only its own word for when it was written; the rest is written now.
            let at = if first {
                value::written(&message.timestamp)
            } else {
                browser::at(browser::now())
            };
            open.change(|timeline| timeline.receive_value(message, at, first))
        }
    }
}

fn opened(open: OpenRoom, visit: usize, announce: bool) {
    if open.is_visit(visit) {
        open.state.set(RoomState::Open);
        if announce {
            messages::announce(open);
        }
    }
}

fn fail(open: OpenRoom, visit: usize, fault: Fault) {
    if open.is_visit(visit) {
        open.state.set(RoomState::Failed(fault));
    }
}

fn selector(room: &Room) -> String {
    [">", &room.name.topic_path()].concat()
}

fn specification(kind: RoomKind) -> TopicSpecification {
    match kind {
        RoomKind::Live => TopicSpecification::new(TopicType::Json),
        RoomKind::History => TopicSpecification::new(TopicType::TimeSeries)
            .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
            .with(property::TIME_SERIES_RETAINED_RANGE, HISTORY_LIMIT)
            .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, HISTORY_LIMIT),
    }
}
