//! Counting messages, and keeping sent ones until the service is known to have them.
//!
//! Both sides count the messages of a session from 1, in each direction, without the connect response; section 1.4 of
//! `docs/protocol.md` has the rules. Counters wrap, as the wire's 32 bits do.

use core::fmt;
use std::collections::VecDeque;

use bytes::Bytes;

/// How many bytes of messages are kept, at most; more only of a single message. A service reads messages of a megabyte or so,
/// of which the buffer's number could otherwise fill a browser's memory.
const MAX_BYTES: usize = 16 << 20;

/// `Debug` does not show messages: a script in one may hold passwords.
pub(super) struct Recovery {
    /// The last messages that were sent, the newest of them with the number `sent`.
    buffer: VecDeque<Bytes>,
    /// Their bytes.
    bytes: usize,
    capacity: usize,
    sent: u32,
    received: u32,
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kept, sent, received) = (self.buffer.len(), self.sent, self.received);
        write!(f, "Recovery({kept} kept, {sent} sent, {received} received)")
    }
}

impl Recovery {
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            buffer: VecDeque::new(),
            bytes: 0,
            capacity,
            sent: 0,
            received: 0,
        }
    }

    /// Counts a message that is being sent, and returns its number.
    pub(super) fn sent(&mut self, message: Bytes) -> u32 {
        self.sent = self.sent.wrapping_add(1);
        self.bytes += message.len();
        self.buffer.push_back(message);
        while self.buffer.len() > self.capacity || (self.bytes > MAX_BYTES && self.buffer.len() > 1)
        {
            self.drop_oldest();
        }
        self.sent
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.buffer.pop_front() {
            self.bytes -= oldest.len();
        }
    }

    /// Whether so many bytes are on their way that a further request should wait, as what is kept might be too little to
    /// send all of them again.
    pub(super) const fn is_crowded(&self) -> bool {
        self.bytes >= MAX_BYTES / 2
    }

    pub(super) const fn received(&mut self) {
        self.received = self.received.wrapping_add(1);
    }

    /// The number of messages received: `ss` of a reconnect request.
    pub(super) const fn last_received(&self) -> u32 {
        self.received
    }

    /// The oldest message that can be sent again: `cs` of a reconnect request.
    pub(super) fn available(&self) -> u32 {
        let kept = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        self.sent.wrapping_add(1).wrapping_sub(kept)
    }

    /// Drops what the service has: everything up to this number.
    pub(super) fn confirmed(&mut self, sequence: u32) {
        let unconfirmed = self.sent.wrapping_sub(sequence) as usize;
        while self.buffer.len() > unconfirmed {
            self.drop_oldest();
        }
    }

    /// The messages to send again when the service expects number `expected` next, or `None` if it expects one that was
    /// never sent or is no longer kept.
    pub(super) fn resume(&mut self, expected: u32) -> Option<impl Iterator<Item = &Bytes>> {
        let missing = self.sent.wrapping_add(1).wrapping_sub(expected) as usize;
        if missing > self.buffer.len() {
            return None;
        }
        while self.buffer.len() > missing {
            self.drop_oldest();
        }
        Some(self.buffer.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u8) -> Bytes {
        Bytes::copy_from_slice(&[number])
    }

    #[test]
    fn what_the_service_misses_is_sent_again() {
        let mut recovery = Recovery::new(4);
        for number in 1..=6 {
            assert_eq!(recovery.sent(message(number)), u32::from(number));
        }
        assert_eq!(recovery.available(), 3);
        let again: Vec<_> = recovery.resume(5).unwrap().cloned().collect();
        assert_eq!(again, [message(5), message(6)]);
        assert_eq!(recovery.available(), 5);
        assert_eq!(recovery.resume(7).unwrap().count(), 0);
        assert_eq!(recovery.available(), 7);
    }

    #[test]
    fn what_cannot_be_sent_again_is_noticed() {
        let mut recovery = Recovery::new(2);
        for number in 1..=3 {
            recovery.sent(message(number));
        }
        assert!(recovery.resume(1).is_none());
        assert!(recovery.resume(5).is_none());
        assert!(recovery.resume(2).is_some());
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes() {
        let mut recovery = Recovery::new(256);
        let large = Bytes::from(vec![0; MAX_BYTES / 4]);
        assert!(!recovery.is_crowded());
        for _ in 0..2 {
            recovery.sent(large.clone());
        }
        assert!(recovery.is_crowded());
        for _ in 0..4 {
            recovery.sent(large.clone());
        }
        assert_eq!(recovery.available(), 3);
        recovery.confirmed(6);
        assert!(!recovery.is_crowded());
        recovery.sent(Bytes::from(vec![0; MAX_BYTES + 1]));
        assert_eq!(recovery.available(), 7);
    }

    #[test]
    fn confirmed_messages_are_dropped() {
        let mut recovery = Recovery::new(10);
        for number in 1..=5 {
            recovery.sent(message(number));
        }
        recovery.confirmed(3);
        assert_eq!(recovery.available(), 4);
        recovery.confirmed(2);
        assert_eq!(recovery.available(), 4);
        recovery.confirmed(5);
        assert_eq!(recovery.available(), 6);
    }

    #[test]
    fn counting_goes_on_past_the_largest_number() {
        let mut recovery = Recovery::new(4);
        recovery.sent = u32::MAX - 1;
        recovery.sent(message(1));
        recovery.sent(message(2));
        assert_eq!(recovery.sent, 0);
        assert_eq!(recovery.available(), u32::MAX);
        assert_eq!(recovery.resume(0).unwrap().count(), 1);
    }
}
