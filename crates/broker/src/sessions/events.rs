//! Session event listeners: being told when sessions open, change and close.
//!
//! Source: the API documentation of `ClientControl.addSessionEventListener` and `setSessionPropertiesListener`.

use effusion_protocol::body::{
    Properties, SessionChange, SessionEvent, SessionEvents, SessionUpdateType,
};
use effusion_protocol::{CloseReason, ConversationId, ErrorReport, ServiceId};
use std::collections::BTreeMap;

use crate::caller::{Registration, SessionKey};
use crate::{errors, wire};

use super::filter::Filter;
use super::{Session, Sessions, key};

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
}

/// All session event listeners.
#[derive(Debug, Default)]
pub(super) struct SessionListeners {
    listeners: BTreeMap<(SessionKey, ConversationId), SessionListener>,
}

impl SessionListener {
    fn is_about(&self, session: &Session) -> bool {
        let started = session
            .properties
            .get(key::START_TIME)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or_default();
        self.after.is_none_or(|after| started > after)
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
    /// Adds a listener, and tells it of the sessions that are there.
    pub(crate) fn add_listener(
        &mut self,
        key: SessionKey,
        conversation: ConversationId,
        listener: SessionListener,
    ) -> Result<(), ErrorReport> {
        let own = (key, ConversationId(0))..=(key, ConversationId(u64::MAX));
        let count = self.listeners.listeners.range(own).count();
        if count >= self.limits.selections {
            return Err(errors::too_many("session event listeners"));
        }
        let present: Vec<SessionEvent> = self
            .iter()
            .filter(|session| listener.is_about(session))
            .map(|session| listener.opened(session))
            .collect();
        self.listeners
            .listeners
            .insert((key, conversation), listener);
        for events in present.chunks(BATCH) {
            self.notify_listener(key, conversation, events.to_vec());
        }
        Ok(())
    }

    pub(crate) fn remove_listener(&mut self, key: SessionKey, conversation: ConversationId) {
        self.listeners.listeners.remove(&(key, conversation));
    }

    /// Ends the listeners that a session registered.
    pub(crate) fn end_listeners(&mut self, key: SessionKey) -> Vec<Registration> {
        let mut ended = Vec::new();
        let listeners = &mut self.listeners.listeners;
        listeners.retain(|(session, conversation), listener| {
            if *session == key {
                ended.push((listener.service, *conversation));
            }
            *session != key
        });
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
    }
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
