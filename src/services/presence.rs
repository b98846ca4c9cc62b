//! Those who are in a room: the reader's own card there, and the cards of the others.
//!
//! A card is a topic that the service removes with the session that made it, so nobody has to say goodbye. A service that
//! does not allow such topics has rooms without a list of people, and all else works.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use effusion_client::{
    ErrorReason, RequestError, Session, SessionState, StreamEvent, TopicSpecification, TopicType,
    UnsubscribedReason, property,
};
use futures_channel::mpsc::{Receiver, Sender, channel};
use futures_util::future::select;
use futures_util::{FutureExt, StreamExt, TryFutureExt};
use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::EventTarget;

use super::connection::Connection;
use super::privacy::{Privacy, owner};
use super::value;
use crate::features::people::roster::{Listing, People, Person};
use crate::features::timeline::Timeline;
use crate::platform::clock;
use crate::state::{App, OpenRoom, SetIfChanged};
use crate::ui::identity::revealed;
use effusion_chat::{
    MEMBER_REMOVAL, MemberCard, RoomCard, RoomName, Target, card_path, direct_member_path,
    member_path, members_selector,
};

/// How long changes are collected, in milliseconds.
const TICK: u32 = 1_000;
/// For how long somebody types after a key.
const TYPING: i64 = 4_000;
/// How often what was seen is told, for each person who is told.
const SEEN_INTERVAL: i64 = 250;
/// How long a window is out of sight before its person is away.
const HIDDEN_UNTIL_AWAY: i64 = 20_000;
/// How long nothing is touched before its person is away.
const IDLE_UNTIL_AWAY: i64 = 5 * 60_000;

/// The reader in all rooms.
pub struct Presence {
    app: App,
    connection: Rc<Connection>,
    privacy: Rc<Privacy>,
    present: RefCell<Vec<Rc<Present>>>,
    away: Rc<Away>,
}

/// Whether the reader is away from the keyboard.
#[derive(Default)]
struct Away {
    /// When the reader counts as away if nothing happens until then.
    due: Cell<i64>,
    /// Whether the window was hidden when something happened last.
    hidden: Cell<bool>,
    listeners: RefCell<Vec<EventListener>>,
}

/// The reader in one room.
struct Present {
    app: App,
    connection: Rc<Connection>,
    privacy: Rc<Privacy>,
    away: Rc<Away>,
    open: OpenRoom,
    /// The topic of the session's card; none while there is none.
    path: RefCell<Option<String>>,
    /// What the card says.
    shown: RefCell<MemberCard>,
    typed: Cell<i64>,
    seen: Cell<i64>,
    /// Wakes the task that keeps the card current.
    changed: RefCell<Sender<()>>,
}

/// What the service tells of somebody.
#[derive(Clone, Debug, Default)]
pub struct PersonDetails {
    /// The roles; none if the reader may not see them.
    pub roles: Option<String>,
    /// The sessions.
    pub sessions: Vec<String>,
    /// When the first of them began, in milliseconds since 1970.
    pub since: Option<i64>,
}

impl Presence {
    pub(super) fn new(app: App, connection: &Rc<Connection>, privacy: &Rc<Privacy>) -> Self {
        Self {
            app,
            connection: Rc::clone(connection),
            privacy: Rc::clone(privacy),
            present: RefCell::default(),
            away: Rc::default(),
        }
    }

    /// Shows the reader in a room and follows who else is there, for as long as this visit to the room lasts and until the owner
    /// of the caller is done with.
    pub fn join(self: &Rc<Self>, open: &OpenRoom) {
        let Some(session) = self.connection.session() else {
            return;
        };
        self.listen();
        self.present.borrow_mut().retain(|it| it.open.id != open.id);
        let (changed, changes) = channel(0);
        let present = Rc::new(Present {
            app: self.app,
            connection: Rc::clone(&self.connection),
            privacy: Rc::clone(&self.privacy),
            away: Rc::clone(&self.away),
            open: open.clone(),
            path: RefCell::default(),
            shown: RefCell::default(),
            typed: Cell::new(0),
            seen: Cell::new(0),
            changed: RefCell::new(changed),
        });
        self.present.borrow_mut().push(Rc::clone(&present));
        if open.peer.is_none() {
            watch_members(open, &session);
            watch_card(open, &session);
        }
        open.spawn(Rc::clone(&present).publish_each_session(session.states()));
        open.spawn(Rc::clone(&present).keep_current(changes));
        present.follow_signals();
    }

