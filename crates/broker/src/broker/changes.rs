//! Changes of topics: queued, stored, made, and told to subscribers, listeners and whoever asked for them.

use bytes::Bytes;
use effusion_protocol::body::{
    GlobalPermission, RemoveTopicsResponse, ResponseBody, TopicNotificationType,
};
use effusion_protocol::{ErrorReport, ServiceId, UnsubscribeReason};

use crate::broker::{Broker, Effect};
use crate::caller::{Pending, SessionKey};
use crate::services::responses;
use crate::topics::{
    Applied, Batch, Change, Context, Delivery, Outcome, Queued, ReplyTo, SessionView, Step, Topic,
};
use crate::{EffectError, Output, errors};

impl Broker {
    /// Queues a change of the topic at a path, which must be a valid one.
    pub(crate) fn submit(&mut self, path: &str, mut queued: Queued) {
        if let ReplyTo::Caller(caller) = queued.reply_to {
            queued.reply_to = ReplyTo::Caller(self.set_pending(caller, Pending::Store));
        }
        if self.topics.submit(path, queued) {
            self.run_queue(path);
        }
    }

    /// Makes the changes of a path until there are no more, or they wait for the store.
    fn run_queue(&mut self, path: &str) {
        loop {
            let (sessions, locks) = (&self.sessions, self.messaging.locks());
            let context = Context {
                wall_ms: self.now.wall_ms,
                rights: &|key| sessions.get(key).map(|session| session.rights().clone()),
                holds_lock: &|name, session, sequence| locks.is_held(name, session, sequence),
            };
            let Some(Batch { steps, operations }) = self.topics.next_batch(path, context) else {
                return;
            };
            if !operations.is_empty() {
                let path = path.to_owned();
                let ticket = self.new_ticket(Effect::Topic { path, steps });
                self.output(Output::Store { ticket, operations });
                return;
            }
            // While the steps are carried out, sessions may ask for more.
            self.carry_out(path, steps);
            self.topics.batch_done(path);
        }
    }

    /// The store is done with a batch, one way or the other.
    pub(super) fn batch_stored(
        &mut self,
        path: &str,
        steps: Vec<Step>,
        result: Result<(), EffectError>,
    ) {
        match result {
            Ok(()) => self.carry_out(path, steps),
            Err(error) => {
                for step in steps {
                    let report = match &step.reply_to {
                        ReplyTo::Caller(caller) if adds_topics(caller.service) => {
                            errors::not_added(&error)
                        }
                        _ => errors::not_stored(&error),
                    };
                    // What was refused anyway is refused for its own reason.
                    let result = step.result.and(Err(report));
                    self.conclude(step.reply_to, result);
                }
            }
        }
        self.topics.batch_done(path);
        self.run_queue(path);
    }

    fn carry_out(&mut self, path: &str, steps: Vec<Step>) {
        for step in steps {
            for change in step.changes {
                self.apply(path, change);
            }
            self.conclude(step.reply_to, step.result);
        }
    }

    fn conclude(&mut self, reply_to: ReplyTo, result: Result<Outcome, ErrorReport>) {
        match reply_to {
            ReplyTo::Nobody => {}
            ReplyTo::Removal(group) => {
                let result = result.map(|outcome| outcome == Outcome::Removed(true));
                self.removal_done(group, result);
            }
            ReplyTo::Caller(caller) => {
                let Some(session) = self.sessions.get(caller.session) else {
                    return;
                };
                let response = result
                    .and_then(|outcome| responses::of(caller.service, outcome, session.version()));
                self.answer(caller, response);
            }
        }
    }

    /// Makes a change, which is stored by now.
    fn apply(&mut self, path: &str, change: Change) {
        match self.topics.apply(path, change, self.now.monotonic_ms) {
            Applied::Silent => {}
            Applied::Added(id) => {
                self.subscribe_waiting(id);
                let topic = self.topics.tree().get(id);
                let kind = TopicNotificationType::Added;
                let messages = topic.map(|topic| self.notifications_of(topic, kind));
                self.send_all(messages.unwrap_or_default());
            }
            Applied::Removed(topic) => {
                self.send_all(self.notifications_of(&topic, TopicNotificationType::Removed));
                let (id, priority) = (topic.id(), topic.settings().priority);
                for key in topic.subscribers() {
                    let reason = UnsubscribeReason::Removal;
                    self.sessions.unsubscribe(*key, id, priority, false, reason);
                }
            }
            Applied::Updated(delivery) => self.publish(delivery),
        }
    }

    fn publish(&mut self, mut delivery: Delivery) {
        let id = delivery.topic;
        if delivery.is_transient {
            for key in self.topics.subscribers(id).clone() {
                self.catch_up_now(key, id);
            }
        }
        // Those that are too slow for the topic's policy get it no more.
        let slow: Vec<SessionKey> = self
            .topics
            .subscribers(id)
            .iter()
            .copied()
            .filter(|key| !self.sessions.deliver(*key, &mut delivery))
            .collect();
        self.topics.delivered(delivery);
        for key in slow {
            self.end_subscription(key, id, UnsubscribeReason::BackPressure);
        }
    }

    /// What topic notification listeners are told of a topic that was added or removed.
    fn notifications_of(
        &self,
        topic: &Topic,
        kind: TopicNotificationType,
    ) -> Vec<(SessionKey, Bytes)> {
        let sees = |key, topic: &Topic| self.sessions.get(key).is_some_and(|it| it.sees(topic));
        let notifications = self.messaging.notifications();
        notifications.about(topic, self.topics.tree(), kind, sees)
    }

    fn send_all(&mut self, messages: Vec<(SessionKey, Bytes)>) {
        for (key, message) in messages {
            self.sessions.send(key, message);
        }
    }

    /// One of a group's topics is removed, was not there, or could not be removed.
    pub(crate) fn removal_done(&mut self, group: u64, result: Result<bool, ErrorReport>) {
        if let Some((caller, result)) = self.topics.removal_done(group, result) {
            self.answer(caller, result.map(removed));
        }
    }

    /// Looks at some removal policies.
    pub(super) fn sweep(&mut self) {
        if !self.topics.is_sweeping() {
            return;
        }
        let (sessions, auth) = (&self.sessions, &mut self.auth);
        let view = SessionView {
            count: sessions.len(),
            may_view: &mut |creator| {
                let rights = auth.rights_of_creator(creator);
                rights.has_global(GlobalPermission::ViewSession)
            },
            any: &|creator, filter| match filter {
                Some(filter) => sessions.iter().any(|session| filter.matches(session)),
                None => {
                    let id = creator.session.parse().ok();
                    id.is_some_and(|id| sessions.by_id(id).is_some())
                }
            },
        };
        let due = self.topics.sweep(self.now, view);
        for id in due {
            let auth = &mut self.auth;
            let removals = self
                .topics
                .removed_by_policy(id, |creator| auth.rights_of_creator(creator));
            for (path, queued) in removals {
                self.submit(&path, queued);
            }
        }
        self.topics.end_sweep(self.now.monotonic_ms);
    }
}

/// What the service answers that removes topics.
pub(crate) const fn removed(count: u32) -> ResponseBody {
    ResponseBody::RemoveTopics(RemoveTopicsResponse {
        removed: Some(count),
    })
}

/// Whether a service adds topics: its errors have reasons of their own.
const fn adds_topics(service: ServiceId) -> bool {
    matches!(
        service,
        ServiceId::AddTopic
            | ServiceId::AddAndSetTopic
            | ServiceId::StreamAddTopic
            | ServiceId::StreamAddAndSetTopic
    )
}
