//! Changes that are made: what becomes of the tree, and what subscribers are told.

use bytes::Bytes;
use effusion_protocol::TopicId;
use effusion_protocol::time_series::Event;
use effusion_protocol::value::delta;
use std::collections::BTreeSet;

use crate::caller::SessionKey;

use super::{Change, Delivery, NULL, Priority, Settings, Topic, TopicMessage, Topics, event_bytes};

/// What follows from a change.
#[allow(
    clippy::large_enum_variant,
    reason = "it is taken apart as soon as it is returned: a box would only be one more allocation"
)]
#[derive(Debug)]
pub(crate) enum Applied {
    /// Nobody is to be told anything.
    Silent,
    Added(TopicId),
    Removed(Box<Topic>),
    /// Subscribers are to get an update: [`Topics::delivered`] is to be called when they have it.
    Updated(Delivery),
}

/// How much of a subscription the client has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing, not even that there is one.
    NotStarted,
    /// The subscription, and none of the events of a time series, which begin with this sequence.
    Begun(u64),
    /// Events up to this sequence, which comes next. If it is discarded before, the client has a gap.
    Next(u64),
}

/// What a subscriber is to be told next of a topic.
#[derive(Debug)]
pub(crate) enum Next {
    Messages(Messages),
    /// The client has missed events.
    Gap,
    /// There is no such topic any more.
    Gone,
}

/// Messages for a subscriber.
#[derive(Debug)]
pub(crate) struct Messages {
    /// That there is a subscription.
    pub(crate) notification: Option<Bytes>,
    /// The value, or events.
    pub(crate) updates: Vec<Bytes>,
    pub(crate) priority: Priority,
    /// How far the client is then; `None` if it has everything.
    pub(crate) progress: Option<Progress>,
}

impl Topics {
    /// Makes a change, which is stored by now.
    pub(crate) fn apply(&mut self, path: &str, change: Change, now: u64) -> Applied {
        match change {
            Change::Add {
                id,
                specification,
                settings,
                creator,
            } => {
                let topic = Topic::new(id, path, specification, settings, creator, now);
                return Applied::Added(self.insert(topic, now));
            }
            Change::Remove => {
                let removed = self.tree.remove(path).map(Box::new);
                return removed.map_or(Applied::Silent, Applied::Removed);
            }
            _ => {}
        }
        let Some(topic) = self.tree.at_mut(path) else {
            return Applied::Silent;
        };
        let id = topic.id;
        let delivery = match change {
            Change::Value { value, delta } => set_value(topic, value, delta, now),
            Change::Event(event) => {
                let most = self.limits.series_events;
                append(topic, event, now, most, self.is_durable)
            }
            Change::Stream(stream) => {
                topic.stream = stream;
                return Applied::Silent;
            }
            Change::Add { .. } | Change::Remove => None,
        };
        self.tree.recount(id);
        delivery.map_or(Applied::Silent, Applied::Updated)
    }

    /// The subscribers have an update. Its message is kept for those that will subscribe.
    pub(crate) fn delivered(&mut self, delivery: Delivery) {
        if let Some(topic) = self.tree.get_mut(delivery.topic) {
            topic.keep_value_message(delivery);
        }
    }

    /// Who is subscribed to a topic.
    pub(crate) fn subscribers(&self, id: TopicId) -> &BTreeSet<SessionKey> {
        const NOBODY: &BTreeSet<SessionKey> = &BTreeSet::new();
        self.tree.get(id).map_or(NOBODY, |topic| &topic.subscribers)
    }

    /// Subscribes a session, unless it is subscribed already.
    pub(crate) fn subscribe(&mut self, id: TopicId, session: SessionKey) -> bool {
        let topic = self.tree.get_mut(id);
        topic.is_some_and(|topic| topic.subscribers.insert(session))
    }

    /// Ends a subscription; returns the settings of the topic if there still is one.
    pub(crate) fn unsubscribe(&mut self, id: TopicId, session: SessionKey) -> Option<&Settings> {
        let topic = self.tree.get_mut(id)?;
        topic.subscribers.remove(&session);
        Some(&topic.settings)
    }

    /// What a subscriber is told next: no more than `most` messages, and after `room` bytes of events no more of them.
    pub(crate) fn next_messages(
        &mut self,
        id: TopicId,
        progress: Progress,
        inflates: bool,
        most: usize,
        room: usize,
    ) -> Next {
        let Some(topic) = self.tree.get_mut(id) else {
            return Next::Gone;
        };
        let priority = topic.settings.priority;
        let next = match progress {
            Progress::NotStarted => {
                let notification = Some(topic.notification());
                let (updates, progress) = match topic.settings.series {
                    None => (topic.first_value(inflates).into_iter().collect(), None),
                    Some(series) => {
                        let first = series
                            .subscription
                            .map(|range| topic.series.first_in(&range, series.sends_latest));
                        (Vec::new(), first.map(Progress::Begun))
                    }
                };
                return Next::Messages(Messages {
                    notification,
                    updates,
                    priority,
                    progress,
                });
            }
            Progress::Begun(next) => next,
            Progress::Next(next) => {
                let first = topic.series.events().front();
                if first.is_none_or(|first| first.metadata.sequence > next) {
                    return Next::Gap;
                }
                next
            }
        };
        let (mut updates, mut bytes, mut last) = (Vec::new(), 0, None);
        let mut events = topic.series.latest_from(next).peekable();
        while updates.len() < most && bytes <= room {
            let Some(event) = events.next() else {
                break;
            };
            bytes += event_bytes(event);
            last = Some(event.metadata.sequence);
            updates.push(topic.event_message(event, inflates));
        }
        let progress = events
            .peek()
            .map(|event| last.map_or(event.metadata.sequence, |last| last + 1))
            .map(Progress::Next);
        Next::Messages(Messages {
            notification: None,
            updates,
            priority,
            progress,
        })
    }
}

fn set_value(
    topic: &mut Topic,
    value: Option<Bytes>,
    known_delta: Option<Bytes>,
    now: u64,
) -> Option<Delivery> {
    topic.updated = now;
    let (id, old) = (topic.id, topic.value.take());
    topic.set_value(value.clone());
    if topic.subscribers.is_empty() {
        return None;
    }
    let settings = &topic.settings;
    // Every subscriber has the old value, so that one delta serves all.
    let delta = match (&old, &value) {
        (Some(old), Some(new)) if settings.publishes_deltas => known_delta
            .or_else(|| delta::diff(old, new))
            .filter(|delta| delta.len() < new.len()),
        _ => None,
    };
    Some(match (delta, value) {
        (Some(delta), Some(value)) => Delivery::delta(id, settings, delta, value),
        (_, value) => {
            let bytes = value.unwrap_or_else(|| Bytes::from_static(NULL));
            Delivery::whole(id, settings, TopicMessage::value(id, bytes, settings))
        }
    })
}

/// `most` is how many events a series may have, whatever its settings say.
fn append(
    topic: &mut Topic,
    event: Event,
    now: u64,
    most: usize,
    is_durable: bool,
) -> Option<Delivery> {
    topic.updated = now;
    let settings = topic.settings.clone();
    let delivery = (!topic.subscribers.is_empty()).then(|| {
        let message = TopicMessage::event(topic.id, &event, &settings);
        Delivery::event(topic.id, &settings, message, &event)
    });
    topic.series.push(event);
    if let Some(series) = settings.series {
        let discarded = topic.series.trim(&series.retained, most);
        if settings.is_persistent && is_durable {
            topic.discarded.extend(discarded);
        }
    }
    delivery
}
