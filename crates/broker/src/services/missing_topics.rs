//! Missing topic handlers: sessions that are told when another one selects what is not there.
//!
//! Source: the API documentation of `TopicControl.addMissingTopicHandler`.

use effusion_protocol::body::{
    GlobalPermission, MissingTopicOrigin, MissingTopicRequest, NamedDeregistration,
    NamedRegistration, ResponseBody,
};
use effusion_protocol::{ErrorReason, ServiceId};
use std::collections::BTreeSet;

use crate::broker::Broker;
use crate::caller::Caller;
use crate::caller::SessionKey;
use crate::errors::{self, error};
use crate::messaging::Handler;
use crate::services::dispatch::{Reply, Served};
use crate::services::messaging::check_registration;
use crate::sessions::key;
use crate::topics::Selector;
use crate::wire;

fn branch(path: &str) -> &str {
    path.trim_matches('/')
}

impl Broker {
    pub(crate) fn register_missing_topic_handler(
        &mut self,
        caller: &Caller,
        it: NamedRegistration,
    ) -> Served {
        self.check_global(caller, GlobalPermission::RegisterHandler)?;
        if it.service != u32::from(ServiceId::MissingTopic.code()) {
            return Err(errors::unsupported(format_args!(
                "handlers for service {}",
                it.service
            )));
        }
        check_registration(caller)?;
        if self
            .messaging
            .missing_topic_handlers()
            .count(caller.session)
            >= self.config.limits.selections
        {
            return Err(errors::too_many("missing topic handlers"));
        }
        let handler = Handler {
            session: caller.session,
            conversation: it.handler,
            properties: BTreeSet::new(),
        };
        if !self
            .messaging
            .missing_topic_handlers_mut()
            .add(branch(&it.name), handler)
        {
            return Err(error(
                ErrorReason::HandlerConflict,
                format!("The session has a handler for '{}' already", it.name),
            ));
        }
        Ok(Reply::Now(ResponseBody::TopicControlRegistration(())))
    }

    pub(crate) fn deregister_missing_topic_handler(
        &mut self,
        caller: &Caller,
        it: &NamedDeregistration,
    ) -> Served {
        let handlers = self.messaging.missing_topic_handlers_mut();
        if let Some(ended) = handlers.remove(branch(&it.name), caller.session) {
            self.deregistered(caller.session, ended);
        }
        Ok(Reply::Now(ResponseBody::TopicControlDeregistration(())))
    }

    /// A session selected topics, of which there are none: tells the handler of the most specific branch.
    pub(crate) fn report_missing(&mut self, key: SessionKey, selector: &Selector) {
        let prefixes = selector.prefixes();
        let Some(prefix) = prefixes.first().filter(|_| prefixes.len() == 1) else {
            return;
        };
        let Some(handler) = self
            .messaging
            .missing_topic_handlers()
            .find(prefix)
            .first()
            .cloned()
        else {
            return;
        };
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        // The properties of a session are for those who may view sessions; the SDKs cannot do without its id.
        let may_view = self
            .sessions
            .get(handler.session)
            .is_some_and(|receiver| receiver.rights().has_global(GlobalPermission::ViewSession));
        let keys = if may_view {
            vec![key::ALL_FIXED.to_owned(), key::ALL_USER.to_owned()]
        } else {
            vec![key::SESSION_ID.to_owned()]
        };
        let properties = session.select_properties(&keys);
        let request = MissingTopicRequest {
            origin: MissingTopicOrigin::Properties {
                properties: properties.into_iter().collect(),
                servers: vec![self.config.server_name.clone()],
            },
            selector: selector.expression().to_owned(),
            handler: handler.conversation,
        };
        // The answer says nothing.
        if let Some(receiver) = self.sessions.get(handler.session) {
            let message = wire::request(
                ServiceId::MissingTopic,
                wire::UNANSWERED,
                &request,
                receiver.version(),
            );
            self.sessions
                .send_registered(handler.session, message, handler.conversation);
        }
    }
}
