//! Being in rooms: their topics, the subscriptions to them, and what comes of that.

use std::cell::Cell;
use std::rc::Rc;

use effusion_client::{
    AddTopicResult, Json, QueryResult, RangeAnchor, Response, Session, StreamEvent,
    TopicSpecification, TopicType, UnsubscribeReason, UnsubscribedReason,
};
use futures_util::StreamExt;
use futures_util::future::OptionFuture;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::connection::{Connection, current_reader};
use super::copies::Copies;
use super::fault;
use super::notices::{Cause, Notice, Notices};
use super::value::{self, RoomValue};
use crate::features::composer::composing::Note;
use crate::features::join::form::Room;
use crate::features::timeline::mention::is_mentioned;
use crate::features::timeline::{At, Timeline, known_names};
use crate::platform::{clock, page};
use crate::state::{App, Entered, Fault, OpenRoom, Right, RoomState, SetIfChanged};
use crate::text;
use effusion_chat::{ChatMessage, HISTORY_LIMIT, RoomKind};

/// How long the service may take to show a topic that was there before, in milliseconds.
const JOIN_TIMEOUT: u32 = 3_000;

/// The rooms that the reader is in.
pub struct Rooms {
    app: App,
    connection: Rc<Connection>,
    copies: Rc<Copies>,
    notices: Rc<Notices>,
    next: Cell<usize>,
}

impl Rooms {
    pub(super) fn new(
        app: App,
        connection: &Rc<Connection>,
        copies: &Rc<Copies>,
        notices: &Rc<Notices>,
    ) -> Self {
        Self {
            app,
            connection: Rc::clone(connection),
            copies: Rc::clone(copies),
            notices: Rc::clone(notices),
            next: Cell::new(0),
        }
    }

    /// Joins a room and shows it; one that is open already is only shown.
    pub fn open_and_show(self: &Rc<Self>, room: Room) {
        let open = self.open(room, true);
        self.app.show_room(open);
    }

    /// Joins a room again, after it could not be joined or was removed.
    pub fn join_again(self: &Rc<Self>, open: &OpenRoom) {
        self.establish(open, true);
    }

    /// Leaves a room. What two people say to each other is only put away: it comes back with the next message.
    pub fn leave(&self, open: &OpenRoom) {
        let list = if open.peer.is_some() {
            self.app.direct
        } else {
            self.unsubscribe(open);
            open.close();
            self.app.rooms
        };
        let mut place = None;
        list.update(|rooms| {
            place = rooms.iter().position(|it| it.id == open.id);
            rooms.retain(|it| it.id != open.id);
        });
        let rooms = self.app.rooms.get_untracked();
        let beside = place.filter(|_| open.peer.is_none());
        let beside = beside.and_then(|place| rooms.get(place).or(rooms.last()));
        match beside.or(rooms.first()).cloned() {
            Some(next) => self.app.show_room(next),
            None => self.app.active.set(None),
        }
    }

    /// Puts a room before or after the one beside it in the list.
    pub fn move_to(&self, room: usize, to: usize) {
        self.app.rooms.update(|rooms| {
            if let Some(from) = rooms.iter().position(|it| it.id == room) {
                let moved = rooms.remove(from);
                rooms.insert(to.min(rooms.len()), moved);
            }
        });
    }

    /// Opens a room, if it is not open yet.
    pub(super) fn open(self: &Rc<Self>, room: Room, announce: bool) -> OpenRoom {
        if let Some(known) = self.app.room_named(&room.name) {
            return known;
        }
        let open = OpenRoom::new(self.next_id(), room, current_reader(self.app), None);
        self.app.rooms.update(|rooms| rooms.push(open.clone()));
        self.load_read(&open);
        self.establish(&open, announce);
        open
    }

    /// What to call the next room.
    pub(super) fn next_id(&self) -> usize {
        self.next.replace(self.next.get() + 1)
    }

    /// Loads how far a room was read on this device.
    pub(super) fn load_read(&self, open: &OpenRoom) {
        open.set_read(self.copies.read_up_to(open));
    }

    /// Makes the room's topic if need be, subscribes to it, and follows it until it is left or the session is over.
    pub(super) fn establish(self: &Rc<Self>, open: &OpenRoom, announce: bool) {
        open.state.set(RoomState::Joining);
        open.begin_visit();
        // Without a session it is opened once there is one; until then there is what was stored.
        if let Some(session) = self.connection.session() {
            let visit = Visit {
                rooms: Rc::clone(self),
                open: open.clone(),
                announce,
                made: false,
                caught_up: None,
            };
            open.spawn(visit.run(session));
        }
    }

    fn unsubscribe(&self, open: &OpenRoom) {
        let selector = selector(&open.info.read_untracked());
        if let Some(session) = self.connection.session() {
            spawn_local(async move {
                // What still comes is passed over; there is nothing that a reader could do about a refusal.
                let _ = session.topics().unsubscribe(&selector).await;
            });
        }
    }
}

/// One stay in a room: what it has come to, and what to say about it.
struct Visit {
    rooms: Rc<Rooms>,
    open: OpenRoom,
    announce: bool,
    /// Whether the room was not there before.
    made: bool,
    /// The newest sequence that there was when the subscription began.
    caught_up: Option<u64>,
}

