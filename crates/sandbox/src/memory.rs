//! What the service's memory is for.
//!
//! Topics take the most of it. The rest is for what is on its way: messages that wait for clients, for the broker and for the
//! disk, each bounded by itself, and for what nobody counts: connections, the database's pages, room between allocations.

use crate::cli::LimitArgs;
use crate::hub::HubLimits;

/// The parts of the memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All topics.
    pub topics: usize,
    /// The topics that one principal added.
    pub topics_per_principal: usize,
    /// What waits for all clients.
    pub waiting: usize,
    /// What waits for one client.
    pub queue: usize,
    /// One answer.
    pub answer: usize,
    /// Requests of one session that wait.
    pub deferred: usize,
    /// What sessions select, and again what they select for topic notifications.
    pub selections: usize,
    /// Properties and roles of sessions.
    pub sessions: usize,
    /// What waits around the broker.
    pub hub: HubLimits,
}

impl Memory {
    /// The parts that the limits make of it.
    #[must_use]
    pub fn of(limits: &LimitArgs) -> Self {
        let bytes = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let hub = HubLimits::default();
        let broker = effusion_broker::Config::new([0; 32]).limits;
        let queue = limits.max_queue_bytes as usize;
        let parts = Self {
            topics: bytes(limits.max_topic_bytes),
            topics_per_principal: bytes(limits.max_topic_bytes_per_principal),
            waiting: broker.waiting_bytes,
            queue,
            answer: broker.answer_bytes,
            deferred: broker.deferred_bytes,
            selections: broker.selection_bytes,
            sessions: broker.session_bytes,
            hub,
        };
        let Some(all) = limits.max_memory.map(bytes) else {
            return parts;
        };
        // A message is read in pieces, kept whole and made into another one.
        let least = 4 * limits.max_message_size as usize;
        let part = |whole: usize, of_all: usize| whole.min((all / of_all).max(least));
        let topics = parts.topics.min(all / 8 * 3);
        Self {
            topics,
            topics_per_principal: parts.topics_per_principal.min(topics),
            waiting: part(parts.waiting, 8),
            queue: part(queue, 64),
            answer: part(parts.answer, 16),
            deferred: part(parts.deferred, 64),
            selections: parts.selections.min(all / 32),
            sessions: parts.sessions.min(all / 32),
            hub: HubLimits {
                input_bytes: part(hub.input_bytes, 16),
                store_bytes: part(hub.store_bytes, 16),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Args;
    use clap::Parser as _;

    fn memory(args: &[&str]) -> Memory {
        let all = ["effusion-sandbox", "--memory"].iter().chain(args);
        Memory::of(&Args::try_parse_from(all).unwrap().limits)
    }

    #[test]
    fn the_parts_are_less_than_the_whole() {
        for whole in ["134217728", "268435456", "4294967296"] {
            let parts = memory(&["--max-memory", whole]);
            let sum = parts.topics
                + parts.waiting
                + parts.answer
                + 2 * parts.selections
                + parts.sessions
                + parts.hub.input_bytes / 4 * 5
                + parts.hub.store_bytes;
            assert!(sum <= whole.parse::<usize>().unwrap() / 8 * 7, "{parts:?}");
        }
    }

    #[test]
    fn without_a_bound_each_part_has_its_own() {
        let parts = memory(&["--max-topic-bytes", "2000000", "--max-queue-bytes", "5000"]);
        assert_eq!((parts.topics, parts.queue), (2_000_000, 5_000));
        let less = memory(&["--max-topic-bytes", "2000000", "--max-memory", "134217728"]);
        assert_eq!(less.topics, 2_000_000);
        assert_eq!(less.topics_per_principal, 2_000_000);
    }
}
