//! Control of other sessions: closing them, their roles, their subscriptions.

use effusion_protocol::body::{
    ChangeRolesFilterRequest, ChangeRolesRequest, CloseClientRequest, FilterSelectRequest,
    FilterUnsubscribeAllRequest, GlobalPermission, ResponseBody, SelectionKind,
    SessionSelectRequest, SessionUnsubscribeAllRequest, SetConflationFilterRequest,
    SetConflationRequest, TopicSelections,
};
use effusion_protocol::{CloseReason, ErrorReport, SessionId, UnsubscribeReason};
use std::sync::Arc;

use crate::broker::Broker;
use crate::broker::jobs::{SLICE, Task};
use crate::caller::Caller;
use crate::caller::SessionKey;
use crate::errors;
use crate::services::dispatch::{Reply, Served};
use crate::services::matching::Action;
use crate::sessions::SelectedBy;
use crate::topics::Selector;

/// A role cannot be taken and given at once (source: the API documentation of `ClientControl.changeRoles`).
fn check_roles(remove: &[String], add: &[String]) -> Result<(), ErrorReport> {
    match remove.iter().find(|role| add.contains(role)) {
        None => Ok(()),
        Some(role) => Err(errors::invalid_data(format_args!(
            "The role '{role}' is both to be added and to be removed"
        ))),
    }
}

impl Broker {
    fn session_by_id(&self, id: SessionId) -> Result<SessionKey, ErrorReport> {
        self.sessions.by_id(id).ok_or_else(errors::no_such_session)
    }

    pub(crate) fn close_client(&mut self, caller: &Caller, it: &CloseClientRequest) -> Served {
        self.check_global(caller, GlobalPermission::ModifySession)?;
        let key = self.session_by_id(it.session)?;
        self.answer(caller.clone(), Ok(ResponseBody::CloseClient(())));
        self.close(key, CloseReason::ClosedByController);
        Ok(Reply::Later)
    }

    pub(crate) fn close_client_filter(&mut self, caller: &Caller, filter: &str) -> Served {
        self.for_matching(caller, filter, Action::Close)
    }

    pub(crate) fn revoke_authentication(&mut self, caller: &Caller, id: SessionId) -> Served {
        self.check_global(caller, GlobalPermission::ModifySession)?;
        self.check_global(caller, GlobalPermission::Authenticate)?;
        let key = self.session_by_id(id)?;
        self.answer(caller.clone(), Ok(ResponseBody::RevokeAuthentication(())));
        self.close(key, CloseReason::Revoked);
        Ok(Reply::Later)
    }

    pub(crate) fn change_roles(&mut self, caller: &Caller, it: &ChangeRolesRequest) -> Served {
        self.check_global(caller, GlobalPermission::ModifySession)?;
        check_roles(&it.remove, &it.add)?;
        let key = self.session_by_id(it.session)?;
        self.set_roles(key, &it.remove, &it.add, &mut SLICE.clone())?;
        self.answer_when_told(caller, ResponseBody::ChangeRoles(()))
    }

    pub(crate) fn change_roles_filter(
        &mut self,
        caller: &Caller,
        it: ChangeRolesFilterRequest,
    ) -> Served {
        check_roles(&it.remove, &it.add)?;
        let (remove, add) = (it.remove, it.add);
        self.for_matching(caller, &it.filter, Action::ChangeRoles { remove, add })
    }

    pub(super) fn set_roles(
        &mut self,
        key: SessionKey,
        remove: &[String],
        add: &[String],
        steps: &mut usize,
    ) -> Result<(), ErrorReport> {
        let session = self.sessions.get(key).ok_or_else(errors::no_such_session)?;
        let mut roles = session.roles().clone();
        *steps = steps.saturating_sub(roles.len() + remove.len() + add.len());
        for role in remove {
            roles.remove(role);
        }
        roles.extend(add.iter().cloned());
        if roles == *session.roles() {
            return Ok(());
        }
        let rights = self.auth.rights_of(&roles);
        self.sessions.set_roles(key, roles, rights)?;
        self.rights_changed(&[key], steps);
        Ok(())
    }

    /// A selector by which other sessions are subscribed: the caller needs the right to select, they do not.
    fn control_selector(
        &mut self,
        caller: &Caller,
        expression: &str,
    ) -> Result<Arc<Selector>, ErrorReport> {
        self.check_global(caller, GlobalPermission::ModifySession)?;
        self.selector_of(caller, expression)
    }

