//! Session event listeners: being told when sessions open, change and close.
//!
//! Source: the API documentation of `ClientControl.addSessionEventListener` and `setSessionPropertiesListener`.

use core::ops::RangeInclusive;
use effusion_protocol::body::{
    Properties, SessionChange, SessionEvent, SessionEvents, SessionUpdateType,
};
use effusion_protocol::{CloseReason, ConversationId, ErrorReport, ServiceId};
use std::collections::BTreeMap;

use crate::caller::{Registration, SessionKey};
use crate::{errors, wire};

use super::filter::Filter;
use super::{Session, Sessions, key};

/// Steps for telling a listener of a session.
const INTRODUCTION: usize = 2;
/// What it may take to look at a session for all listeners, in steps: a few milliseconds.
const MAX_STEPS: usize = 20_000;
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
}

/// All session event listeners.
#[derive(Debug, Default)]
pub(super) struct SessionListeners {
    listeners: BTreeMap<(SessionKey, ConversationId), SessionListener>,
    /// What it takes to look at a session for all of them.
    steps: usize,
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

    fn opened(&self, session: &Session) -> SessionEvent {
        SessionEvent {
            session: session.id,
            change: SessionChange::Opened(self.pick(session).into_iter().collect()),
        }
    }

    fn pick(&self, session: &Session) -> BTreeMap<String, String> {
        session.select_properties(self.properties.iter())
    }
}

impl Sessions {
    /// Adds a listener. It is to be told of the sessions that are there by [`Sessions::introduce`].
    pub(crate) fn add_listener(
        &mut self,
        key: SessionKey,
        conversation: ConversationId,
        listener: SessionListener,
    ) -> Result<(), ErrorReport> {
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
                events.push(listener.opened(session));
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

    /// What it takes to look at a session for all listeners, in steps.
    pub(crate) const fn listening_steps(&self) -> usize {
        self.listeners.steps
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

    fn notify_listeners(&mut self, events: Vec<Addressed>) {
        for ((key, listener), event) in events {
            self.notify_listener(key, listener, vec![event]);
        }
    }

    pub(super) fn notify_opened(&mut self, key: SessionKey) {
        if let Some(session) = self.get(key) {
            let events = self
                .listeners
                .about(session, |_, listener| Some(listener.opened(session)));
            self.notify_listeners(events);
        }
    }

    /// A session lost its connection, or has one again.
    pub(crate) fn notify_moved(&mut self, key: SessionKey, kind: SessionUpdateType) {
        if let Some(session) = self.get(key) {
            let events = self.listeners.about(session, |_, listener| {
                let properties: Properties = listener.pick(session).into_iter().collect();
                Some(updated(session, kind, properties.clone(), properties))
            });
            self.notify_listeners(events);
        }
    }

    /// A session is closed, and gone already. Its own listeners go with it.
    pub(crate) fn notify_closed(&mut self, session: &Session, reason: CloseReason) {
        self.end_listeners(session.key);
        let events = self.listeners.about(session, |_, listener| {
            // An event of a session that is closed has no properties; listeners of the older kind are told the last ones
            // (source: the API documentation of `SessionEvent` and `SessionPropertiesListener.onSessionClose`).
            let is_event = listener.service == ServiceId::SessionEventRegistration;
            let properties = if is_event {
                Properties::new()
            } else {
                listener.pick(session).into_iter().collect()
            };
            Some(SessionEvent {
                session: session.id,
                change: SessionChange::Closed { reason, properties },
            })
        });
        self.notify_listeners(events);
    }

    /// Changes what a session is: its properties, principal or roles; listeners are told.
    pub(super) fn change(&mut self, key: SessionKey, change: impl FnOnce(&mut Session)) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let listeners = self.listeners.listeners.iter();
        let mut before: BTreeMap<_, _> = listeners
            .map(|(id, listener)| (*id, listener.pick(session)))
            .collect();
        change(session);
        let session = &**session;
        let events = self.listeners.about(session, |id, listener| {
            let old = before.remove(&id).unwrap_or_default();
            let new = listener.pick(session);
            (old != new).then(|| {
                updated(
                    session,
                    SessionUpdateType::PropertiesUpdated,
                    old.into_iter().collect(),
                    new.into_iter().collect(),
                )
            })
        });
        self.notify_listeners(events);
        self.recount_details(key);
    }
}

/// Where the listeners of a session stand among all.
const fn own_listeners(key: SessionKey) -> RangeInclusive<(SessionKey, ConversationId)> {
    RangeInclusive::new((key, ConversationId(0)), (key, ConversationId(u64::MAX)))
}

/// An event for a listener.
type Addressed = ((SessionKey, ConversationId), SessionEvent);

impl SessionListeners {
    /// The events that listeners make of what happened to a session.
    fn about(
        &self,
        session: &Session,
        mut event: impl FnMut((SessionKey, ConversationId), &SessionListener) -> Option<SessionEvent>,
    ) -> Vec<Addressed> {
        self.listeners
            .iter()
            .filter(|(_, listener)| listener.is_about(session))
            .filter_map(|(id, listener)| Some((*id, event(*id, listener)?)))
            .collect()
    }
}

const fn updated(
    session: &Session,
    kind: SessionUpdateType,
    old: Properties,
    new: Properties,
) -> SessionEvent {
    SessionEvent {
        session: session.id,
        change: SessionChange::Updated { kind, old, new },
    }
}
