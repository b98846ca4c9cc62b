//! Removing the topics that a selector matches.

use core::ops::Bound;
use effusion_protocol::body::PathPermission;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::broker::Broker;
use crate::broker::changes::{REMOVAL, removed};
use crate::broker::jobs::{Slice, Task};
use crate::caller::{Caller, Pending};
use crate::errors;
use crate::services::dispatch::{Reply, Served};
use crate::topics::{
    BYTES_A_STEP, Halt, Onward, Queued, ReplyTo, Selector, TopicOp, Walk, match_steps,
};

/// A removal by selector that is under way.
#[derive(Debug)]
pub(crate) struct Removing {
    selector: Arc<Selector>,
    walk: Walk,
    /// Up to where it is still to look, backwards, for topics that are on their way; `None` if it has looked at all.
    changing: Option<Bound<String>>,
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
            changing: Some(Bound::Unbounded),
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
        if let Some(up_to) = removing.changing.take() {
            // Topics that are on their way are removed as well, once they are there.
            for path in self
                .topics
                .changing_paths(up_to.as_ref().map(String::as_str))
            {
                if *steps == 0 {
                    removing.changing = Some(Bound::Included(path.to_owned()));
                    break;
                }
                *steps = steps.saturating_sub(1 + path.len() / BYTES_A_STEP);
                if !session.may(PathPermission::ModifyTopic, path, None) {
                    continue;
                }
                *steps = steps.saturating_sub(match_steps(&selector, path));
                if selector.matches(path) {
                    *steps = steps.saturating_sub(REMOVAL);
                    paths.insert(path.to_owned());
                }
            }
        }
        let (mut left, tree) = (*steps, self.topics.tree());
        let halt = match removing.changing {
            Some(_) => Halt::Pause,
            None => tree.walk(&mut removing.walk, &selector, steps, |topic| {
                if left == 0 {
                    return Onward::StopBefore;
                }
                if session.may_remove(topic.path(), topic.settings()) {
                    left = left.saturating_sub(REMOVAL + topic.subscribers().len());
                    paths.insert(topic.path().to_owned());
                }
                Onward::Next
            }),
        };
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
