//! Changes of topics: queued, stored, made, and told to subscribers, listeners and whoever asked for them.

use effusion_protocol::body::{GlobalPermission, RemoveTopicsResponse, ResponseBody};
use effusion_protocol::{ErrorReport, ServiceId, TopicId, UnsubscribeReason};
use std::collections::VecDeque;
use std::sync::Arc;

use crate::broker::announcements::{Announcement, Paused};
use crate::broker::jobs::SLICE;
use crate::broker::{Broker, Effect};
use crate::caller::{Pending, SessionKey};
use crate::services::responses;
use crate::topics::{
    Applied, Batch, Change, Context, Delivery, Halt, Onward, Outcome, Queued, ReplyTo, Selector,
    SessionView, Step, Topic, TopicOp, Walk,
};
use crate::{EffectError, Output, errors};

/// Steps for removing a topic that nobody is subscribed to.
pub(crate) const REMOVAL: usize = 20;

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

    /// Makes the changes of a path until there are no more, or they wait for the store or for other inputs.
    fn run_queue(&mut self, path: &str) {
        loop {
            if self.jobs.at_once == 0 && self.topics.hold(path) {
                self.jobs.paused.push_back(Paused {
                    path: path.to_owned(),
                    announcement: None,
                    rest: VecDeque::new(),
                });
                return;
            }
            let (sessions, locks, auth) = (&self.sessions, self.messaging.locks(), &mut self.auth);
            let context = Context {
                wall_ms: self.now.wall_ms,
                rights: &mut |actor| {
                    Some(match sessions.get(actor.session?) {
                        Some(session) => session.rights().clone(),
                        None => auth.rights_of_creator(&actor.creator),
                    })
                },
                holds_lock: &|name, session, sequence| locks.is_held(name, session, sequence),
            };
            let batch = self
                .topics
                .next_batch(path, context, &mut self.jobs.at_once);
            let Some(Batch { steps, operations }) = batch else {
                return;
            };
            if !operations.is_empty() {
                let path = path.to_owned();
                let ticket = self.new_ticket(Effect::Topic { path, steps });
                self.output(Output::Store { ticket, operations });
                return;
            }
            // While the steps are carried out, sessions may ask for more.
            if !self.carry_out(path, steps) {
                return;
            }
            self.topics.batch_done(path);
        }
    }

    /// The store is done with a batch, one way or the other.
    pub(super) fn batch_stored(
        &mut self,
        path: &str,
        steps: VecDeque<Step>,
        result: Result<(), EffectError>,
    ) {
        match result {
            Ok(()) => self.resume(path, steps),
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
                self.resume(path, VecDeque::new());
            }
        }
    }

    /// Carries out what is left of a batch, and then what waits at its path.
    pub(super) fn resume(&mut self, path: &str, steps: VecDeque<Step>) {
        if self.carry_out(path, steps) {
            self.topics.batch_done(path);
            self.run_queue(path);
        }
    }

    /// Carries out the steps of a batch. Returns `false` if the sessions have to be told of a change before the rest follows.
    fn carry_out(&mut self, path: &str, mut steps: VecDeque<Step>) -> bool {
        while let Some(step) = steps.front_mut() {
            while !step.changes.is_empty() {
                let announcement = if self.jobs.at_once == 0 {
                    None
                } else if let Some(change) = step.changes.pop_front()
                    && let Some(announcement) = self.apply(path, change)
                {
                    Some(announcement)
                } else {
                    continue;
                };
                self.jobs.paused.push_back(Paused {
                    path: path.to_owned(),
                    announcement,
                    rest: steps,
                });
                return false;
            }
            if let Some(Step {
                reply_to, result, ..
            }) = steps.pop_front()
            {
                self.conclude(reply_to, result);
            }
        }
        true
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

    /// Makes a change, which is stored by now. Returns of what sessions are still to be told, if it could not be done at once.
    fn apply(&mut self, path: &str, change: Change) -> Option<Announcement> {
        let (id, announcement) = match self.topics.apply(path, change, self.now.monotonic_ms) {
            Applied::Silent => return None,
            Applied::Updated(delivery) => return self.publish(delivery),
            Applied::Added(id) => {
                let interested = self.sessions.interested_in(path);
                (id, Announcement::added(id, interested))
            }
            Applied::Removed(topic) => (topic.id(), Announcement::removed(topic)),
        };
        self.messaging.notifications_mut().changed(id);
        self.announce_at_once(announcement)
    }

    fn publish(&mut self, mut delivery: Delivery) -> Option<Announcement> {
        let id = delivery.topic;
        self.jobs.at_once = self.jobs.at_once.saturating_sub(delivery.steps());
        let subscribers = self.topics.subscribers(id);
        if subscribers.len() > SLICE {
            // Who is still to be told of what came before is then told of this, too.
            let sessions = subscribers
                .iter()
                .copied()
                .filter(|key| delivery.is_transient || !self.sessions.is_behind(*key, id));
            self.jobs.updating.insert(id, sessions.collect());
            return self.announce_at_once(Announcement::updated(delivery));
        }
        self.jobs.at_once = self.jobs.at_once.saturating_sub(subscribers.len());
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
        None
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
            let settings = self.topics.tree().get(id).map(|topic| topic.settings());
            let policy = settings.and_then(|settings| settings.removal.as_ref());
            match policy.and_then(|policy| policy.remove.clone()) {
                None => self.remove_by_policy(id, vec![id]),
                Some(selector) => {
                    let walk = Walk::new(&selector, false);
                    let entry = self.jobs.expiring.entry(id);
                    entry.or_insert(Expiring { selector, walk });
                }
            }
        }
        self.topics.end_sweep(self.now.monotonic_ms);
    }

    /// Removes some of the topics that policies name.
    pub(super) fn expire(&mut self, steps: &mut usize) {
        let Some((id, mut expiring)) = self.jobs.expiring.pop_first() else {
            return;
        };
        let (mut found, mut left) = (Vec::new(), *steps);
        let tree = self.topics.tree();
        let Expiring { selector, walk } = &mut expiring;
        let halt = tree.walk(walk, selector, steps, |topic| {
            if left == 0 {
                return Onward::StopBefore;
            }
            left = left.saturating_sub(REMOVAL + topic.subscribers().len());
            // The topic itself goes last: its policy holds as long as it is there.
            if topic.id() != id {
                found.push(topic.id());
            }
            Onward::Next
        });
        let is_meant = |topic: &Topic| selector.matches(topic.path());
        if halt == Halt::End && tree.get(id).is_some_and(is_meant) {
            found.push(id);
        }
        self.remove_by_policy(id, found);
        if halt != Halt::End {
            self.jobs.expiring.insert(id, expiring);
        }
    }

    /// Removes topics with the rights of whoever made the one with the policy, which goes by itself.
    fn remove_by_policy(&mut self, id: TopicId, topics: Vec<TopicId>) {
        let auth = &mut self.auth;
        let actor = self
            .topics
            .remover(id, |creator| auth.rights_of_creator(creator));
        for topic in topics {
            let path = self.topics.tree().get(topic).map(|it| it.path().to_owned());
            if let (Some(path), Some(actor)) = (path, actor.clone()) {
                let op = if topic == id {
                    TopicOp::Expire
                } else {
                    TopicOp::Remove
                };
                let reply_to = ReplyTo::Nobody;
                let queued = Queued {
                    reply_to,
                    actor,
                    op,
                };
                self.submit(&path, queued);
            }
        }
    }
}

/// A policy that removes other topics, under way.
#[derive(Debug)]
pub(crate) struct Expiring {
    selector: Arc<Selector>,
    walk: Walk,
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
