//! Which sessions receive which topics.

use effusion_protocol::{TopicId, UnsubscribeReason};

use crate::broker::Broker;
use crate::caller::SessionKey;
use crate::sessions::Session;
use crate::topics::{Priority, Topic};

/// Steps for beginning or ending a subscription.
pub(crate) const SUBSCRIPTION: usize = 5;

impl Broker {
    /// Ends some of a session's subscriptions, looking at them from a topic on. Returns where to go on, if there are more.
    pub(crate) fn end_subscriptions(
        &mut self,
        key: SessionKey,
        from: TopicId,
        reason: UnsubscribeReason,
        steps: &mut usize,
        ends: impl Fn(&Session, &Topic) -> bool,
    ) -> Option<TopicId> {
        let session = self.sessions.get(key)?;
        let tree = self.topics.tree();
        let (mut ended, mut next) = (Vec::new(), None);
        for id in session.subscriptions().range(from..) {
            if *steps == 0 {
                next = Some(*id);
                break;
            }
            let Some(topic) = tree.get(*id) else {
                continue;
            };
            *steps = steps.saturating_sub(1 + session.selections().steps(topic.path()));
            if ends(session, topic) {
                *steps = steps.saturating_sub(SUBSCRIPTION);
                ended.push(*id);
            }
        }
        for id in ended {
            self.end_subscription(key, id, reason);
        }
        next
    }

    pub(crate) fn subscribe_if_wanted(&mut self, key: SessionKey, id: TopicId) {
        let (Some(session), Some(topic)) = (self.sessions.get(key), self.topics.tree().get(id))
        else {
            return;
        };
        if topic.subscribers().contains(&key) || !session.subscribes_to(topic) {
            return;
        }
        let priority = topic.settings().priority;
        self.topics.subscribe(id, key);
        self.sessions.subscribe(key, id, priority);
        self.catch_up(key);
    }

    pub(crate) fn end_subscription(
        &mut self,
        key: SessionKey,
        id: TopicId,
        reason: UnsubscribeReason,
    ) {
        if let Some(subscribers) = self.jobs.updating.get_mut(&id) {
            subscribers.remove(&key);
        }
        let (priority, is_tidy) = match self.topics.unsubscribe(id, key) {
            Some(settings) => (settings.priority, settings.is_tidy),
            None => (Priority::Default, false),
        };
        // What waits is what the client is too slow for, or may no longer see.
        let drops = is_tidy
            || matches!(
                reason,
                UnsubscribeReason::BackPressure | UnsubscribeReason::Authorization
            );
        self.sessions.unsubscribe(key, id, priority, drops, reason);
    }
}
