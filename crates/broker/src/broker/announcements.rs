//! Telling sessions what has changed: those that have selected a topic, its subscribers, and topic notification listeners.

use effusion_protocol::body::TopicNotificationType;
use effusion_protocol::{TopicId, UnsubscribeReason};
use std::collections::{BTreeSet, VecDeque};

use crate::broker::Broker;
use crate::broker::subscriptions::SUBSCRIPTION;
use crate::caller::SessionKey;
use crate::topics::{Delivery, Step, Topic};

/// A path that takes no change until sessions have been told of the last one.
#[derive(Debug)]
pub(crate) struct Paused {
    pub(super) path: String,
    /// What they are told; `None` if they know, but others are to be served first.
    pub(super) announcement: Option<Announcement>,
    /// What is to be carried out then.
    pub(super) rest: VecDeque<Step>,
}

/// A change, and who has not been told of it.
#[derive(Debug)]
pub(crate) struct Announcement {
    change: Announced,
    /// The sessions that may have selected the topic, or are subscribed to it.
    sessions: BTreeSet<SessionKey>,
}

#[derive(Debug)]
enum Announced {
    Added(TopicId),
    Removed(Box<Topic>),
    Updated(Box<Delivery>),
}

impl Announcement {
    pub(super) const fn added(id: TopicId, interested: BTreeSet<SessionKey>) -> Self {
        Self {
            change: Announced::Added(id),
            sessions: interested,
        }
    }

    pub(super) fn removed(topic: Box<Topic>) -> Self {
        Self {
            sessions: topic.subscribers().clone(),
            change: Announced::Removed(topic),
        }
    }

    /// The subscribers are in [`super::jobs::Jobs::updating`].
    pub(super) fn updated(delivery: Delivery) -> Self {
        Self {
            change: Announced::Updated(Box::new(delivery)),
            sessions: BTreeSet::new(),
        }
    }
}

impl Broker {
    /// Tells sessions of a change, as far as the present input may take. Returns what is left to do, if anything is.
    pub(super) fn announce_at_once(
        &mut self,
        mut announcement: Announcement,
    ) -> Option<Announcement> {
        let mut steps = self.jobs.at_once;
        let is_done = self.announce(&mut announcement, &mut steps);
        self.jobs.at_once = steps;
        (!is_done).then_some(announcement)
    }

    /// Tells some sessions of what has changed, and carries out what follows.
    pub(super) fn announce_on(&mut self, steps: &mut usize) {
        while *steps > 0
            && let Some(mut paused) = self.jobs.paused.pop_front()
        {
            *steps -= 1;
            if let Some(announcement) = &mut paused.announcement
                && !self.announce(announcement, steps)
            {
                self.jobs.paused.push_back(paused);
                return;
            }
            if let Some(announcement) = paused.announcement
                && let Announced::Updated(delivery) = announcement.change
            {
                self.topics.delivered(*delivery);
            }
            self.jobs.at_once = *steps;
            self.resume(&paused.path, paused.rest);
            *steps = self.jobs.at_once;
        }
    }

    /// Whether all have been told.
    fn announce(&mut self, announcement: &mut Announcement, steps: &mut usize) -> bool {
        let Announcement { change, sessions } = announcement;
        match change {
            Announced::Added(id) => {
                self.subscribe_some(*id, sessions, steps) && self.notify_some(change, steps)
            }
            Announced::Removed(_) => {
                self.notify_some(change, steps) && self.end_some(change, sessions, steps)
            }
            Announced::Updated(delivery) => self.deliver_some(delivery, steps),
        }
    }

    /// Sends an update to subscribers. Whether those were all.
    fn deliver_some(&mut self, delivery: &mut Delivery, steps: &mut usize) -> bool {
        let id = delivery.topic;
        while let Some(subscribers) = self.jobs.updating.get_mut(&id)
            && !subscribers.is_empty()
        {
            if *steps == 0 {
                return false;
            }
            let Some(key) = subscribers.pop_first() else {
                break;
            };
            *steps -= 1;
            if delivery.is_transient {
                self.catch_up_now(key, id);
            }
            if !self.sessions.deliver(key, delivery) {
                self.end_subscription(key, id, UnsubscribeReason::BackPressure);
            }
        }
        self.jobs.updating.remove(&id);
        true
    }

    /// Subscribes sessions that selected a topic before it was there. Whether those were all.
    fn subscribe_some(
        &mut self,
        id: TopicId,
        interested: &mut BTreeSet<SessionKey>,
        steps: &mut usize,
    ) -> bool {
        while let Some(key) = interested.first().copied() {
            if *steps == 0 {
                return false;
            }
            interested.pop_first();
            if let (Some(topic), Some(session)) =
                (self.topics.tree().get(id), self.sessions.get(key))
            {
                let matching = session.selections().steps(topic.path());
                *steps = steps.saturating_sub(SUBSCRIPTION + matching);
                self.subscribe_if_wanted(key, id);
            }
        }
        true
    }

    /// Ends subscriptions to a topic that is gone. Whether those were all.
    fn end_some(
        &mut self,
        change: &Announced,
        subscribers: &mut BTreeSet<SessionKey>,
        steps: &mut usize,
    ) -> bool {
        let Announced::Removed(topic) = change else {
            return true;
        };
        let (id, priority) = (topic.id(), topic.settings().priority);
        while let Some(key) = subscribers.first().copied() {
            if *steps == 0 {
                return false;
            }
            subscribers.pop_first();
            *steps = steps.saturating_sub(SUBSCRIPTION);
            let reason = UnsubscribeReason::Removal;
            self.sessions.unsubscribe(key, id, priority, false, reason);
        }
        true
    }

    /// Tells topic notification listeners. Whether those were all.
    fn notify_some(&mut self, announced: &Announced, steps: &mut usize) -> bool {
        let (sessions, tree) = (&self.sessions, self.topics.tree());
        let (topic, kind) = match announced {
            Announced::Added(id) => (tree.get(*id), TopicNotificationType::Added),
            Announced::Removed(topic) => (Some(&**topic), TopicNotificationType::Removed),
            Announced::Updated(_) => return true,
        };
        let Some(topic) = topic else {
            return true;
        };
        let sees = |key, topic: &Topic| sessions.get(key).is_some_and(|it| it.sees(topic));
        let notifications = self.messaging.notifications_mut();
        let (messages, is_done) = notifications.tell(topic, tree, kind, steps, sees);
        for (key, listener, message) in messages {
            self.sessions.send_registered(key, message, listener);
        }
        is_done
    }
}
