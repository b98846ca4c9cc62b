//! What clients were asked and have not answered.

use effusion_protocol::ConversationId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::Ticket;
use crate::caller::{Caller, SessionKey};

/// What a client was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Whether someone is to be let in.
    Authentication {
        ticket: Ticket,
        handler: ConversationId,
    },
    /// Another session's request message.
    Message {
        sender: Caller,
        /// The handler that it is for; `None` if it is for the session itself.
        handler: Option<ConversationId>,
    },
    /// Another session's request message to all that match a filter.
    FilterMessage {
        sender: SessionKey,
        conversation: ConversationId,
        /// What the sender needs the right to send to, still when an answer comes.
        path: Arc<str>,
    },
}

impl Request {
    /// What the client registered to be asked it.
    pub(crate) const fn registration(&self) -> Option<ConversationId> {
        match self {
            Self::Authentication { handler, .. } => Some(*handler),
            Self::Message { handler, .. } => *handler,
            Self::FilterMessage { .. } => None,
        }
    }
}

/// A request, and when the answer must be there, by the monotonic clock.
#[derive(Debug)]
struct Open {
    request: Request,
    until: u64,
}

/// The requests that clients have not answered.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    open: BTreeMap<SessionKey, BTreeMap<ConversationId, Open>>,
    deadlines: BTreeSet<(u64, SessionKey, ConversationId)>,
}

impl Requests {
    /// How many requests a session has not answered.
    pub(crate) fn count(&self, session: SessionKey) -> usize {
        self.open.get(&session).map_or(0, BTreeMap::len)
    }

    /// A session was asked something, and has until then to answer, by the monotonic clock.
    pub(crate) fn insert(
        &mut self,
        session: SessionKey,
        conversation: ConversationId,
        request: Request,
        until: u64,
    ) {
        self.deadlines.insert((until, session, conversation));
        let open = self.open.entry(session).or_default();
        open.insert(conversation, Open { request, until });
    }

    /// A session answered. What was not asked, or is overdue, is `None`: notifications are answered, too.
    pub(crate) fn take(
        &mut self,
        session: SessionKey,
        conversation: ConversationId,
    ) -> Option<Request> {
        let requests = self.open.get_mut(&session)?;
        let Open { request, until } = requests.remove(&conversation)?;
        if requests.is_empty() {
            self.open.remove(&session);
        }
        self.deadlines.remove(&(until, session, conversation));
        Some(request)
    }

    /// Takes back what a session was asked.
    pub(crate) fn withdraw(
        &mut self,
        session: SessionKey,
        is_meant: impl Fn(&Request) -> bool,
    ) -> Vec<Request> {
        let open = self.open.get(&session).into_iter().flatten();
        let meant: Vec<ConversationId> = open
            .filter(|(_, open)| is_meant(&open.request))
            .map(|(conversation, _)| *conversation)
            .collect();
        meant
            .into_iter()
            .filter_map(|conversation| self.take(session, conversation))
            .collect()
    }

    /// When [`Requests::overdue`] is to be called, by the monotonic clock.
    pub(crate) fn next_timeout(&self) -> Option<u64> {
        self.deadlines.first().map(|(until, _, _)| *until)
    }

    /// A request that a session has not answered in time.
    pub(crate) fn overdue(&mut self, now: u64) -> Option<(SessionKey, Request)> {
        let (until, session, conversation) = *self.deadlines.first()?;
        if until > now {
            return None;
        }
        Some((session, self.take(session, conversation)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: SessionKey = SessionKey(1);
    const BOB: SessionKey = SessionKey(2);

    fn message(handler: u64) -> Request {
        Request::Message {
            sender: Caller::test(ANN, handler),
            handler: Some(ConversationId(handler)),
        }
    }

    #[test]
    fn a_request_is_answered_once_or_overdue() {
        let mut requests = Requests::default();
        requests.insert(BOB, ConversationId(1), message(1), 100);
        requests.insert(BOB, ConversationId(2), message(2), 50);
        assert_eq!((requests.count(BOB), requests.count(ANN)), (2, 0));
        assert_eq!(requests.next_timeout(), Some(50));
        assert_eq!(requests.overdue(49), None);
        assert_eq!(requests.overdue(50), Some((BOB, message(2))));
        assert_eq!(requests.take(BOB, ConversationId(2)), None);
        assert_eq!(requests.take(ANN, ConversationId(1)), None);
        assert_eq!(requests.take(BOB, ConversationId(1)), Some(message(1)));
        assert_eq!((requests.count(BOB), requests.next_timeout()), (0, None));
    }

    #[test]
    fn what_a_session_was_asked_is_taken_back() {
        let mut requests = Requests::default();
        for number in 1..=3 {
            requests.insert(BOB, ConversationId(number), message(number % 2), 100);
        }
        let is_meant = |request: &Request| request.registration() == Some(ConversationId(1));
        assert_eq!(requests.withdraw(BOB, is_meant), [message(1), message(1)]);
        assert_eq!(requests.withdraw(BOB, |_| true), [message(0)]);
        assert_eq!(requests.next_timeout(), None);
    }
}
