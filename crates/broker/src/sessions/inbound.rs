//! What a client asked for and was not answered: how much of it may be open, and what waits until it is served.
//!
//! A request waits behind those that wait, behind one that is served in slices, behind writes that it may be about to read, and
//! while the client has not read enough of what it was sent. All that is bounded in number and bytes.

use effusion_protocol::body::RequestBody;
use effusion_protocol::{ConversationId, ErrorReport, ServiceId};
use std::collections::VecDeque;

use crate::caller::{Caller, Pending, SessionKey};
use crate::{Limits, errors};

use super::Sessions;

/// A request that waits until it is served.
#[derive(Debug)]
struct Deferred {
    conversation: ConversationId,
    request: RequestBody,
    bytes: usize,
}

/// The open requests of one session.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    /// Requests that wait for the store, and how long they are.
    for_store: usize,
    store_bytes: usize,
    /// Requests that wait for something else.
    for_other: usize,
    deferred: VecDeque<Deferred>,
    deferred_bytes: usize,
    is_serving_deferred: bool,
    /// A request is being served in slices.
    has_job: bool,
}

/// Whether a service reads what the session's own requests may be about to write.
const fn reads(service: ServiceId) -> bool {
    matches!(
        service,
        ServiceId::Fetch
            | ServiceId::RangeQuery
            | ServiceId::GetSystemAuthentication
            | ServiceId::GetSecurity
            | ServiceId::RemoveTopics
    )
}

/// Pings tell how long the way is, not how long the store takes.
const fn is_ping(service: ServiceId) -> bool {
    matches!(service, ServiceId::UserPing | ServiceId::SystemPing)
}

impl Inbound {
    pub(super) const fn store_bytes(&self) -> usize {
        self.store_bytes
    }

    fn pend(&mut self, pending: Pending, bytes: usize) {
        match pending {
            Pending::Nothing => {}
            Pending::Store => {
                self.for_store += 1;
                self.store_bytes += bytes;
            }
            Pending::Other => self.for_other += 1,
        }
    }

    fn settle(&mut self, pending: Pending, bytes: usize) {
        match pending {
            Pending::Nothing => {}
            Pending::Store => {
                self.for_store = self.for_store.saturating_sub(1);
                self.store_bytes = self.store_bytes.saturating_sub(bytes);
            }
            Pending::Other => self.for_other = self.for_other.saturating_sub(1),
        }
    }

    /// Takes a request, and gives it back if it is to be served at once. `is_full` says that the client is to read more first.
    fn admit(
        &mut self,
        conversation: ConversationId,
        request: RequestBody,
        bytes: usize,
        is_full: bool,
        limits: &Limits,
    ) -> Result<Option<RequestBody>, ErrorReport> {
        let open = self.for_store + self.for_other + usize::from(self.has_job);
        if open + self.deferred.len() >= limits.open_requests {
            return Err(errors::too_many("requests wait for an answer"));
        }
        let service = request.service();
        let must_wait = self.has_job
            || is_full
            || self.store_bytes > limits.deferred_bytes
            || !self.deferred.is_empty()
            || (self.for_store > 0 && reads(service));
        if !must_wait || is_ping(service) {
            return Ok(Some(request));
        }
        if self.deferred_bytes > limits.deferred_bytes {
            return Err(errors::too_many("bytes of requests wait for an answer"));
        }
        self.deferred_bytes += bytes;
        self.deferred.push_back(Deferred {
            conversation,
            request,
            bytes,
        });
        Ok(None)
    }

    /// The next request that waited, if it is to be served now.
    fn next(&mut self, is_full: bool, limits: &Limits) -> Option<Deferred> {
        let next = self.deferred.front()?;
        if self.is_serving_deferred
            || self.has_job
            || is_full
            || self.store_bytes > limits.deferred_bytes
            || (self.for_store > 0 && reads(next.request.service()))
        {
            return None;
        }
        let next = self.deferred.pop_front()?;
        self.deferred_bytes = self.deferred_bytes.saturating_sub(next.bytes);
        self.is_serving_deferred = true;
        Some(next)
    }
}

impl Sessions {
    /// Takes a request of a session, and gives it back if it is to be served at once.
    pub(crate) fn admit(
        &mut self,
        caller: &Caller,
        request: RequestBody,
    ) -> Result<Option<RequestBody>, ErrorReport> {
        let is_full = self.get(caller.session).is_some_and(|it| self.is_full(it));
        let Some(session) = self.sessions.get_mut(&caller.session) else {
            return Ok(None);
        };
        let Caller {
            conversation,
            bytes,
            ..
        } = *caller;
        session
            .inbound
            .admit(conversation, request, bytes, is_full, &self.limits)
    }

