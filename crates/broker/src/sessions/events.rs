//! Session event listeners: being told when sessions open, change and close.
//!
//! Source: the API documentation of `ClientControl.addSessionEventListener` and `setSessionPropertiesListener`.

use effusion_protocol::body::{
    GlobalPermission, Properties, PropertiesOfInterest, ResponseBody, SessionChange, SessionEvent,
    SessionEventRegistration, SessionEventRegistrationResponse, SessionEvents,
    SessionPropertiesRegistration, SessionUpdateType,
};
use effusion_protocol::{CloseReason, ConversationId, ServiceId};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::broker::Broker;
use crate::broker::rights::Ended;
use crate::caller::Caller;
use crate::caller::SessionKey;
use crate::services::dispatch::{Reply, Served};
use crate::sessions::filter::Filter;
use crate::sessions::{Item, Session, key};
use crate::{errors, wire};

/// How many events go into one message.
const BATCH: usize = 100;

/// What a listener wants to know.
#[derive(Clone, Debug)]
struct SessionListener {
    filter: Option<Arc<Filter>>,
    properties: Arc<Vec<String>>,
    /// Only sessions that started after this, in milliseconds since 1970.
    after: Option<u64>,
    /// Where it was registered.
    service: ServiceId,
}

/// All session event listeners.
#[derive(Debug, Default)]
pub(crate) struct SessionListeners {
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

impl Broker {
    /// What a session needs to be told of others.
    pub(crate) const LISTENER_RIGHTS: [GlobalPermission; 2] = [
        GlobalPermission::RegisterHandler,
        GlobalPermission::ViewSession,
    ];

    pub(crate) fn register_event_listener(
        &mut self,
        caller: &Caller,
        it: SessionEventRegistration,
    ) -> Served {
        for permission in Self::LISTENER_RIGHTS {
            self.check_global(caller, permission)?;
        }
        let filter = match it.filter.map(|text| Filter::parse(&text)).transpose() {
            Ok(filter) => filter.map(Arc::new),
            Err(mistake) => {
                return Ok(Reply::Now(ResponseBody::SessionEventRegistration(
                    SessionEventRegistrationResponse::Errors(vec![mistake.report()]),
                )));
            }
        };
        let listener = SessionListener {
            filter,
            properties: Arc::new(it.properties.unwrap_or_default()),
            after: it.after.filter(|after| *after > 0),
            service: caller.service,
        };
        self.answer(
            caller.clone(),
            Ok(ResponseBody::SessionEventRegistration(
                SessionEventRegistrationResponse::Registered,
            )),
        );
        self.add_session_listener(caller.session, it.listener, listener)?;
        Ok(Reply::Later)
    }

    pub(crate) fn register_properties_listener(
        &mut self,
        caller: &Caller,
        it: SessionPropertiesRegistration,
    ) -> Served {
        for permission in Self::LISTENER_RIGHTS {
            self.check_global(caller, permission)?;
        }
        let properties = match it.properties {
            PropertiesOfInterest::Some(properties) => properties,
            PropertiesOfInterest::None => Vec::new(),
        };
        let listener = SessionListener {
            filter: None,
            properties: Arc::new(properties),
            after: None,
            service: caller.service,
        };
        self.answer(
            caller.clone(),
            Ok(ResponseBody::SessionPropertiesRegistration(())),
        );
        self.add_session_listener(caller.session, it.listener, listener)?;
        Ok(Reply::Later)
    }

    fn add_session_listener(
        &mut self,
        key: SessionKey,
        conversation: ConversationId,
        listener: SessionListener,
    ) -> Result<(), effusion_protocol::ErrorReport> {
        let own = (key, ConversationId(0))..=(key, ConversationId(u64::MAX));
        let count = self.session_listeners.listeners.range(own).count();
        if count >= self.config.limits.selections {
            return Err(errors::too_many("session event listeners"));
        }
        let present: Vec<SessionEvent> = self
            .sessions
            .iter()
            .filter(|session| listener.is_about(session))
            .map(|session| listener.opened(session))
            .collect();
        self.session_listeners
            .listeners
            .insert((key, conversation), listener);
        for events in present.chunks(BATCH) {
            self.tell(key, conversation, events.to_vec());
        }
        Ok(())
    }

