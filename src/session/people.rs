//! Those who are in a room: the reader's own card there, and the cards of the others.
//!
//! A card is a topic that the service removes with the session that made it, so nobody has to say goodbye. A service that
//! does not allow such topics has rooms without a list of people, and all else works.

use crate::state::SetIfChanged;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use effusion_client::{
    ErrorReason, Json, RequestError, Session, SessionState, StreamEvent, TopicSpecification,
    TopicType, UnsubscribedReason, property,
};
use futures_util::StreamExt;
use leptos::task::spawn_local;
use wasm_bindgen::prelude::*;

use super::{board, direct, drafts, link, notify, travel};
use crate::browser;
use crate::live::follow;
use crate::model::people::{Listing, People, Person};
use crate::state::{App, OpenRoom, RoomState};
use effusion_chat::{
    MEMBER_REMOVAL, MemberCard, RoomCard, RoomName, Target, card_path, member_path,
    members_selector,
};

/// How often the cards are looked after, in milliseconds.
const TICK: u64 = 1_000;
/// For how long somebody types after a key.
const TYPING: i64 = 4_000;
/// How often what was seen is told, for each person who is told.
const SEEN_EVERY: i64 = 250;
/// How long a window is out of sight before its person is away.
const OUT_OF_SIGHT: i64 = 20_000;
/// How long nothing is touched before its person is away.
const IDLE: i64 = 5 * 60_000;

thread_local! {
    static PRESENT: RefCell<Vec<Rc<Presence>>> = const { RefCell::new(Vec::new()) };
    static BEGUN: Cell<bool> = const { Cell::new(false) };
    static HIDDEN_SINCE: Cell<i64> = const { Cell::new(0) };
    static TOUCHED: Cell<i64> = const { Cell::new(0) };
}

/// The reader in a room.
struct Presence {
    app: App,
    open: OpenRoom,
    visit: usize,
    /// The topic of the session's card; none while there is none.
    path: RefCell<Option<String>>,
    /// What the card says.
    shown: RefCell<MemberCard>,
    typed: Cell<i64>,
    seen: Cell<i64>,
    owner: Owner,
}

/// Shows the reader in a room and follows who else is there, until the room is left.
pub(crate) fn attend(app: App, open: OpenRoom, visit: usize) {
    let Some(session) = link::session() else {
        return;
    };
    begin(app);
    direct::begin(app);
    board::look_up_rights(app);
    drafts::recall(app, open);
    forget(open);
    if open.peer.is_some() || !open.is_visit(visit) {
        return;
    }
    let presence = Rc::new(Presence {
        app,
        open,
        visit,
        path: RefCell::default(),
        shown: RefCell::default(),
        typed: Cell::new(0),
        seen: Cell::new(0),
        owner: Owner::new(),
    });
    PRESENT.with_borrow_mut(|present| present.push(Rc::clone(&presence)));
    watch_members(&presence, &session);
    watch_card(&presence, &session);
    spawn_local(appear_each_time(Rc::clone(&presence), session.states()));
    let typist = Rc::downgrade(&presence);
    let mut before: Option<String> = None;
    presence.owner.with(|| {
        follow(Box::new(move || {
            let draft = open.draft.get();
            let changed = before.as_ref().is_some_and(|before| *before != draft);
            let typing = changed && !draft.trim().is_empty();
            before = Some(draft);
            if let Some(presence) = typist.upgrade().filter(|_| changed) {
                presence.typed.set(if typing { browser::now() } else { 0 });
                presence.show();
            }
        }));
    });
}

/// Takes the reader's card out of a room that is left.
pub(crate) fn depart(open: OpenRoom) {
    let path = forget(open);
    let room = open.room.read_untracked().name.clone();
    let Some(session) = link::session() else {
        return;
    };
    spawn_local(async move {
        // If it cannot be told, the end of the session tells it.
        let _ = session.topics().unsubscribe(&members_selector(&room)).await;
        let _ = session.topics().unsubscribe(&card_selector(&room)).await;
        if let Some(path) = path {
            let _ = session.topics().remove(&[">", &path].concat()).await;
        }
    });
}

/// The reader goes by another name from now on.
pub(crate) fn renamed() {
    for presence in all() {
        presence.show();
    }
}

fn all() -> Vec<Rc<Presence>> {
    PRESENT.with_borrow(Vec::clone)
}

/// Forgets a presence in a room; what is left to do is to remove its topic.
fn forget(open: OpenRoom) -> Option<String> {
    let known = PRESENT.with_borrow_mut(|present| {
        let place = present.iter().position(|it| it.open.id == open.id)?;
        Some(present.swap_remove(place))
    })?;
    known.owner.cleanup();
    known.path.take()
}

