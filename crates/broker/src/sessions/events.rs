//! Session event listeners: being told when sessions open, change and close.
//!
//! Source: the API documentation of `ClientControl.addSessionEventListener` and `setSessionPropertiesListener`.

use core::ops::RangeInclusive;
use effusion_protocol::body::{
    Properties, SessionChange, SessionEvent, SessionEvents, SessionUpdateType,
};
use effusion_protocol::{CloseReason, ConversationId, ErrorReport, ServiceId, SessionId};
use std::collections::{BTreeMap, VecDeque};

use crate::caller::{Registration, SessionKey};
use crate::{errors, wire};

use super::filter::Filter;
use super::{Session, Sessions, key};

/// Steps for telling a listener of a session.
const INTRODUCTION: usize = 2;
/// What it may take to look at a session for all listeners, in steps: a few milliseconds.
const MAX_STEPS: usize = 20_000;
/// Steps for telling listeners at once of what happens: what is left follows in slices.
const TELLING: usize = 5_000;
/// Bytes of properties that are looked at, copied and written in a step.
const BYTES_A_STEP: usize = 256;
/// How much is remembered of what listeners have not been told. Beyond that they are told at once.
const MAX_UNTOLD: usize = 16 * 1024 * 1024;
/// What an entry of a map takes besides its text, in bytes.
const OVERHEAD: usize = 64;
/// How many events go into one message.
const BATCH: usize = 100;

/// What a listener wants to know.
#[derive(Debug)]
pub(crate) struct SessionListener {
    pub(crate) filter: Option<Filter>,
    pub(crate) properties: Vec<String>,
    /// Only sessions that started after this, in milliseconds since 1970.
    pub(crate) after: Option<u64>,
    /// Where it was registered.
    pub(crate) service: ServiceId,
    /// It is told of sessions up to this one: the others follow, and what happens to them until then is part of that.
    pub(crate) introduced: SessionKey,
    /// How much had happened when it was registered: of what happened before, it is not told.
    pub(crate) since: u64,
}

/// All session event listeners.
#[derive(Debug, Default)]
pub(super) struct SessionListeners {
    listeners: BTreeMap<(SessionKey, ConversationId), SessionListener>,
    /// What it takes to look at a session for all of them.
    steps: usize,
    /// What not all have been told, in its order.
    untold: VecDeque<Happened>,
    /// Bytes of memory that it takes.
    bytes: usize,
    /// How much has happened.
    count: u64,
    /// How many steps the present input has taken for telling.
    taken: usize,
}

/// All properties of a session, with its roles.
type All = BTreeMap<String, String>;

/// What happened to a session.
#[derive(Clone, Copy, Debug)]
enum What {
    Opened,
    /// It lost its connection, or has one again.
    Moved(SessionUpdateType),
    Changed,
    Closed(CloseReason),
}

/// Something that happened to a session, and the listeners that have not been told. The properties are there once for all of
/// them: each picks from them when it is told.
#[derive(Debug)]
struct Happened {
    number: u64,
    session: SessionId,
    what: What,
    /// What the properties were before they changed; empty if that is not what happened.
    old: All,
    new: All,
    listeners: VecDeque<(SessionKey, ConversationId)>,
    bytes: usize,
}

impl Happened {
    /// What a listener is told, if that is anything, and how many steps that takes.
    fn event(&self, listener: &SessionListener) -> (Option<SessionEvent>, usize) {
        let (old, new) = (listener.pick(&self.old), listener.pick(&self.new));
        let bytes = OVERHEAD * (self.old.len() + self.new.len()) + bytes(&old) + bytes(&new);
        let steps = 1 + listener.properties.len() + bytes / BYTES_A_STEP;
        let change = match self.what {
            What::Opened => SessionChange::Opened(owned(&new)),
            What::Moved(kind) => SessionChange::Updated {
                kind,
                old: owned(&new),
                new: owned(&new),
            },
            What::Changed if old == new => return (None, steps),
            What::Changed => SessionChange::Updated {
                kind: SessionUpdateType::PropertiesUpdated,
                old: owned(&old),
                new: owned(&new),
            },
            // An event of a session that is closed has no properties; listeners of the older kind are told the last ones
            // (source: the API documentation of `SessionEvent` and `SessionPropertiesListener.onSessionClose`).
            What::Closed(reason) => SessionChange::Closed {
                reason,
                properties: if listener.service == ServiceId::SessionEventRegistration {
                    Properties::new()
                } else {
                    owned(&new)
                },
            },
        };
        let session = self.session;
        (Some(SessionEvent { session, change }), steps)
    }
}

