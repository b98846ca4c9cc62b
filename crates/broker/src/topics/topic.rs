//! A topic.

use bytes::Bytes;
use effusion_protocol::body::SubscriptionNotification;
use effusion_protocol::time_series::Event;
use effusion_protocol::{TopicId, TopicSpecification};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::caller::SessionKey;
use crate::{Creator, wire};

use super::removal_policy::Watch;
use super::{Delivery, Series, Settings, TopicMessage};

/// An update stream: to any session but its own, its id means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenStream {
    pub(super) instance: u32,
    pub(super) session: SessionKey,
    /// The topic's value is what the stream set, so that its session may build on it without the right to read it.
    pub(super) has_set: bool,
}

/// What a topic takes besides what is in it, in bytes.
const TOPIC_OVERHEAD: usize = 1_024;

/// A topic, its value or events, and who is subscribed to it.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(super) id: TopicId,
    pub(super) path: Arc<str>,
    pub(super) specification: Arc<TopicSpecification>,
    pub(super) settings: Arc<Settings>,
    pub(super) creator: Creator,
    pub(super) value: Option<Bytes>,
    /// The events; empty unless the topic is a time series.
    pub(super) series: Series,
    pub(super) subscribers: BTreeSet<SessionKey>,
    /// When it was added or restored, by the monotonic clock.
    pub(super) present_since: u64,
    /// When it was last updated, by the monotonic clock.
    pub(super) updated: u64,
    pub(super) watch: Watch,
    /// The update stream that is valid, if any.
    pub(super) stream: Option<OpenStream>,
    /// Events that were discarded but are still stored.
    pub(super) discarded: Vec<u64>,
    /// What the topic counts for in the tree's account of memory, in bytes.
    pub(super) counted: usize,
    /// The subscription notification, the same for every session.
    notification: Option<Bytes>,
    /// The value message, the same for every session.
    value_message: Option<TopicMessage>,
}

impl Topic {
    pub(super) fn new(
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

    pub(crate) const fn id(&self) -> TopicId {
        self.id
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn specification(&self) -> &TopicSpecification {
        &self.specification
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The events of a time series.
    pub(crate) const fn series(&self) -> &Series {
        &self.series
    }

    /// The value of a topic that is no time series.
    pub(crate) const fn value(&self) -> Option<&Bytes> {
        self.value.as_ref()
    }

    /// Who is subscribed.
    pub(crate) const fn subscribers(&self) -> &BTreeSet<SessionKey> {
        &self.subscribers
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
    pub(super) fn memory(&self) -> usize {
        let properties = self.specification.properties.iter();
        let properties: usize = properties
            .map(|(name, value)| name.len() + value.len())
            .sum();
        // The value may be there a second time, as the message that subscribers are sent; so may the specification.
        let value = self.value.as_ref().map_or(0, Bytes::len);
        let removal = self.settings.removal.as_ref();
        TOPIC_OVERHEAD
            + 2 * (self.path.len() + properties + value)
            + removal.map_or(0, |removal| removal.memory)
            + self.series.memory()
    }

    /// Replaces the value, if the topic keeps one.
    pub(super) fn set_value(&mut self, value: Option<Bytes>) {
        self.value = value.filter(|_| self.settings.retains_value);
        self.value_message = None;
    }

    /// The message that tells a session of its subscription.
    pub(super) fn notification(&mut self) -> Bytes {
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
    pub(super) fn first_value(&mut self, inflates: bool) -> Option<Bytes> {
        let value = self.value.as_ref()?;
        let message = self
            .value_message
            .get_or_insert_with(|| TopicMessage::value(self.id, value.clone(), &self.settings));
        Some(message.bytes(inflates))
    }

    /// The message with an event, for one client.
    pub(super) fn event_message(&self, event: &Event, inflates: bool) -> Bytes {
        TopicMessage::event(self.id, event, &self.settings).bytes(inflates)
    }

    /// Remembers the message of the value that is set now, which was made for the subscribers already.
    pub(super) fn keep_value_message(&mut self, delivery: Delivery) {
        self.value_message = self.value.is_some().then(|| delivery.into_whole());
    }
}
