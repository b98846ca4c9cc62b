//! Selecting topics, and deselecting them.

use effusion_protocol::body::{PathPermission, ResponseBody, SelectRequest};
use effusion_protocol::{ErrorReport, ServiceId, TopicId, UnsubscribeReason};
use std::sync::Arc;

use crate::auth::Rights;
use crate::broker::Broker;
use crate::broker::jobs::{Slice, Task};
use crate::broker::subscriptions::SUBSCRIPTION;
use crate::caller::{Caller, SessionKey};
use crate::errors;
use crate::services::dispatch::{Reply, Served};
use crate::sessions::{SelectedBy, Session};
use crate::topics::{Halt, Onward, Selector, Topic, Walk};

/// Whether a session may use a selector (source: the API documentation, SELECT_TOPIC).
pub(crate) fn check_select(rights: &Rights, selector: &Selector) -> Result<(), ErrorReport> {
    for (prefix, whole_branch) in selector.rights_needed() {
        let has = if whole_branch {
            rights.has_throughout(PathPermission::SelectTopic, prefix)
        } else {
            rights.has(PathPermission::SelectTopic, prefix)
        };
        if !has {
            return Err(errors::denied(PathPermission::SelectTopic, prefix));
        }
    }
    Ok(())
}

/// A selection that is under way.
#[derive(Debug)]
pub(crate) struct Selecting {
    /// Whose it is.
    session: SessionKey,
    /// The session that asked for it.
    asked_by: SessionKey,
    selector: Arc<Selector>,
    walk: Walk,
    /// Whether it has found a topic that both sessions may see: others must not show in what missing topic handlers are told.
    has_found: bool,
}

impl Selecting {
    pub(crate) fn new(session: SessionKey, selector: Arc<Selector>) -> Self {
        Self {
            session,
            asked_by: session,
            walk: Walk::new(&selector, false),
            selector,
            has_found: false,
        }
    }

    /// Another session asked for it.
    pub(crate) fn asked_by(self, asked_by: SessionKey) -> Self {
        Self { asked_by, ..self }
    }
}

/// A deselection that is under way.
#[derive(Debug)]
pub(crate) struct Deselecting {
    /// Whose it is.
    session: SessionKey,
    selector: Arc<Selector>,
    reason: UnsubscribeReason,
    /// Which of its subscriptions is the next to be looked at.
    from: TopicId,
}

impl Broker {
    /// A selector that a caller may use.
    pub(crate) fn selector_of(
        &mut self,
        caller: &Caller,
        expression: &str,
    ) -> Result<Arc<Selector>, ErrorReport> {
        let selector = self.topics.selector(expression)?;
        check_select(self.session(caller)?.rights(), &selector)?;
        Ok(selector)
    }

    /// The caller's session.
    pub(crate) fn session(&self, caller: &Caller) -> Result<&Session, ErrorReport> {
        self.sessions
            .get(caller.session)
            .ok_or_else(errors::no_such_session)
    }

    pub(crate) fn subscribe(&mut self, caller: &Caller, request: &SelectRequest) -> Served {
        let selector = self.selector_of(caller, &request.selector)?;
        let by = SelectedBy::Session;
        let selecting = self.start_select(caller.session, &request.scope, &selector, by)?;
        self.begin(caller, Task::Select(Box::new(selecting)))
    }

    /// Remembers that a session selects topics, now and later; those that are there are to be walked through.
    pub(crate) fn start_select(
        &mut self,
        session: SessionKey,
        scope: &str,
        selector: &Arc<Selector>,
        by: SelectedBy,
    ) -> Result<Selecting, ErrorReport> {
        self.sessions.select(session, scope, selector, by)?;
        Ok(Selecting::new(session, selector.clone()))
    }

