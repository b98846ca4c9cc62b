//! Sending: what is not acknowledged is stored, and goes out in order, one message of a room at a time.
//!
//! Each message has an id by which everyone recognises it. So it can be sent again when nobody knows whether it arrived;
//! where the service can be asked, it is asked before. Several windows can hold the same stored message; one at a time sends
//! what is in the outbox of a room.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::rc::Rc;

use effusion_client::{Interruption, Json, RangeAnchor, RequestError, Session, SessionState};
use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt};
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::connection::{Connection, current_reader};
use super::privacy::Trouble;
use super::rights::Rights;
use super::storage::{Storage, Store};
use super::{fault, value};
use crate::features::composer::composing::{Purpose, trimmed};
use crate::features::join::form::SignIn;
use crate::features::timeline::outbox_record::{OutboxKey, from_record, to_record};
use crate::features::timeline::{At, Key, time};
use crate::platform::clock;
use crate::platform::locks::{self, Lock};
use crate::state::{App, Fault, OpenRoom, Right, SetIfChanged};
use effusion_chat::{ChatMessage, MessageId, RoomKind, Timestamp};

/// How long to wait before a message without an answer is sent again, in milliseconds.
const RETRY_DELAY: u32 = 1_000;

/// How long new messages wait for those that were stored before, in milliseconds.
const LOAD_TIMEOUT: u32 = 5_000;

/// How long a window waits for another one that sends to the same room, in milliseconds.
const LOCK_TIMEOUT: u32 = 5_000;

/// How often a window asks for its turn where the browser has no locks, in milliseconds.
const CLAIM_INTERVAL: u32 = 100;

/// What has waited for longer may have been sent by another window, in milliseconds.
const FRESH: i64 = 1_000;

/// In how many of the newest events of a room a message is looked for before it is sent again.
const LOOK_BACK: u64 = 200;

fn new_message_id() -> MessageId {
    const HALF: f64 = 4_294_967_296.0;
    let half = || (js_sys::Math::random() * HALF) as u64;
    MessageId::from_bits(half() << 32 | half())
}

/// Puts a message into the inbox of the room's peer.
type Delivery =
    Rc<dyn Fn(OpenRoom, ChatMessage) -> Pin<Box<dyn Future<Output = Result<(), Trouble>>>>>;

/// What became of an attempt.
enum Outcome {
    /// The service has it, in a history room at this place of the series.
    Done(Option<u64>),
    /// The service does not take it.
    Refused(Fault),
    /// It may have arrived, or may not.
    Unknown,
    /// There is no connection, and none is to be expected.
    NoSession,
}

/// What became of a window's turn to send.
enum Turn {
    /// Nothing waits any more.
    Done,
    /// Something waits, and is to be tried again.
    Again,
    /// There is no connection, and none is to be expected.
    NoSession,
}

/// Messages on their way.
pub struct Outbox {
    app: App,
    connection: Rc<Connection>,
    storage: Rc<Storage>,
    rights: Rc<Rights>,
    /// Sends what is for one person; set once such a conversation exists.
    delivery: RefCell<Option<Delivery>>,
    /// Which rooms are being served.
    busy: RefCell<Vec<usize>>,
    /// In which rooms new messages wait for the stored ones, and whether those are being read.
    loading: RefCell<Vec<(usize, bool)>>,
    /// The messages that are stored, or about to be, with their keys.
    stored: RefCell<Vec<(MessageId, String)>>,
    /// Messages that may have arrived.
    doubtful: RefCell<Vec<MessageId>>,
    /// Messages that the reader has asked to send again.
    retried: RefCell<Vec<MessageId>>,
    /// Messages that were stored before this page was there: other windows may have them, too.
    others: RefCell<Vec<MessageId>>,
    number: Cell<u32>,
    /// Tells this page from others in claims.
    holder: String,
}

impl Outbox {
    pub(super) fn new(
        app: App,
        connection: &Rc<Connection>,
        storage: &Rc<Storage>,
        rights: &Rc<Rights>,
    ) -> Self {
        Self {
            app,
            connection: Rc::clone(connection),
            storage: Rc::clone(storage),
            rights: Rc::clone(rights),
            delivery: RefCell::default(),
            busy: RefCell::default(),
            loading: RefCell::default(),
            stored: RefCell::default(),
            doubtful: RefCell::default(),
            retried: RefCell::default(),
            others: RefCell::default(),
            number: Cell::new(0),
            holder: new_message_id().to_string(),
        }
    }

