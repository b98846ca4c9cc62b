//! Queues that take turns: by network, and within one network by principal, so that nobody waits for more than one turn of each of
//! the others, however many sessions those open and however much they ask for.

use core::net::IpAddr;
use std::collections::{BTreeMap, VecDeque};

use crate::auth::network;

/// On whose account something waits.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    network: IpAddr,
    principal: Option<String>,
}

impl Account {
    pub(crate) fn new(address: &str, principal: Option<&str>) -> Self {
        Self {
            network: network(address),
            principal: principal.map(str::to_owned),
        }
    }
}

/// What waits, and whose turn it is.
#[derive(Debug)]
pub(crate) struct FairQueue<T>(Turns<IpAddr, Turns<Option<String>, VecDeque<T>>>);

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self(Turns::default())
    }
}

impl<T> FairQueue<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.queues.is_empty()
    }

    pub(crate) fn push(&mut self, account: Account, item: T) {
        let Account { network, principal } = account;
        self.0.queue(network).queue(principal).push_back(item);
    }

    /// Takes out what is next.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.0.next(|network| network.next(VecDeque::pop_front))
    }

    /// Takes out what came last into the longest queue.
    pub(crate) fn pop_longest(&mut self) -> Option<T> {
        let pop = VecDeque::pop_back;
        self.0.longest(|network| network.longest(pop))
    }
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

impl<T> Queue for VecDeque<T> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &mut FairQueue<u64>, (last, principal): (u8, &str), number: u64) {
        let address = format!("10.0.0.{last}");
        queue.push(Account::new(&address, Some(principal)), number);
    }

    fn rest(queue: &mut FairQueue<u64>) -> Vec<u64> {
        core::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn turns_go_round_by_network_and_then_by_principal() {
        let mut queue = FairQueue::default();
        for number in 0..4 {
            push(&mut queue, (1, "eve"), number);
        }
        push(&mut queue, (1, "ann"), 10);
        push(&mut queue, (2, "eve"), 20);
        assert_eq!(rest(&mut queue), [0, 20, 10, 1, 2, 3]);
        assert!(queue.is_empty() && queue.0.order.is_empty());
    }

    #[test]
    fn the_longest_queue_gives_way() {
        let mut queue = FairQueue::default();
        for number in 0..3 {
            push(&mut queue, (1, "eve"), number);
        }
        push(&mut queue, (1, "ann"), 10);
        assert_eq!(queue.pop_longest(), Some(2));
        push(&mut queue, (2, "bob"), 20);
        assert_eq!(queue.pop_longest(), Some(1));
        push(&mut queue, (1, "eve"), 4);
        assert_eq!(queue.pop_longest(), Some(4));
        assert_eq!(rest(&mut queue), [0, 20, 10]);
    }
}