impl Visit {
    async fn run(mut self, session: Session) {
        if let Err(fault) = self.follow(session).await {
            // Whoever joins again wants to hear everything again.
            self.rooms.unsubscribe(&self.open);
            self.fail(fault);
        }
    }

    async fn follow(&mut self, session: Session) -> Result<(), Fault> {
        let room = self.open.info.get_untracked();
        let (path, selector) = (room.name.topic_path(), selector(&room));
        let mut stream = session
            .add_stream_at::<RoomValue>(&path)
            .map_err(|_| Fault::NotARoom)?;
        // The order is the tutorial's: make, listen, subscribe. All of it is asked for at once, and the service takes it in
        // this order: nobody waits three times for a slow network. The room may be there already, and the reader may be
        // allowed to see it, but not to make it.
        let topics = session.topics();
        let added = topics.add(&path, specification(room.kind, HISTORY_LIMIT));
        // What the newest event is now, was said before. It is answered before events come.
        let newest = (room.kind == RoomKind::History).then(|| newest_event(&session, &path));
        let selected = topics.select(&selector);
        let added = added.await;
        self.made = matches!(added, Ok(AddTopicResult::Created));
        selected
            .await
            .map_err(|error| fault::of_request(error, Right::Read))?;
        if let Some(newest) = newest {
            self.catch_up(newest.await.ok());
        }
        // Only the handle that the page keeps may keep the session open.
        drop(session);
        let missing = match added.map_err(|error| fault::of_request(error, Right::Create)) {
            // It is there, so it could have been read.
            Ok(_) | Err(Fault::NotARoom) => Fault::NotPermitted(Right::Read),
            Err(fault) => fault,
        };
        self.give_up_in_time(missing);
        while let Some(event) = stream.next().await {
            self.see(event)?;
        }
        Ok(())
    }

    /// If the room is there and may be read, its subscription shows soon; if not, this is why.
    fn give_up_in_time(&self, fault: Fault) {
        let open = self.open.clone();
        self.open.spawn(async move {
            TimeoutFuture::new(JOIN_TIMEOUT).await;
            let is_joining = *open.state.read_untracked() == RoomState::Joining;
            if is_joining {
                open.state.set(RoomState::Failed(fault));
            }
        });
    }

    /// Takes in what happened to the topic.
    fn see(&mut self, event: StreamEvent<RoomValue>) -> Result<(), Fault> {
        match event {
            StreamEvent::Subscribed { topic } => {
                let kind = value::kind(&topic.specification).ok_or(Fault::NotARoom)?;
                if kind != self.open.info.read_untracked().kind {
                    // Nobody needs to know of what kind a room is to join it.
                    self.open.info.update(|room| room.kind = kind);
                    self.rooms.unsubscribe(&self.open);
                    self.rooms.establish(&self.open, self.announce);
                    return Ok(());
                }
                self.open.change(|timeline| timeline.subscribed());
                self.open.copied.set_if_changed(false);
                if !self.open.is_open() {
                    self.opened();
                }
                self.open.subscribed.update(|times| *times += 1);
            }
            StreamEvent::Value { old, new, .. } => self.receive_value(new, old.is_none()),
            StreamEvent::Unsubscribed { reason, .. } => match reason {
                UnsubscribedReason::Service(UnsubscribeReason::Removal) => {
                    self.fail(Fault::RoomRemoved);
                }
                UnsubscribedReason::Service(UnsubscribeReason::Authorization) => {
                    self.fail(Fault::NotPermitted(Right::Read));
                }
                UnsubscribedReason::SessionLost => self.look_for_room(),
                _ => {}
            },
            StreamEvent::NotSelected(error) => return Err(fault::of_request(error, Right::Read)),
            // What cannot be read is no message.
            _ => {}
        }
        Ok(())
    }

    /// The session is a new one. The service may have started again without what it had, so that the room has to be made again, or
    /// somebody has made another one of its name.
    fn look_for_room(&self) {
        let Some(session) = self.rooms.connection.session() else {
            return;
        };
        let (rooms, open) = (Rc::clone(&self.rooms), self.open.clone());
        let known = open.look(Timeline::newest_rank);
        self.open.spawn(async move {
            let room = open.info.get_untracked();
            let path = room.name.topic_path();
            let is_history = room.kind == RoomKind::History;
            let specification = specification(room.kind, HISTORY_LIMIT);
            let added = session.topics().add(&path, specification);
            let newest = is_history.then(|| newest_event(&session, &path));
            let is_new = matches!(added.await, Ok(AddTopicResult::Created));
            let newest = OptionFuture::from(newest).await.and_then(Result::ok);
            drop(session);
            let is_other = newest.is_some_and(|it| newest_sequence(&it) < known);
            if !is_new && !is_other {
                return;
            }
            // A live room never had more than its newest message.
            if is_history && known.is_some() {
                open.start_anew();
                open.note.set(Some(Note::Alert(text!(room_earlier_gone))));
            }
            rooms.unsubscribe(&open);
            rooms.establish(&open, false);
        });
    }

