//! What sessions have to do with each other: request messages, handlers, locks, and being told of topics.
//!
//! Each of the four owns its state and knows sessions by their keys only. [`Messaging`] keeps them together where something
//! concerns all: a session that is closed, or that has other rights.

mod handlers;
mod locks;
mod notifications;
mod requests;

pub(crate) use handlers::{Handler, Handlers};
pub(crate) use locks::{Granted, Held, Locks, Waiting};
pub(crate) use notifications::{Earlier, Notifications};
pub(crate) use requests::{Request, Requests};

use effusion_protocol::ServiceId;

use crate::caller::{Registration, SessionKey};

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Messaging {
    handlers: Handlers,
    missing_topic_handlers: Handlers,
    locks: Locks,
    notifications: Notifications,
    requests: Requests,
}

/// What a session leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Released {
    /// Who has its locks now.
    pub(crate) granted: Vec<Granted>,
    /// What it was asked and will not answer.
    pub(crate) unanswered: Vec<Request>,
}

impl Messaging {
    /// Who answers request messages to paths.
    pub(crate) const fn handlers(&self) -> &Handlers {
        &self.handlers
    }

    pub(crate) const fn handlers_mut(&mut self) -> &mut Handlers {
        &mut self.handlers
    }

    /// Who is told that topics are selected which are not there.
    pub(crate) const fn missing_topic_handlers(&self) -> &Handlers {
        &self.missing_topic_handlers
    }

    pub(crate) const fn missing_topic_handlers_mut(&mut self) -> &mut Handlers {
        &mut self.missing_topic_handlers
    }

    pub(crate) const fn locks(&self) -> &Locks {
        &self.locks
    }

    pub(crate) const fn locks_mut(&mut self) -> &mut Locks {
        &mut self.locks
    }

    /// Topic notification listeners.
    pub(crate) const fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    pub(crate) const fn notifications_mut(&mut self) -> &mut Notifications {
        &mut self.notifications
    }

    /// What clients were asked and have not answered.
    pub(crate) const fn requests(&self) -> &Requests {
        &self.requests
    }

    pub(crate) const fn requests_mut(&mut self) -> &mut Requests {
        &mut self.requests
    }

    /// A session is closed.
    pub(crate) fn remove_session(&mut self, session: SessionKey) -> Released {
        self.notifications.remove_session(session);
        self.handlers.remove_session(session);
        self.missing_topic_handlers.remove_session(session);
        // Nobody is there to be told of requests for locks that wait no longer.
        let (granted, _) = self.locks.lost(session, true);
        Released {
            granted,
            unanswered: self.requests.withdraw(session, |_| true),
        }
    }

    /// A session has other rights. Ends the handlers that it may not keep; returns them, and what they were asked, as well as
    /// those that the session ended before.
    pub(crate) fn end_handlers(
        &mut self,
        session: SessionKey,
        may_handle: bool,
        may_view: bool,
    ) -> (Vec<Registration>, Vec<Request>) {
        let ended = self.handlers.end(session, |handler| {
            may_handle && (may_view || handler.properties.is_empty())
        });
        let has_lost = !(may_handle && may_view);
        let kept = self.handlers.of_session(session);
        let requests = self.requests.withdraw(session, |request| match request {
            Request::Message { handler, .. } => {
                has_lost && handler.is_some_and(|it| !kept.contains(&it))
            }
            _ => false,
        });
        let missing = self.missing_topic_handlers.end(session, |_| may_handle);
        let registrations = ended
            .into_iter()
            .map(|it| (ServiceId::MessagingReceiverControlRegistration, it))
            .chain(
                missing
                    .into_iter()
                    .map(|it| (ServiceId::TopicControlRegistration, it)),
            )
            .collect();
        (registrations, requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use effusion_protocol::ConversationId;
    use effusion_protocol::body::SessionLockScope;

    const ANN: SessionKey = SessionKey(1);
    const BOB: SessionKey = SessionKey(2);

    fn handler(session: SessionKey, number: u64, properties: &[&str]) -> Handler {
        Handler {
            session,
            conversation: ConversationId(number),
            properties: properties.iter().map(|&it| it.to_owned()).collect(),
        }
    }

    fn message(handler: Option<u64>) -> Request {
        Request::Message {
            sender: Caller::test(BOB, 1),
            handler: handler.map(ConversationId),
        }
    }

    #[test]
    fn a_closed_session_leaves_its_locks_and_requests() {
        let mut messaging = Messaging::default();
        for (session, request) in [(ANN, 1), (BOB, 2)] {
            let waiting = Waiting {
                caller: Caller::test(session, request),
                request,
                scope: SessionLockScope::UnlockOnSessionLoss,
            };
            messaging.locks_mut().acquire("L", waiting);
        }
        assert!(messaging.handlers_mut().add("a", handler(ANN, 5, &[])));
        let requests = messaging.requests_mut();
        requests.insert(ANN, ConversationId(9), message(Some(5)), 100);
        let Released {
            granted,
            unanswered,
        } = messaging.remove_session(ANN);
        assert_eq!(granted.len(), 1);
        assert_eq!(unanswered, [message(Some(5))]);
        assert!(messaging.handlers().find("a").is_empty());
        assert_eq!(messaging.requests().next_timeout(), None);
        let none = messaging.remove_session(ANN);
        assert!(none.granted.is_empty() && none.unanswered.is_empty());
    }

    #[test]
    fn handlers_that_may_not_stay_end_with_what_they_were_asked() {
        let mut messaging = Messaging::default();
        let handlers = messaging.handlers_mut();
        assert!(handlers.add("a", handler(ANN, 5, &[])));
        assert!(handlers.add("b", handler(ANN, 6, &["$Principal"])));
        let missing = messaging.missing_topic_handlers_mut();
        assert!(missing.add("c", handler(ANN, 7, &[])));
        for (number, handler) in [(1, Some(5)), (2, Some(6)), (3, None)] {
            let requests = messaging.requests_mut();
            requests.insert(ANN, ConversationId(number), message(handler), 100);
        }
        let service = ServiceId::MessagingReceiverControlRegistration;
        let (ended, requests) = messaging.end_handlers(ANN, true, false);
        assert_eq!(ended, [(service, ConversationId(6))]);
        assert_eq!(requests, [message(Some(6))]);
        let (ended, requests) = messaging.end_handlers(ANN, false, false);
        assert_eq!(ended.len(), 2);
        assert_eq!(requests, [message(Some(5))]);
        assert_eq!(messaging.requests().count(ANN), 1);
    }
}