    /// Takes the reader's card out of a room that is left.
    pub fn leave(&self, open: &OpenRoom) {
        let path = {
            let mut present = self.present.borrow_mut();
            let place = present.iter().position(|it| it.open.id == open.id);
            place.and_then(|place| present.swap_remove(place).path.take())
        };
        let room = open.info.read_untracked().name.clone();
        let is_room = open.peer.is_none();
        if !is_room {
            open.begin_visit();
        }
        let Some(session) = self.connection.session() else {
            return;
        };
        spawn_local(async move {
            // If it cannot be told, the end of the session tells it.
            if is_room {
                let _ = session.topics().unsubscribe(&members_selector(&room)).await;
                let _ = session.topics().unsubscribe(&card_selector(&room)).await;
            }
            if let Some(path) = path {
                let _ = session.topics().remove(&[">", &path].concat()).await;
            }
        });
    }

    /// Asks the service about somebody's sessions.
    pub async fn details_of(&self, person: &Person) -> PersonDetails {
        let mut insight = PersonDetails::default();
        for open in self.app.rooms.read_untracked().iter() {
            let people = open.people.read_untracked();
            for session in people.sessions(&person.name, &person.principal) {
                if !insight.sessions.contains(&session) {
                    insight.sessions.push(session);
                }
            }
        }
        let first = insight.sessions.first().and_then(|it| it.parse().ok());
        let (Some(session), Some(first)) = (self.connection.session(), first) else {
            return insight;
        };
        let asked = session
            .clients()
            .session_properties(first, &["$Roles", "$StartTime"])
            .await;
        if let Ok(Some(properties)) = asked {
            for (name, value) in properties {
                match name.as_str() {
                    "$Roles" => insight.roles = Some(value.replace('"', "").replace(',', ", ")),
                    "$StartTime" => insight.since = value.parse().ok(),
                    _ => {}
                }
            }
        }
        insight
    }

    /// Notices from now on whether somebody is at the keyboard.
    fn listen(self: &Rc<Self>) {
        let mut listeners = self.away.listeners.borrow_mut();
        if !listeners.is_empty() {
            return;
        }
        self.away.due.set(clock::now() + IDLE_UNTIL_AWAY);
        let (window, document) = (window(), document());
        let document: &EventTarget = &document;
        for (target, event) in [
            (&*window, "focus"),
            (document, "visibilitychange"),
            (document, "keydown"),
            (document, "pointerdown"),
            (document, "pointermove"),
        ] {
            let this = Rc::downgrade(self);
            listeners.push(EventListener::new(target, event, move |_| {
                if let Some(this) = this.upgrade() {
                    this.touched();
                }
            }));
        }
    }

    fn touched(&self) {
        let was_away = self.away.is_away();
        self.away.touched();
        let is_back = was_away && !self.away.is_away();
        for present in self.present.borrow().iter() {
            if is_back {
                present.show();
            }
            present.wake();
        }
    }
}

impl Away {
    fn touched(&self) {
        let (now, hidden) = (clock::now(), document().hidden());
        let was_hidden = self.hidden.replace(hidden);
        if !hidden {
            self.due.set(now + IDLE_UNTIL_AWAY);
        } else if !was_hidden {
            self.due.set(now + HIDDEN_UNTIL_AWAY);
        }
    }

    fn is_away(&self) -> bool {
        clock::now() >= self.due.get()
    }
}

impl Present {
    /// What the card should say.
    fn card(&self) -> MemberCard {
        let me = self.app.me.read_untracked();
        let now = clock::now();
        let mut card = MemberCard {
            away: self.away.is_away(),
            typing: now - self.typed.get() < TYPING,
            seen: self.shown.borrow().seen,
            ..MemberCard::default()
        };
        if let Some(me) = me.as_ref() {
            card.name.clone_from(&me.name);
            card.principal.clone_from(&me.credentials.principal);
        }
        if self.app.is_looking_at(&self.open) && now >= self.seen_due() {
            card.seen = newest_read(&self.open).or(card.seen);
        }
        card
    }

