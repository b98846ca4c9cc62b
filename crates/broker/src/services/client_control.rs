//! Control of other sessions: closing them, their roles, their subscriptions.

use effusion_protocol::body::{
    ChangeRolesFilterRequest, ChangeRolesRequest, CloseClientRequest, FilterCount,
    FilterSelectRequest, FilterUnsubscribeAllRequest, GlobalPermission, ResponseBody,
    SelectRequest, SelectionKind, SessionSelectRequest, SessionUnsubscribeAllRequest,
    SetConflationFilterRequest, SetConflationRequest, TopicSelections,
};
use effusion_protocol::{CloseReason, ErrorReport, SessionId, UnsubscribeReason};
use std::sync::Arc;

use crate::broker::Broker;
use crate::caller::Caller;
use crate::caller::SessionKey;
use crate::errors;
use crate::services::dispatch::{Reply, Served};
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
        self.check_global(caller, GlobalPermission::ModifySession)?;
        let mut closes_self = false;
        let result = self.for_matching(caller, filter, |broker, key| {
            if key == caller.session {
                closes_self = true;
            } else {
                broker.close(key, CloseReason::ClosedByController);
            }
            Ok(())
        })?;
        self.answer(caller.clone(), Ok(ResponseBody::CloseClientFilter(result)));
        if closes_self {
            self.close(caller.session, CloseReason::ClosedByController);
        }
        Ok(Reply::Later)
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
        self.set_roles(key, &it.remove, &it.add);
        Ok(Reply::Now(ResponseBody::ChangeRoles(())))
    }

    pub(crate) fn change_roles_filter(
        &mut self,
        caller: &Caller,
        it: &ChangeRolesFilterRequest,
    ) -> Served {
        self.check_global(caller, GlobalPermission::ModifySession)?;
        check_roles(&it.remove, &it.add)?;
        let result = self.for_matching(caller, &it.filter, |broker, key| {
            broker.set_roles(key, &it.remove, &it.add);
            Ok(())
        })?;
        Ok(Reply::Now(ResponseBody::ChangeRolesFilter(result)))
    }

    fn set_roles(&mut self, key: SessionKey, remove: &[String], add: &[String]) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let mut roles = session.roles().clone();
        for role in remove {
            roles.remove(role);
        }
        roles.extend(add.iter().cloned());
        let rights = self.auth.rights_of(&roles);
        self.sessions.set_roles(key, roles, rights);
        self.rights_changed(&[key]);
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

    fn deselect_for_other(
        &mut self,
        key: SessionKey,
        selection: &SelectRequest,
        selector: &Arc<Selector>,
    ) -> Result<(), ErrorReport> {
        let scopes = [selection.scope.clone()];
        self.deselect(key, &scopes, selector, UnsubscribeReason::Control)
    }

    fn deselect_all_for_other(
        &mut self,
        key: SessionKey,
        selector: &Arc<Selector>,
    ) -> Result<(), ErrorReport> {
        let session = self.sessions.get(key).ok_or_else(errors::no_such_session)?;
        let scopes = session.selections().names();
        self.deselect(key, &scopes, selector, UnsubscribeReason::Control)
    }

    fn count_matching(
        &mut self,
        caller: &Caller,
        filter: &str,
        mut action: impl FnMut(&mut Self, SessionKey) -> Result<(), ErrorReport>,
    ) -> Result<FilterCount, ErrorReport> {
        let result = self.for_matching(caller, filter, |broker, key| action(broker, key))?;
        Ok(if result.errors.is_empty() {
            FilterCount::Selected(result.selected)
        } else {
            FilterCount::Errors(result.errors)
        })
    }

    pub(crate) fn subscribe_client(
        &mut self,
        caller: &Caller,
        it: &SessionSelectRequest,
    ) -> Served {
        let selector = self.control_selector(caller, &it.selection.selector)?;
        let key = self.session_by_id(it.session)?;
        self.select_for(key, &it.selection.scope, &selector)?;
        Ok(Reply::Now(ResponseBody::SubscribeClient(())))
    }

    pub(crate) fn unsubscribe_client(
        &mut self,
        caller: &Caller,
        it: &SessionSelectRequest,
    ) -> Served {
        let selector = self.control_selector(caller, &it.selection.selector)?;
        let key = self.session_by_id(it.session)?;
        self.deselect_for_other(key, &it.selection, &selector)?;
        Ok(Reply::Now(ResponseBody::UnsubscribeClient(())))
    }

    pub(crate) fn filter_subscribe(&mut self, caller: &Caller, it: &FilterSelectRequest) -> Served {
        let selector = self.control_selector(caller, &it.selection.selector)?;
        let count = self.count_matching(caller, &it.filter, |broker, key| {
            broker.select_for(key, &it.selection.scope, &selector)
        })?;
        Ok(Reply::Now(ResponseBody::FilterSubscribe(count)))
    }

    pub(crate) fn filter_unsubscribe(
        &mut self,
        caller: &Caller,
        it: &FilterSelectRequest,
    ) -> Served {
        let selector = self.control_selector(caller, &it.selection.selector)?;
        let count = self.count_matching(caller, &it.filter, |broker, key| {
            broker.deselect_for_other(key, &it.selection, &selector)
        })?;
        Ok(Reply::Now(ResponseBody::FilterUnsubscribe(count)))
    }

    pub(crate) fn unsubscribe_client_all_scopes(
        &mut self,
        caller: &Caller,
        it: &SessionUnsubscribeAllRequest,
    ) -> Served {
        let selector = self.control_selector(caller, &it.selector)?;
        let key = self.session_by_id(it.session)?;
        self.deselect_all_for_other(key, &selector)?;
        Ok(Reply::Now(ResponseBody::UnsubscribeClientAllScopes(())))
    }

    pub(crate) fn filter_unsubscribe_all_scopes(
        &mut self,
        caller: &Caller,
        it: &FilterUnsubscribeAllRequest,
    ) -> Served {
        let selector = self.control_selector(caller, &it.selector)?;
        let count = self.count_matching(caller, &it.filter, |broker, key| {
            broker.deselect_all_for_other(key, &selector)
        })?;
        Ok(Reply::Now(ResponseBody::FilterUnsubscribeAllScopes(count)))
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
        self.check_global(caller, GlobalPermission::ModifySession)?;
        let result = self.for_matching(caller, &it.filter, |broker, key| {
            broker.sessions.set_conflates(key, it.enabled);
            Ok(())
        })?;
        Ok(Reply::Now(ResponseBody::SetConflationFilter(result)))
    }
}