/// What is done once for all rooms.
fn begin(app: App) {
    if BEGUN.replace(true) {
        return;
    }
    notify::recall(app);
    TOUCHED.set(browser::now());
    set_interval(move || tick(app), Duration::from_millis(TICK));
    listen(document().as_ref(), "visibilitychange", || {
        let hidden = document().hidden();
        HIDDEN_SINCE.set(if hidden { browser::now() } else { 0 });
        touched();
    });
    for event in ["keydown", "pointerdown", "pointermove"] {
        listen(document().as_ref(), event, touched);
    }
    // A window that is closed says so; the service need not wait for it to come back.
    listen(window().as_ref(), "pagehide", move || {
        drafts::keep(app);
        if let Some(session) = link::session() {
            spawn_local(async move { session.close().await });
        }
    });
    // The browser may keep a page that was left, and show it again.
    let again = move |event: web_sys::Event| {
        let kept = js_sys::Reflect::get(&event, &"persisted".into());
        if kept.is_ok_and(|kept| kept.is_truthy()) && app.me.read_untracked().is_some() {
            link::reconnect(app);
        }
    };
    let again = Closure::<dyn FnMut(web_sys::Event)>::new(again).into_js_value();
    // Listening fails only for what is no function.
    let _ = window().add_event_listener_with_callback("pageshow", again.unchecked_ref());
}

fn listen(target: &web_sys::EventTarget, event: &str, heard: impl FnMut() + 'static) {
    let heard = Closure::<dyn FnMut()>::new(heard).into_js_value();
    // Listening fails only for what is no function.
    let _ = target.add_event_listener_with_callback(event, heard.unchecked_ref());
}

fn touched() {
    let was_away = is_away();
    TOUCHED.set(browser::now());
    if was_away && !is_away() {
        renamed();
    }
}

fn is_away() -> bool {
    let now = browser::now();
    let hidden = HIDDEN_SINCE.get();
    (hidden > 0 && now - hidden >= OUT_OF_SIGHT) || now - TOUCHED.get() >= IDLE
}

fn tick(app: App) {
    let now = browser::now();
    for presence in all() {
        presence.show();
        presence.open.people.maybe_update(|people| people.tire(now));
    }
    drafts::keep(app);
    direct::keep_read(app);
    jump(app);
}

/// Goes to the message that an address led to, once it is there.
fn jump(app: App) {
    let Some((room, target)) = app.jump.read_untracked().clone() else {
        return;
    };
    let rooms = app.rooms.read_untracked();
    let open = rooms
        .iter()
        .find(|open| open.room.read_untracked().name == room);
    if let Some(open) = open
        && *open.state.read_untracked() == RoomState::Open
    {
        app.jump.set(None);
        travel::jump_to(*open, target);
    }
}

/// What the service tells of somebody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Insight {
    /// The roles; none if the reader may not see them.
    pub(crate) roles: Option<String>,
    /// The sessions.
    pub(crate) sessions: Vec<String>,
    /// When the first of them began.
    pub(crate) since: Option<i64>,
}

/// Asks the service about somebody's sessions.
pub(crate) async fn look_into(app: App, person: &Person) -> Insight {
    let mut insight = Insight::default();
    for open in app.rooms.read_untracked().iter() {
        let people = open.people.read_untracked();
        for session in people.sessions(&person.name, &person.principal) {
            if !insight.sessions.contains(&session) {
                insight.sessions.push(session);
            }
        }
    }
    let Some(session) = link::session() else {
        return insight;
    };
    let Some(first) = insight.sessions.first().and_then(|it| it.parse().ok()) else {
        return insight;
    };
    let asked = session
        .clients()
        .session_properties(first, &["$Roles", "$StartTime"])
        .await;
    if let Ok(Some(properties)) = asked {
        let property = |name: &str| {
            let mut all = properties.iter();
            all.find(|(key, _)| *key == name)
                .map(|(_, value)| value.clone())
        };
        insight.roles = property("$Roles").map(|roles| roles.replace('"', "").replace(',', ", "));
        insight.since = property("$StartTime").and_then(|it| it.parse().ok());
    }
    insight
}

impl Presence {
    fn counts(&self) -> bool {
        self.open.is_visit(self.visit)
    }

