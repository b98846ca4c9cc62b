//! What a session has because of its rights, looked at again whenever its roles, its principal or the security store change:
//! what it may no longer have ends, and what it may have now begins.
//!
//! What a session registered ends as the SDKs expect a registration to end: with an error for the conversation that was
//! registered. A lock has no such notice; it is free at once.

use effusion_protocol::body::GlobalPermission;
use effusion_protocol::{ConversationId, ErrorReason, ErrorReport, TopicId, UnsubscribeReason};
use std::collections::VecDeque;

use crate::broker::Broker;
use crate::caller::{Registration, SessionKey};
use crate::errors;
use crate::messaging::Request;
use crate::services::subscriptions::Selecting;
use crate::sessions::Session;
use crate::topics::Topic;

/// Steps for what a session has registered.
const REGISTRATIONS: usize = 10;

/// How far it has come to look again at what a session has.
#[derive(Debug)]
pub(crate) enum Recheck {
    /// Its subscriptions are looked at from this topic on.
    Subscriptions(TopicId),
    /// What it selects is walked through: it may see topics now that it did not see before.
    Selections(VecDeque<Selecting>),
}

impl Broker {
    /// To be called after every change of rights, once all of these sessions have their new ones. What is looked at later than
    /// this is so before these sessions are sent anything more.
    ///
    /// What these sessions registered and their locks end now: others may depend on it. Their topics are looked at in turn.
    pub(crate) fn rights_changed(&mut self, keys: &[SessionKey], steps: &mut usize) {
        for key in keys {
            self.sessions.hold(*key);
        }
        for key in keys {
            *steps = steps.saturating_sub(REGISTRATIONS);
            self.end_registrations(*key);
            self.end_locks(*key);
            self.queue_recheck(*key, Recheck::Subscriptions(TopicId(0)));
        }
        self.recheck(steps);
    }

    fn queue_recheck(&mut self, key: SessionKey, recheck: Recheck) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let account = session.account();
        if self.jobs.rechecks.insert(key, recheck).is_none() {
            self.jobs.recheck_turns.push(account, key);
        }
    }

    /// Looks at some of what sessions have whose rights have changed.
    pub(super) fn recheck(&mut self, steps: &mut usize) {
        while *steps > 0
            && let Some(key) = self.jobs.recheck_turns.pop()
        {
            if let Some(recheck) = self.jobs.rechecks.remove(&key)
                && let Some(recheck) = self.recheck_session(key, recheck, steps)
                && !self.jobs.rechecks.contains_key(&key)
            {
                self.queue_recheck(key, recheck);
            }
        }
    }

    /// Returns where to go on, if there is more to look at.
    fn recheck_session(
        &mut self,
        key: SessionKey,
        recheck: Recheck,
        steps: &mut usize,
    ) -> Option<Recheck> {
        let mut selecting = match recheck {
            Recheck::Subscriptions(from) => {
                let reason = UnsubscribeReason::Authorization;
                let may_not = |session: &Session, topic: &Topic| !session.subscribes_to(topic);
                if let Some(next) = self.end_subscriptions(key, from, reason, steps, may_not) {
                    return Some(Recheck::Subscriptions(next));
                }
                let tree = self.topics.tree();
                let looked_at = self.sessions.drop_hidden(key, |session, path| {
                    session.sees_path(path, tree.at(path).map(Topic::settings))
                });
                *steps = steps.saturating_sub(looked_at);
                self.sessions.release_held(key);
                self.catch_up(key);
                let selections = self.sessions.get(key)?.selections();
                let selectors = selections.selectors();
                selectors
                    .map(|it| Selecting::new(key, it.clone()))
                    .collect()
            }
            Recheck::Selections(selecting) => selecting,
        };
        while let Some(next) = selecting.front_mut() {
            if !self.select_some(next, steps) {
                return Some(Recheck::Selections(selecting));
            }
            selecting.pop_front();
        }
        None
    }

    /// A session has ended what it registered under a number. It is told nothing more because of it, and decides no longer who
    /// is let in: others are asked. What it was sent already it may still answer, as long as it has the right to it.
    pub(crate) fn deregistered(&mut self, key: SessionKey, registration: ConversationId) {
        let unsent = self.sessions.drop_registered(key, registration);
        let all = self.messaging.requests_mut();
        let mut requests = all.withdraw(
            key,
            |request| matches!(request, Request::Authentication { handler, .. } if *handler == registration),
        );
        requests.extend(unsent.into_iter().filter_map(|it| all.take(key, it)));
        self.reply_all(key, requests, &no_handler());
    }

    fn end_registrations(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let may_listen = session.has_all(&Self::LISTENER_RIGHTS);
        let may_authenticate = session.has_all(&Self::AUTHENTICATOR_RIGHTS);
        let may_handle = session.has_all(&[GlobalPermission::RegisterHandler]);
        let may_view = session.has_all(&[GlobalPermission::ViewSession]);
        let mut ended: Vec<Registration> = Vec::new();
        if !may_listen {
            ended.extend(self.sessions.end_listeners(key));
        }
        if !may_authenticate {
            ended.extend(self.auth.end_authenticators(key));
            // It decides no longer, not even about those that it was asked about: others are asked.
            let is_meant = |request: &Request| matches!(request, Request::Authentication { .. });
            let requests = self.messaging.requests_mut().withdraw(key, is_meant);
            let report = errors::denied_global(GlobalPermission::Authenticate);
            self.reply_all(key, requests, &report);
        }
        let (handlers, requests) = self.messaging.end_handlers(key, may_handle, may_view);
        self.reply_all(key, requests, &no_handler());
        ended.extend(handlers);
        for registration in ended {
            let report = errors::error(
                ErrorReason::AccessDenied,
                "The session no longer has the permissions that this registration needs",
            );
            self.sessions.end_registration(key, registration, &report);
        }
    }

    /// Answers what a session was asked and will not answer.
    fn reply_all(&mut self, key: SessionKey, requests: Vec<Request>, report: &ErrorReport) {
        let Some(id) = self.sessions.get(key).map(|session| session.id()) else {
            return;
        };
        for request in requests {
            self.reply(id, request, Err(report.clone()));
        }
    }
}

fn no_handler() -> ErrorReport {
    errors::error(
        ErrorReason::UnhandledMessage,
        "The handler for this message is registered no longer",
    )
}
