//! Who asked for something, as all parts of the broker name it.

use effusion_protocol::{ConversationId, ServiceId};

/// A session, by the order in which they were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionKey(pub(crate) u64);

/// What a session registered: for which service, and under which number.
pub(crate) type Registration = (ServiceId, ConversationId);

/// A request that is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) session: SessionKey,
    pub(crate) service: ServiceId,
    pub(crate) conversation: ConversationId,
    pub(crate) pending: Pending,
    /// How long the request is, in bytes.
    pub(crate) bytes: usize,
}

/// What a request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// Nothing: it is answered at once.
    Nothing,
    /// The store: later requests that read what it writes wait for it.
    Store,
    /// Something else: a password check, a lock, another session.
    Other,
}

impl Caller {
    #[cfg(test)]
    pub(crate) const fn test(session: SessionKey, conversation: u64) -> Self {
        Self {
            session,
            service: ServiceId::AcquireSessionLock,
            conversation: ConversationId(conversation),
            pending: Pending::Nothing,
            bytes: 0,
        }
    }
}
