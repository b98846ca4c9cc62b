//! What happens to sessions that lose their connections, or end, and what they leave behind.

use effusion_protocol::body::{
    PathPermission, ResponseBody, SessionLockAcquisition, SessionUpdateType,
};
use effusion_protocol::{CloseReason, ErrorReason};

use crate::broker::Broker;
use crate::caller::SessionKey;
use crate::errors;
use crate::messaging::{Granted, Released};
use crate::sessions::{Loss, Timeout};

impl Broker {
    /// Does what is due first of what sessions wait for.
    pub(super) fn session_timeout(&mut self) {
        match self.sessions.handle_timeout(self.now) {
            Some(Timeout::Unresponsive(key)) => self.lost(key),
            Some(Timeout::Over(key, reason)) => self.close(key, reason),
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
        let Some(session) = self.sessions.close(key, reason) else {
            return;
        };
        for id in session.subscriptions() {
            self.topics.unsubscribe(*id, key);
        }
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

    /// A session's connection is gone or replaced, and the locks that it held as long as it had that.
    pub(super) fn end_connection_locks(&mut self, key: SessionKey) {
        let (granted, refused) = self.messaging.locks_mut().lost(key, false);
        self.grant(granted);
        for caller in refused {
            self.answer(caller, Err(errors::connection_lost()));
        }
    }

    /// Rights changed, and with them which locks sessions may have.
    pub(super) fn end_locks(&mut self) {
        let sessions = &self.sessions;
        let (granted, refused) = self.messaging.locks_mut().withdraw(|key, name| {
            let path = name.trim_matches('/');
            let session = sessions.get(key);
            session.is_some_and(|it| it.rights().has(PathPermission::AcquireLock, path))
        });
        self.grant(granted);
        for caller in refused {
            let report = errors::error(
                ErrorReason::AccessDenied,
                "The session may no longer acquire the lock",
            );
            self.answer(caller, Err(report));
        }
    }

    /// Tells sessions of the locks that they have now.
    pub(crate) fn grant(&mut self, granted: Vec<Granted>) {
        for it in granted {
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
