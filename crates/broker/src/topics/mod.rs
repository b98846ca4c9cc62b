//! Topics and the tree that they are in.

pub(crate) mod constraint;
mod date;
mod message;
pub(crate) mod patch;
pub(crate) mod queue;
mod removal_policy;
pub(crate) mod removals;
pub(crate) mod selectors;
mod series;
mod settings;
pub(crate) mod transaction;
mod tree;

pub(crate) use message::{Delivery, TopicMessage};
#[cfg(feature = "fuzz")]
pub(crate) use removal_policy::Removal;
pub(crate) use removal_policy::{Circumstances, Watch};
pub(crate) use series::Series;
pub(crate) use settings::{Conflation, Priority, Settings};
pub(crate) use tree::{Halt, Onward, TopicTree, Walk, ancestors, compare_paths};

use bytes::Bytes;
use effusion_protocol::body::SubscriptionNotification;
use effusion_protocol::time_series::Event;
use effusion_protocol::{TopicId, TopicSpecification};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Creator;
use crate::sessions::SessionKey;
use crate::wire;

/// The longest path of a topic, in bytes.
pub(crate) const MAX_PATH: usize = 4 * 1024;

/// An update stream: to any session but its own, its id means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenStream {
    pub(crate) instance: u32,
    pub(crate) session: SessionKey,
    /// The topic's value is what the stream set, so that its session may build on it without the right to read it.
    pub(crate) has_set: bool,
}

/// What a topic takes besides what is in it, in bytes.
const TOPIC_OVERHEAD: usize = 1_024;

/// A topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: TopicId,
    pub(crate) path: Arc<str>,
    pub(crate) specification: Arc<TopicSpecification>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) creator: Creator,
    pub(crate) value: Option<Bytes>,
    /// The events; empty unless the topic is a time series.
    pub(crate) series: Series,
    pub(crate) subscribers: BTreeSet<SessionKey>,
    /// When it was added or restored, by the monotonic clock.
    pub(crate) present_since: u64,
    /// When it was last updated, by the monotonic clock.
    pub(crate) updated: u64,
    pub(crate) watch: Watch,
    /// The update stream that is valid, if any.
    pub(crate) stream: Option<OpenStream>,
    /// Events that were discarded but are still stored.
    pub(crate) discarded: Vec<u64>,
    /// What the topic counts for in [`TopicTree`]'s account of memory, in bytes.
    counted: usize,
    /// The subscription notification, the same for every session.
    notification: Option<Bytes>,
    /// The value message, the same for every session.
    value_message: Option<TopicMessage>,
}

impl Topic {
    pub(crate) fn new(
        id: TopicId,
        path: &str,
        specification: Arc<TopicSpecification>,
        settings: Arc<Settings>,
        creator: Creator,
        now: u64,
    ) -> Self {
        Self {
            id,
            path: path.into(),
            watch: settings
                .removal
                .as_ref()
                .map(|removal| removal.watch())
                .unwrap_or_default(),
            specification,
            settings,
            creator,
            value: None,
            series: Series::default(),
            subscribers: BTreeSet::new(),
            present_since: now,
            updated: now,
            stream: None,
            discarded: Vec::new(),
            counted: 0,
            notification: None,
            value_message: None,
        }
    }

    /// The value, or that of the latest event of a time series.
    pub(crate) fn present_value(&self) -> Option<&Bytes> {
        if self.settings.series.is_some() {
            self.series.events().back().map(|event| &event.value)
        } else {
            self.value.as_ref()
        }
    }

    /// About how many bytes of memory the topic takes.
    fn memory(&self) -> usize {
        let properties = self.specification.properties.iter();
        let properties: usize = properties
            .map(|(name, value)| name.len() + value.len())
            .sum();
        // The value may be there a second time, as the message that subscribers are sent; so may the specification.
        let value = self.value.as_ref().map_or(0, Bytes::len);
        TOPIC_OVERHEAD + 2 * (self.path.len() + properties + value) + self.series.memory()
    }

    /// Replaces the value, if the topic keeps one.
    pub(crate) fn set_value(&mut self, value: Option<Bytes>) {
        self.value = value.filter(|_| self.settings.retains_value);
        self.value_message = None;
    }

    /// The message that tells a session of its subscription.
    pub(crate) fn notification(&mut self) -> Bytes {
        self.notification
            .get_or_insert_with(|| {
                wire::notification(&SubscriptionNotification {
                    topic: self.id,
                    path: self.path.to_string(),
                    specification: (*self.specification).clone(),
                })
            })
            .clone()
    }

    /// The message with the value, if there is one, that a new subscriber receives.
    pub(crate) fn first_value(&mut self, inflates: bool) -> Option<Bytes> {
        let value = self.value.as_ref()?;
        let message = self
            .value_message
            .get_or_insert_with(|| TopicMessage::value(self.id, value.clone(), &self.settings));
        Some(message.bytes(inflates))
    }

    /// The message with an event, for one client.
    pub(crate) fn event_message(&self, event: &Event, inflates: bool) -> Bytes {
        TopicMessage::event(self.id, event, &self.settings).bytes(inflates)
    }

    /// Remembers the message of the value that is set now, which was made for the subscribers already.
    pub(crate) fn keep_value_message(&mut self, message: TopicMessage) {
        self.value_message = self.value.is_some().then_some(message);
    }
}
