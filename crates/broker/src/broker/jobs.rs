//! Requests that may take long: they are served in slices, and between two slices everybody else is.
//!
//! A job's first slice is worked on at once, and most have no second. What is left goes into a queue, from which whoever
//! drives the broker has one slice at a time worked on, between its inputs ([`Broker::work`]). A session has one job at a
//! time: what it asks for meanwhile waits until the job is done, so that its requests are still answered in their order. The
//! queue is fair by network and principal, as one client can open many sessions.
//!
//! What nobody waits for is worked on in the same way: what sessions may still have whose rights have changed, what removal
//! policies remove, and who is told of what has changed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use effusion_protocol::TopicId;

use crate::Time;
use crate::broker::Broker;
use crate::broker::announcements::Paused;
use crate::broker::changes::Expiring;
use crate::broker::rights::Recheck;
use crate::broker::scripts::Revoking;
use crate::caller::{Caller, SessionKey};
use crate::services::dispatch::{Reply, Served};
use crate::services::fetch::Fetching;
use crate::services::matching::Matching;
use crate::services::metrics::Measuring;
use crate::services::notifications::Comparing;
use crate::services::query::Querying;
use crate::services::removal::Removing;
use crate::services::session_events::{Announcing, Introducing};
use crate::services::subscriptions::{Deselecting, Selecting};
use crate::turns::FairQueue;

/// How many steps a slice has. A step is about what it takes to look at a topic or a session: less than a microsecond.
pub(crate) const SLICE: usize = 5_000;

/// Something that is worked on in slices.
#[derive(Debug)]
pub(crate) enum Task {
    Fetch(Box<Fetching>),
    Query(Box<Querying>),
    Remove(Box<Removing>),
    Select(Box<Selecting>),
    Deselect(Box<Deselecting>),
    Match(Box<Matching>),
    Introduce(Box<Introducing>),
    Announce(Box<Announcing>),
    Compare(Box<Comparing>),
    Measure(Box<Measuring>),
}

impl Task {
    /// About how many bytes the answer takes, as far as it is ready, if it may become long.
    fn answer_bytes(&self) -> Option<usize> {
        match self {
            Self::Fetch(it) => Some(it.memory()),
            Self::Query(it) => Some(it.memory()),
            _ => None,
        }
    }
}

/// What came of a slice.
// It is taken apart where it is returned: a box would only be one more allocation.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Slice {
    Done(Served),
    /// More is to be done.
    Again(Task),
}

/// A task, and who waits for it.
#[derive(Debug)]
struct Job {
    caller: Caller,
    task: Task,
}

/// What is to be worked on.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    /// What clients asked for.
    asked: FairQueue<Job>,
    /// An answer that is finished before anything else that clients asked for.
    urgent: Option<Job>,
    /// Sessions whose rights have changed, and whose turn it is.
    pub(super) rechecks: BTreeMap<SessionKey, Recheck>,
    pub(super) recheck_turns: FairQueue<SessionKey>,
    /// Topics whose policies remove others.
    pub(super) expiring: BTreeMap<TopicId, Expiring>,
    /// Paths at which more is to follow once sessions have been told of what has changed.
    pub(super) paused: VecDeque<Paused>,
    /// Topics whose update is being delivered, and the subscribers that do not have it. One that is subscribed no longer is no
    /// longer among them: if it will be again, that begins with the latest value.
    pub(super) updating: BTreeMap<TopicId, BTreeSet<SessionKey>>,
    /// How many steps are left for telling sessions at once of what one input changes.
    pub(super) at_once: usize,
    /// More was due at the last tick than could be done at once.
    pub(super) has_overdue: bool,
    /// Sessions that end because of the script that runs.
    pub(super) revoking: Option<Revoking>,
    /// Sessions that are gone, and the topics that do not know yet.
    pub(super) leaving: BTreeMap<SessionKey, BTreeSet<TopicId>>,
}

impl Jobs {
    pub(super) const fn begin_input(&mut self) {
        self.at_once = SLICE;
    }
}

