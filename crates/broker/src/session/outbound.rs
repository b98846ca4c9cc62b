//! What was sent to a client: counted, and kept for a while, so that a reconnected client gets what it missed.
//!
//! Source: `docs/protocol.md`, "Reconnect". Every message after the connect response counts, from 1 on.

use bytes::Bytes;
use std::collections::VecDeque;

use crate::Limits;

/// The messages of one session, in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    /// How many messages were sent, or would have been if the client were connected.
    sent: u64,
    /// The last of them.
    kept: VecDeque<Bytes>,
    kept_bytes: usize,
    /// More was sent to a client that is not connected than is kept for it: it cannot go on.
    overflowed: bool,
}

/// What a client that reconnects says and what is kept do not fit: messages are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost;

impl Outbound {
    /// Counts and keeps a message.
    pub(crate) fn push(&mut self, message: Bytes, is_connected: bool, limits: &Limits) {
        self.sent += 1;
        if self.overflowed {
            return;
        }
        self.kept_bytes += message.len();
        self.kept.push_back(message);
        if is_connected {
            while self.kept.len() > limits.recovery_messages
                || self.kept_bytes > limits.queued_bytes
            {
                self.forget_oldest();
            }
        } else if self.kept.len() > limits.queued_messages || self.kept_bytes > limits.queued_bytes
        {
            self.overflowed = true;
            self.kept = VecDeque::new();
            self.kept_bytes = 0;
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.kept_bytes -= oldest.len();
        } else {
            self.kept_bytes = 0;
        }
    }

    /// What comes after the last message that the client received; what came before is forgotten.
    pub(crate) fn resume(&mut self, last_received: u32) -> Result<Vec<Bytes>, Lost> {
        let missed = self
            .sent
            .checked_sub(u64::from(last_received))
            .and_then(|missed| usize::try_from(missed).ok())
            .ok_or(Lost)?;
        if self.overflowed || missed > self.kept.len() {
            return Err(Lost);
        }
        while self.kept.len() > missed {
            self.forget_oldest();
        }
        Ok(self.kept.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u8) -> Bytes {
        Bytes::copy_from_slice(&[number; 10])
    }

    fn limits() -> Limits {
        Limits {
            recovery_messages: 3,
            queued_messages: 5,
            queued_bytes: 1_000,
            ..Limits::default()
        }
    }

    #[test]
    fn what_was_missed_is_sent_again() {
        let mut outbound = Outbound::default();
        for number in 1..=5 {
            outbound.push(message(number), true, &limits());
        }
        assert_eq!(outbound.resume(1), Err(Lost));
        assert_eq!(outbound.resume(6), Err(Lost));
        assert_eq!(outbound.resume(3), Ok(vec![message(4), message(5)]));
        assert_eq!(outbound.resume(5), Ok(vec![]));
        assert_eq!(outbound.resume(4), Err(Lost), "5 was acknowledged before");
    }

    #[test]
    fn a_client_that_stays_away_too_long_has_lost_messages() {
        let mut outbound = Outbound::default();
        outbound.push(message(1), true, &limits());
        for number in 2..=5 {
            outbound.push(message(number), false, &limits());
        }
        assert_eq!(outbound.resume(1).map(|missed| missed.len()), Ok(4));
        outbound.push(message(6), false, &limits());
        outbound.push(message(7), false, &limits());
        assert_eq!(outbound.resume(6), Err(Lost));
        assert_eq!(outbound.kept_bytes, 0);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut outbound = Outbound::default();
        let limits = Limits {
            queued_bytes: 25,
            ..limits()
        };
        for number in 1..=3 {
            outbound.push(message(number), true, &limits);
        }
        assert_eq!(outbound.resume(0), Err(Lost));
        assert_eq!(outbound.resume(1).map(|missed| missed.len()), Ok(2));
    }
}