    /// Has messages for one person sent this way.
    pub(super) fn set_delivery(&self, delivery: Delivery) {
        self.delivery.replace(Some(delivery));
    }

    /// Sends a message under the reader's name.
    pub fn send(self: &Rc<Self>, open: &OpenRoom, message: ChatMessage) {
        let now = clock::now();
        let message = ChatMessage {
            text: trimmed(&message.text).to_owned(),
            name: current_reader(self.app).name,
            timestamp: Timestamp::Text(time::iso(now).unwrap_or_default()),
            id: Some(new_message_id()),
            ..message
        };
        self.store(open, now, &message);
        open.change(|timeline| {
            // Whoever answers has read.
            timeline.set_line(None);
            timeline.send(message, At::local(now))
        });
        open.mark_read();
        open.scroll_to_end();
        self.serve(open);
    }

    /// Sends a text, as the answer that the room's composer is to give, if it is.
    pub fn send_text(self: &Rc<Self>, open: &OpenRoom, text: String) {
        let message = ChatMessage {
            text,
            ..ChatMessage::default()
        };
        self.send_answer(open, message);
    }

    /// Sends a message, as the answer that the room's composer is to give, if it is.
    pub fn send_answer(self: &Rc<Self>, open: &OpenRoom, message: ChatMessage) {
        let reply = match &*open.purpose.read_untracked() {
            // What is answered may have been changed meanwhile.
            Purpose::Reply(reply) => Some(open.look(|timeline| timeline.requoted(reply.clone()))),
            _ => None,
        };
        open.purpose.set_if_changed(Purpose::Send);
        self.send(open, ChatMessage { reply, ..message });
    }

    /// Sends a message again that was refused.
    pub fn retry(self: &Rc<Self>, open: &OpenRoom, key: Key) {
        let retried = open.change(|timeline| timeline.retry(key));
        let id = retried.and_then(|message| message.id);
        self.retried.borrow_mut().extend(id);
        self.serve(open);
    }

    /// Gives up a message that was refused.
    pub fn cancel(&self, open: &OpenRoom, key: Key) {
        let cancelled = open.change(|timeline| timeline.cancel(key));
        if let Some(id) = cancelled.and_then(|it| it.id) {
            self.forget(id);
        }
    }

    /// Tells those in a room that the reader has come in.
    pub(super) fn announce(self: &Rc<Self>, open: &OpenRoom) {
        let name = open.look(|timeline| timeline.reader().name.clone());
        let message = ChatMessage::joined(&name, time::iso(clock::now()).unwrap_or_default());
        let (this, open) = (Rc::clone(self), open.clone());
        spawn_local(async move {
            // It is not the reader's own message: if it does not get there, nothing is lost.
            if let Err(error) = this.put(&open, &message).await {
                let fault = fault::of_request(error, Right::Write);
                this.rights.refused(&open, &fault);
            }
        });
    }

    /// Has new messages of a room wait until [`Outbox::load`] has taken up what is stored of it.
    pub(super) fn expect_stored(&self, open: &OpenRoom) {
        self.loading.borrow_mut().push((open.id, false));
    }

    /// Whether the stored messages of a room are still to be read; whoever is told so has to do it.
    pub(super) fn begin_loading(&self, open: &OpenRoom) -> bool {
        let mut rooms = self.loading.borrow_mut();
        let due = rooms.iter_mut().find(|(room, _)| *room == open.id);
        due.is_some_and(|(_, begun)| !std::mem::replace(begun, true))
    }

    /// Takes up what was written in a room before a reload or under another session, and did not get there.
    pub(super) async fn load(self: &Rc<Self>, open: &OpenRoom) {
        let taken_up = pin!(self.take_up(open));
        let waiting = TimeoutFuture::new(LOAD_TIMEOUT);
        if let Either::Right((_, taken_up)) = select(taken_up, waiting).await {
            // A database that does not answer may not hold up what is written for ever.
            self.stored_are_here(open);
            taken_up.await;
        }
        self.stored_are_here(open);
    }

