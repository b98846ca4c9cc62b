//! Requests on their way: waiting for a connection, or for an answer.

use core::fmt;
use std::collections::VecDeque;

use bytes::Bytes;
use effusion_protocol::body::SelectRequest;
use effusion_protocol::{ConversationId, Message, ProtocolVersion, ServiceId, encode};

use super::{Selection, Ticket};

/// What is asked.
///
/// `Debug` does not show arguments: a script may hold passwords.
#[derive(Clone)]
pub(super) enum Call {
    /// A service with its arguments, written in this version.
    Service {
        service: ServiceId,
        body: Bytes,
        version: ProtocolVersion,
    },
    /// A selection: kept as text, because it may be made again in a later session.
    Selection(Selection),
}

impl Call {
    pub(super) const fn service(&self) -> ServiceId {
        match self {
            Self::Service { service, .. } => *service,
            Self::Selection(Selection { select: true, .. }) => ServiceId::Subscribe,
            Self::Selection(Selection { scope: None, .. }) => ServiceId::UnsubscribeAllScopes,
            Self::Selection(_) => ServiceId::Unsubscribe,
        }
    }

    /// Whether the arguments can be sent in this version.
    pub(super) fn is_in(&self, spoken: ProtocolVersion) -> bool {
        match self {
            Self::Service { version, .. } => *version == spoken,
            Self::Selection(_) => true,
        }
    }

    fn encode(&self, conversation: ConversationId, version: ProtocolVersion) -> Bytes {
        let body = match self {
            Self::Service { body, .. } => body.clone(),
            Self::Selection(selection) => {
                let selector = selection.selector.clone();
                match selection.scope.clone() {
                    Some(scope) => encode(&SelectRequest { selector, scope }, version),
                    None => encode(&selector, version),
                }
            }
        };
        Message::Request {
            service: self.service(),
            conversation,
            body,
        }
        .encode(version)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(…)", self.service())
    }
}

/// One request.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) call: Call,
    /// Whether the caller wants to know, or the machine asks for itself.
    pub(super) internal: bool,
    deadline: Option<u64>,
    /// Its number among the session's messages, once it is sent.
    sequence: Option<u32>,
}

impl Pending {
    pub(super) const fn is_sent(&self) -> bool {
        self.sequence.is_some()
    }
}

#[derive(Debug, Default)]
pub(super) struct Requests {
    last: u64,
    /// In the order of their conversation ids, which are never used again, so that an answer that comes late finds
    /// nothing. Most are answered in order, so that they leave at the front.
    open: VecDeque<(u64, Pending)>,
    /// Not yet sent, in order.
    waiting: VecDeque<u64>,
    /// The message numbers of requests that the service is not known to have, in order.
    unconfirmed: VecDeque<u32>,
}

impl Requests {
    /// A conversation id that was not used before.
    pub(super) const fn next_id(&mut self) -> ConversationId {
        self.last += 1;
        ConversationId(self.last)
    }

    fn find(&self, id: u64) -> Result<usize, usize> {
        self.open.binary_search_by_key(&id, |(id, _)| *id)
    }

    fn get_mut(&mut self, id: u64) -> Option<&mut Pending> {
        let index = self.find(id).ok()?;
        self.open.get_mut(index).map(|(_, pending)| pending)
    }

    fn remove(&mut self, id: u64) -> Option<Pending> {
        let index = self.find(id).ok()?;
        Some(self.open.remove(index)?.1)
    }

    fn insert(&mut self, id: u64, pending: Pending) {
        if let Err(index) = self.find(id) {
            self.open.insert(index, (id, pending));
        }
    }

    fn enter(&mut self, call: Call, internal: bool, deadline: Option<u64>) -> u64 {
        let id = self.next_id().0;
        let pending = Pending {
            call,
            internal,
            deadline,
            sequence: None,
        };
        self.insert(id, pending);
        id
    }

    /// Puts a caller's request in line.
    pub(super) fn add(&mut self, call: Call, deadline: Option<u64>) -> Ticket {
        let id = self.enter(call, false, deadline);
        self.waiting.push_back(id);
        Ticket(id)
    }

    /// Puts a selection of the machine's own before everything that waits.
    pub(super) fn add_first(&mut self, call: Call) {
        let id = self.enter(call, true, None);
        self.waiting.push_front(id);
    }

    /// Takes a request that was not answered.
    pub(super) fn withdraw(&mut self, ticket: Ticket) -> Option<Pending> {
        let pending = self.remove(ticket.0)?;
        self.waiting.retain(|id| *id != ticket.0);
        Some(pending)
    }

    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many requests were sent that the service is not known to have.
    pub(super) fn unconfirmed(&self) -> usize {
        self.unconfirmed.len()
    }

    /// Takes the next request to send, as a message.
    pub(super) fn take_waiting(&mut self, version: ProtocolVersion) -> Option<(u64, Bytes)> {
        loop {
            let id = self.waiting.pop_front()?;
            if let Some(pending) = self.get_mut(id) {
                let message = pending.call.encode(ConversationId(id), version);
                if let Call::Service { body, .. } = &mut pending.call {
                    *body = Bytes::new();
                }
                return Some((id, message));
            }
        }
    }

    pub(super) fn sent(&mut self, id: u64, sequence: u32) {
        if let Some(pending) = self.get_mut(id) {
            pending.sequence = Some(sequence);
            self.unconfirmed.push_back(sequence);
        }
    }

    /// The service has every message up to this number.
    pub(super) fn confirmed(&mut self, sequence: u32) {
        while let Some(first) = self.unconfirmed.front()
            && sequence.wrapping_sub(*first) < u32::MAX / 2
        {
            self.unconfirmed.pop_front();
        }
    }

    /// Takes the request that an answer belongs to, with its message number.
    pub(super) fn answered(
        &mut self,
        id: ConversationId,
        service: Option<ServiceId>,
    ) -> Option<(Pending, u32)> {
        let pending = self.get_mut(id.0)?;
        let sequence = pending.sequence?;
        if service.is_some_and(|service| service != pending.call.service()) {
            return None;
        }
        self.remove(id.0).map(|pending| (pending, sequence))
    }

    /// Takes every request for which `which` holds, in the order in which they were made.
    pub(super) fn take(&mut self, which: &dyn Fn(&Pending) -> bool) -> Vec<(u64, Pending)> {
        let open = core::mem::take(&mut self.open).into_iter();
        let (taken, kept): (VecDeque<_>, _) = open.partition(|(_, pending)| which(pending));
        self.open = kept;
        let waiting = core::mem::take(&mut self.waiting);
        self.waiting = waiting
            .into_iter()
            .filter(|id| self.find(*id).is_ok())
            .collect();
        taken.into()
    }

    /// Forgets what was sent in the session that is gone.
    pub(super) fn forget_sequences(&mut self) {
        self.unconfirmed.clear();
    }

    /// Puts a request that was sent in an earlier session in line again.
    pub(super) fn add_again(&mut self, id: u64, mut pending: Pending) {
        pending.sequence = None;
        self.insert(id, pending);
        self.waiting.push_back(id);
    }

    pub(super) fn overdue(&mut self, now: u64) -> Vec<(u64, Pending)> {
        if self.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.take(&|pending| pending.deadline.is_some_and(|deadline| deadline <= now))
        } else {
            Vec::new()
        }
    }

    /// The first deadline. All requests have the same timeout, so it is the oldest request's that has one.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        self.open.iter().find_map(|(_, pending)| pending.deadline)
    }
}