    /// The next request of a session that waited, if it is to be served now: then, [`Sessions::deferred_served`] is to be called.
    pub(crate) fn next_deferred(&mut self, key: SessionKey) -> Option<(Caller, RequestBody)> {
        let is_full = self.get(key).is_some_and(|it| self.is_full(it));
        let session = self.sessions.get_mut(&key)?;
        let next = session.inbound.next(is_full, &self.limits)?;
        let caller = Caller {
            session: key,
            service: next.request.service(),
            conversation: next.conversation,
            pending: Pending::Nothing,
            bytes: next.bytes,
        };
        Some((caller, next.request))
    }

    pub(crate) fn deferred_served(&mut self, key: SessionKey) {
        if let Some(session) = self.get_mut(key) {
            session.inbound.is_serving_deferred = false;
        }
    }

    /// A request will be answered later: until then it counts.
    pub(crate) fn set_pending(&mut self, mut caller: Caller, pending: Pending) -> Caller {
        if caller.pending == Pending::Nothing
            && let Some(session) = self.sessions.get_mut(&caller.session)
        {
            session.inbound.pend(pending, caller.bytes);
            if pending == Pending::Store {
                self.store_bytes += caller.bytes;
            }
            caller.pending = pending;
        }
        caller
    }

    /// A request is answered, or waits for something else.
    pub(crate) fn settle(&mut self, caller: &Caller) {
        if let Some(session) = self.sessions.get_mut(&caller.session) {
            session.inbound.settle(caller.pending, caller.bytes);
            if caller.pending == Pending::Store {
                self.store_bytes = self.store_bytes.saturating_sub(caller.bytes);
            }
        }
    }

    /// Whether a request of a session is being served in slices.
    pub(crate) fn set_job(&mut self, key: SessionKey, has_job: bool) {
        if let Some(session) = self.get_mut(key) {
            session.inbound.has_job = has_job;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            open_requests: 4,
            deferred_bytes: 100,
            ..Limits::default()
        }
    }

    fn admit(inbound: &mut Inbound, number: u64, request: RequestBody) -> Option<bool> {
        let admitted = inbound.admit(ConversationId(number), request, 60, false, &limits());
        admitted.ok().map(|request| request.is_some())
    }

    fn next(inbound: &mut Inbound) -> Option<u64> {
        let next = inbound.next(false, &limits())?;
        inbound.is_serving_deferred = false;
        Some(next.conversation.0)
    }

    #[test]
    fn what_reads_waits_for_writes_and_all_that_follows_waits_with_it() {
        let mut inbound = Inbound::default();
        inbound.pend(Pending::Store, 10);
        let ping = || RequestBody::UserPing(());
        let own = || RequestBody::GetOwnSessionProperties(());
        assert_eq!(admit(&mut inbound, 1, own()), Some(true));
        assert_eq!(
            admit(&mut inbound, 2, RequestBody::GetSecurity(())),
            Some(false)
        );
        assert_eq!(admit(&mut inbound, 3, own()), Some(false));
        assert_eq!(admit(&mut inbound, 4, ping()), Some(true));
        assert_eq!(admit(&mut inbound, 5, own()), None, "120 bytes wait");
        assert_eq!(next(&mut inbound), None);
        inbound.settle(Pending::Store, 10);
        assert_eq!(inbound.store_bytes(), 0);
        assert_eq!(next(&mut inbound), Some(2));
        assert_eq!(next(&mut inbound), Some(3));
        assert_eq!(next(&mut inbound), None);
        assert_eq!(inbound.deferred_bytes, 0);
    }

    #[test]
    fn a_job_and_a_client_that_does_not_read_keep_requests_waiting() {
        let mut inbound = Inbound {
            has_job: true,
            ..Inbound::default()
        };
        let own = RequestBody::GetOwnSessionProperties(());
        assert_eq!(admit(&mut inbound, 1, own), Some(false));
        assert_eq!(next(&mut inbound), None);
        inbound.has_job = false;
        assert!(inbound.next(true, &limits()).is_none());
        assert_eq!(next(&mut inbound), Some(1));
    }

    #[test]
    fn so_many_requests_may_be_open() {
        let mut inbound = Inbound::default();
        for _ in 0..3 {
            inbound.pend(Pending::Other, 1);
        }
        assert_eq!(
            admit(&mut inbound, 1, RequestBody::UserPing(())),
            Some(true)
        );
        inbound.pend(Pending::Store, 1);
        assert_eq!(admit(&mut inbound, 2, RequestBody::UserPing(())), None);
    }
}
