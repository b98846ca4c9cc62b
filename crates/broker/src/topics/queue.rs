//! Changes of topics, one path after the other, each made only once it is stored.
//!
//! For each path there is one line. While a change waits for the store, later changes of the same path queue up; when
//! it is done, all that queued are worked out together on a [`Draft`] and stored in one ticket. What subscribers and
//! callers are told is said when the ticket completes, in the order of the changes, subscribers before callers (as the
//! captured servers do). If the store fails, the draft is thrown away: the topic is as it was, and the callers get an
//! error. Topics that are not persistent take the same way without the store.

use effusion_protocol::ErrorReport;
use std::collections::{HashMap, VecDeque};

use crate::broker::{Broker, Caller, Effect, Hold};
use crate::services::responses;
use crate::topics::transaction::{Actor, Change, Draft, Outcome, Surroundings, TopicOp};
use crate::{EffectError, Output, StoreOp, errors};

/// One request for a change.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) reply_to: ReplyTo,
    pub(crate) actor: Actor,
    pub(crate) op: TopicOp,
}

/// Who is told what became of a change.
#[derive(Debug)]
pub(crate) enum ReplyTo {
    Nobody,
    Caller(Caller),
    /// A caller that removes several topics.
    Removal(u64),
}

/// What is to be done when a batch is stored.
#[derive(Debug)]
pub(crate) struct Step {
    reply_to: ReplyTo,
    changes: Vec<Change>,
    result: Result<Outcome, ErrorReport>,
}

/// The changes of one path.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Queued>,
    is_busy: bool,
}

/// The lines of all paths that have something to do.
#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    lines: HashMap<String, Line>,
}

impl Pipeline {
    /// The paths for which changes are on their way.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &String> {
        self.lines.keys()
    }
}

impl Broker {
    /// Queues a change of the topic at a path, which must be a valid one.
    pub(crate) fn submit(&mut self, path: &str, mut queued: Queued) {
        if let ReplyTo::Caller(caller) = queued.reply_to {
            queued.reply_to = ReplyTo::Caller(self.hold(caller, Hold::Write));
        }
        let line = self.pipeline.lines.entry(path.to_owned()).or_default();
        line.waiting.push_back(queued);
        if !line.is_busy {
            self.run_line(path);
        }
    }

    /// Works on a line until it is empty or waits for the store.
    fn run_line(&mut self, path: &str) {
        loop {
            let Some(line) = self.pipeline.lines.get_mut(path) else {
                return;
            };
            if line.waiting.is_empty() {
                self.pipeline.lines.remove(path);
                return;
            }
            // While the steps are carried out, sessions may ask for more.
            line.is_busy = true;
            let batch = core::mem::take(&mut line.waiting);
            let (steps, operations) = self.work_out(path, batch);
            if !operations.is_empty() && self.config.durable {
                let ticket = self.new_ticket(Effect::Topic {
                    path: path.to_owned(),
                    steps,
                });
                self.clients
                    .outputs
                    .push_back(Output::Store { ticket, operations });
                return;
            }
            self.carry_out(path, steps);
            if let Some(line) = self.pipeline.lines.get_mut(path) {
                line.is_busy = false;
            }
        }
    }

    fn work_out(&mut self, path: &str, batch: VecDeque<Queued>) -> (Vec<Step>, Vec<StoreOp>) {
        let discarded = self
            .tree
            .at_mut(path)
            .map(|topic| core::mem::take(&mut topic.discarded))
            .unwrap_or_default();
        let mut numbers = self.numbers;
        let around = Surroundings {
            wall_ms: self.now.wall_ms,
            has_room: self.tree.len() + self.pipeline.lines.len() <= self.config.limits.topics,
            tree: &self.tree,
            topics_per_principal: self.config.limits.topics_per_principal,
            topic_bytes: self.config.limits.topic_bytes,
            topic_bytes_per_principal: self.config.limits.topic_bytes_per_principal,
            max_value: self.config.limits.message_bytes,
            locks: &self.locks,
        };
        let mut draft = Draft::new(path, self.tree.at(path), &mut numbers, around);
        if !discarded.is_empty() {
            draft.store(StoreOp::RemoveEvents {
                path: path.to_owned(),
                sequences: discarded,
            });
        }
        let mut steps = Vec::with_capacity(batch.len());
        for mut queued in batch {
            // It may have waited for the store: what counts are the rights that the session has now.
            let session = queued.actor.session.and_then(|key| self.clients.get(key));
            if let Some(session) = session {
                queued.actor.rights = session.rights.clone();
            }
            let result = draft.execute(&queued.actor, queued.op);
            steps.push(Step {
                reply_to: queued.reply_to,
                changes: draft.take_changes(),
                result,
            });
        }
        let operations = draft.into_operations();
        self.numbers = numbers;
        (steps, operations)
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
                let Some(session) = self.clients.get(caller.session) else {
                    return;
                };
                let response = result
                    .and_then(|outcome| responses::of(caller.service, outcome, session.version));
                self.answer(caller, response);
            }
        }
    }

    /// The store is done with a batch, one way or the other.
    pub(crate) fn batch_stored(
        &mut self,
        path: &str,
        steps: Vec<Step>,
        result: Result<(), EffectError>,
    ) {
        match result {
            Ok(()) => self.carry_out(path, steps),
            Err(error) => {
                for step in steps {
                    // What was refused anyway is refused for its own reason.
                    let result = step.result.and(Err(errors::not_stored(&error)));
                    self.conclude(step.reply_to, result);
                }
            }
        }
        if let Some(line) = self.pipeline.lines.get_mut(path) {
            line.is_busy = false;
        }
        self.run_line(path);
    }
}