    pub(crate) fn subscribe_client(
        &mut self,
        caller: &Caller,
        it: &SessionSelectRequest,
    ) -> Served {
        let selector = self.control_selector(caller, &it.selection.selector)?;
        let key = self.session_by_id(it.session)?;
        let (scope, by) = (&it.selection.scope, SelectedBy::Control);
        let selecting = self.start_select(key, scope, &selector, by)?;
        let selecting = selecting.asked_by(caller.session);
        self.begin(caller, Task::Select(Box::new(selecting)))
    }

    pub(crate) fn unsubscribe_client(
        &mut self,
        caller: &Caller,
        it: &SessionSelectRequest,
    ) -> Served {
        let (selector, scope) = (&it.selection.selector, Some(&it.selection.scope));
        self.deselect_for_other(caller, it.session, selector, scope)
    }

    pub(crate) fn unsubscribe_client_all_scopes(
        &mut self,
        caller: &Caller,
        it: &SessionUnsubscribeAllRequest,
    ) -> Served {
        self.deselect_for_other(caller, it.session, &it.selector, None)
    }

    fn deselect_for_other(
        &mut self,
        caller: &Caller,
        session: SessionId,
        expression: &str,
        scope: Option<&String>,
    ) -> Served {
        let selector = self.control_selector(caller, expression)?;
        let key = self.session_by_id(session)?;
        let deselecting = self.start_deselect(key, scope, &selector, UnsubscribeReason::Control)?;
        self.begin(caller, Task::Deselect(Box::new(deselecting)))
    }

    pub(crate) fn filter_subscribe(&mut self, caller: &Caller, it: FilterSelectRequest) -> Served {
        let selector = self.topics.selector(&it.selection.selector)?;
        let scope = it.selection.scope;
        self.for_matching(caller, &it.filter, Action::Subscribe { scope, selector })
    }

    pub(crate) fn filter_unsubscribe(
        &mut self,
        caller: &Caller,
        it: FilterSelectRequest,
    ) -> Served {
        let selector = self.topics.selector(&it.selection.selector)?;
        let scope = Some(it.selection.scope);
        self.for_matching(caller, &it.filter, Action::Unsubscribe { scope, selector })
    }

    pub(crate) fn filter_unsubscribe_all_scopes(
        &mut self,
        caller: &Caller,
        it: &FilterUnsubscribeAllRequest,
    ) -> Served {
        let selector = self.topics.selector(&it.selector)?;
        let scope = None;
        self.for_matching(caller, &it.filter, Action::Unsubscribe { scope, selector })
    }

    pub(crate) fn get_topic_selections(&mut self, caller: &Caller, id: SessionId) -> Served {
        self.check_global(caller, GlobalPermission::ViewSession)?;
        let key = self.session_by_id(id)?;
        let session = self.sessions.get(key).ok_or_else(errors::no_such_session)?;
        let kind = |selects| {
            if selects {
                SelectionKind::Select
            } else {
                SelectionKind::Deselect
            }
        };
        let scopes = session
            .selections()
            .scopes()
            .iter()
            .map(|(scope, selections)| {
                let list = selections
                    .iter()
                    .map(|it| (it.selector.expression().to_owned(), kind(it.selects())))
                    .collect();
                (scope.clone(), list)
            })
            .collect();
        Ok(Reply::Now(ResponseBody::GetTopicSelections(
            TopicSelections { scopes },
        )))
    }

    /// Whether what waits for a session may be conflated, as the topics' policies say.
    pub(crate) fn set_conflation(&mut self, caller: &Caller, it: &SetConflationRequest) -> Served {
        self.check_global(caller, GlobalPermission::ModifySession)?;
        let key = self.session_by_id(it.session)?;
        self.sessions.set_conflates(key, it.enabled);
        Ok(Reply::Now(ResponseBody::SetClientQueueConflation(())))
    }

    /// As [`Broker::set_conflation`].
    pub(crate) fn set_conflation_filter(
        &mut self,
        caller: &Caller,
        it: &SetConflationFilterRequest,
    ) -> Served {
        self.for_matching(caller, &it.filter, Action::SetConflation(it.enabled))
    }
}
