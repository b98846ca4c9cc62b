//! Topic notification listeners.

use std::sync::Arc;

use effusion_protocol::body::{ResponseBody, TopicNotificationSelection};
use effusion_protocol::{ConversationId, ErrorReport};

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
        self.change_notifications(caller, request.listener, &selector, true)?;
        Ok(Reply::Now(ResponseBody::TopicNotificationSelection(())))
    }

    pub(crate) fn deselect_notifications(
        &mut self,
        caller: &Caller,
        request: &TopicNotificationSelection,
    ) -> Served {
        let selector = self.topics.selector(&request.selector)?;
        self.change_notifications(caller, request.listener, &selector, false)?;
        Ok(Reply::Now(ResponseBody::TopicNotificationDeselection(())))
    }

    fn change_notifications(
        &mut self,
        caller: &Caller,
        listener: ConversationId,
        selector: &Arc<Selector>,
        selects: bool,
    ) -> Result<(), ErrorReport> {
        let limit = self.config.limits.selections;
        let notifications = self.messaging.notifications_mut();
        let before = notifications
            .change(caller.session, listener, selector, selects, limit)
            .ok_or_else(|| errors::too_many("topic notification selections"))?;
        self.send_differences(caller, listener, &before, selector);
        Ok(())
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
