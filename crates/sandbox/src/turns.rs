//! Whose message is served next: connections take turns, so that one with many messages, or costly ones, waits for its own
//! and not everyone for it.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use effusion_broker::ConnectionId;

/// How long one connection is served before it is another one's turn. A message that takes longer is finished.
const TURN: Duration = Duration::from_micros(300);

/// What waits to be served, by connection.
#[derive(Debug)]
pub struct Turns<T> {
    waiting: HashMap<ConnectionId, VecDeque<T>>,
    order: VecDeque<ConnectionId>,
    turn_ends: Option<Instant>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            order: VecDeque::new(),
            turn_ends: None,
        }
    }
}

impl<T> Turns<T> {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Adds what came from a connection.
    pub fn push(&mut self, connection: ConnectionId, input: T) {
        let waiting = self.waiting.entry(connection).or_default();
        if waiting.is_empty() {
            self.order.push_back(connection);
        }
        waiting.push_back(input);
    }

    /// What is to be served next.
    pub fn next(&mut self, now: Instant) -> Option<T> {
        if self.turn_ends.is_some_and(|end| end <= now) {
            self.turn_ends = None;
            self.order.rotate_left(usize::from(!self.order.is_empty()));
        }
        let connection = *self.order.front()?;
        let waiting = self.waiting.get_mut(&connection)?;
        let input = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(&connection);
            self.order.pop_front();
            self.turn_ends = None;
        } else if self.turn_ends.is_none() {
            self.turn_ends = Some(now + TURN);
        }
        input
    }

    /// All that waits, in any order.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        self.order.clear();
        std::mem::take(&mut self.waiting).into_values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_much_waits_for_its_own() {
        let start = Instant::now();
        let mut turns = Turns::default();
        for number in 0..100 {
            turns.push(ConnectionId(1), (1, number));
        }
        turns.push(ConnectionId(2), (2, 0));
        turns.push(ConnectionId(3), (3, 0));
        turns.push(ConnectionId(3), (3, 1));
        // Each of these takes a millisecond.
        let mut at = start;
        let order: Vec<(i32, i32)> = std::iter::from_fn(|| {
            at += Duration::from_millis(1);
            turns.next(at)
        })
        .collect();
        assert_eq!(order[..6], [(1, 0), (2, 0), (3, 0), (1, 1), (3, 1), (1, 2)]);
        assert_eq!(order.len(), 103);
        assert!(turns.is_empty());
    }

    #[test]
    fn messages_that_take_no_time_are_served_together() {
        let now = Instant::now();
        let mut turns = Turns::default();
        for number in 0..3 {
            turns.push(ConnectionId(1), (1, number));
            turns.push(ConnectionId(2), (2, number));
        }
        let order: Vec<(i32, i32)> = std::iter::from_fn(|| turns.next(now)).collect();
        assert_eq!(order, [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]);
    }
}