    fn receive_value(&mut self, value: RoomValue, first: bool) {
        let sequence = match &value {
            RoomValue::Event(event) => Some(event.sequence),
            RoomValue::Live(_) => None,
        };
        let naming = self.message_naming_reader(&value);
        let is_news = self.receive(value, first);
        let is_unread = match sequence {
            Some(sequence) => self.is_new(sequence, is_news),
            // A live room has one value from before.
            None if first && self.open.read().is_none() => {
                self.open.set_read(self.open.look(Timeline::newest_rank));
                false
            }
            None => is_news && !first && self.rooms.app.notice(&self.open),
        };
        if let Some(message) = naming.filter(|_| is_unread) {
            self.mentioned(sequence, message);
        }
    }

    /// Puts a value into the timeline. True if it is news.
    fn receive(&mut self, value: RoomValue, first: bool) -> bool {
        let open = &self.open;
        match value {
            RoomValue::Event(event) => {
                let series = open.look(Timeline::series);
                let is_news = open.change(|timeline| timeline.receive_event(event));
                if open.look(Timeline::series) != series {
                    // What was read is not here any more.
                    self.caught_up = None;
                    open.set_read(None);
                }
                is_news
            }
            RoomValue::Live(message) => {
                // What was there before has only its own word for when it was written; the rest is written now.
                let at = if first {
                    value::written(&message.timestamp)
                } else {
                    At::local(clock::now())
                };
                open.change(|timeline| timeline.receive_value(message, at, first))
            }
        }
    }

    /// Whoever comes for the first time has missed nothing.
    fn catch_up(&mut self, newest: Option<QueryResult<Json>>) {
        let Some(newest) = newest else {
            return; // The reader may not ask. Then what comes is taken for new.
        };
        self.caught_up = newest_sequence(&newest);
        let read = self.open.read();
        // A series that was made anew begins at zero again.
        let is_known = read.is_some_and(|read| Some(read) <= self.caught_up);
        if !is_known {
            self.open.set_read(self.caught_up);
        }
    }

    /// The message, if it names the reader.
    fn message_naming_reader(&self, value: &RoomValue) -> Option<ChatMessage> {
        let message = match value {
            RoomValue::Live(message) => message,
            RoomValue::Event(event) if event.edits.is_none() => &event.message,
            RoomValue::Event(_) => return None,
        };
        if !message.text.contains('@') {
            return None;
        }
        let names = known_names(self.open.clone());
        is_mentioned(&names, &message.text).then(|| message.clone())
    }

    /// The reader has not seen a message that names them.
    fn mentioned(&self, sequence: Option<u64>, message: ChatMessage) {
        self.open.mentions.update(|mentions| *mentions += 1);
        // What was said before the reader came is counted, but it is too late for a notification.
        if sequence.is_none_or(|sequence| self.caught_up < Some(sequence)) {
            self.rooms.notices.send(Notice {
                room: self.open.clone(),
                cause: Cause::Mention,
                message,
                rank: sequence.or_else(|| self.open.look(Timeline::newest_rank)),
            });
        }
    }

    /// An event has come; by somebody else, if it is news. True if the reader has not seen it.
    fn is_new(&self, sequence: u64, is_news: bool) -> bool {
        let (app, open) = (self.rooms.app, &self.open);
        let is_old = open.read() >= Some(sequence);
        let was_missed = self.caught_up >= Some(sequence);
        let looking = app.is_looking_at(open);
        let mut unread = false;
        if is_news && !is_old {
            if was_missed && looking {
                open.receive(false);
            } else {
                unread = app.notice(open);
            }
        }
        if self.caught_up == Some(sequence) {
            open.count_unread();
        }
        unread
    }

    fn opened(&self) {
        self.open.state.set(RoomState::Open);
        let (open, made, announce) = (self.open.clone(), self.made, self.announce);
        let visit = self.open.visit();
        // What is said here comes first, and who is here after it.
        page::once_drawn(move || {
            if open.visit() == visit {
                let entered = Entered {
                    visit,
                    made,
                    announce,
                };
                open.entered.set(Some(entered));
            }
        });
    }

    fn fail(&self, fault: Fault) {
        self.open.state.set(RoomState::Failed(fault));
    }
}

/// Asks for the newest event of a room's series.
pub(super) fn newest_event(session: &Session, path: &str) -> Response<QueryResult<Json>> {
    let query = session.time_series().range_query();
    query.from(RangeAnchor::Last(1)).select_from::<Json>(path)
}

fn newest_sequence(found: &QueryResult<Json>) -> Option<u64> {
    let sequences = found.events.iter().map(|event| event.metadata.sequence);
    sequences.max()
}

fn selector(room: &Room) -> String {
    [">", &room.name.topic_path()].concat()
}

/// The topic of a room that keeps so much, if it keeps anything.
pub(super) fn specification(kind: RoomKind, keep: &str) -> TopicSpecification {
    match kind {
        RoomKind::Live => TopicSpecification::new(TopicType::Json),
        RoomKind::History => value::series(keep, HISTORY_LIMIT),
    }
}
