//! Telling clients of their subscriptions, at the pace at which they read: see [`crate::sessions::Feed`].

use effusion_protocol::body::UnsubscriptionNotification;
use effusion_protocol::{TopicId, UnsubscribeReason};

use crate::broker::Broker;
use crate::sessions::{Item, Kind, Progress, SessionKey};
use crate::topics::Priority;
use crate::wire;

/// How many messages a client is fed before others are served.
const AT_ONCE: usize = 256;

/// What is to be done with a subscription next.
enum Step {
    /// These messages are to be sent, and this is how far the client is then: `None` if it has everything.
    Send(Vec<Item>, Option<Progress>),
    /// The client has missed events.
    Gap,
    /// There is no such topic any more.
    Gone,
}

impl Broker {
    /// Tells a client of its subscriptions as long as it may be sent more.
    pub(crate) fn feed(&mut self, key: SessionKey) {
        let mut left = AT_ONCE;
        while let Some(session) = self.clients.get(key) {
            if session.connection().is_none() || !session.outbound.takes_more(&self.config.limits) {
                return;
            }
            let Some((topic, progress)) = session.feed.first() else {
                return;
            };
            if left == 0 {
                self.hungry.insert(key);
                return;
            }
            match self.feed_step(key, topic, progress, left) {
                Step::Send(items, progress) => {
                    if let Some(session) = self.clients.get_mut(key) {
                        match progress {
                            Some(progress) => session.feed.advance(topic, progress),
                            None => {
                                session.feed.remove(topic);
                            }
                        }
                    }
                    left = left.saturating_sub(items.len().max(1));
                    for item in items {
                        self.clients.send_item(key, item);
                    }
                }
                Step::Gap => self.end_subscription(key, topic, UnsubscribeReason::BackPressure),
                Step::Gone => {
                    if let Some(session) = self.clients.get_mut(key) {
                        session.feed.remove(topic);
                    }
                }
            }
        }
    }

    /// Tells a client of a subscription now, though others come before it: what follows is not kept anywhere else.
    pub(crate) fn feed_now(&mut self, key: SessionKey, topic: TopicId) {
        let Some(session) = self.clients.get_mut(key) else {
            return;
        };
        if session.feed.remove(topic) == Some(Progress::Untold)
            && let Step::Send(items, _) = self.feed_step(key, topic, Progress::Untold, 1)
        {
            for item in items {
                self.clients.send_item(key, item);
            }
        }
    }

    fn feed_step(&mut self, key: SessionKey, id: TopicId, progress: Progress, left: usize) -> Step {
        if let Progress::Ended(reason) = progress {
            let item = Item {
                message: wire::unsubscription(&UnsubscriptionNotification { topic: id, reason }),
                priority: Priority::Default,
                kind: Kind::Ending,
            };
            return Step::Send(vec![item], None);
        }
        let (Some(session), Some(topic)) = (self.clients.get(key), self.tree.get_mut(id)) else {
            return Step::Gone;
        };
        let inflates = session.inflates;
        let priority = topic.settings.priority;
        let item = |message, kind| Item {
            message,
            priority,
            kind,
        };
        let next = match progress {
            Progress::Untold => {
                let mut items = vec![item(topic.notification(), Kind::Other)];
                let Some(series) = topic.settings.series else {
                    let value = topic.first_value(inflates);
                    items.extend(value.map(|value| item(value, Kind::Update(id))));
                    return Step::Send(items, None);
                };
                let first = series
                    .subscription
                    .map(|range| topic.series.first_in(&range, series.sends_latest));
                return Step::Send(items, first.map(Progress::Begun));
            }
            Progress::Begun(next) => next,
            Progress::Ended(_) => return Step::Gone,
            Progress::Next(next) => {
                let first = topic.series.events().front();
                if first.is_none_or(|first| first.metadata.sequence > next) {
                    return Step::Gap;
                }
                next
            }
        };
        let room = session.outbound.room(&self.config.limits);
        let (mut items, mut bytes, mut last) = (Vec::new(), 0, None);
        let mut events = topic.series.latest_from(next).peekable();
        while items.len() < left && bytes <= room {
            let Some(event) = events.next() else {
                break;
            };
            bytes += event.value.len();
            last = Some(event.metadata.sequence);
            items.push(item(topic.event_message(event, inflates), Kind::Update(id)));
        }
        let progress = events
            .peek()
            .map(|event| last.map_or(event.metadata.sequence, |last| last + 1))
            .map(Progress::Next);
        Step::Send(items, progress)
    }
}
