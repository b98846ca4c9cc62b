//! Topic notification listeners.

use std::sync::Arc;

use effusion_protocol::body::{ResponseBody, TopicNotificationSelection};
use effusion_protocol::{ConversationId, ServiceId, TopicId};

use crate::broker::Broker;
use crate::broker::jobs::{Slice, Task};
use crate::caller::Caller;
use crate::messaging::Earlier;
use crate::services::dispatch::{Reply, Served};
use crate::topics::{Halt, Onward, Selector, Topic, Walk};

/// A listener that is being told what has changed for it.
#[derive(Debug)]
pub(crate) struct Comparing {
    listener: ConversationId,
    walk: Walk,
    /// The last topic that there was at the beginning.
    newest: TopicId,
    /// Topics that were added or removed before: of those the listener is told first.
    first: Earlier,
}

impl Broker {
    pub(crate) fn select_notifications(
        &mut self,
        caller: &Caller,
        request: &TopicNotificationSelection,
    ) -> Served {
        let selector = self.selector_of(caller, &request.selector)?;
        self.change_notifications(caller, request.listener, &selector, true)
    }

    pub(crate) fn deselect_notifications(
        &mut self,
        caller: &Caller,
        request: &TopicNotificationSelection,
    ) -> Served {
        let selector = self.topics.selector(&request.selector)?;
        self.change_notifications(caller, request.listener, &selector, false)
    }

    fn change_notifications(
        &mut self,
        caller: &Caller,
        listener: ConversationId,
        selector: &Arc<Selector>,
        selects: bool,
    ) -> Served {
        let notifications = self.messaging.notifications_mut();
        let limits = &self.config.limits;
        let first = notifications.change(caller.session, listener, selector, selects, limits)?;
        let comparing = Comparing {
            listener,
            walk: Walk::new(selector, false),
            newest: self.topics.newest(),
            first,
        };
        self.begin(caller, Task::Compare(Box::new(comparing)))
    }

    /// Tells a listener of some of the topics that are more or less to it than before.
    pub(crate) fn compare_on(
        &mut self,
        caller: &Caller,
        mut comparing: Box<Comparing>,
        steps: &mut usize,
    ) -> Slice {
        let Ok(session) = self.session(caller) else {
            return Slice::Done(Ok(Reply::Later));
        };
        let Comparing {
            listener: _,
            walk,
            newest,
            first,
        } = &mut *comparing;
        let notifications = self.messaging.notifications();
        if !notifications.has_been_told(caller.session, first, steps) {
            return Slice::Again(Task::Compare(comparing));
        }
        let tree = self.topics.tree();
        let Some(view) = notifications.comparison(caller.session, tree) else {
            return Slice::Done(Ok(Reply::Later));
        };
        let (mut messages, mut left) = (Vec::new(), *steps);
        let halt = tree.walk_all(walk, steps, |topic| {
            if left == 0 {
                return Onward::StopBefore;
            }
            left -= 1;
            // Of those that came meanwhile it was told.
            if topic.id() <= *newest && session.sees(topic) {
                let sees = |it: &Topic| session.sees(it);
                messages.extend(view.difference(topic, sees, &mut left));
            }
            Onward::Next
        });
        for message in messages {
            self.sessions
                .send_registered(caller.session, message, comparing.listener);
        }
        if halt != Halt::End {
            return Slice::Again(Task::Compare(comparing));
        }
        let notifications = self.messaging.notifications_mut();
        notifications.compared(caller.session);
        Slice::Done(Ok(Reply::Now(match caller.service {
            ServiceId::TopicNotificationDeselection => {
                ResponseBody::TopicNotificationDeselection(())
            }
            _ => ResponseBody::TopicNotificationSelection(()),
        })))
    }

    pub(crate) fn remove_listener(&mut self, caller: &Caller, listener: ConversationId) -> Served {
        self.messaging
            .notifications_mut()
            .remove(caller.session, listener);
        self.deregistered(caller.session, listener);
        Ok(Reply::Now(
            ResponseBody::TopicNotificationDeregistration(()),
        ))
    }
}
