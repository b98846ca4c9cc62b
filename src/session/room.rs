//! Being in a room: its topic, the subscription to it, and what comes of that.

use crate::state::SetIfChanged;
use leptos::prelude::*;
use std::cell::Cell;
use std::time::Duration;

use effusion_client::{
    AddTopicResult, Json, QueryResult, RangeAnchor, Session, StreamEvent, TopicSpecification,
    TopicType, UnsubscribeReason, UnsubscribedReason, property,
};
use futures_util::StreamExt;
use leptos::task::spawn_local;

use super::value::{self, RoomValue};
use super::{fault, link, messages, offline, outbox};
use crate::browser;
use crate::model::attention::mentions;
use crate::model::fault::{Fault, Right};
use crate::model::form::Room;
use crate::parts;
use crate::state::{App, OpenRoom, RoomState};
use effusion_chat::{ChatMessage, HISTORY_LIMIT, RoomKind};

/// How long the service may take to show a topic that was there before, in milliseconds.
const PATIENCE: u64 = 3_000;

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
    if open.peer.is_some() {
        // It is only put away: it comes back with the next message.
        app.direct
            .update(|direct| direct.retain(|it| it.id != open.id));
        let next = app.rooms.read_untracked().first().copied();
        return match next {
            Some(next) => app.show_room(next),
            None => app.active.set(None),
        };
    }
    unsubscribe(open);
    spawn_local(async move {
        // Without the part, nobody was told that the reader was there.
        let _ = parts::depart(open).await;
    });
    open.close();
    let place = app
        .rooms
        .read_untracked()
        .iter()
        .position(|room| room.id == open.id)
        .unwrap_or_default();
    app.rooms
        .update(|rooms| rooms.retain(|room| room.id != open.id));
    let next = {
        let rooms = app.rooms.read_untracked();
        rooms.get(place).or(rooms.last()).copied()
    };
    match next {
        Some(next) => app.show_room(next),
        None => app.active.set(None),
    }
}

/// Opens a room, if it is not open yet.
pub(super) fn open(app: App, room: Room, announce: bool) -> OpenRoom {
    let known = app
        .rooms
        .read_untracked()
        .iter()
        .find(|open| open.room.read_untracked().name == room.name)
        .copied();
    if let Some(known) = known {
        return known;
    }
    let id = next_id();
    let reader = app
        .me
        .read_untracked()
        .as_ref()
        .map(link::reader)
        .unwrap_or_default();
    let open = OpenRoom::new(id, room, reader);
    app.rooms.update(|rooms| rooms.push(open));
    recall(app, open);
    establish(app, open, announce);
    open
}

/// What to call the next room.
pub(super) fn next_id() -> usize {
    NEXT_ROOM.replace(NEXT_ROOM.get() + 1)
}

/// Puts a room before or after the one beside it in the list.
pub fn move_room(app: App, room: usize, to: usize) {
    app.rooms.update(|rooms| {
        if let Some(from) = rooms.iter().position(|it| it.id == room) {
            let moved = rooms.remove(from);
            rooms.insert(to.min(rooms.len()), moved);
        }
    });
}

/// Says what a room is about.
pub fn set_topic(app: App, open: OpenRoom, topic: String) {
    spawn_local(async move {
        // Without the part it stays as it was.
        let _ = parts::set_topic(app, open, topic).await;
    });
}

/// Takes a room out of the archive.
pub fn reopen(app: App, open: OpenRoom) {
    spawn_local(async move {
        // Without the part it stays there.
        let _ = parts::reopen(app, open).await;
    });
}

/// Takes up what this device has kept of a room.
pub(super) fn recall(app: App, open: OpenRoom) {
    open.set_read(offline::recall_read(app, open));
    outbox::take_up(app, open);
}

/// Makes the room's topic if need be, subscribes to it, and follows it until it is left or the session is over.
pub(super) fn establish(app: App, open: OpenRoom, announce: bool) {
    open.state.set(RoomState::Joining);
    let visit = Visit {
        app,
        open,
        number: open.begin_visit(),
        announce,
        made: false,
        caught_up: None,
    };
    match link::session() {
        // It is opened once there is one; until then there is what was kept.
        None => {}
        Some(session) => spawn_local(async move {
            if let Err(fault) = follow(visit, session).await {
                // Whoever joins again wants to hear everything again.
                unsubscribe(open);
                visit.fail(fault);
            }
        }),
    }
}

