//! What happens to sessions that lose their connections, or end, and what they leave behind.

use effusion_protocol::body::{
    PathPermission, ResponseBody, SessionLockAcquisition, SessionUpdateType,
};
use effusion_protocol::{CloseReason, ErrorReason, ErrorReport, TopicId};
use std::collections::{BTreeSet, VecDeque};

use crate::broker::Broker;
use crate::broker::jobs::SLICE;
use crate::caller::SessionKey;
use crate::errors;
use crate::messaging::{Granted, Released};
use crate::sessions::{Loss, Timeout};

impl Broker {
    /// Does what is due first of what sessions wait for.
    pub(super) fn session_timeout(&mut self, steps: &mut usize) {
        match self.sessions.handle_timeout(self.now) {
            Some(Timeout::Unresponsive(key)) => {
                *steps = steps.saturating_sub(self.sessions.listening_steps());
                self.lost(key);
            }
            Some(Timeout::Over(key, reason)) => {
                *steps = steps.saturating_sub(self.steps_to_close(key));
                self.close(key, reason);
            }
            None => {}
        }
    }

    /// A session's connection is gone.
    pub(super) fn lost(&mut self, key: SessionKey) {
        match self.sessions.lose_connection(key, self.now) {
            Some(Loss::Over) => self.close(key, CloseReason::ConnectionLost),
            Some(Loss::Kept) => {
                self.end_connection_locks(key);
                self.sessions
                    .notify_moved(key, SessionUpdateType::Disconnected);
            }
            None => {}
        }
    }

    /// Ends a session; its client is told if it is there.
    pub(crate) fn close(&mut self, key: SessionKey, reason: CloseReason) {
        let Some(mut session) = self.sessions.close(key, reason) else {
            return;
        };
        let subscriptions = session.take_subscriptions();
        self.leave(key, subscriptions, &mut SLICE.clone());
        self.auth.remove_session(key);
        let Released {
            granted,
            unanswered,
        } = self.messaging.remove_session(key);
        self.grant(granted);
        for request in unanswered {
            self.reply(session.id(), request, Err(errors::no_such_session()));
        }
        self.sessions.notify_closed(&session, reason);
    }

    /// Tells some topics that a session is gone; the others follow. What they have for it until then, nobody is sent.
    fn leave(&mut self, key: SessionKey, mut subscriptions: BTreeSet<TopicId>, steps: &mut usize) {
        while *steps > 0
            && let Some(id) = subscriptions.pop_first()
        {
            *steps -= 1;
            self.topics.unsubscribe(id, key);
        }
        if !subscriptions.is_empty() {
            self.jobs.leaving.insert(key, subscriptions);
        }
    }

    /// Goes on telling topics of sessions that are gone.
    pub(super) fn leave_on(&mut self, steps: &mut usize) {
        if let Some((key, subscriptions)) = self.jobs.leaving.pop_first() {
            self.leave(key, subscriptions, steps);
        }
    }

    /// A session's connection is gone or replaced, and the locks that it held as long as it had that.
    pub(super) fn end_connection_locks(&mut self, key: SessionKey) {
        let (granted, refused) = self.messaging.locks_mut().lost(key, false);
        self.grant(granted);
        for caller in refused {
            self.answer(caller, Err(errors::connection_lost()));
        }
    }

    /// A session's rights changed, and with them which locks it may have.
    pub(super) fn end_locks(&mut self, key: SessionKey) {
        let Some(rights) = self.sessions.get(key).map(|session| session.rights()) else {
            return;
        };
        let (granted, refused) = self.messaging.locks_mut().withdraw(key, |name| {
            rights.has(PathPermission::AcquireLock, name.trim_matches('/'))
        });
        self.grant(granted);
        for caller in refused {
            self.answer(caller, Err(lock_refused()));
        }
    }

    /// Tells sessions of the locks that they have now. One that may have it no longer, and was not looked at yet, passes it on.
    pub(crate) fn grant(&mut self, granted: Vec<Granted>) {
        let mut granted = VecDeque::from(granted);
        while let Some(it) = granted.pop_front() {
            let session = self.sessions.get(it.caller.session);
            let rights = session.map(|session| session.rights());
            let path = it.name.trim_matches('/');
            if rights.is_some_and(|rights| !rights.has(PathPermission::AcquireLock, path)) {
                let by = it.caller.session;
                let (_, next) = self
                    .messaging
                    .locks_mut()
                    .release(&it.name, by, it.sequence);
                granted.extend(next);
                self.answer(it.caller, Err(lock_refused()));
                continue;
            }
            let acquisition = SessionLockAcquisition {
                name: it.name,
                sequence: it.sequence,
                scope: it.scope,
            };
            let response = ResponseBody::AcquireSessionLock(acquisition);
            self.answer(it.caller, Ok(response));
        }
    }
}

fn lock_refused() -> ErrorReport {
    errors::error(
        ErrorReason::AccessDenied,
        "The session may no longer acquire the lock",
    )
}
