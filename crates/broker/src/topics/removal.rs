//! Removing topics: several for one caller, and by their own policies.

use effusion_protocol::{ErrorReason, ErrorReport, TopicId};
use std::collections::HashMap;
use std::sync::Arc;

use crate::auth::Rights;
use crate::caller::Caller;
use crate::sessions::filter::Filter;
use crate::{Creator, Time};

use super::removal_policy::Circumstances;
use super::{Actor, Topics};

/// How often removal policies are looked at, in milliseconds.
const PERIOD: u64 = 1_000;

/// How many steps of looking at policies are made before others are served: one for each clause and session.
const SWEEP_STEPS: usize = 5_000;

/// Removals of several topics whose callers wait.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: HashMap<u64, Group>,
    last: u64,
}

#[derive(Debug)]
struct Group {
    caller: Caller,
    left: usize,
    removed: u32,
    failed: Option<ErrorReport>,
}

/// When removal policies are looked at, and how far that has come.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    /// When the next one begins, by the monotonic clock.
    due: Option<u64>,
    /// Where the present one goes on.
    next: Option<TopicId>,
}

impl Sweep {
    /// There are policies to look at.
    pub(super) fn begin(&mut self, now: u64) {
        if self.next.is_none() {
            self.due.get_or_insert(now.saturating_add(PERIOD));
        }
    }
}

/// What removal policies ask of sessions.
pub(crate) struct SessionView<'a> {
    /// How many sessions there are: to ask for one takes as many steps.
    pub(crate) count: usize,
    /// Whether whoever made a topic may view other sessions.
    pub(crate) may_view: &'a mut dyn FnMut(&Creator) -> bool,
    /// Whether any session matches; `None` asks for the session that made the topic.
    pub(crate) any: &'a dyn Fn(&Creator, Option<&Filter>) -> bool,
}

impl Topics {
    /// A removal of several topics begins: nothing is known but that more may come.
    pub(crate) fn open_removal(&mut self, caller: Caller) -> u64 {
        self.removals.last += 1;
        let group = Group {
            caller,
            left: 1,
            removed: 0,
            failed: None,
        };
        self.removals.groups.insert(self.removals.last, group);
        self.removals.last
    }

    /// So many topics more are to go.
    pub(crate) fn expect_removals(&mut self, group: u64, count: usize) {
        if let Some(group) = self.removals.groups.get_mut(&group) {
            group.left += count;
        }
    }

    /// One of a group's topics is removed, was not there, or could not be removed. Returns how many were, once all are done.
    pub(crate) fn removal_done(
        &mut self,
        group: u64,
        result: Result<bool, ErrorReport>,
    ) -> Option<(Caller, Result<u32, ErrorReport>)> {
        let entry = self.removals.groups.get_mut(&group)?;
        entry.left = entry.left.saturating_sub(1);
        match result {
            Ok(removed) => entry.removed += u32::from(removed),
            // A topic that came to be meanwhile, and is not the caller's to remove, is passed over as any other.
            Err(report) if report.reason == ErrorReason::AccessDenied => {}
            Err(report) => entry.failed = Some(report),
        }
        if entry.left > 0 {
            return None;
        }
        let group = self.removals.groups.remove(&group)?;
        Some((group.caller, group.failed.map_or(Ok(group.removed), Err)))
    }

    /// When [`Topics::begin_sweep`] is to be called, by the monotonic clock.
    pub(crate) const fn next_timeout(&self) -> Option<u64> {
        self.sweep.due
    }

    /// Begins to look at all removal policies if it is time. [`Topics::sweep`] is then to be called until nothing is left.
    pub(crate) fn begin_sweep(&mut self, now: u64) -> bool {
        let is_due = self.sweep.due.take_if(|due| *due <= now).is_some();
        if is_due {
            self.sweep.next.get_or_insert(TopicId(0));
        }
        is_due
    }

    /// Whether policies are left to look at.
    pub(crate) const fn is_sweeping(&self) -> bool {
        self.sweep.next.is_some()
    }

    /// Looks at some removal policies; returns the topics that are to go by them.
    pub(crate) fn sweep(&mut self, now: Time, sessions: SessionView<'_>) -> Vec<TopicId> {
        let mut due = Vec::new();
        let Some(from) = self.sweep.next.take() else {
            return due;
        };
        let mut steps = SWEEP_STEPS;
        for id in self.tree.with_removal(from) {
            if steps == 0 {
                self.sweep.next = Some(id);
                break;
            }
            let Some(topic) = self.tree.get_mut(id) else {
                continue;
            };
            let Some(removal) = &topic.settings.removal else {
                continue;
            };
            let creator = &topic.creator;
            // If a policy asks for more than whose session made the topic, that one needs the right to view them.
            let may_view = !removal.asks_for_sessions || (sessions.may_view)(creator);
            let cost = if may_view {
                10 + sessions.count * removal.clauses
            } else {
                10
            };
            steps = steps.saturating_sub(cost);
            let any_session = |filter: Option<&Filter>| {
                // As if there were one: the topic stays, and nobody learns anything.
                (filter.is_some() && !may_view) || (sessions.any)(creator, filter)
            };
            let circumstances = Circumstances {
                now,
                present_since: topic.present_since,
                updated: topic.updated,
                subscriptions: topic.subscribers.len() as u64,
                any_session: &any_session,
            };
            if removal.is_due(&mut topic.watch, &circumstances) {
                due.push(id);
            }
        }
        due
    }

    /// A sweep has looked at some policies, and what they remove is on its way.
    pub(crate) fn end_sweep(&mut self, now: u64) {
        if self.tree.has_removals() {
            self.sweep.begin(now);
        }
    }

    /// Who removes what a topic's policy names.
    pub(crate) fn remover(
        &self,
        id: TopicId,
        rights_of: impl FnOnce(&Creator) -> Arc<Rights>,
    ) -> Option<Actor> {
        let topic = self.tree.get(id)?;
        Some(Actor {
            session: None,
            principal: topic.creator.principal.clone(),
            rights: rights_of(&topic.creator),
            creator: topic.creator.clone(),
        })
    }
}
