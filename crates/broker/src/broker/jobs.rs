//! Requests that may take long: they are served in slices, and between two slices everybody else is.
//!
//! A job's first slice is worked on at once, and most have no second. What is left goes into a queue, from which whoever
//! drives the broker has one slice at a time worked on, between its inputs ([`Broker::work`]). A session has one job at a
//! time: what it asks for meanwhile waits until the job is done, so that its requests are still answered in their order.

use std::collections::VecDeque;

use crate::Time;
use crate::broker::Broker;
use crate::caller::{Caller, Pending};
use crate::services::dispatch::{Reply, Served};
use crate::services::fetch::Fetching;
use crate::services::removal::Removing;
use crate::services::subscriptions::Selecting;

/// How many steps a slice has. A step is about what it takes to look at a topic or a session: less than a microsecond.
const SLICE: usize = 5_000;

/// Something that is worked on in slices.
#[derive(Debug)]
pub(crate) enum Task {
    Fetch(Box<Fetching>),
    Remove(Box<Removing>),
    Select(Box<Selecting>),
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

/// Jobs whose turn will come.
#[derive(Debug, Default)]
pub(crate) struct Jobs(VecDeque<Job>);

impl Broker {
    /// Whether there is something to work on: [`Broker::work`] is then to be called soon.
    #[must_use]
    pub fn has_work(&self) -> bool {
        !self.jobs.0.is_empty() || self.sessions.has_continuing() || self.topics.is_sweeping()
    }

    /// Works on one slice of what clients asked for and takes long: a few milliseconds at most.
    pub fn work(&mut self, now: Time) {
        self.now = now;
        if let Some(key) = self.sessions.next_continuing() {
            self.catch_up(key);
        }
        self.sweep();
        let Some(Job { caller, task }) = self.jobs.0.pop_front() else {
            return;
        };
        // Whoever is gone needs no answer.
        if self.sessions.get(caller.session).is_none() {
            return;
        }
        match self.slice(&caller, task) {
            Slice::Again(task) => self.jobs.0.push_back(Job { caller, task }),
            Slice::Done(served) => {
                self.sessions.set_job(caller.session, false);
                match served {
                    Ok(Reply::Now(response)) => self.answer(caller, Ok(response)),
                    Ok(Reply::Later) => {
                        // It is answered by somebody else, and waits no longer for this.
                        self.sessions.settle(&caller);
                        self.serve_deferred(caller.session);
                    }
                    Err(report) => self.answer(caller, Err(report)),
                }
            }
        }
    }

    /// Begins with a task.
    pub(crate) fn begin(&mut self, caller: &Caller, task: Task) -> Served {
        match self.slice(caller, task) {
            Slice::Done(served) => served,
            Slice::Again(task) => {
                let caller = self.sessions.set_pending(caller.clone(), Pending::Other);
                self.sessions.set_job(caller.session, true);
                self.jobs.0.push_back(Job { caller, task });
                Ok(Reply::Later)
            }
        }
    }

    fn slice(&mut self, caller: &Caller, task: Task) -> Slice {
        let mut steps = SLICE;
        match task {
            Task::Fetch(fetching) => self.fetch_on(caller, fetching, &mut steps),
            Task::Remove(removing) => self.remove_on(caller, removing, &mut steps),
            Task::Select(selecting) => self.select_on(caller, selecting, &mut steps),
        }
    }
}