    /// Subscribes a session to some of the topics that it has selected. Whether that were all.
    pub(crate) fn select_some(&mut self, selecting: &mut Selecting, steps: &mut usize) -> bool {
        let Some(session) = self.sessions.get(selecting.session) else {
            return true;
        };
        let asker = self.sessions.get(selecting.asked_by);
        let mut left = *steps;
        let mut found = Vec::new();
        let mut has_found = selecting.has_found;
        let (walk, tree) = (&mut selecting.walk, self.topics.tree());
        let halt = tree.walk(walk, &selecting.selector, steps, |topic| {
            if left == 0 {
                return Onward::StopBefore;
            }
            let matching = session.selections().steps(topic.path());
            left = left.saturating_sub(SUBSCRIPTION + matching);
            has_found = has_found
                || (session.subscribes_to(topic) && asker.is_some_and(|it| it.sees(topic)));
            found.push(topic.id());
            Onward::Next
        });
        *steps = (*steps).min(left);
        selecting.has_found = has_found;
        for id in found {
            self.subscribe_if_wanted(selecting.session, id);
        }
        halt == Halt::End
    }

    pub(crate) fn select_on(
        &mut self,
        caller: &Caller,
        mut selecting: Box<Selecting>,
        steps: &mut usize,
    ) -> Slice {
        if !self.select_some(&mut selecting, steps) {
            return Slice::Again(Task::Select(selecting));
        }
        self.selected(&selecting);
        Slice::Done(Ok(Reply::Now(match caller.service {
            ServiceId::SubscribeClient => ResponseBody::SubscribeClient(()),
            _ => ResponseBody::Subscribe(()),
        })))
    }

    /// A selection has walked through all topics.
    pub(crate) fn selected(&mut self, selecting: &Selecting) {
        if !selecting.has_found {
            self.report_missing(selecting.session, &selecting.selector);
        }
    }

    pub(crate) fn unsubscribe(&mut self, caller: &Caller, request: &SelectRequest) -> Served {
        let selector = self.topics.selector(&request.selector)?;
        let (scope, reason) = (Some(&request.scope), UnsubscribeReason::Requested);
        let deselecting = self.start_deselect(caller.session, scope, &selector, reason)?;
        self.begin(caller, Task::Deselect(Box::new(deselecting)))
    }

    pub(crate) fn unsubscribe_all_scopes(&mut self, caller: &Caller, expression: &str) -> Served {
        let selector = self.topics.selector(expression)?;
        let reason = UnsubscribeReason::Requested;
        let deselecting = self.start_deselect(caller.session, None, &selector, reason)?;
        self.begin(caller, Task::Deselect(Box::new(deselecting)))
    }

    /// Remembers that a session selects topics no longer, in one scope or in all; its subscriptions are to be looked at.
    pub(crate) fn start_deselect(
        &mut self,
        session: SessionKey,
        scope: Option<&String>,
        selector: &Arc<Selector>,
        reason: UnsubscribeReason,
    ) -> Result<Deselecting, ErrorReport> {
        let of = self.sessions.get(session);
        let selections = of.ok_or_else(errors::no_such_session)?.selections();
        let scopes = scope.map_or_else(|| selections.names(), |scope| vec![scope.clone()]);
        self.sessions.deselect(session, &scopes, selector)?;
        Ok(Deselecting {
            session,
            selector: selector.clone(),
            reason,
            from: TopicId(0),
        })
    }

    /// Ends some of a session's subscriptions to the topics that it has deselected. Whether that were all.
    pub(crate) fn deselect_some(&mut self, it: &mut Deselecting, steps: &mut usize) -> bool {
        let selector = &it.selector;
        let ends = |session: &Session, topic: &Topic| {
            selector.matches(topic.path()) && !session.selects(topic.path())
        };
        match self.end_subscriptions(it.session, it.from, it.reason, steps, ends) {
            Some(next) => {
                it.from = next;
                false
            }
            None => true,
        }
    }

    pub(crate) fn deselect_on(
        &mut self,
        caller: &Caller,
        mut deselecting: Box<Deselecting>,
        steps: &mut usize,
    ) -> Slice {
        if !self.deselect_some(&mut deselecting, steps) {
            return Slice::Again(Task::Deselect(deselecting));
        }
        Slice::Done(Ok(Reply::Now(match caller.service {
            ServiceId::UnsubscribeClient => ResponseBody::UnsubscribeClient(()),
            ServiceId::UnsubscribeClientAllScopes => ResponseBody::UnsubscribeClientAllScopes(()),
            ServiceId::UnsubscribeAllScopes => ResponseBody::UnsubscribeAllScopes(()),
            _ => ResponseBody::Unsubscribe(()),
        })))
    }
}