    async fn take_up(&self, open: &OpenRoom) {
        if let Some(key) = self.key(open) {
            for (key, record) in self.storage.all(Store::Outbox, key.prefix()).await {
                let message = from_record(&record).and_then(|it| Some((it.id?, it)));
                match message {
                    Some((id, message)) => self.send_again(open, key, id, message),
                    None => self.storage.remove(Store::Outbox, key),
                }
            }
        }
    }

    fn stored_are_here(self: &Rc<Self>, open: &OpenRoom) {
        self.loading
            .borrow_mut()
            .retain(|(room, _)| *room != open.id);
        self.serve(open);
    }

    /// Takes up a stored message, unless it is seen to have arrived, since the room is shown first.
    fn send_again(&self, open: &OpenRoom, key: String, id: MessageId, message: ChatMessage) {
        let is_known = self.is_stored(id);
        if is_known && open.look(|timeline| timeline.has_unsent(id)) {
            return;
        }
        if !is_known {
            self.stored.borrow_mut().push((id, key));
            self.others.borrow_mut().push(id);
        }
        if open.look(|timeline| timeline.has_own(id)) {
            self.forget(id);
            return;
        }
        self.doubtful.borrow_mut().push(id);
        let at = value::written(&message.timestamp);
        open.change(|timeline| timeline.send(message, at));
    }

    /// Sends what waits in a room, the oldest first, unless that is under way.
    pub(super) fn serve(self: &Rc<Self>, open: &OpenRoom) {
        let is_busy = self.busy.borrow().contains(&open.id);
        let is_loading = self.loading.borrow().iter().any(|(id, _)| *id == open.id);
        if !open.is_open() || is_busy || is_loading {
            return;
        }
        self.busy.borrow_mut().push(open.id);
        let (this, open) = (Rc::clone(self), open.clone());
        // A room that is left has nothing to send any more, and this ends with the message that is on its way.
        spawn_local(async move {
            this.send_all(&open).await;
            this.busy.borrow_mut().retain(|room| *room != open.id);
        });
    }

    /// Sends what waits. Between two attempts, other windows have a turn.
    async fn send_all(&self, open: &OpenRoom) {
        while open.look(|timeline| timeline.next_unsent()).is_some() {
            let key = self.key(open);
            let lock = match &key {
                Some(key) => self.wait_for_turn(key).await,
                None => None,
            };
            let claimed = key.as_ref().filter(|_| !locks::are_here());
            let done = self.send_in_turn(open, claimed).await;
            // What is done has to be seen by the window that is next.
            self.storage.write_all().await;
            if let Some(key) = claimed {
                self.storage.give_back(key.prefix());
            }
            drop(lock);
            match done {
                Turn::Done => {}
                Turn::Again => TimeoutFuture::new(RETRY_DELAY).await,
                // A new session opens its rooms, and then this begins again.
                Turn::NoSession => return,
            }
        }
    }

    /// Waits until no other window sends what is in an outbox, or for long enough: what is sent is looked for first. Where the
    /// browser has no locks, a record in the database takes the place of one, and is to be given back.
    async fn wait_for_turn(&self, key: &OutboxKey) -> Option<Lock> {
        if locks::are_here() {
            return locks::acquire(&["effusion ", key.prefix()].concat(), LOCK_TIMEOUT).await;
        }
        while !self.claim(key).await {
            // The database does not tell when another window gives it back.
            TimeoutFuture::new(CLAIM_INTERVAL).await;
        }
        None
    }

    /// Claims an outbox, or goes on claiming it. A window that has not done so for [`LOCK_TIMEOUT`] has lost it.
    async fn claim(&self, key: &OutboxKey) -> bool {
        let lease = i64::from(LOCK_TIMEOUT);
        self.storage.claim(key.prefix(), &self.holder, lease).await
    }

