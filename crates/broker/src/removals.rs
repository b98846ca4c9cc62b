//! Removing topics: by selector, which touches many paths, and by their own policies.

use effusion_protocol::body::{PathPermission, RemoveTopicsResponse, ResponseBody};
use effusion_protocol::{ErrorReport, TopicId};
use std::collections::{BTreeSet, HashMap};

use crate::broker::{Broker, Caller, Hold};
use crate::dispatch::{Reply, Served};
use crate::draft::{Actor, TopicOp};
use crate::errors;
use crate::filter::Filter;
use crate::pipeline::{Queued, ReplyTo};
use crate::publish::REMOVAL_PERIOD;
use crate::timers::Timer;
use crate::topic::Circumstances;

/// Removals of several topics whose callers wait.
#[derive(Debug, Default)]
pub(crate) struct Removals {
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

impl Broker {
    pub(crate) fn remove_topics(&mut self, caller: Caller, expression: &str) -> Served {
        let selector = self
            .selector(expression)
            .map_err(|error| errors::bad_selector(&error))?;
        let session = self.session(&caller)?;
        let mut paths: BTreeSet<String> = BTreeSet::new();
        let mut denied = None;
        for topic in self.tree.select(&selector) {
            if session.may(
                PathPermission::ModifyTopic,
                &topic.path,
                Some(&topic.settings),
            ) {
                paths.insert(topic.path.to_string());
            } else {
                denied = Some(topic.path.to_string());
            }
        }
        // Topics that are on their way are removed as well, once they are there.
        paths.extend(
            self.pipeline
                .paths()
                .filter(|path| {
                    selector.matches(path) && session.may(PathPermission::ModifyTopic, path, None)
                })
                .cloned(),
        );
        if paths.is_empty() {
            let denied = denied.or_else(|| {
                selector
                    .prefixes()
                    .into_iter()
                    .find(|prefix| !session.may(PathPermission::ModifyTopic, prefix, None))
                    .map(str::to_owned)
            });
            return match denied {
                Some(path) => Err(errors::denied(PathPermission::ModifyTopic, &path)),
                None => Ok(Reply::Now(response(0))),
            };
        }
        let actor = Actor::of(session);
        let caller = self.hold(caller, Hold::Write);
        self.removals.last += 1;
        let group = self.removals.last;
        self.removals.groups.insert(
            group,
            Group {
                caller,
                left: paths.len(),
                removed: 0,
                failed: None,
            },
        );
        for path in paths {
            let queued = Queued {
                reply_to: ReplyTo::Removal(group),
                actor: actor.clone(),
                op: TopicOp::Remove,
            };
            self.submit(&path, queued);
        }
        Ok(Reply::Later)
    }

    /// One of a group's topics is removed, was not there, or could not be removed.
    pub(crate) fn removal_done(&mut self, group: u64, result: Result<bool, ErrorReport>) {
        let Some(entry) = self.removals.groups.get_mut(&group) else {
            return;
        };
        entry.left = entry.left.saturating_sub(1);
        match result {
            Ok(removed) => entry.removed += u32::from(removed),
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

    /// Looks at all removal policies.
    pub(crate) fn removals_due(&mut self) {
        let ids: Vec<TopicId> = self.tree.with_removal().collect();
        let mut due = Vec::new();
        for id in ids {
            let Some(topic) = self.tree.get_mut(id) else {
                continue;
            };
            let Some(removal) = &topic.settings.removal else {
                continue;
            };
            let clients = &self.clients;
            let creator = topic.creator.session.parse().ok();
            let any_session = |filter: Option<&Filter>| match filter {
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
        if self.tree.has_removals() {
            let at = self.now.monotonic_ms.saturating_add(REMOVAL_PERIOD);
            self.timers.set(at, Timer::Removals);
        }
    }

    fn remove_by_policy(&mut self, id: TopicId) {
        let Some(topic) = self.tree.get(id) else {
            return;
        };
        let (creator, settings) = (topic.creator.clone(), topic.settings.clone());
        let own_path = topic.path.to_string();
        let rights = self.rights_of(&creator.roles);
        let selector = settings.removal.as_ref().and_then(|it| it.remove.as_ref());
        // A topic goes by its own policy; others go with the rights that its creator had.
        let paths: Vec<String> = match selector {
            None => vec![own_path],
            Some(selector) => self
                .tree
                .select(selector)
                .iter()
                .map(|topic| topic.path.to_string())
                .filter(|path| *path == own_path || rights.has(PathPermission::ModifyTopic, path))
                .collect(),
        };
        let actor = Actor {
            session: None,
            principal: None,
            rights,
            creator,
        };
        for path in paths {
            let queued = Queued {
                reply_to: ReplyTo::Nobody,
                actor: actor.clone(),
                op: TopicOp::Remove,
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
