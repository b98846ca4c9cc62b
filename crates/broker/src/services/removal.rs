//! Removing the topics that a selector matches.

use effusion_protocol::body::PathPermission;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::broker::Broker;
use crate::broker::changes::{REMOVAL, removed};
use crate::broker::jobs::{Slice, Task};
use crate::caller::{Caller, Pending};
use crate::errors;
use crate::services::dispatch::{Reply, Served};
use crate::topics::{Halt, Onward, Queued, ReplyTo, Selector, TopicOp, Walk};

/// A removal by selector that is under way.
#[derive(Debug)]
pub(crate) struct Removing {
    selector: Arc<Selector>,
    walk: Walk,
    /// What the removals count for, once there is one.
    group: Option<u64>,
}

impl Broker {
    pub(crate) fn remove_topics(&mut self, caller: &Caller, expression: &str) -> Served {
        let selector = self.topics.selector(expression)?;
        let removing = Removing {
            // What is below a topic goes before it: a listener was told of the topic only, and so is told that it is gone
            // only.
            walk: Walk::new(&selector, true),
            selector,
            group: None,
        };
        self.begin(caller, Task::Remove(Box::new(removing)))
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
        let actor = session.actor();
        let selector = removing.selector.clone();
        let mut paths: BTreeSet<String> = BTreeSet::new();
        let mut left = *steps;
        if removing.group.is_none() {
            // Topics that are on their way are removed as well, once they are there.
            let is_meant = |path: &&String| {
                selector.matches(path) && session.may(PathPermission::ModifyTopic, path, None)
            };
            paths.extend(self.topics.changing_paths().filter(is_meant).cloned());
        }
        let tree = self.topics.tree();
        let halt = tree.walk(&mut removing.walk, &selector, steps, |topic| {
            if left == 0 {
                return Onward::StopBefore;
            }
            if session.may_remove(topic.path(), topic.settings()) {
                left = left.saturating_sub(REMOVAL + topic.subscribers().len());
                paths.insert(topic.path().to_owned());
            }
            Onward::Next
        });
        if !paths.is_empty() {
            let group = match removing.group {
                Some(group) => group,
                None => {
                    // What reads waits for it from now on.
                    let caller = self.set_pending(caller.clone(), Pending::Store);
                    self.topics.open_removal(caller)
                }
            };
            removing.group = Some(group);
            self.topics.expect_removals(group, paths.len());
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
        let lacks = |prefix: &&str| !session.rights().has(PathPermission::ModifyTopic, prefix);
        Slice::Done(match selector.prefixes().into_iter().find(lacks) {
            Some(prefix) => Err(errors::denied(PathPermission::ModifyTopic, prefix)),
            None => Ok(Reply::Now(removed(0))),
        })
    }
}
