//! Session event listeners.

use effusion_protocol::ConversationId;
use effusion_protocol::body::{
    GlobalPermission, PropertiesOfInterest, ResponseBody, SessionEventRegistration,
    SessionEventRegistrationResponse, SessionPropertiesRegistration,
};

use crate::broker::Broker;
use crate::broker::jobs::{Slice, Task};
use crate::caller::{Caller, SessionKey};
use crate::services::dispatch::{Reply, Served};
use crate::sessions::events::SessionListener;
use crate::sessions::filter::Filter;

/// An answer that waits until listeners have been told what the request changed.
#[derive(Debug)]
pub(crate) struct Announcing {
    happened: u64,
    answer: ResponseBody,
}

/// A listener that is being told of the sessions that are there.
#[derive(Debug)]
pub(crate) struct Introducing {
    listener: ConversationId,
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
        let filter = it.filter.map(|text| Filter::parse(&text)).transpose();
        let listener = SessionListener {
            filter: match filter {
                Ok(filter) => filter,
                Err(mistake) => {
                    self.check_all(caller, &Self::LISTENER_RIGHTS)?;
                    return Ok(Reply::Now(ResponseBody::SessionEventRegistration(
                        SessionEventRegistrationResponse::Errors(vec![mistake.report()]),
                    )));
                }
            },
            properties: it.properties.unwrap_or_default(),
            after: it.after.filter(|after| *after > 0),
            service: caller.service,
            introduced: SessionKey(0),
            since: 0,
        };
        let registered = SessionEventRegistrationResponse::Registered;
        let response = ResponseBody::SessionEventRegistration(registered);
        self.register_listener(caller, it.listener, listener, response)
    }

    pub(crate) fn register_properties_listener(
        &mut self,
        caller: &Caller,
        it: SessionPropertiesRegistration,
    ) -> Served {
        let listener = SessionListener {
            filter: None,
            properties: match it.properties {
                PropertiesOfInterest::Some(properties) => properties,
                PropertiesOfInterest::None => Vec::new(),
            },
            after: None,
            service: caller.service,
            introduced: SessionKey(0),
            since: 0,
        };
        let response = ResponseBody::SessionPropertiesRegistration(());
        self.register_listener(caller, it.listener, listener, response)
    }

    fn register_listener(
        &mut self,
        caller: &Caller,
        conversation: ConversationId,
        listener: SessionListener,
        response: ResponseBody,
    ) -> Served {
        self.check_all(caller, &Self::LISTENER_RIGHTS)?;
        self.sessions
            .add_listener(caller.session, conversation, listener)?;
        self.answer(caller.clone(), Ok(response));
        let introducing = Introducing {
            listener: conversation,
        };
        self.begin(caller, Task::Introduce(Box::new(introducing)))
    }

    /// Tells a new listener of some of the sessions that are there.
    pub(crate) fn introduce_on(
        &mut self,
        caller: &Caller,
        introducing: Box<Introducing>,
        steps: &mut usize,
    ) -> Slice {
        let listener = introducing.listener;
        if self.sessions.introduce(caller.session, listener, steps) {
            Slice::Done(Ok(Reply::Later))
        } else {
            Slice::Again(Task::Introduce(introducing))
        }
    }

    pub(crate) fn deregister_event_listener(
        &mut self,
        caller: &Caller,
        listener: ConversationId,
    ) -> Served {
        self.sessions.remove_listener(caller.session, listener);
        self.deregistered(caller.session, listener);
        Ok(Reply::Now(ResponseBody::SessionEventDeregistration(())))
    }

    /// Answers a request once listeners have been told what it changed: whoever changes much waits for that.
    pub(crate) fn answer_when_told(&mut self, caller: &Caller, answer: ResponseBody) -> Served {
        let happened = self.sessions.happened();
        let announcing = Announcing { happened, answer };
        self.begin(caller, Task::Announce(Box::new(announcing)))
    }

    pub(crate) fn announced(&self, announcing: Box<Announcing>) -> Slice {
        if self.sessions.has_told(announcing.happened) {
            Slice::Done(Ok(Reply::Now(announcing.answer)))
        } else {
            Slice::Again(Task::Announce(announcing))
        }
    }
}
