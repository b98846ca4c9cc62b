//! What happens to sessions: pings, lost connections, the end.

use effusion_protocol::body::{PathPermission, ResponseBody};
use effusion_protocol::{CloseReason, ErrorReason, ErrorReport};

use crate::broker::Broker;
use crate::broker::connect::abort;
use crate::caller::SessionKey;
use crate::caller::{Caller, Pending};
use crate::messaging::locks::Granted;
use crate::sessions::Link;
use crate::sessions::timers::Timer;
use crate::{ConnectionEnd, Output, errors};

impl Broker {
    /// A request will be answered later: until then it counts.
    pub(crate) fn set_pending(&mut self, mut caller: Caller, hold: Pending) -> Caller {
        if caller.pending == Pending::Nothing
            && let Some(session) = self.sessions.get_mut(caller.session)
        {
            match hold {
                Pending::Nothing => {}
                Pending::Store => {
                    session.writes += 1;
                    session.write_bytes += caller.bytes;
                    self.write_bytes += caller.bytes;
                }
                Pending::Other => session.waits += 1,
            }
            caller.pending = hold;
        }
        caller
    }

    pub(crate) fn schedule_ping(&mut self, key: SessionKey) {
        let period = u64::from(self.config.ping_period_ms);
        if period > 0 {
            let at = self.now.monotonic_ms.saturating_add(period);
            self.timers.set(at, Timer::Ping(key));
        }
    }

    /// Pings a client, unless it was silent for so long that its connection must be lost.
    pub(crate) fn ping_due(&mut self, key: SessionKey) {
        let period = u64::from(self.config.ping_period_ms);
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        if let Link::Connected(connection) = session.link {
            if self.now.monotonic_ms.saturating_sub(session.heard) >= 2 * period {
                self.connections.remove(&connection);
                self.output(Output::Close {
                    connection,
                    reason: ConnectionEnd::Unresponsive,
                });
                self.lost(key);
            } else {
                self.sessions.ping(key);
            }
        }
        self.schedule_ping(key);
    }

    /// A session's connection is gone.
    pub(crate) fn lost(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        if session.reconnect_timeout_ms == 0 {
            session.link = Link::Waiting(self.now.monotonic_ms);
            self.close(key, CloseReason::ConnectionLost);
            return;
        }
        let until = self
            .now
            .monotonic_ms
            .saturating_add(session.reconnect_timeout_ms);
        session.link = Link::Waiting(until);
        self.timers.set(until, Timer::Expire(key));
        self.end_connection_locks(key);
        self.session_disconnected(key);
    }

    pub(crate) fn expiry_due(&mut self, key: SessionKey) {
        let is_over = self.sessions.get(key).is_some_and(|session| {
            matches!(session.link, Link::Waiting(until) if until <= self.now.monotonic_ms)
        });
        if is_over {
            self.close(key, CloseReason::ConnectionLost);
        }
    }

    /// Ends a session; its client is told if it is there.
    pub(crate) fn close(&mut self, key: SessionKey, reason: CloseReason) {
        let Some(session) = self.sessions.remove(key) else {
            return;
        };
        match session.link {
            Link::Connected(connection) => {
                self.connections.remove(&connection);
                self.sessions
                    .send_uncounted(connection, abort(session.version));
                self.output(Output::Close {
                    connection,
                    reason: ConnectionEnd::Session(reason),
                });
            }
            Link::Waiting(until) => self.timers.cancel(until, Timer::Expire(key)),
        }
        if let Some(at) = session.expires {
            self.timers.cancel(at, Timer::Outdated(key));
        }
        self.write_bytes = self.write_bytes.saturating_sub(session.write_bytes);
        for id in &session.subscriptions {
            self.topics.unsubscribe(*id, key);
        }
        self.notifications.remove_session(key);
        self.handlers.remove_session(key);
        self.missing_topic_handlers.remove_session(key);
        self.authenticators.remove_session(key);
        // Nobody is there to be told of requests that wait no longer.
        let (granted, _) = self.locks.lost(key, true);
        self.grant(granted);
        for outgoing in session.outgoing.values() {
            self.unanswerable(session.id, outgoing.clone(), errors::no_such_session());
        }
        self.session_closed(&session, reason);
    }

    /// A session's connection is gone or replaced, and the locks that it held as long as it had that.
    pub(crate) fn end_connection_locks(&mut self, key: SessionKey) {
        let (granted, refused) = self.locks.lost(key, false);
        self.grant(granted);
        let report = errors::connection_lost();
        self.refuse_locks(refused, &report);
    }

    /// Rights changed, and with them which locks sessions may have.
    pub(crate) fn end_locks(&mut self) {
        let clients = &self.sessions;
        let (granted, refused) = self.locks.withdraw(|key, name| {
            clients.get(key).is_some_and(|session| {
                let path = name.trim_matches('/');
                session.rights.has(PathPermission::AcquireLock, path)
            })
        });
        self.grant(granted);
        let report = errors::error(
            ErrorReason::AccessDenied,
            "The session may no longer acquire the lock",
        );
        self.refuse_locks(refused, &report);
    }

    fn refuse_locks(&mut self, waited: Vec<Caller>, report: &ErrorReport) {
        for caller in waited {
            self.answer(caller, Err(report.clone()));
        }
    }

    /// Tells sessions of the locks that they have now.
    pub(crate) fn grant(&mut self, granted: Vec<Granted>) {
        for it in granted {
            self.answer(
                it.caller,
                Ok(ResponseBody::AcquireSessionLock(
                    effusion_protocol::body::SessionLockAcquisition {
                        name: it.name,
                        sequence: it.sequence,
                        scope: it.scope,
                    },
                )),
            );
        }
    }
}
