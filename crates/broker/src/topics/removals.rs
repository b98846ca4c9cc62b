//! Removing topics: by selector, which touches many paths, and by their own policies.

use effusion_protocol::body::{
    GlobalPermission, PathPermission, RemoveTopicsResponse, ResponseBody,
};
use effusion_protocol::{ErrorReason, ErrorReport, TopicId};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::Creator;
use crate::auth::Rights;
use crate::broker::jobs::{Slice, Task};
use crate::broker::publish::REMOVAL_PERIOD;
use crate::broker::{Broker, Caller, Hold};
use crate::errors;
use crate::services::dispatch::{Reply, Served};
use crate::sessions::filter::Filter;
use crate::sessions::timers::Timer;
use crate::topics::queue::{Queued, ReplyTo};
use crate::topics::selectors::Selector;
use crate::topics::transaction::{Actor, TopicOp};
use crate::topics::{Circumstances, Halt, Onward, Settings, Walk};

/// Removals of several topics whose callers wait.
#[derive(Debug, Default)]
pub(crate) struct Removals {
    groups: HashMap<u64, Group>,
    last: u64,
}

/// How many topics are removed before others are served.
const AT_ONCE: usize = 256;

/// How many steps of looking at policies are made before others are served: about one for each condition and session.
const SWEEP_STEPS: usize = 5_000;

/// A removal by selector that is under way.
#[derive(Debug)]
pub(crate) struct Removing {
    selector: Arc<Selector>,
    walk: Walk,
    /// What the removals count for, once there is one.
    group: Option<u64>,
}

impl Removals {
    /// A group of which nothing is known but that more may come.
    fn open(&mut self, caller: Caller) -> u64 {
        self.last += 1;
        let group = Group {
            caller,
            left: 1,
            removed: 0,
            failed: None,
        };
        self.groups.insert(self.last, group);
        self.last
    }

    /// So many removals more are on their way.
    fn expect(&mut self, group: u64, count: usize) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.left += count;
        }
    }
}

#[derive(Debug)]
struct Group {
    caller: Caller,
    left: usize,
    removed: u32,
    failed: Option<ErrorReport>,
}

impl Broker {
    pub(crate) fn remove_topics(&mut self, caller: Caller, expression: &str) -> Served {
        let selector = self
            .selector(expression)
            .map_err(|error| errors::bad_selector(&error))?;
        let removing = Removing {
            // What is below a topic goes before it: a listener was told of the topic only, and so is told that it is gone
            // only.
            walk: Walk::new(&selector, true),
            selector,
            group: None,
        };
        self.begin(&caller, Task::Remove(Box::new(removing)))
    }

    /// Removes some of the topics that a selector matches.
    pub(crate) fn remove_on(
        &mut self,
        caller: &Caller,
        mut removing: Box<Removing>,
        steps: &mut usize,
    ) -> Slice {
        let session = match self.session(caller) {
            Ok(session) => session,
            Err(report) => return Slice::Done(Err(report)),
        };
        let actor = Actor::of(session);
        let selector = removing.selector.clone();
        let mut paths: BTreeSet<String> = BTreeSet::new();
        if removing.group.is_none() {
            // Topics that are on their way are removed as well, once they are there.
            paths.extend(
                self.pipeline
                    .paths()
                    .filter(|path| {
                        selector.matches(path)
                            && session.may(PathPermission::ModifyTopic, path, None)
                    })
                    .cloned(),
            );
        }
        let halt = self
            .tree
            .walk(&mut removing.walk, &selector, steps, |topic| {
                if paths.len() >= AT_ONCE {
                    return Onward::StopBefore;
                }
                if session.may_remove(&topic.path, &topic.settings) {
                    paths.insert(topic.path.to_string());
                }
                Onward::Next
            });
        if !paths.is_empty() {
            let group = match removing.group {
                Some(group) => group,
                None => {
                    let caller = self.hold(caller.clone(), Hold::Write);
                    self.removals.open(caller)
                }
            };
            removing.group = Some(group);
            self.removals.expect(group, paths.len());
            for path in paths.into_iter().rev() {
                let queued = Queued {
                    reply_to: ReplyTo::Removal(group),
                    actor: actor.clone(),
                    op: TopicOp::Remove,
                };
                self.submit(&path, queued);
            }
        }
        if halt != Halt::End {
            return Slice::Again(Task::Remove(removing));
        }
        if let Some(group) = removing.group {
            // The walk itself is over.
            self.removal_done(group, Ok(false));
            return Slice::Done(Ok(Reply::Later));
        }
        let Ok(session) = self.session(caller) else {
            return Slice::Done(Ok(Reply::Later));
        };
        // What is said depends on the selector and the session's rights alone, never on the topics that are there.
        let lacks = |prefix: &&str| !session.rights.has(PathPermission::ModifyTopic, prefix);
        Slice::Done(match selector.prefixes().into_iter().find(lacks) {
            Some(prefix) => Err(errors::denied(PathPermission::ModifyTopic, prefix)),
            None => Ok(Reply::Now(response(0))),
        })
    }

