//! Selecting topics, and deselecting them.

use effusion_protocol::body::{PathPermission, ResponseBody, SelectRequest};
use effusion_protocol::{ErrorReport, UnsubscribeReason};
use std::sync::Arc;

use crate::auth::Rights;
use crate::broker::Broker;
use crate::broker::jobs::{Slice, Task};
use crate::caller::Caller;
use crate::errors;
use crate::services::dispatch::{Reply, Served};
use crate::sessions::{SelectedBy, Session};
use crate::topics::{Halt, Onward, Selector, Walk};

/// Whether a session may use a selector (source: the API documentation, SELECT_TOPIC).
fn check_select(rights: &Rights, selector: &Selector) -> Result<(), ErrorReport> {
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

/// How many topics a session is subscribed to before others are served.
const AT_ONCE: usize = 500;

/// A selection that is under way.
#[derive(Debug)]
pub(crate) struct Selecting {
    selector: Arc<Selector>,
    walk: Walk,
    has_found: bool,
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
        self.sessions
            .select(caller.session, &request.scope, &selector, by)?;
        let selecting = Selecting {
            walk: Walk::new(&selector, false),
            selector,
            has_found: false,
        };
        self.begin(caller, Task::Select(Box::new(selecting)))
    }

    /// Subscribes a session to some of the topics that it has selected.
    pub(crate) fn select_on(
        &mut self,
        caller: &Caller,
        mut selecting: Box<Selecting>,
        steps: &mut usize,
    ) -> Slice {
        let selector = selecting.selector.clone();
        let mut found = Vec::new();
        let tree = self.topics.tree();
        let halt = tree.walk(&mut selecting.walk, &selector, steps, |topic| {
            if found.len() >= AT_ONCE {
                return Onward::StopBefore;
            }
            found.push(topic.id());
            Onward::Next
        });
        selecting.has_found |= !found.is_empty();
        for id in found {
            self.subscribe_if_wanted(caller.session, id);
        }
        if halt != Halt::End {
            return Slice::Again(Task::Select(selecting));
        }
        if !selecting.has_found {
            self.report_missing(caller.session, &selector);
        }
        Slice::Done(Ok(Reply::Now(ResponseBody::Subscribe(()))))
    }

    pub(crate) fn unsubscribe(&mut self, caller: &Caller, request: &SelectRequest) -> Served {
        let selector = self.topics.selector(&request.selector)?;
        let scopes = [request.scope.clone()];
        let reason = UnsubscribeReason::Requested;
        self.deselect(caller.session, &scopes, &selector, reason)?;
        Ok(Reply::Now(ResponseBody::Unsubscribe(())))
    }

    pub(crate) fn unsubscribe_all_scopes(&mut self, caller: &Caller, expression: &str) -> Served {
        let selector = self.topics.selector(expression)?;
        let scopes = self.session(caller)?.selections().names();
        let reason = UnsubscribeReason::Requested;
        self.deselect(caller.session, &scopes, &selector, reason)?;
        Ok(Reply::Now(ResponseBody::UnsubscribeAllScopes(())))
    }
}