    async fn send_in_turn(&self, open: &OpenRoom, claimed: Option<&OutboxKey>) -> Turn {
        self.drop_sent_elsewhere(open).await;
        if self.may_have_arrived(open) && !self.look_up(open).await {
            return match self.connection.session() {
                Some(session) if !is_over(&session) => Turn::Again,
                _ => Turn::NoSession,
            };
        }
        while let Some((key, message)) = open.look(|timeline| timeline.next_unsent()) {
            if let Some(claimed) = claimed
                && !self.claim(claimed).await
            {
                return Turn::Again;
            }
            let outcome = self.attempt(open, &message).await;
            if let Some(id) = message.id {
                let mut doubtful = self.doubtful.borrow_mut();
                doubtful.retain(|known| *known != id);
                if matches!(outcome, Outcome::Unknown) {
                    doubtful.push(id);
                }
            }
            match outcome {
                Outcome::Done(sequence) => {
                    open.change(|timeline| timeline.acknowledge(key, sequence));
                    self.rights.accepted(open);
                    if let Some(id) = message.id {
                        self.forget(id);
                    }
                }
                Outcome::Refused(fault) => {
                    self.rights.refused(open, &fault);
                    open.change(|timeline| timeline.fail(key, fault));
                }
                Outcome::Unknown => return Turn::Again,
                Outcome::NoSession => return Turn::NoSession,
            }
        }
        Turn::Done
    }

    /// Whether the oldest message that waits could be there already: it was sent before, or has waited for so long that another
    /// window may have sent it.
    fn may_have_arrived(&self, open: &OpenRoom) -> bool {
        let Some((_, message)) = open.look(|timeline| timeline.next_unsent()) else {
            return false;
        };
        let is_doubtful = |id| self.doubtful.borrow().contains(&id);
        let written = value::written_ms(&message.timestamp);
        let is_fresh = written.is_some_and(|ms| clock::now().saturating_sub(ms) < FRESH);
        message.id.is_some_and(is_doubtful) || !is_fresh
    }

    /// Takes the messages out that are among the newest of a history room. In a live room nobody can tell, and everyone
    /// recognises them by their ids. False if the service has not answered.
    async fn look_up(&self, open: &OpenRoom) -> bool {
        let (path, kind) = {
            let room = open.info.read_untracked();
            (room.name.topic_path(), room.kind)
        };
        if kind == RoomKind::Live {
            return true;
        }
        let Some(session) = self.connection.session() else {
            return false;
        };
        let newest = session
            .time_series()
            .range_query()
            .from(RangeAnchor::Last(LOOK_BACK))
            .select_from::<Json>(&path);
        let events = match newest.await {
            Ok(newest) => newest.events,
            // Whoever may write, but not read, cannot look.
            Err(error) => return error.refusal().is_some(),
        };
        for event in events.into_iter().map(value::of) {
            if let Some(id) = event.message.id
                && open.look(|timeline| timeline.has_unsent(id))
            {
                open.change(|timeline| timeline.recognise(&event));
                self.forget(id);
            }
        }
        true
    }

    /// Takes the messages out that another window has written and that are stored no longer: it has sent them, or given them up.
    async fn drop_sent_elsewhere(&self, open: &OpenRoom) {
        if self.others.borrow().is_empty() {
            return;
        }
        let Some(key) = self.key(open) else { return };
        let stored = self.storage.all(Store::Outbox, key.prefix()).await;
        let gone: Vec<MessageId> = {
            let (others, known) = (self.others.borrow(), self.stored.borrow());
            let is_gone = |(id, key): &&(MessageId, String)| {
                others.contains(id) && !stored.iter().any(|(stored, _)| stored == key)
            };
            let of_room = known.iter().filter(|(_, it)| it.starts_with(key.prefix()));
            of_room.filter(is_gone).map(|(id, _)| *id).collect()
        };
        // A history room itself tells which of them are there.
        let is_asked = open.peer.is_none() && open.info.read_untracked().kind == RoomKind::History;
        if !gone.is_empty() && is_asked && !self.look_up(open).await {
            return;
        }
        for id in gone {
            open.change(|timeline| timeline.withdraw(id));
            self.forget(id);
        }
    }

    /// What a room has as the service has it need not be stored any more.
    pub(super) fn forget_arrived(&self, open: &OpenRoom) {
        let stored = self.stored.borrow().clone();
        for (id, _) in stored {
            if open.look(|timeline| timeline.has_own(id) && !timeline.has_unsent(id)) {
                self.forget(id);
            }
        }
    }