    /// When the others can be told again what the reader has seen.
    fn seen_due(&self) -> i64 {
        let count = self.open.people.read_untracked().count().max(4);
        self.seen.get() + SEEN_INTERVAL * count as i64
    }

    /// Says what has changed, if there is a card and something has.
    fn show(self: &Rc<Self>) {
        let Some(path) = self.path.borrow().clone() else {
            return;
        };
        let card = self.card();
        if *self.shown.borrow() == card {
            return;
        }
        if self.shown.borrow().seen != card.seen {
            self.seen.set(clock::now());
        }
        self.shown.replace(card.clone());
        let Some(session) = self.connection.session() else {
            return;
        };
        let this = Rc::clone(self);
        self.open.spawn(async move {
            let done = this.put(&session, &path, &card).await;
            drop(session);
            if done.is_err_and(|error| error.refusal() == Some(ErrorReason::NoSuchTopic)) {
                // Somebody has removed it.
                this.publish().await;
            }
        });
    }

    /// Puts the session's card into the room.
    async fn publish(&self) {
        let Some(session) = self.connection.session() else {
            return;
        };
        let Some(info) = session.info() else { return };
        let id = info.id.to_string();
        let (path, specification) = match &self.open.peer {
            None => {
                let path = member_path(&self.open.info.read_untracked().name, &id);
                (path, TopicSpecification::new(TopicType::Json))
            }
            Some(peer) => {
                // Where others could read it, nobody is told.
                let is_private = self.privacy.assure(&session).await.is_ok();
                let Some(path) = direct_member_path(peer, &id).filter(|_| is_private) else {
                    return;
                };
                let series = value::series("limit 1", "limit 1");
                (path, series.with(property::OWNER, &owner(peer)))
            }
        };
        // Nobody is there after the service has started again.
        let specification = specification
            .with(property::REMOVAL, MEMBER_REMOVAL)
            .with(property::PERSISTENT, "false");
        let card = self.card();
        // Both are on their way before either is answered. The name of a session is nobody else's.
        let added = session.topics().add(&path, specification);
        let set = self.put(&session, &path, &card);
        let done = match added.await {
            Ok(_) => set.await,
            Err(error) => Err(error),
        };
        let listing = if done.is_ok() {
            self.shown.replace(card);
            self.path.replace(Some(path));
            Listing::Listed
        } else {
            Listing::Unlisted
        };
        self.open.people.update(|people| {
            if people.listing != Listing::Hidden {
                people.listing = listing;
            }
        });
        self.open.attended.set_if_changed(true);
        // It may have changed meanwhile.
        self.wake();
    }

    /// Sends a card. What is for one person alone is an event, as the service names the author of one.
    fn put(
        &self,
        session: &Session,
        path: &str,
        card: &MemberCard,
    ) -> impl Future<Output = Result<(), RequestError>> + use<> {
        match &self.open.peer {
            None => session.topic_update().set(path, card).left_future(),
            Some(_) => session
                .time_series()
                .append(path, card)
                .map_ok(drop)
                .right_future(),
        }
    }

    /// Puts the card into the room now, and again for each session that takes the place of one before.
    async fn publish_each_session(self: Rc<Self>, mut states: effusion_client::States) {
        let mut shown = None;
        while let Some(state) = states.next().await {
            if let SessionState::Connected(info) = state
                && shown.as_ref() != Some(&info.id)
            {
                shown = Some(info.id);
                self.publish().await;
            }
        }
    }

    /// Keeps the card up to date, and forgets those who have not been typing for a while.
    async fn keep_current(self: Rc<Self>, mut changes: Receiver<()>) {
        loop {
            let now = clock::now();
            self.show();
            self.open
                .people
                .maybe_update(|people| people.expire_typing(now));
            select(changes.next(), TimeoutFuture::new(self.until_due(now))).await;
            TimeoutFuture::new(TICK).await;
        }
    }

    /// How long it takes until time alone changes the card or the list, in milliseconds.
    fn until_due(&self, now: i64) -> u32 {
        let own = [
            self.away.due.get(),
            self.typed.get() + TYPING,
            self.seen_due(),
        ];
        let others = self.open.people.read_untracked().typing_due();
        let due = own.into_iter().filter(|due| *due > now).chain(others).min();
        due.map_or(i32::MAX as u32, |due| (due - now) as u32)
    }

