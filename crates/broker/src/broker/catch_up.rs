//! Telling clients of their subscriptions, at the pace at which they read.

use effusion_protocol::{TopicId, UnsubscribeReason};

use crate::broker::Broker;
use crate::caller::SessionKey;
use crate::sessions::{Due, NextDue};
use crate::topics::{Next, Progress};

/// How many messages a client is sent before others are served.
const AT_ONCE: usize = 256;

impl Broker {
    /// Tells a client of its subscriptions as long as it may be sent more.
    pub(crate) fn catch_up(&mut self, key: SessionKey) {
        let mut left = AT_ONCE;
        while let Some(next) = self.sessions.next_due(key) {
            if left == 0 {
                self.sessions.continue_later(key);
                return;
            }
            let NextDue {
                topic,
                due,
                inflates,
                room,
            } = next;
            let progress = match due {
                Due::Updates(progress) => progress,
                Due::Ending(reason) => {
                    left -= 1;
                    self.sessions.send_ending(key, topic, reason);
                    continue;
                }
            };
            match self
                .topics
                .next_messages(topic, progress, inflates, left, room)
            {
                Next::Messages(messages) => {
                    let count =
                        messages.updates.len() + usize::from(messages.notification.is_some());
                    left = left.saturating_sub(count.max(1));
                    self.sessions.send_updates(key, topic, messages);
                }
                Next::Gap => self.end_subscription(key, topic, UnsubscribeReason::BackPressure),
                Next::Gone => self.sessions.forget_due(key, topic),
            }
        }
    }

    /// Tells a client of a subscription now, though others come before it: what follows is not kept anywhere else.
    pub(super) fn catch_up_now(&mut self, key: SessionKey, topic: TopicId) {
        if let Some(inflates) = self.sessions.is_not_started(key, topic)
            && let Next::Messages(messages) =
                self.topics
                    .next_messages(topic, Progress::NotStarted, inflates, 1, 0)
        {
            self.sessions.send_updates(key, topic, messages);
        }
    }
}
