//! Whose credentials are looked at next: checking a password takes tens of milliseconds of a core, whoever asks for it.
//!
//! Turns go round by address, and from one address by who asks: by the principal that a client names, or that a session has
//! that wants another one. So nobody waits for more than one check of each of the others, however many they ask for. When
//! too many wait, the last of the longest queue goes.

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

use crate::{Secret, Ticket};

use super::throttle::network;

/// What is to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Password,
    /// A JWT (RFC 7519).
    Jwt(Secret),
}

/// A check that waits, and who waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) ticket: Ticket,
    pub(crate) check: Check,
}

/// Queues that take turns.
#[derive(Debug)]
struct Turns<K, L> {
    queues: BTreeMap<K, L>,
    order: VecDeque<K>,
}

impl<K, L> Default for Turns<K, L> {
    fn default() -> Self {
        Self {
            queues: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }
}

trait Queue: Default {
    fn len(&self) -> usize;
}

impl Queue for VecDeque<Job> {
    fn len(&self) -> usize {
        self.len()
    }
}

impl<K: Ord + Clone, L: Queue> Queue for Turns<K, L> {
    fn len(&self) -> usize {
        self.queues.values().map(Queue::len).sum()
    }
}

impl<K: Ord + Clone, L: Queue> Turns<K, L> {
    fn queue(&mut self, key: K) -> &mut L {
        if !self.queues.contains_key(&key) {
            self.order.push_back(key.clone());
        }
        self.queues.entry(key).or_default()
    }

    /// Takes something out of the queue whose turn it is.
    fn next<T>(&mut self, take: impl FnOnce(&mut L) -> Option<T>) -> Option<T> {
        let key = self.order.pop_front()?;
        let queue = self.queues.get_mut(&key)?;
        let taken = take(queue);
        if queue.len() == 0 {
            self.queues.remove(&key);
        } else {
            self.order.push_back(key);
        }
        taken
    }

    /// Takes something out of the longest queue.
    fn longest<T>(&mut self, take: impl FnOnce(&mut L) -> Option<T>) -> Option<T> {
        let queues = self.queues.iter_mut();
        let (key, queue) = queues.max_by_key(|(_, queue)| queue.len())?;
        let (key, taken) = (key.clone(), take(queue));
        if queue.len() == 0 {
            self.queues.remove(&key);
            self.order.retain(|it| *it != key);
        }
        taken
    }
}

/// Verifications that are made, and those that wait.
#[derive(Debug, Default)]
pub(crate) struct Verifications {
    /// How many are being made.
    running: usize,
    waiting: Turns<IpAddr, Turns<Option<String>, VecDeque<Job>>>,
}

impl Verifications {
    /// Has a check wait for its turn. If more than `most` wait then, gives back one that does no longer.
    pub(super) fn push(
        &mut self,
        address: &str,
        principal: Option<String>,
        job: Job,
        most: usize,
    ) -> Option<Job> {
        let queue = self.waiting.queue(network(address)).queue(principal);
        queue.push_back(job);
        if self.waiting.len() <= most {
            return None;
        }
        self.waiting
            .longest(|address| address.longest(VecDeque::pop_back))
    }

    /// The check whose turn it is, unless as many are being made as may be.
    pub(super) fn pop(&mut self, at_once: usize) -> Option<Job> {
        if self.running >= at_once {
            return None;
        }
        self.waiting
            .next(|address| address.next(VecDeque::pop_front))
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

    fn push(
        checks: &mut Verifications,
        (last, principal): (u8, &str),
        job: Job,
        most: usize,
    ) -> Option<Job> {
        let address = format!("10.0.0.{last}");
        checks.push(&address, Some(principal.to_owned()), job, most)
    }

    fn job(number: u64) -> Job {
        Job {
            ticket: Ticket(number),
            check: Check::Password,
        }
    }

    fn rest(checks: &mut Verifications) -> Vec<u64> {
        core::iter::from_fn(|| checks.pop(1).map(|job| job.ticket.0)).collect()
    }

    #[test]
    fn turns_go_round_by_address_and_then_by_principal() {
        let mut checks = Verifications::default();
        for number in 0..4 {
            assert_eq!(push(&mut checks, (1, "eve"), job(number), 100), None);
        }
        for (number, who) in [(10, (1, "ann")), (20, (2, "eve"))] {
            assert_eq!(push(&mut checks, who, job(number), 100), None);
        }
        assert_eq!(rest(&mut checks), [0, 20, 10, 1, 2, 3]);
        assert!(checks.waiting.queues.is_empty() && checks.waiting.order.is_empty());
    }

    #[test]
    fn the_longest_queue_gives_way() {
        let mut checks = Verifications::default();
        for number in 0..3 {
            assert_eq!(push(&mut checks, (1, "eve"), job(number), 3), None);
        }
        assert_eq!(push(&mut checks, (1, "ann"), job(10), 3), Some(job(2)));
        assert_eq!(push(&mut checks, (2, "bob"), job(20), 3), Some(job(1)));
        assert_eq!(push(&mut checks, (1, "eve"), job(4), 3), Some(job(4)));
        assert_eq!(rest(&mut checks), [0, 20, 10]);
    }

    #[test]
    fn only_so_many_are_made_at_a_time() {
        let mut checks = Verifications::default();
        push(&mut checks, (1, "eve"), job(1), 3);
        checks.begin();
        checks.begin();
        assert_eq!(checks.pop(2), None);
        checks.end();
        assert_eq!(checks.pop(2), Some(job(1)));
    }
}
