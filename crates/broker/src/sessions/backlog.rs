//! What waits for a client that is not there, or that has not confirmed enough of what it was sent: not numbered yet, so
//! that its order and its number can still change.
//!
//! Source: the API documentation of the topic properties CONFLATION, PRIORITY and TIDY_ON_UNSUBSCRIBE.

use bytes::Bytes;
use effusion_protocol::{ConversationId, TopicId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::topics::Priority;

/// A message, and what may be done with it while it waits.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) message: Bytes,
    pub(crate) priority: Priority,
    pub(crate) kind: Kind,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A topic's value, delta or event.
    Update(TopicId),
    /// The end of a subscription: nothing overtakes it, since a topic may come to the same path again.
    Ending,
    /// What the client is told because it registered for it.
    Registered {
        /// The number that it registered under.
        registration: ConversationId,
        /// The number that its answer will have, if it is a question.
        question: Option<ConversationId>,
    },
    /// Anything else.
    Other,
}

impl Item {
    /// A message that has nothing to do with topics.
    pub(crate) const fn other(message: Bytes) -> Self {
        Self {
            message,
            priority: Priority::Default,
            kind: Kind::Other,
        }
    }

    /// A message that a registration asked for, and its number if it is a question.
    pub(crate) const fn registered(
        message: Bytes,
        registration: ConversationId,
        question: Option<ConversationId>,
    ) -> Self {
        Self {
            message,
            priority: Priority::Default,
            kind: Kind::Registered {
                registration,
                question,
            },
        }
    }
}

/// Where a message waits: between endings, by priority, and then as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    endings: u64,
    priority: Priority,
    number: u64,
}

/// The messages that wait for one client.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    waiting: BTreeMap<Place, (Bytes, Kind)>,
    updates: HashMap<TopicId, BTreeSet<Place>>,
    bytes: usize,
    endings: u64,
    number: u64,
}

impl Backlog {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn push(&mut self, item: Item) {
        self.number += 1;
        let is_ending = item.kind == Kind::Ending;
        self.endings += u64::from(is_ending);
        let place = Place {
            endings: self.endings,
            priority: item.priority,
            number: self.number,
        };
        // What comes after an ending comes after it, whatever its priority.
        self.endings += u64::from(is_ending);
        if let Kind::Update(topic) = item.kind {
            self.updates.entry(topic).or_default().insert(place);
        }
        self.bytes += item.message.len();
        self.waiting.insert(place, (item.message, item.kind));
    }

    /// The next message to send.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let (place, (message, kind)) = self.waiting.pop_first()?;
        self.bytes = self.bytes.saturating_sub(message.len());
        if let Kind::Update(topic) = kind
            && let Some(places) = self.updates.get_mut(&topic)
        {
            places.remove(&place);
            if places.is_empty() {
                self.updates.remove(&topic);
            }
        }
        Some(message)
    }

    /// Drops some of what registrations asked for; returns the numbers of the questions among it.
    pub(crate) fn drop_registered(
        &mut self,
        ends: impl Fn(ConversationId, &Bytes) -> bool,
    ) -> Vec<ConversationId> {
        let mut questions = Vec::new();
        self.waiting.retain(|_, (message, kind)| match kind {
            Kind::Registered {
                registration,
                question,
            } if ends(*registration, message) => {
                self.bytes = self.bytes.saturating_sub(message.len());
                questions.extend(*question);
                false
            }
            _ => true,
        });
        questions
    }

    /// How long the next message is.
    pub(crate) fn next_len(&self) -> Option<usize> {
        self.waiting
            .first_key_value()
            .map(|(_, (message, _))| message.len())
    }

    /// Whether updates of a topic wait.
    pub(crate) fn has_updates(&self, topic: TopicId) -> bool {
        self.updates.contains_key(&topic)
    }

    /// Drops what waits of a topic's updates. What is sent of the topic next has to be whole.
    pub(crate) fn drop_updates(&mut self, topic: TopicId) {
        for place in self.updates.remove(&topic).unwrap_or_default() {
            if let Some((message, _)) = self.waiting.remove(&place) {
                self.bytes = self.bytes.saturating_sub(message.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(backlog: &mut Backlog, name: &'static str, priority: Priority, kind: Kind) {
        backlog.push(Item {
            message: Bytes::from_static(name.as_bytes()),
            priority,
            kind,
        });
    }

    fn rest(backlog: &mut Backlog) -> Vec<Bytes> {
        core::iter::from_fn(|| backlog.pop()).collect()
    }

    const ONE: Kind = Kind::Update(TopicId(1));
    const TWO: Kind = Kind::Update(TopicId(2));

    #[test]
    fn what_is_urgent_goes_first_but_overtakes_no_ending() {
        let mut backlog = Backlog::default();
        push(&mut backlog, "a", Priority::Low, ONE);
        push(&mut backlog, "b", Priority::Default, Kind::Other);
        push(&mut backlog, "c", Priority::High, TWO);
        push(&mut backlog, "d", Priority::High, TWO);
        push(&mut backlog, "end", Priority::Low, Kind::Ending);
        push(&mut backlog, "e", Priority::Low, ONE);
        push(&mut backlog, "f", Priority::High, TWO);
        assert_eq!(backlog.bytes(), 9);
        assert_eq!(rest(&mut backlog), ["c", "d", "b", "a", "end", "f", "e"]);
        assert_eq!((backlog.len(), backlog.bytes()), (0, 0));
    }

    #[test]
    fn updates_of_a_topic_are_dropped() {
        let mut backlog = Backlog::default();
        push(&mut backlog, "one", Priority::Default, ONE);
        push(&mut backlog, "two", Priority::Default, TWO);
        push(&mut backlog, "one again", Priority::Default, ONE);
        assert!(backlog.has_updates(TopicId(1)));
        backlog.drop_updates(TopicId(1));
        assert!(!backlog.has_updates(TopicId(1)));
        push(&mut backlog, "new", Priority::Default, ONE);
        assert_eq!(backlog.next_len(), Some(3));
        assert_eq!(rest(&mut backlog), ["two", "new"]);
        assert!(!backlog.has_updates(TopicId(1)) && backlog.is_empty());
    }
}