    pub(crate) fn deregister_event_listener(
        &mut self,
        caller: &Caller,
        listener: ConversationId,
    ) -> Served {
        self.session_listeners
            .listeners
            .remove(&(caller.session, listener));
        Ok(Reply::Now(ResponseBody::SessionEventDeregistration(())))
    }

    fn tell(&mut self, key: SessionKey, listener: ConversationId, events: Vec<SessionEvent>) {
        if let Some(session) = self.sessions.get(key) {
            let message = wire::request(
                ServiceId::SessionPropertiesEvent,
                wire::UNANSWERED,
                &SessionEvents { listener, events },
                session.version,
            );
            self.sessions
                .send_item(key, Item::registered(message, listener));
        }
    }

    fn tell_events(&mut self, events: Vec<Addressed>) {
        for ((key, listener), event) in events {
            self.tell(key, listener, vec![event]);
        }
    }

    pub(crate) fn session_opened(&mut self, key: SessionKey) {
        if let Some(session) = self.sessions.get(key) {
            let events = self
                .session_listeners
                .about(session, |listener| Some(listener.opened(session)));
            self.tell_events(events);
        }
    }

    pub(crate) fn session_reconnected(&mut self, key: SessionKey) {
        self.session_moved(key, SessionUpdateType::Reconnected);
    }

    pub(crate) fn session_disconnected(&mut self, key: SessionKey) {
        self.session_moved(key, SessionUpdateType::Disconnected);
    }

    fn session_moved(&mut self, key: SessionKey, kind: SessionUpdateType) {
        if let Some(session) = self.sessions.get(key) {
            let events = self.session_listeners.about(session, |listener| {
                let properties: Properties = listener.pick(session).into_iter().collect();
                Some(updated(session, kind, properties.clone(), properties))
            });
            self.tell_events(events);
        }
    }

    /// A session is closed, and gone already. Its own listeners go with it.
    pub(crate) fn session_closed(&mut self, session: &Session, reason: CloseReason) {
        self.session_listeners
            .listeners
            .retain(|(key, _), _| *key != session.key);
        let events = self.session_listeners.about(session, |listener| {
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
        self.tell_events(events);
    }

    /// Changes what a session is: its properties, principal or roles; listeners are told.
    pub(crate) fn change_session(&mut self, key: SessionKey, change: impl FnOnce(&mut Session)) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let before: Vec<_> = self
            .session_listeners
            .listeners
            .values()
            .map(|listener| listener.pick(session))
            .collect();
        change(session);
        let session = &*session;
        let mut before = self
            .session_listeners
            .listeners
            .keys()
            .copied()
            .zip(before)
            .collect::<BTreeMap<_, _>>();
        let events = self
            .session_listeners
            .about_with_id(session, |id, listener| {
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
        self.tell_events(events);
    }
}

/// An event for a listener.
type Addressed = ((SessionKey, ConversationId), SessionEvent);

impl SessionListeners {
    /// Ends what a session registered.
    pub(crate) fn end(&mut self, session: SessionKey) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.listeners.retain(|(key, conversation), listener| {
            if *key == session {
                ended.push((listener.service, *conversation));
            }
            *key != session
        });
        ended
    }

    fn about(
        &self,
        session: &Session,
        event: impl Fn(&SessionListener) -> Option<SessionEvent>,
    ) -> Vec<Addressed> {
        self.about_with_id(session, |_, listener| event(listener))
    }

    /// The events that listeners make of what happened to a session.
    fn about_with_id(
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
