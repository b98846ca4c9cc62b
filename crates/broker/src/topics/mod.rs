//! Topics: the tree, values and time series, selectors, and removal.
//!
//! [`Topics`] owns all of it. It is told what to change, and gives back what follows: operations for the store, messages for
//! subscribers, topics that are to go. Subscribers are keys to it; what it has to know of sessions, rights and locks, it asks
//! through the functions that it is called with.

mod constraint;
mod date;
mod message;
mod patch;
mod publish;
mod queue;
mod removal;
mod removal_policy;
mod selectors;
mod series;
mod settings;
mod topic;
mod transaction;
mod tree;

pub(crate) use message::Delivery;
#[cfg(feature = "fuzz")]
pub(crate) use patch::apply as apply_patch;
pub(crate) use publish::{Applied, Messages, Next, Progress};
pub(crate) use queue::{Batch, Context, Queued, ReplyTo, Step};
pub(crate) use removal::SessionView;
#[cfg(feature = "fuzz")]
pub(crate) use removal_policy::{Circumstances, Removal};
pub(crate) use selectors::{BYTES_A_STEP, LARGE, Selector, match_steps, weight};
pub(crate) use series::{Series, event_bytes};
pub(crate) use settings::{Conflation, Priority, Settings};
pub(crate) use topic::Topic;
pub(crate) use transaction::{Actor, Change, Outcome, StreamUpdate, TopicOp};
pub(crate) use tree::{Halt, Onward, TopicTree, Walk, ancestors, compare_paths};

use effusion_protocol::{ErrorReport, TopicId};
use std::sync::Arc;

use crate::{Limits, StoredTopic, errors};

use message::TopicMessage;
use queue::PathQueues;
use removal::{Groups, Sweep};
use selectors::SelectorCache;
use topic::OpenStream;
use transaction::{NULL, Numbers};

/// The longest path of a topic, in bytes.
pub(crate) const MAX_PATH: usize = 4 * 1024;

/// Bytes of a value that are read, compared or compressed in a step.
const VALUE_BYTES_A_STEP: usize = 32;

/// All topics, and the changes of them that are on their way.
#[derive(Debug)]
pub(crate) struct Topics {
    tree: TopicTree,
    selectors: SelectorCache,
    numbers: Numbers,
    queues: PathQueues,
    removals: Groups,
    sweep: Sweep,
    limits: Limits,
    /// Whether changes are stored before they are made.
    is_durable: bool,
}

impl Topics {
    pub(crate) fn new(limits: Limits, is_durable: bool) -> Self {
        Self {
            tree: TopicTree::default(),
            selectors: SelectorCache::default(),
            numbers: Numbers::default(),
            queues: PathQueues::default(),
            removals: Groups::default(),
            sweep: Sweep::default(),
            limits,
            is_durable,
        }
    }

    /// The topics that are there.
    pub(crate) const fn tree(&self) -> &TopicTree {
        &self.tree
    }

    /// The topic that was added last; it may be gone.
    pub(crate) const fn newest(&self) -> TopicId {
        self.numbers.last_topic()
    }

    /// A selector, which all that select alike share.
    pub(crate) fn selector(&mut self, expression: &str) -> Result<Arc<Selector>, ErrorReport> {
        let selector = self.selectors.get(expression);
        let selector = selector.map_err(|error| errors::bad_selector(&error))?;
        if selector.memory() > LARGE && !self.selectors.fits(self.limits.selection_bytes) {
            return Err(errors::too_many("bytes of topic selectors"));
        }
        Ok(selector)
    }

    /// Puts a stored topic into the tree. One whose specification is no longer understood is left out, but stays
    /// stored. Returns what the rules of today refuse of it.
    pub(crate) fn restore(&mut self, path: &str, stored: StoredTopic, now: u64) -> Option<String> {
        let (settings, complaint) = match Settings::of_stored(&stored.specification) {
            Ok(checked) => checked,
            Err(complaint) => {
                return Some(format!(
                    "the stored topic '{path}' is left out: {complaint}"
                ));
            }
        };
        let mut topic = Topic::new(
            self.numbers.new_topic(),
            path,
            Arc::new(stored.specification),
            Arc::new(settings),
            stored.creator,
            now,
        );
        if let Some(series) = topic.settings.series {
            topic.series = Series::restore(stored.events);
            topic.discarded = topic
                .series
                .trim(&series.retained, self.limits.series_events);
        } else {
            topic.set_value(stored.value.filter(|value| value.as_ref() != NULL));
        }
        self.insert(topic, now);
        complaint.map(|complaint| format!("the stored topic '{path}': {complaint}"))
    }

    fn insert(&mut self, topic: Topic, now: u64) -> TopicId {
        let id = topic.id;
        if topic.settings.removal.is_some() {
            self.sweep.begin(now);
        }
        self.tree.insert(topic);
        id
    }
}

#[cfg(test)]
mod tests;