    /// One of a group's topics is removed, was not there, or could not be removed.
    pub(crate) fn removal_done(&mut self, group: u64, result: Result<bool, ErrorReport>) {
        let Some(entry) = self.removals.groups.get_mut(&group) else {
            return;
        };
        entry.left = entry.left.saturating_sub(1);
        match result {
            Ok(removed) => entry.removed += u32::from(removed),
            // A topic that came to be meanwhile, and is not the caller's to remove, is passed over as any other.
            Err(report) if report.reason == ErrorReason::AccessDenied => {}
            Err(report) => entry.failed = Some(report),
        }
        if entry.left > 0 {
            return;
        }
        if let Some(group) = self.removals.groups.remove(&group) {
            let result = match group.failed {
                Some(report) => Err(report),
                None => Ok(response(group.removed)),
            };
            self.answer(group.caller, result);
        }
    }

    /// Looks at all removal policies, a few at a time.
    pub(crate) fn removals_due(&mut self) {
        self.sweep.get_or_insert(TopicId(0));
        self.sweep_on();
    }

    /// Looks at some removal policies.
    pub(crate) fn sweep_on(&mut self) {
        let Some(from) = self.sweep else {
            return;
        };
        let ids = self.tree.with_removal(from);
        let mut steps = SWEEP_STEPS;
        let mut due = Vec::new();
        let mut next = None;
        for id in ids {
            if steps == 0 {
                next = Some(id);
                break;
            }
            let may_view = self.may_ask_for_sessions(id);
            let cost = if may_view {
                10 + self.clients.len()
            } else {
                10
            };
            steps = steps.saturating_sub(cost);
            let Some(topic) = self.tree.get_mut(id) else {
                continue;
            };
            let Some(removal) = &topic.settings.removal else {
                continue;
            };
            let clients = &self.clients;
            let creator = topic.creator.session.parse().ok();
            let any_session = |filter: Option<&Filter>| match filter {
                // As if there were one: the topic stays, and nobody learns anything.
                Some(_) if !may_view => true,
                Some(filter) => clients.iter().any(|session| filter.matches(session)),
                None => creator.is_some_and(|creator| clients.by_id(creator).is_some()),
            };
            let circumstances = Circumstances {
                now: self.now,
                present_since: topic.present_since,
                updated: topic.updated,
                subscriptions: topic.subscribers.len() as u64,
                any_session: &any_session,
            };
            if removal.is_due(&mut topic.watch, &circumstances) {
                due.push(id);
            }
        }
        for id in due {
            self.remove_by_policy(id);
        }
        self.sweep = next;
        if next.is_none() && self.tree.has_removals() {
            let at = self.now.monotonic_ms.saturating_add(REMOVAL_PERIOD);
            self.timers.set(at, Timer::Removals);
        }
    }

    /// Whether a topic's policy may ask what it asks for of sessions: if that is more than whose they are, its creator needs the
    /// right to view them.
    fn may_ask_for_sessions(&mut self, id: TopicId) -> bool {
        let Some(topic) = self.tree.get(id) else {
            return false;
        };
        let asks = |settings: &Settings| {
            let removal = settings.removal.as_ref();
            removal.is_some_and(|removal| removal.asks_for_sessions)
        };
        if !asks(&topic.settings) {
            return true;
        }
        let creator = topic.creator.clone();
        let rights = self.rights_of_creator(&creator);
        rights.has_global(GlobalPermission::ViewSession)
    }

    /// The rights with which a policy is carried out: of the roles that the creator had when it made the topic, as they are now
    /// (source: the API documentation of `REMOVAL`), but none once its account was locked or removed.
    fn rights_of_creator(&mut self, creator: &Creator) -> Arc<Rights> {
        let principal = creator.principal.as_deref();
        if principal.is_some_and(|name| self.accounts.is_locked(name)) {
            return Arc::default();
        }
        self.rights_of(&creator.roles)
    }

    fn remove_by_policy(&mut self, id: TopicId) {
        let Some(topic) = self.tree.get(id) else {
            return;
        };
        let (creator, settings) = (topic.creator.clone(), topic.settings.clone());
        let own_path = topic.path.to_string();
        let rights = self.rights_of_creator(&creator);
        let actor = Actor {
            session: None,
            principal: creator.principal.clone(),
            rights,
            creator,
        };
        let selector = settings.removal.as_ref().and_then(|it| it.remove.as_ref());
        // A topic goes by its own policy; others go with the rights of its creator.
        let paths: Vec<String> = match selector {
            None => vec![own_path.clone()],
            Some(selector) => self
                .tree
                .select(selector)
                .iter()
                .map(|topic| topic.path.to_string())
                .collect(),
        };
        for path in paths {
            let op = if path == own_path {
                TopicOp::Expire
            } else {
                TopicOp::Remove
            };
            let queued = Queued {
                reply_to: ReplyTo::Nobody,
                actor: actor.clone(),
                op,
            };
            self.submit(&path, queued);
        }
    }
}

const fn response(removed: u32) -> ResponseBody {
    ResponseBody::RemoveTopics(RemoveTopicsResponse {
        removed: Some(removed),
    })
}
