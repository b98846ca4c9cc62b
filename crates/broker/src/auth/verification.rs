//! Whose credentials are looked at next: checking a password, or hashing one, takes tens of milliseconds of a core, whoever asks
//! for it.
//!
//! The queue is fair by network and principal: the one that a client names, or that a session has that wants another one. When too
//! many wait, the last of the longest queue goes.

use crate::turns::{Account, FairQueue};
use crate::{Secret, Ticket};

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Password,
    /// A JWT (RFC 7519).
    Jwt(Secret),
    /// A password in a script, and the hash that it is checked against.
    Script(Option<String>, Secret),
    /// A password in a script that is to be hashed.
    Hash(Secret),
}

/// A check that waits, and who waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) ticket: Ticket,
    pub(crate) check: Check,
}

/// Verifications that are made, and those that wait.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    /// How many are being made.
    running: usize,
    waiting: FairQueue<Job>,
}

impl Verifications {
    /// Has a check wait for its turn. If more than `most` wait then, gives back one that does no longer.
    pub(super) fn push(&mut self, account: Account, job: Job, most: usize) -> Option<Job> {
        self.waiting.push(account, job);
        if self.waiting.len() <= most {
            return None;
        }
        self.waiting.pop_longest()
    }

    /// The check whose turn it is, unless as many are being made as may be.
    pub(super) fn pop(&mut self, at_once: usize) -> Option<Job> {
        if self.running >= at_once {
            return None;
        }
        self.waiting.pop()
    }

    /// A check, or the hashing of a password, is begun.
    pub(super) const fn begin(&mut self) {
        self.running += 1;
    }

    /// It is done.
    pub(super) const fn end(&mut self) {
        self.running = self.running.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_made_and_wait_at_a_time() {
        let mut checks = Verifications::default();
        let job = |number| Job {
            ticket: Ticket(number),
            check: Check::Password,
        };
        let push = |checks: &mut Verifications, number| {
            checks.push(Account::new("10.0.0.1", Some("eve")), job(number), 1)
        };
        assert_eq!(push(&mut checks, 1), None);
        assert_eq!(push(&mut checks, 2), Some(job(2)), "one waits already");
        checks.begin();
        checks.begin();
        assert_eq!(checks.pop(2), None);
        checks.end();
        assert_eq!(checks.pop(2), Some(job(1)));
    }
}