async fn follow(mut visit: Visit, session: Session) -> Result<(), Fault> {
    let room = visit.open.room.read_untracked().clone();
    let (path, selector) = (room.name.topic_path(), selector(&room));
    let mut stream = session
        .add_stream_at::<RoomValue>(&path)
        .map_err(|_| Fault::NotARoom)?;
    // The order is the tutorial's: make, listen, subscribe. All of it is asked for in one breath, and the service takes it
    // in this order: nobody waits three times for a slow network. The room may be there already, and the reader may be
    // allowed to see it, but not to make it.
    let topics = session.topics();
    let added = topics.add(&path, specification(room.kind, HISTORY_LIMIT));
    // What the newest event is now, was said before. It is answered before events come.
    let newest = (room.kind == RoomKind::History).then(|| {
        let query = session.time_series().range_query();
        query.from(RangeAnchor::Last(1)).select_from::<Json>(&path)
    });
    let selected = topics.select(&selector);
    let added = added.await;
    visit.made = matches!(added, Ok(AddTopicResult::Created));
    selected
        .await
        .map_err(|error| fault::of_request(error, Right::Read))?;
    if let Some(newest) = newest {
        visit.catch_up(newest.await.ok());
    }
    // Only the handle that the page keeps may keep the session open.
    drop(session);
    let missing = match added.map_err(|error| fault::of_request(error, Right::Create)) {
        // It is there, so it could have been read.
        Ok(_) | Err(Fault::NotARoom) => Fault::NotPermitted(Right::Read),
        Err(fault) => fault,
    };
    give_up_in_time(visit, missing);
    while let Some(event) = stream.next().await {
        if !visit.counts() {
            break;
        }
        visit.see(event)?;
    }
    Ok(())
}

/// If the room is there and may be read, its subscription shows soon; if not, this is why.
fn give_up_in_time(visit: Visit, fault: Fault) {
    let give_up = move || {
        let joining = *visit.open.state.read_untracked() == RoomState::Joining;
        if joining {
            visit.fail(fault);
        }
    };
    set_timeout(give_up, Duration::from_millis(PATIENCE));
}

/// A visit to a room: what it has come to, and what to say about it.
#[derive(Clone, Copy)]
struct Visit {
    app: App,
    open: OpenRoom,
    number: usize,
    announce: bool,
    /// Whether the room was not there before.
    made: bool,
    /// The newest sequence that there was when the subscription began.
    caught_up: Option<u64>,
}

impl Visit {
    /// Takes in what happened to the topic.
    fn see(&mut self, event: StreamEvent<RoomValue>) -> Result<(), Fault> {
        let open = self.open;
        match event {
            StreamEvent::Subscribed { topic } => {
                match value::kind(&topic.specification) {
                    Some(kind) if kind == open.room.read_untracked().kind => {}
                    Some(kind) => return Err(Fault::OtherKind(kind)),
                    None => return Err(Fault::NotARoom),
                }
                open.change(|timeline| timeline.subscribed());
                open.copied.set_if_changed(false);
                let is_open = matches!(
                    *open.state.read_untracked(),
                    RoomState::Open | RoomState::ReadOnly(_)
                );
                if !is_open {
                    self.opened();
                }
                outbox::serve(open);
            }
            StreamEvent::Value { old, new, .. } => {
                let first = old.is_none();
                let sequence = match &new {
                    RoomValue::Event(event) => Some(event.sequence),
                    RoomValue::Live(_) => None,
                };
                let named = self.names_reader(&new);
                let is_news = receive(open, new, first);
                let is_unread = match sequence {
                    Some(sequence) => self.said(sequence, is_news),
                    // A live room has one value from before.
                    None => is_news && !first && self.app.notice(open),
                };
                if let Some(message) = named.filter(|_| is_unread) {
                    self.mentioned(sequence, message);
                }
            }
            StreamEvent::Unsubscribed {
                reason: UnsubscribedReason::Service(reason),
                ..
            } => match reason {
                UnsubscribeReason::Removal => self.fail(Fault::RoomRemoved),
                UnsubscribeReason::Authorization => self.fail(Fault::NotPermitted(Right::Read)),
                _ => {}
            },
            StreamEvent::NotSelected(error) => return Err(fault::of_request(error, Right::Read)),
            // The session is renewed, or over: its own state says so. What cannot be read is no message.
            StreamEvent::Unsubscribed { .. }
            | StreamEvent::Unreadable { .. }
            | StreamEvent::Closed(_) => {}
        }
        Ok(())
    }

