//! What is to happen to sessions later.

use std::collections::BTreeSet;

use crate::caller::SessionKey;

/// What a deadline is for. One that has lost its reason is passed over when it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Ping a client, and see whether it still answers.
    Ping(SessionKey),
    /// Close a session whose client did not come back.
    Expire(SessionKey),
    /// Close a session that has not authenticated again in time.
    Outdated(SessionKey),
}

/// Deadlines, by the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(u64, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, at: u64, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(super) fn cancel(&mut self, at: u64, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.0.first().map(|(at, _)| *at)
    }

    /// A timer whose time has come.
    pub(super) fn due(&mut self, now: u64) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }
}
