//! Changes of topics, one path after the other, each made only once it is stored.
//!
//! For each path there is one queue. While a change waits for the store, later changes of the same path queue up; when
//! it is done, what queued is worked out together in a [`Transaction`], as much of it as one input may take, and stored in one
//! ticket. What subscribers and
//! callers are told is said when the ticket completes, in the order of the changes, subscribers before callers (as the
//! captured servers do). Telling all sessions of a topic that was added or removed may take several slices: the path waits
//! for that, too, so that whoever selected the topic before it was there misses none of its updates. If the store fails, the transaction is rolled back: the topic is as it was, and the callers get an
//! error. Topics that are not persistent take the same way without the store.

use core::ops::Bound;
use effusion_protocol::ErrorReport;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::StoreOp;
use crate::auth::Rights;
use crate::caller::{Caller, SessionKey};

use super::transaction::{Environment, Transaction};
use super::{Actor, Change, Outcome, TopicOp, Topics};

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
    pub(crate) reply_to: ReplyTo,
    pub(crate) changes: VecDeque<Change>,
    pub(crate) result: Result<Outcome, ErrorReport>,
}

/// The changes of one path that are made together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) steps: VecDeque<Step>,
    /// What is to be stored before; nothing, if the steps can be carried out at once.
    pub(crate) operations: Vec<StoreOp>,
}

/// What changes have to know of the rest of the service.
pub(crate) struct Context<'a> {
    /// Milliseconds since 1970.
    pub(crate) wall_ms: u64,
    /// The rights that an actor has now, if they may be others: the change may have waited for the store.
    pub(crate) rights: &'a mut dyn FnMut(&Actor) -> Option<Arc<Rights>>,
    /// Whether a session holds a lock of this name and sequence.
    pub(crate) holds_lock: &'a dyn Fn(&str, SessionKey, u64) -> bool,
}

/// The changes of one path.
#[derive(Debug, Default)]
struct PathQueue {
    waiting: VecDeque<Queued>,
    is_busy: bool,
}

/// The queues of all paths that have something to do.
#[derive(Debug, Default)]
pub(super) struct PathQueues(BTreeMap<String, PathQueue>);

impl Topics {
    /// Queues a change of the topic at a path, which must be a valid one. Returns whether [`Topics::next_batch`] is to be
    /// called: otherwise, that is done when the present batch is.
    #[must_use]
    pub(crate) fn submit(&mut self, path: &str, queued: Queued) -> bool {
        let queue = self.queues.0.entry(path.to_owned()).or_default();
        queue.waiting.push_back(queued);
        !queue.is_busy
    }

    /// The paths for which changes are on their way, from the last one up to a bound backwards.
    pub(crate) fn changing_paths(&self, up_to: Bound<&str>) -> impl Iterator<Item = &str> {
        let paths = self.queues.0.range::<str, _>((Bound::Unbounded, up_to));
        paths.rev().map(|(path, _)| path.as_str())
    }

    /// Has what waits at a path wait until [`Topics::batch_done`]. Whether there is something.
    pub(crate) fn hold(&mut self, path: &str) -> bool {
        let queue = self.queues.0.get_mut(path);
        let Some(queue) = queue.filter(|queue| !queue.waiting.is_empty()) else {
            return false;
        };
        queue.is_busy = true;
        true
    }

    /// Works out changes of a path that wait, until no steps are left, but at least one. The queue is busy until
    /// [`Topics::batch_done`].
    pub(crate) fn next_batch(
        &mut self,
        path: &str,
        context: Context<'_>,
        steps_left: &mut usize,
    ) -> Option<Batch> {
        let queue = self.queues.0.get_mut(path)?;
        if queue.waiting.is_empty() {
            self.queues.0.remove(path);
            return None;
        }
        queue.is_busy = true;
        let mut waiting = core::mem::take(&mut queue.waiting);
        let discarded = self
            .tree
            .at_mut(path)
            .map(|topic| core::mem::take(&mut topic.discarded))
            .unwrap_or_default();
        let environment = Environment {
            wall_ms: context.wall_ms,
            has_room: self.tree.len() + self.queues.0.len() <= self.limits.topics,
            tree: &self.tree,
            limits: &self.limits,
            holds_lock: context.holds_lock,
        };
        let committed = self.tree.at(path);
        let mut transaction = Transaction::new(path, committed, &mut self.numbers, environment);
        if !discarded.is_empty() {
            transaction.store(StoreOp::RemoveEvents {
                path: path.to_owned(),
                sequences: discarded,
            });
        }
        let mut steps = VecDeque::new();
        while let Some(mut queued) = waiting.pop_front() {
            if let Some(rights) = (context.rights)(&queued.actor) {
                queued.actor.rights = rights;
            }
            *steps_left = steps_left.saturating_sub(transaction.steps(&queued.op));
            let result = transaction.execute(&queued.actor, queued.op);
            steps.push_back(Step {
                reply_to: queued.reply_to,
                changes: transaction.take_changes().into(),
                result,
            });
            if *steps_left == 0 {
                break;
            }
        }
        let mut operations = transaction.into_operations();
        if !self.is_durable {
            operations.clear();
        }
        if let Some(queue) = self.queues.0.get_mut(path) {
            queue.waiting = waiting;
        }
        Some(Batch { steps, operations })
    }

    /// A batch is carried out, or could not be stored: the next one of its path may follow.
    pub(crate) fn batch_done(&mut self, path: &str) {
        if let Some(queue) = self.queues.0.get_mut(path) {
            queue.is_busy = false;
        }
    }
}
