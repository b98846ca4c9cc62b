//! Topic notification listeners.

use effusion_protocol::ConversationId;
use effusion_protocol::body::{ResponseBody, TopicNotificationSelection};

use crate::broker::Broker;
use crate::caller::Caller;
use crate::errors;
use crate::messaging::Before;
use crate::services::dispatch::{Reply, Served};
use crate::topics::Selector;

impl Broker {
    pub(crate) fn select_notifications(
        &mut self,
        caller: &Caller,
        request: &TopicNotificationSelection,
    ) -> Served {
        let selector = self.selector_of(caller, &request.selector)?;
        let limit = self.config.limits.selections;
        let before = self
            .messaging
            .notifications_mut()
            .select(caller.session, request.listener, &selector, limit)
            .ok_or_else(|| errors::too_many("topic notification selections"))?;
        self.send_differences(caller, request.listener, &before, &selector);
        Ok(Reply::Now(ResponseBody::TopicNotificationSelection(())))
    }

    pub(crate) fn deselect_notifications(
        &mut self,
        caller: &Caller,
        request: &TopicNotificationSelection,
    ) -> Served {
        let selector = self.topics.selector(&request.selector)?;
        let before = self.messaging.notifications_mut().deselect(
            caller.session,
            request.listener,
            &selector,
        );
        if let Some(before) = before {
            self.send_differences(caller, request.listener, &before, &selector);
        }
        Ok(Reply::Now(ResponseBody::TopicNotificationDeselection(())))
    }

    pub(crate) fn remove_listener(&mut self, caller: &Caller, listener: ConversationId) -> Served {
        self.messaging
            .notifications_mut()
            .remove(caller.session, listener);
        Ok(Reply::Now(
            ResponseBody::TopicNotificationDeregistration(()),
        ))
    }

    fn send_differences(
        &mut self,
        caller: &Caller,
        listener: ConversationId,
        before: &Before,
        changed: &Selector,
    ) {
        let key = caller.session;
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let (id, tree) = ((key, listener), self.topics.tree());
        let messages =
            self.messaging
                .notifications()
                .differences(id, before, changed, tree, |topic| session.sees(topic));
        for message in messages {
            self.sessions.send(key, message);
        }
    }
}