    /// What the card should say.
    fn card(&self) -> MemberCard {
        let me = self.app.me.read_untracked();
        let now = browser::now();
        let mut card = MemberCard {
            away: is_away(),
            typing: now - self.typed.get() < TYPING,
            seen: self.shown.borrow().seen,
            ..MemberCard::default()
        };
        if let Some(me) = me.as_ref() {
            card.name.clone_from(&me.name);
            card.principal.clone_from(&me.credentials.principal);
        }
        let every = SEEN_EVERY * (self.open.people.read_untracked().count().max(4) as i64);
        let shown = *self.app.active.read_untracked() == Some(self.open.id) && !document().hidden();
        if shown && now - self.seen.get() >= every {
            card.seen = newest(self.open).or(card.seen);
        }
        card
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
            self.seen.set(browser::now());
        }
        let value = card.to_json();
        self.shown.replace(card);
        let Some(session) = link::session() else {
            return;
        };
        let presence = Rc::clone(self);
        spawn_local(async move {
            let done = session.topic_update().set(&path, &value).await;
            if refused(&done) == Some(ErrorReason::NoSuchTopic) && presence.counts() {
                // Somebody has removed it.
                presence.appear().await;
            }
        });
    }

    /// Puts the session's card into the room.
    async fn appear(&self) {
        let Some(session) = link::session() else {
            return;
        };
        let Some(info) = session.info() else { return };
        let path = member_path(&self.open.room.read_untracked().name, &info.id.to_string());
        let card = self.card();
        // Both are on their way before either is answered. The name of a session is nobody else's.
        let added = session.topics().add(&path, specification());
        let set = session.topic_update().set(&path, &card.to_json());
        let done = match added.await {
            Ok(_) => set.await,
            Err(error) => Err(error),
        };
        if !self.counts() {
            return;
        }
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
    }
}

/// Puts the card into the room now, and again for each session that takes the place of one before.
async fn appear_each_time(presence: Rc<Presence>, mut states: effusion_client::States) {
    let mut shown = None;
    while let Some(state) = states.next().await {
        if !presence.counts() {
            return;
        }
        if let SessionState::Connected(info) = state
            && shown.as_ref() != Some(&info.id)
        {
            shown = Some(info.id);
            presence.appear().await;
        }
    }
}

fn watch_members(presence: &Presence, session: &Session) {
    let (open, visit) = (presence.open, presence.visit);
    let selector = members_selector(&open.room.read_untracked().name);
    let Ok(mut stream) = session.add_stream::<Json>(&selector) else {
        return;
    };
    let selected = session.topics().select(&selector);
    spawn_local(async move {
        if selected.await.is_err() && open.is_visit(visit) {
            open.people
                .update(|people| people.listing = Listing::Hidden);
            open.attended.set_if_changed(true);
        }
    });
    spawn_local(async move {
        while let Some(event) = stream.next().await {
            if !open.is_visit(visit) {
                return;
            }
            open.people.maybe_update(|people| see(people, event));
        }
    });
}

/// True if that changes anything.
fn see(people: &mut People, event: StreamEvent<Json>) -> bool {
    let id = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    match event {
        StreamEvent::Value { topic, new, .. } => MemberCard::from_json(&new)
            .is_some_and(|card| people.put(&id(&topic.path), card, browser::now())),
        StreamEvent::Unsubscribed {
            topic,
            reason: UnsubscribedReason::Service(_),
        } => {
            people.remove(&id(&topic.path));
            true
        }
        StreamEvent::Unsubscribed {
            reason: UnsubscribedReason::SessionLost,
            ..
        } => {
            people.clear();
            true
        }
        StreamEvent::NotSelected(_) => {
            people.listing = Listing::Hidden;
            true
        }
        _ => false,
    }
}

/// Follows what is written down of the room.
fn watch_card(presence: &Presence, session: &Session) {
    let (open, visit) = (presence.open, presence.visit);
    let selector = card_selector(&open.room.read_untracked().name);
    let Ok(mut stream) = session.add_stream::<Json>(&selector) else {
        return;
    };
    // A room need not have a card, and the service need not show it.
    drop(session.topics().select(&selector));
    spawn_local(async move {
        while let Some(event) = stream.next().await {
            if !open.is_visit(visit) {
                return;
            }
            match event {
                StreamEvent::Value { new, .. } => {
                    open.card.set_if_changed(RoomCard::from_json(&new))
                }
                StreamEvent::Unsubscribed {
                    reason: UnsubscribedReason::Service(_),
                    ..
                } => open.card.set_if_changed(None),
                _ => {}
            }
        }
    });
}

fn card_selector(room: &RoomName) -> String {
    [">", &card_path(room)].concat()
}

fn specification() -> TopicSpecification {
    TopicSpecification::new(TopicType::Json)
        .with(property::REMOVAL, MEMBER_REMOVAL)
        // Nobody is there after the service has started again.
        .with(property::PERSISTENT, "false")
}

/// The reason of a refusal.
fn refused<T>(done: &Result<T, RequestError>) -> Option<ErrorReason> {
    done.as_ref().err().and_then(RequestError::refusal)
}

/// The newest message of a room that others know.
fn newest(open: OpenRoom) -> Option<Target> {
    open.look(|timeline| {
        timeline.entries().rev().find_map(|entry| {
            let id = entry.message.id.map(Target::Id);
            entry.sequence.map(Target::Sequence).or(id)
        })
    })
}