fn all(session: &Session) -> All {
    session.select_properties([key::ALL_FIXED.to_owned(), key::ALL_USER.to_owned()].iter())
}

fn bytes<T: AsRef<str>>(properties: &BTreeMap<T, T>) -> usize {
    let texts = properties.iter();
    texts
        .map(|it| OVERHEAD + it.0.as_ref().len() + it.1.as_ref().len())
        .sum()
}

fn owned(properties: &BTreeMap<&str, &str>) -> Properties {
    let properties = properties.iter();
    properties
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

impl SessionListener {
    /// How many steps it takes to look at a session for it. What it takes of memory counts as well: all listeners have so many steps.
    pub(crate) fn steps(&self) -> usize {
        const BYTES: usize = 1024;
        let names: usize = self.properties.iter().map(String::len).sum();
        let filter = self.filter.as_ref();
        let memory = names + filter.map_or(0, Filter::memory);
        1 + self.properties.len() + filter.map_or(0, Filter::steps) + memory / BYTES
    }

    fn is_about(&self, session: &Session) -> bool {
        let started = session
            .properties
            .get(key::START_TIME)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or_default();
        session.key <= self.introduced
            && self.after.is_none_or(|after| started > after)
            && self
                .filter
                .as_ref()
                .is_none_or(|filter| filter.matches(session))
    }

    /// What it wants to know of all properties.
    fn pick<'a>(&self, all: &'a All) -> BTreeMap<&'a str, &'a str> {
        let wants = |key: &str| self.properties.iter().any(|it| it == key);
        let (fixed, user) = (wants(key::ALL_FIXED), wants(key::ALL_USER));
        let is_wanted = |name: &str| if name.starts_with('$') { fixed } else { user };
        let groups = all.iter().filter(|it| is_wanted(it.0));
        let named = self
            .properties
            .iter()
            .filter_map(|it| all.get_key_value(it));
        let picked = groups.chain(named);
        picked
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }
}

impl Sessions {
    /// Adds a listener. It is to be told of the sessions that are there by [`Sessions::introduce`].
    pub(crate) fn add_listener(
        &mut self,
        key: SessionKey,
        conversation: ConversationId,
        mut listener: SessionListener,
    ) -> Result<(), ErrorReport> {
        listener.since = self.listeners.count;
        let own = self.listeners.listeners.range(own_listeners(key));
        let steps = listener.steps();
        if own.count() >= self.limits.selections || self.listeners.steps + steps > MAX_STEPS {
            return Err(errors::too_many("session event listeners"));
        }
        self.remove_listener(key, conversation);
        self.listeners.steps += steps;
        let listeners = &mut self.listeners.listeners;
        listeners.insert((key, conversation), listener);
        Ok(())
    }

    /// Tells a new listener of some of the sessions that are there. Whether those were the last.
    pub(crate) fn introduce(
        &mut self,
        key: SessionKey,
        conversation: ConversationId,
        steps: &mut usize,
    ) -> bool {
        let (mut events, mut is_done) = (Vec::new(), true);
        let Some(listener) = self.listeners.listeners.get_mut(&(key, conversation)) else {
            return true;
        };
        let from = SessionKey(listener.introduced.0.saturating_add(1));
        for (key, session) in self.sessions.range(from..) {
            if *steps == 0 {
                is_done = false;
                break;
            }
            *steps = steps.saturating_sub(INTRODUCTION + listener.steps());
            listener.introduced = *key;
            if listener.is_about(session) {
                let new = all(session);
                let picked = listener.pick(&new);
                let looked_at = OVERHEAD * new.len() + bytes(&picked);
                *steps = steps.saturating_sub(looked_at / BYTES_A_STEP);
                events.push(SessionEvent {
                    session: session.id,
                    change: SessionChange::Opened(owned(&picked)),
                });
            }
        }
        if is_done {
            listener.introduced = SessionKey(u64::MAX);
        }
        for events in events.chunks(BATCH) {
            self.notify_listener(key, conversation, events.to_vec());
        }
        is_done
    }

    /// What it takes to look at a session for all listeners, in steps: a whole slice while they have not been told what happened
    /// before.
    pub(crate) fn listening_steps(&self) -> usize {
        let waits = if self.is_telling() { TELLING } else { 0 };
        self.listeners.steps.max(waits)
    }

    /// Whether listeners have not been told all that happened.
    pub(crate) fn is_telling(&self) -> bool {
        !self.listeners.untold.is_empty()
    }