    /// Puts a message into a room once: as the topic's value, or as an event, whose sequence is returned.
    async fn put(
        &self,
        open: &OpenRoom,
        message: &ChatMessage,
    ) -> Result<Option<u64>, RequestError> {
        let (path, kind) = {
            let room = open.info.read_untracked();
            (room.name.topic_path(), room.kind)
        };
        let Some(session) = self.connection.session() else {
            return Err(RequestError::NeverSent(Interruption::SessionLost));
        };
        match kind {
            RoomKind::Live => {
                let set = session.topic_update().set(&path, message);
                set.await.map(|()| None)
            }
            RoomKind::History => {
                let appended = session.time_series().append(&path, message);
                appended.await.map(|metadata| Some(metadata.sequence))
            }
        }
    }

    async fn attempt(&self, open: &OpenRoom, message: &ChatMessage) -> Outcome {
        let Some(session) = self.connection.session() else {
            return Outcome::NoSession;
        };
        if self.is_written_before(message) {
            return Outcome::Refused(Fault::WrittenBefore);
        }
        let done = if open.peer.is_none() {
            self.put(open, message).await.map_err(Trouble::Request)
        } else {
            let delivery = self.delivery.borrow().clone();
            let Some(deliver) = delivery else {
                return Outcome::Refused(Fault::NotConnected);
            };
            let delivered = deliver(open.clone(), message.clone()).await;
            delivered.map(|()| None)
        };
        match done {
            Ok(sequence) => Outcome::Done(sequence),
            Err(Trouble::Fault(fault)) => Outcome::Refused(fault),
            Err(Trouble::Request(error)) if error.may_have_happened() => Outcome::Unknown,
            Err(Trouble::Request(RequestError::NeverSent(_))) if is_over(&session) => {
                Outcome::NoSession
            }
            Err(Trouble::Request(RequestError::NeverSent(_))) => Outcome::Unknown,
            Err(Trouble::Request(error)) => {
                Outcome::Refused(fault::of_request(error, Right::Write))
            }
        }
    }

    /// Whether a message was written for a service that has been replaced, and the reader has not asked to send it again.
    fn is_written_before(&self, message: &ChatMessage) -> bool {
        let is_retried = |id| self.retried.borrow().contains(&id);
        let written = value::written_ms(&message.timestamp);
        written.is_some_and(|ms| self.connection.is_younger_than(ms))
            && !message.id.is_some_and(is_retried)
    }

    fn store(&self, open: &OpenRoom, now: i64, message: &ChatMessage) {
        if let (Some(key), Some(id)) = (self.key(open), message.id) {
            self.number.set(self.number.get().wrapping_add(1));
            let key = key.of(now, self.number.get());
            self.stored.borrow_mut().push((id, key.clone()));
            self.storage.put(Store::Outbox, key, to_record(message));
        }
    }

    /// A message waits no longer: it has arrived, or was given up.
    fn forget(&self, id: MessageId) {
        for ids in [&self.others, &self.doubtful, &self.retried] {
            ids.borrow_mut().retain(|known| *known != id);
        }
        let mut stored = self.stored.borrow_mut();
        if let Some(place) = stored.iter().position(|(known, _)| *known == id) {
            let (_, key) = stored.swap_remove(place);
            self.storage.remove(Store::Outbox, key);
        }
    }

    fn is_stored(&self, id: MessageId) -> bool {
        self.stored.borrow().iter().any(|(known, _)| *known == id)
    }

    /// Where the messages of a room are stored that were written under the reader's name.
    fn key(&self, open: &OpenRoom) -> Option<OutboxKey> {
        key_for(self.app, open, |me| &me.name)
    }
}

/// Whoever may not write should know before trying again.
fn is_over(session: &Session) -> bool {
    let mut states = session.states();
    // The first item is the state now, and there at once.
    let now = states.next().now_or_never();
    matches!(now, None | Some(None | Some(SessionState::Closed(_))))
}

/// A principal at its service.
pub(super) fn account(me: &SignIn) -> String {
    [&me.service.address(), " ", &me.credentials.principal].concat()
}

/// Where something of a room is stored for the reader's account at its service, and for a name if that matters.
pub(super) fn key_for(app: App, open: &OpenRoom, name: fn(&SignIn) -> &str) -> Option<OutboxKey> {
    let me = app.me.read_untracked();
    let me = me.as_ref()?;
    let path = match &open.peer {
        Some(peer) => effusion_chat::direct_path(peer)?,
        None => open.info.read_untracked().name.topic_path(),
    };
    Some(OutboxKey::new(
        &me.service.address(),
        &me.credentials.principal,
        name(me),
        &path,
    ))
}