impl Broker {
    /// Whether there is something to work on: [`Broker::work`] is then to be called soon.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let Jobs {
            asked,
            urgent,
            rechecks,
            recheck_turns: _,
            expiring,
            paused,
            leaving,
            revoking,
            has_overdue,
            updating: _,
            at_once: _,
        } = &self.jobs;
        let sessions_wait = !(rechecks.is_empty() && leaving.is_empty()) || revoking.is_some();
        let topics_wait = !(expiring.is_empty() && paused.is_empty());
        let clients_wait = urgent.is_some() || !asked.is_empty();
        clients_wait
            || *has_overdue
            || sessions_wait
            || topics_wait
            || self.sessions.has_continuing()
            || self.sessions.is_telling()
            || self.topics.is_sweeping()
    }

    /// Works on one slice of each kind of what takes long: a few milliseconds at most.
    pub fn work(&mut self, now: Time) {
        self.begin_input(now);
        self.sessions.tell_listeners();
        if let Some(key) = self.sessions.next_continuing() {
            self.catch_up(key);
        }
        self.recheck(&mut SLICE.clone());
        self.sweep();
        self.expire(&mut SLICE.clone());
        self.announce_on(&mut SLICE.clone());
        self.leave_on(&mut SLICE.clone());
        self.revoke_on(&mut SLICE.clone());
        if self.jobs.has_overdue {
            self.time_out(&mut SLICE.clone());
        }
        let urgent = self.jobs.urgent.take();
        let Some(Job { caller, task }) = urgent.or_else(|| self.jobs.asked.pop()) else {
            return;
        };
        // Whoever is gone needs no answer.
        if self.sessions.get(caller.session).is_none() {
            return;
        }
        match self.slice(&caller, task) {
            Slice::Again(task) => {
                let bytes = task.answer_bytes();
                let is_answer = bytes.is_some();
                self.sessions
                    .prepare(caller.session, bytes.unwrap_or_default());
                // As in `begin`.
                if is_answer && self.sessions.is_crowded() {
                    self.jobs.urgent = Some(Job { caller, task });
                } else {
                    self.queue_job(caller, task);
                }
            }
            Slice::Done(served) => {
                let session = caller.session;
                self.sessions.prepare(session, 0);
                self.sessions.set_job(session, false);
                self.conclude_request(caller, served);
                // It may have been answered already, or by somebody else.
                self.serve_deferred(session);
            }
        }
    }

    /// Begins with a task.
    pub(crate) fn begin(&mut self, caller: &Caller, task: Task) -> Served {
        // When much waits already, answers are finished one after the other, not all begun.
        let waits = task.answer_bytes().is_some() && self.sessions.is_crowded();
        let slice = if waits {
            Slice::Again(task)
        } else {
            self.slice(caller, task)
        };
        match slice {
            Slice::Done(served) => served,
            Slice::Again(task) => {
                // That counts as a request that is open, until the task is done: it may have been answered already.
                self.sessions.set_job(caller.session, true);
                let bytes = task.answer_bytes().unwrap_or_default();
                self.sessions.prepare(caller.session, bytes);
                self.queue_job(caller.clone(), task);
                Ok(Reply::Later)
            }
        }
    }

    fn queue_job(&mut self, caller: Caller, task: Task) {
        if let Some(session) = self.sessions.get(caller.session) {
            let account = session.account();
            self.jobs.asked.push(account, Job { caller, task });
        }
    }

    fn slice(&mut self, caller: &Caller, task: Task) -> Slice {
        let steps = &mut SLICE.clone();
        match task {
            Task::Fetch(it) => self.fetch_on(caller, it, steps),
            Task::Query(it) => self.query_on(caller, it, steps),
            Task::Remove(it) => self.remove_on(caller, it, steps),
            Task::Select(it) => self.select_on(caller, it, steps),
            Task::Deselect(it) => self.deselect_on(caller, it, steps),
            // What that does is to be told as well.
            Task::Match(_) if self.sessions.is_telling() => Slice::Again(task),
            Task::Match(it) => self.match_on(caller, it, steps),
            Task::Introduce(it) => self.introduce_on(caller, it, steps),
            Task::Announce(it) => self.announced(it),
            Task::Compare(it) => self.compare_on(caller, it, steps),
            Task::Measure(it) => self.measure_on(caller, it, steps),
        }
    }
}
