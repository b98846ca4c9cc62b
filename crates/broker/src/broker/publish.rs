//! Changes of topics that are made: what becomes of the tree, and what subscribers are sent.

use bytes::Bytes;
use effusion_protocol::UnsubscribeReason;
use effusion_protocol::body::TopicNotificationType;
use effusion_protocol::time_series::Event;
use effusion_protocol::value::delta;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::StoredTopic;
use crate::broker::Broker;
use crate::sessions::clients::Clients;
use crate::sessions::timers::Timer;
use crate::sessions::{Progress, SessionKey};
use crate::topics::transaction::{Change, NULL};
use crate::topics::{Delivery, Series, Settings, Topic, TopicMessage};

/// How often removal policies are looked at, in milliseconds.
pub(crate) const REMOVAL_PERIOD: u64 = 1_000;

impl Broker {
    /// Puts a stored topic into the tree. One whose specification is no longer understood is left out, but stays
    /// stored.
    pub(crate) fn restore(&mut self, path: &str, stored: StoredTopic) {
        let settings = match Settings::of_stored(&stored.specification) {
            Ok((settings, complaint)) => {
                if let Some(complaint) = complaint {
                    self.notices
                        .push(format!("the stored topic '{path}': {complaint}"));
                }
                settings
            }
            Err(complaint) => {
                self.notices.push(format!(
                    "the stored topic '{path}' is left out: {complaint}"
                ));
                return;
            }
        };
        let mut topic = Topic::new(
            self.numbers.new_topic(),
            path,
            Arc::new(stored.specification),
            Arc::new(settings),
            stored.creator,
            self.now.monotonic_ms,
        );
        if let Some(series) = topic.settings.series {
            topic.series = Series::restore(stored.events);
            topic.discarded = topic
                .series
                .trim(&series.retained, self.config.limits.series_events);
        } else {
            topic.set_value(stored.value.filter(|value| value.as_ref() != NULL));
        }
        self.insert(topic);
    }

    fn insert(&mut self, topic: Topic) {
        if topic.settings.removal.is_some() && !self.tree.has_removals() {
            let at = self.now.monotonic_ms.saturating_add(REMOVAL_PERIOD);
            self.timers.set(at, Timer::Removals);
        }
        self.tree.insert(topic);
    }

    /// Makes a change, which is stored by now.
    pub(crate) fn apply(&mut self, path: &str, change: Change) {
        match change {
            Change::Add {
                id,
                specification,
                settings,
                creator,
            } => {
                self.insert(Topic::new(
                    id,
                    path,
                    specification,
                    settings,
                    creator,
                    self.now.monotonic_ms,
                ));
                self.subscribe_waiting(id);
                self.notify_listeners(id, TopicNotificationType::Added);
            }
            Change::Remove => self.remove(path),
            Change::Value { value, delta } => {
                self.publish_value(path, value, delta);
                self.recount(path);
            }
            Change::Event(event) => {
                self.publish_event(path, event);
                self.recount(path);
            }
            Change::Stream(stream) => {
                if let Some(topic) = self.tree.at_mut(path) {
                    topic.stream = stream;
                }
            }
        }
    }

    fn recount(&mut self, path: &str) {
        if let Some(id) = self.tree.at(path).map(|topic| topic.id) {
            self.tree.recount(id);
        }
    }

    fn remove(&mut self, path: &str) {
        if let Some(topic) = self.tree.at(path) {
            self.notify_listeners(topic.id, TopicNotificationType::Removed);
        }
        let Some(topic) = self.tree.remove(path) else {
            return;
        };
        for key in topic.subscribers {
            if let Some(session) = self.clients.get_mut(key) {
                session.subscriptions.remove(&topic.id);
                if session.feed.remove(topic.id) == Some(Progress::Untold) {
                    continue;
                }
            }
            let priority = topic.settings.priority;
            self.tell_end(key, topic.id, priority, UnsubscribeReason::Removal);
        }
    }

    fn publish_value(&mut self, path: &str, value: Option<Bytes>, known_delta: Option<Bytes>) {
        let Some(topic) = self.tree.at_mut(path) else {
            return;
        };
        topic.updated = self.now.monotonic_ms;
        let id = topic.id;
        if !topic.settings.retains_value {
            // Nobody can be told of this value later.
            for key in topic.subscribers.clone() {
                self.feed_now(key, id);
            }
        }
        let Some(topic) = self.tree.at_mut(path) else {
            return;
        };
        let old = topic.value.take();
        topic.set_value(value.clone());
        if topic.subscribers.is_empty() {
            return;
        }
        // Every subscriber has the old value, so that one delta serves all.
        let delta = match (&old, &value) {
            (Some(old), Some(new)) if topic.settings.publishes_deltas => known_delta
                .or_else(|| delta::diff(old, new))
                .filter(|delta| delta.len() < new.len()),
            _ => None,
        };
        let settings = topic.settings.clone();
        let mut delivery = match (delta, value) {
            (Some(delta), Some(value)) => Delivery::delta(id, &settings, delta, value),
            (_, value) => {
                let bytes = value.unwrap_or_else(|| Bytes::from_static(NULL));
                Delivery::whole(id, &settings, TopicMessage::value(id, bytes, &settings))
            }
        };
        let slow = deliver(&mut self.clients, &topic.subscribers, &mut delivery);
        topic.keep_value_message(delivery.into_whole());
        for key in slow {
            self.end_subscription(key, id, UnsubscribeReason::BackPressure);
        }
    }

    fn publish_event(&mut self, path: &str, event: Event) {
        let Some(topic) = self.tree.at_mut(path) else {
            return;
        };
        topic.updated = self.now.monotonic_ms;
        let mut slow = Vec::new();
        let id = topic.id;
        if !topic.subscribers.is_empty() {
            let message = TopicMessage::event(id, &event, &topic.settings);
            let mut delivery = Delivery::event(id, &topic.settings, message, &event);
            slow = deliver(&mut self.clients, &topic.subscribers, &mut delivery);
        }
        topic.series.push(event);
        if let Some(series) = topic.settings.series {
            let discarded = topic
                .series
                .trim(&series.retained, self.config.limits.series_events);
            if topic.settings.is_persistent && self.config.durable {
                topic.discarded.extend(discarded);
            }
        }
        for key in slow {
            self.end_subscription(key, id, UnsubscribeReason::BackPressure);
        }
    }
}

/// Sends an update to subscribers. Gives those back that are too slow for the topic's policy, and get it no more.
fn deliver(
    clients: &mut Clients,
    subscribers: &BTreeSet<SessionKey>,
    delivery: &mut Delivery,
) -> Vec<SessionKey> {
    subscribers
        .iter()
        .copied()
        .filter(|key| !clients.deliver(*key, delivery))
        .collect()
}
