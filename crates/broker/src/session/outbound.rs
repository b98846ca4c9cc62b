//! What was sent to a client: counted, and kept until the client has confirmed it, so that a reconnected client gets what it
//! missed.
//!
//! Source: `docs/protocol.md`, "Reconnect". Every message after the connect response counts, from 1 on.
//!
//! The protocol has no acknowledgement of its own, but a client answers pings, in order: an answer confirms everything up
//! to the ping. So whenever much was sent, a ping follows ([`Outbound::wants_confirmation`]), and what is kept is what is on
//! its way, not a guess at it.

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
    /// Messages and bytes since the client was last asked to confirm.
    unasked: (usize, usize),
    /// Whether the client was asked and has not answered.
    is_asked: bool,
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
        self.unasked.0 += 1;
        self.unasked.1 += message.len();
        self.kept_bytes += message.len();
        self.kept.push_back(message);
        if self.fits(limits) {
            return;
        }
        if is_connected {
            // The connection may be well all the same; if it is not, the loss is noticed.
            while !self.fits(limits) {
                self.forget_oldest();
            }
        } else {
            self.overflowed = true;
            self.kept = VecDeque::new();
            self.kept_bytes = 0;
        }
    }

    fn fits(&self, limits: &Limits) -> bool {
        self.kept.len() <= limits.recovery_messages
            && (self.kept_bytes <= limits.recovery_bytes || self.kept.len() <= 1)
    }

    /// Whether so much was sent that the client is to be asked to confirm it. Whoever asks, does it now.
    pub(crate) const fn wants_confirmation(&self, limits: &Limits) -> bool {
        !self.is_asked
            && (self.unasked.0 >= limits.confirm_messages || self.unasked.1 >= limits.confirm_bytes)
    }

    /// The client is being asked. Gives the number that its answer will confirm.
    pub(crate) const fn ask(&mut self) -> u64 {
        self.is_asked = true;
        self.unasked = (0, 0);
        self.sent
    }

    /// The client has everything up to this number.
    pub(crate) fn confirmed(&mut self, number: u64) {
        self.is_asked = false;
        let unconfirmed = self.sent.saturating_sub(number);
        while self.kept.len() as u64 > unconfirmed {
            self.forget_oldest();
        }
        // A burst is over: thousands of sessions may have had one.
        if self.kept.capacity() > 4 * self.kept.len().max(64) {
            self.kept.shrink_to(2 * self.kept.len());
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.kept_bytes -= oldest.len();
        } else {
            self.kept_bytes = 0;
        }
    }

    /// What comes after the last message that the client received, whose number wraps as the wire's 32 bits do; what came
    /// before is forgotten.
    pub(crate) fn resume(&mut self, last_received: u32) -> Result<Vec<Bytes>, Lost> {
        let low = u32::try_from(self.sent & u64::from(u32::MAX)).map_err(|_| Lost)?;
        let missed = usize::try_from(low.wrapping_sub(last_received)).map_err(|_| Lost)?;
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
            recovery_bytes: 1_000,
            confirm_messages: 2,
            confirm_bytes: 100,
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
        for number in 2..=3 {
            outbound.push(message(number), false, &limits());
        }
        assert_eq!(outbound.resume(1).map(|missed| missed.len()), Ok(2));
        outbound.push(message(4), false, &limits());
        outbound.push(message(5), false, &limits());
        assert_eq!(outbound.resume(4), Err(Lost));
        assert_eq!(outbound.kept_bytes, 0);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut outbound = Outbound::default();
        let limits = Limits {
            recovery_bytes: 25,
            ..limits()
        };
        for number in 1..=3 {
            outbound.push(message(number), true, &limits);
        }
        assert_eq!(outbound.resume(0), Err(Lost));
        assert_eq!(outbound.resume(1).map(|missed| missed.len()), Ok(2));
        // The largest message that may be sent can be sent again, too.
        outbound.push(Bytes::from(vec![0; 100]), true, &limits);
        assert_eq!(outbound.resume(3).map(|missed| missed.len()), Ok(1));
    }

    #[test]
    fn what_is_confirmed_is_not_kept() {
        let mut outbound = Outbound::default();
        outbound.push(message(1), true, &limits());
        assert!(!outbound.wants_confirmation(&limits()));
        outbound.push(message(2), true, &limits());
        assert!(outbound.wants_confirmation(&limits()));
        let number = outbound.ask();
        assert!(!outbound.wants_confirmation(&limits()));
        for later in 3..=5 {
            outbound.push(message(later), true, &limits());
        }
        assert!(
            !outbound.wants_confirmation(&limits()),
            "one question at a time"
        );
        outbound.confirmed(number);
        assert!(outbound.wants_confirmation(&limits()));
        assert_eq!(outbound.resume(1), Err(Lost));
        assert_eq!(outbound.resume(2).map(|missed| missed.len()), Ok(3));
        outbound.confirmed(5);
        assert_eq!((outbound.kept.len(), outbound.kept_bytes), (0, 0));
    }

    #[test]
    fn counting_goes_on_past_the_largest_number() {
        let mut outbound = Outbound {
            sent: u64::from(u32::MAX) - 1,
            ..Outbound::default()
        };
        for number in 1..=3 {
            outbound.push(message(number), true, &limits());
        }
        assert_eq!(outbound.resume(u32::MAX).map(|missed| missed.len()), Ok(2));
        assert_eq!(outbound.resume(1), Ok(vec![]));
    }
}