    /// Whoever comes for the first time has missed nothing.
    fn catch_up(&mut self, newest: Option<QueryResult<Json>>) {
        let Some(newest) = newest else {
            return; // The reader may not ask. Then what comes is taken for new.
        };
        let sequences = newest.events.iter().map(|event| event.metadata.sequence);
        self.caught_up = sequences.max();
        let read = self.open.read();
        // A series that was made anew begins at zero again.
        let is_known = read.is_some_and(|read| Some(read) <= self.caught_up);
        if !is_known {
            self.open.set_read(self.caught_up);
        }
    }

    /// The message, if it names the reader.
    fn names_reader(&self, value: &RoomValue) -> Option<ChatMessage> {
        let message = match value {
            RoomValue::Live(message) => message,
            RoomValue::Event(event) if event.edits.is_none() => &event.message,
            RoomValue::Event(_) => return None,
        };
        let me = self.app.me.read_untracked();
        let name = &me.as_ref()?.name;
        mentions(&message.text, name).then(|| message.clone())
    }

    /// The reader has not seen a message that names them.
    fn mentioned(&self, sequence: Option<u64>, message: ChatMessage) {
        let (app, open) = (self.app, self.open);
        open.mentions.update(|mentions| *mentions += 1);
        // What was said before the reader came is counted, but it is late for more.
        if sequence.is_none_or(|sequence| self.caught_up < Some(sequence)) {
            spawn_local(async move {
                // Without the part there is the mark in the list of rooms.
                let _ = parts::mention(app, open, message).await;
            });
        }
    }

    /// An event has come; by somebody else, if it is news. True if the reader has not seen it.
    fn said(&self, sequence: u64, is_news: bool) -> bool {
        let (app, open) = (self.app, self.open);
        let is_old = open.read() >= Some(sequence);
        let was_missed = self.caught_up >= Some(sequence);
        let looking = app.is_looking_at(open);
        let mut unread = false;
        if is_news && !is_old {
            if was_missed && looking {
                open.said(false);
            } else {
                unread = app.notice(open);
            }
        }
        // What one says oneself, or who comes and goes, has been seen, too.
        let is_aside = !is_news && !was_missed;
        if looking && (is_aside || self.caught_up == Some(sequence)) {
            open.saw_all();
        }
        unread
    }

    fn counts(&self) -> bool {
        self.open.is_visit(self.number)
    }

    fn opened(&self) {
        if self.counts() {
            self.open.state.set(RoomState::Open);
            let Self {
                app,
                open,
                number,
                made,
                ..
            } = *self;
            // What is said here comes first, and who is here after it.
            browser::once_drawn(move || {
                outbox::recall(app, open);
                spawn_local(async move {
                    // Without the part, the room is as good, but for those who are in it.
                    let _ = parts::attend(app, open, number).await;
                    if made {
                        let _ = parts::introduce(app, open).await;
                    }
                    // And for what they think of the messages.
                    let _ = parts::follow_reactions(open, number).await;
                });
            });
            if self.announce {
                messages::announce(self.open);
            }
        }
    }

    fn fail(&self, fault: Fault) {
        if self.counts() {
            self.open.state.set(RoomState::Failed(fault));
        }
    }
}

/// True if it is news.
fn receive(open: OpenRoom, value: RoomValue, first: bool) -> bool {
    match value {
        RoomValue::Event(event) => {
            let message = event.message.clone();
            let news = open.change(|timeline| timeline.receive_event(event));
            outbox::arrived(open, &message);
            news
        }
        RoomValue::Live(message) => {
            // What was there before has only its own word for when it was written; the rest is written now.
            let at = if first {
                value::written(&message.timestamp)
            } else {
                browser::at(browser::now())
            };
            let news = open.change(|timeline| timeline.receive_value(message.clone(), at, first));
            outbox::arrived(open, &message);
            news
        }
    }
}

fn unsubscribe(open: OpenRoom) {
    let selector = selector(&open.room.read_untracked());
    if let Some(session) = link::session() {
        spawn_local(async move {
            // What still comes is passed over; there is nothing that a reader could do about a refusal.
            let _ = session.topics().unsubscribe(&selector).await;
        });
    }
}

fn selector(room: &Room) -> String {
    [">", &room.name.topic_path()].concat()
}

/// The topic of a room that keeps so much, if it keeps anything.
pub(super) fn specification(kind: RoomKind, keep: &str) -> TopicSpecification {
    match kind {
        RoomKind::Live => TopicSpecification::new(TopicType::Json),
        RoomKind::History => TopicSpecification::new(TopicType::TimeSeries)
            .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
            .with(property::TIME_SERIES_RETAINED_RANGE, keep)
            .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, HISTORY_LIMIT),
    }
}