    /// Whether listeners have been told of so much.
    pub(crate) fn has_told(&self, count: u64) -> bool {
        let next = self.listeners.untold.front();
        next.is_none_or(|it| it.number > count)
    }

    /// How much has happened.
    pub(crate) const fn happened(&self) -> u64 {
        self.listeners.count
    }

    /// An input, or a slice, has steps of its own for telling listeners.
    pub(crate) const fn begin_input(&mut self) {
        self.listeners.taken = 0;
    }

    /// Tells listeners of some of what happened.
    pub(crate) fn tell_listeners(&mut self) {
        loop {
            let own = &mut self.listeners;
            if own.taken >= TELLING && own.bytes <= MAX_UNTOLD {
                return;
            }
            let Some(happened) = own.untold.front_mut() else {
                return;
            };
            own.taken += 1;
            let Some(id) = happened.listeners.pop_front() else {
                own.bytes = own.bytes.saturating_sub(happened.bytes);
                own.untold.pop_front();
                continue;
            };
            let listener = own.listeners.get(&id);
            if let Some(listener) = listener.filter(|it| it.since < happened.number) {
                let (event, steps) = happened.event(listener);
                own.taken += steps;
                if let Some(event) = event {
                    self.notify_listener(id.0, id.1, vec![event]);
                }
            }
        }
    }

    pub(crate) fn remove_listener(&mut self, key: SessionKey, conversation: ConversationId) {
        if let Some(listener) = self.listeners.listeners.remove(&(key, conversation)) {
            self.listeners.steps = self.listeners.steps.saturating_sub(listener.steps());
        }
    }

    /// Ends the listeners that a session registered.
    pub(crate) fn end_listeners(&mut self, key: SessionKey) -> Vec<Registration> {
        let own = self.listeners.listeners.range(own_listeners(key));
        let ended: Vec<Registration> = own.map(|(id, it)| (it.service, id.1)).collect();
        for (_, conversation) in &ended {
            self.remove_listener(key, *conversation);
        }
        ended
    }

    fn notify_listener(
        &mut self,
        key: SessionKey,
        listener: ConversationId,
        events: Vec<SessionEvent>,
    ) {
        if let Some(session) = self.get(key) {
            let message = wire::request(
                ServiceId::SessionPropertiesEvent,
                wire::UNANSWERED,
                &SessionEvents { listener, events },
                session.version,
            );
            self.send_registered(key, message, listener);
        }
    }

    pub(super) fn notify_opened(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.get(&key) {
            self.listeners.add(session, What::Opened, All::new());
            self.tell_listeners();
        }
    }

    /// A session lost its connection, or has one again.
    pub(crate) fn notify_moved(&mut self, key: SessionKey, kind: SessionUpdateType) {
        if let Some(session) = self.sessions.get(&key) {
            self.listeners.add(session, What::Moved(kind), All::new());
            self.tell_listeners();
        }
    }

    /// A session is closed, and gone already. Its own listeners go with it.
    pub(crate) fn notify_closed(&mut self, session: &Session, reason: CloseReason) {
        self.end_listeners(session.key);
        self.listeners
            .add(session, What::Closed(reason), All::new());
        self.tell_listeners();
    }

    /// Changes what a session is: its properties, principal or roles; listeners are told.
    pub(super) fn change(&mut self, key: SessionKey, change: impl FnOnce(&mut Session)) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        if self.listeners.listeners.is_empty() {
            change(session);
        } else {
            let old = all(session);
            change(session);
            self.listeners.add(session, What::Changed, old);
            self.tell_listeners();
        }
        self.recount_details(key);
    }
}

/// Where the listeners of a session stand among all.
const fn own_listeners(key: SessionKey) -> RangeInclusive<(SessionKey, ConversationId)> {
    RangeInclusive::new((key, ConversationId(0)), (key, ConversationId(u64::MAX)))
}

impl SessionListeners {
    /// Something happened to a session: those are to be told who listen now.
    fn add(&mut self, session: &Session, what: What, old: All) {
        self.count += 1;
        let about = self.listeners.iter().filter(|it| it.1.is_about(session));
        let listeners: VecDeque<_> = about.map(|it| *it.0).collect();
        if listeners.is_empty() {
            return;
        }
        let new = all(session);
        let bytes = bytes(&old) + bytes(&new) + 16 * listeners.len();
        self.bytes += bytes;
        self.untold.push_back(Happened {
            number: self.count,
            session: session.id,
            what,
            old,
            new,
            listeners,
            bytes,
        });
    }
}
