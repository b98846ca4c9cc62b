//! Whose message is served next: addresses take turns, and the connections from each of them do, so that a client with many messages,
//! costly ones, or many connections waits for its own and not everyone for it.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use effusion_broker::ConnectionId;

/// How long one connection is served before it is another one's turn. A message that takes longer is finished. What a connection
/// says into a room reaches the others in fewer, larger writes the more of it is served together.
const TURN: Duration = Duration::from_millis(2);

/// What waits to be served, by address and connection.
#[derive(Debug)]
pub struct Turns<T> {
    waiting: Rotation<Option<IpAddr>, Rotation<ConnectionId, VecDeque<T>>>,
    turn_ends: Option<Instant>,
}

/// Queues of which the first has its turn.
#[derive(Debug)]
struct Rotation<K, Q> {
    queues: HashMap<K, Q>,
    order: VecDeque<K>,
}

impl<K, Q> Default for Rotation<K, Q> {
    fn default() -> Self {
        Self {
            queues: HashMap::new(),
            order: VecDeque::new(),
        }
    }
}

impl<K: Copy + Eq + Hash, Q: Default> Rotation<K, Q> {
    fn queue(&mut self, key: K) -> &mut Q {
        self.queues.entry(key).or_insert_with(|| {
            self.order.push_back(key);
            Q::default()
        })
    }

    fn first(&mut self) -> Option<&mut Q> {
        self.queues.get_mut(self.order.front()?)
    }

    fn remove_first(&mut self) {
        if let Some(key) = self.order.pop_front() {
            self.queues.remove(&key);
        }
    }

    fn rotate(&mut self) {
        self.order.rotate_left(usize::from(!self.order.is_empty()));
    }
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            waiting: Rotation::default(),
            turn_ends: None,
        }
    }
}

impl<T> Turns<T> {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.order.is_empty()
    }

    /// Adds what came from a connection. Its address is the same each time.
    pub fn push(&mut self, address: Option<IpAddr>, connection: ConnectionId, input: T) {
        let connections = self.waiting.queue(address);
        connections.queue(connection).push_back(input);
    }

    /// What is to be served next.
    pub fn next(&mut self, now: Instant) -> Option<T> {
        if self.turn_ends.is_some_and(|end| end <= now) {
            self.end_turn();
        }
        let connections = self.waiting.first()?;
        let inputs = connections.first()?;
        let input = inputs.pop_front();
        if inputs.is_empty() {
            connections.remove_first();
            let is_done = connections.order.is_empty();
            if is_done {
                self.waiting.remove_first();
            }
            // Without another address, a connection does not take away from the turn of the next one.
            if is_done || self.waiting.order.len() == 1 {
                self.turn_ends = None;
                return input;
            }
        }
        self.turn_ends.get_or_insert(now + TURN);
        input
    }

    /// It is the turn of the next address, and later of the next connection from this one.
    fn end_turn(&mut self) {
        self.turn_ends = None;
        if let Some(connections) = self.waiting.first() {
            connections.rotate();
        }
        self.waiting.rotate();
    }

    /// All that waits, in any order.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        let connections = std::mem::take(&mut self.waiting).queues.into_values();
        connections.flat_map(|it| it.queues.into_values()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    /// All that waits in its order, if each takes so long.
    fn order(turns: &mut Turns<(u64, i32)>, each: Duration) -> Vec<(u64, i32)> {
        let mut at = Instant::now();
        std::iter::from_fn(|| {
            at += each;
            turns.next(at)
        })
        .collect()
    }

    #[test]
    fn who_sends_much_waits_for_its_own() {
        let mut turns = Turns::default();
        for number in 0..100 {
            turns.push(address(1), ConnectionId(1), (1, number));
        }
        turns.push(address(1), ConnectionId(2), (2, 0));
        turns.push(address(1), ConnectionId(3), (3, 0));
        turns.push(address(1), ConnectionId(3), (3, 1));
        let order = order(&mut turns, TURN);
        assert_eq!(order[..6], [(1, 0), (2, 0), (3, 0), (1, 1), (3, 1), (1, 2)]);
        assert_eq!(order.len(), 103);
        assert!(turns.is_empty());
    }

    #[test]
    fn who_has_many_connections_waits_for_its_own() {
        let mut turns = Turns::default();
        for connection in 1..=50 {
            for number in 0..2 {
                turns.push(address(1), ConnectionId(connection), (connection, number));
            }
        }
        for number in 0..3 {
            turns.push(address(2), ConnectionId(99), (99, number));
        }
        let order = order(&mut turns, TURN);
        let expected = [(1, 0), (99, 0), (2, 0), (99, 1), (3, 0), (99, 2), (4, 0)];
        assert_eq!(order[..7], expected);
        assert_eq!(order.len(), 103);
        assert!(turns.is_empty());
    }

    #[test]
    fn messages_that_take_no_time_are_served_together() {
        let mut turns = Turns::default();
        for number in 0..3 {
            turns.push(address(1), ConnectionId(1), (1, number));
            turns.push(address(1), ConnectionId(2), (2, number));
        }
        let order = order(&mut turns, Duration::ZERO);
        assert_eq!(order, [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]);
    }
}