    /// Has the card checked soon.
    fn wake(&self) {
        // If the channel is full, it is already awake.
        let _ = self.changed.borrow_mut().try_send(());
    }

    /// Shows whether the reader types, by which name the reader goes, and what the reader has read.
    fn follow_signals(self: &Rc<Self>) {
        let (app, this, woken) = (self.app, Rc::downgrade(self), Rc::downgrade(self));
        let (open, draft) = (self.open.clone(), self.open.draft.clone());
        Effect::new(move || {
            open.read.track();
            open.version.track();
            open.people.track();
            app.active.track();
            if let Some(this) = woken.upgrade() {
                this.wake();
            }
        });
        Effect::new(move |before: Option<String>| {
            let draft = draft.get();
            app.me.track();
            if let Some(this) = this.upgrade() {
                if before.is_some_and(|before| before != draft) {
                    let is_typing = !draft.trim().is_empty();
                    this.typed.set(if is_typing { clock::now() } else { 0 });
                }
                this.show();
                this.wake();
            }
            draft
        });
    }
}

fn watch_members(open: &OpenRoom, session: &Session) {
    let selector = members_selector(&open.info.read_untracked().name);
    let Ok(mut stream) = session.add_stream::<MemberCard>(&selector) else {
        return;
    };
    let selected = session.topics().select(&selector);
    let room = open.clone();
    open.spawn(async move {
        if selected.await.is_err() {
            room.people
                .update(|people| people.listing = Listing::Hidden);
            room.attended.set_if_changed(true);
        }
    });
    let room = open.clone();
    open.spawn(async move {
        while let Some(mut event) = stream.next().await {
            let mut before = None;
            if let StreamEvent::Value { old, new, .. } = &mut event {
                new.name = revealed(&new.name);
                before = old.take().map(|old| (revealed(&old.name), old.principal));
                room.change(|timeline| {
                    timeline.note_person(&new.name, &new.principal);
                    if let Some(seen) = new.seen {
                        timeline.note_seen(&new.name, &new.principal, seen);
                    }
                });
            }
            room.people.maybe_update(|people| see(people, event));
            // Who has another name now is one reader, not two.
            if let Some((name, principal)) = before
                && !room.people.read_untracked().includes(&name, &principal)
            {
                room.change(|timeline| timeline.forget_seen(&name, &principal));
            }
        }
    });
}

/// True if that changes anything.
fn see(people: &mut People, event: StreamEvent<MemberCard>) -> bool {
    fn id(path: &str) -> &str {
        path.rsplit('/').next().unwrap_or_default()
    }
    match event {
        StreamEvent::Value { topic, new, .. } => people.put(id(&topic.path), new, clock::now()),
        StreamEvent::Unsubscribed { topic, reason } => match reason {
            UnsubscribedReason::Service(_) => people.keep(|session| session != id(&topic.path)),
            UnsubscribedReason::SessionLost => people.keep(|_| false),
            _ => false,
        },
        StreamEvent::NotSelected(_) => {
            people.listing = Listing::Hidden;
            true
        }
        _ => false,
    }
}

/// Follows what is written down of the room.
fn watch_card(open: &OpenRoom, session: &Session) {
    let selector = card_selector(&open.info.read_untracked().name);
    let Ok(mut stream) = session.add_stream::<RoomCard>(&selector) else {
        return;
    };
    // A room need not have a card, and the service need not show it.
    drop(session.topics().select(&selector));
    let room = open.clone();
    open.spawn(async move {
        while let Some(event) = stream.next().await {
            match event {
                StreamEvent::Value { new, .. } => room.card.set_if_changed(Some(new)),
                StreamEvent::Unreadable { .. }
                | StreamEvent::Unsubscribed {
                    reason: UnsubscribedReason::Service(_),
                    ..
                } => room.card.set_if_changed(None),
                _ => {}
            }
        }
    });
}

fn card_selector(room: &RoomName) -> String {
    [">", &card_path(room)].concat()
}

/// The newest message that the reader has read, of those that others know.
fn newest_read(open: &OpenRoom) -> Option<Target> {
    let read = open.read()?;
    open.look(|timeline| {
        let entries = timeline.entries().rev();
        let mut read = entries.skip_while(|entry| entry.rank > read);
        read.find_map(|entry| Timeline::target(&entry))
    })
}
