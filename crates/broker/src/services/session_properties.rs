//! Session properties of other sessions and of one's own.

use effusion_protocol::body::{
    GetSessionPropertiesRequest, GlobalPermission, Properties, ResponseBody,
    SetSessionPropertiesFilterRequest, SetSessionPropertiesRequest, SetSessionPropertiesResponse,
};
use effusion_protocol::{ErrorReason, ErrorReport};

use crate::broker::Broker;
use crate::caller::Caller;
use crate::errors::{self, error};
use crate::services::dispatch::{Reply, Served};
use crate::services::matching::Action;
use crate::sessions::{MAX_PROPERTY, is_user_property, key};

impl Broker {
    /// Fails unless the caller has a global permission.
    pub(crate) fn check_global(
        &self,
        caller: &Caller,
        permission: GlobalPermission,
    ) -> Result<(), ErrorReport> {
        if self.session(caller)?.rights().has_global(permission) {
            Ok(())
        } else {
            Err(errors::denied_global(permission))
        }
    }

    /// Fails unless the caller has all of these global permissions.
    pub(crate) fn check_all(
        &self,
        caller: &Caller,
        permissions: &[GlobalPermission],
    ) -> Result<(), ErrorReport> {
        permissions
            .iter()
            .try_for_each(|permission| self.check_global(caller, *permission))
    }

    pub(crate) fn get_session_properties(
        &mut self,
        caller: &Caller,
        it: &GetSessionPropertiesRequest,
    ) -> Served {
        let session = self.sessions.by_id(it.session);
        // One's own properties are no secret.
        if session != Some(caller.session) {
            self.check_global(caller, GlobalPermission::ViewSession)?;
        }
        let properties = session
            .and_then(|key| self.sessions.get(key))
            .map(|session| session.select_properties(&it.keys).into_iter().collect());
        Ok(Reply::Now(ResponseBody::GetSessionProperties(properties)))
    }

    /// All properties of the caller's own session: no right is needed.
    pub(crate) fn get_own_session_properties(&mut self, caller: &Caller) -> Served {
        let session = self.session(caller)?;
        let keys = [key::ALL_FIXED, key::ALL_USER].map(str::to_owned);
        let properties = session.select_properties(&keys).into_iter().collect();
        Ok(Reply::Now(ResponseBody::GetOwnSessionProperties(Some(
            properties,
        ))))
    }

    pub(crate) fn set_session_properties(
        &mut self,
        caller: &Caller,
        it: SetSessionPropertiesRequest,
    ) -> Served {
        self.check_global(caller, GlobalPermission::ViewSession)?;
        self.check_global(caller, GlobalPermission::ModifySession)?;
        let (set, remove) = changeable(it.set, it.remove)?;
        let key = self
            .sessions
            .by_id(it.session)
            .ok_or_else(errors::no_such_session)?;
        let (former, absent) = self.sessions.set_properties(key, &set, &remove)?;
        let response = SetSessionPropertiesResponse {
            former: Some(former),
            absent: Some(absent),
        };
        self.answer_when_told(caller, ResponseBody::SetSessionProperties(response))
    }

    pub(crate) fn set_session_properties_filter(
        &mut self,
        caller: &Caller,
        it: SetSessionPropertiesFilterRequest,
    ) -> Served {
        let (set, remove) = changeable(it.set, it.remove)?;
        let action = Action::SetProperties { set, remove };
        self.for_matching(caller, &it.filter, action)
    }
}

/// What may be set and removed of what is asked for. Of the fixed properties, that is the place and the language, and none is
/// removed; the rest of them is ignored (source: the API documentation of `ClientControl.setSessionProperties`).
fn changeable(
    set: Option<Properties>,
    remove: Option<Vec<String>>,
) -> Result<(Properties, Vec<String>), ErrorReport> {
    let (set, mut remove) = (set.unwrap_or_default(), remove.unwrap_or_default());
    remove.retain(|name| !name.starts_with('$'));
    let mut changes = Properties::new();
    for (name, value) in set {
        if let Some(value) = adjusted(&name, &value) {
            changes.push((name, value));
        } else if !name.starts_with('$') {
            if !is_user_property(&name, &value) {
                let message = format!("The session property '{name}' cannot be changed so");
                return Err(error(ErrorReason::InvalidData, message));
            }
            changes.push((name, value));
        }
    }
    Ok((changes, remove))
}

/// The value of a fixed property that may be set, as it is kept.
fn adjusted(name: &str, value: &str) -> Option<String> {
    if value.len() > MAX_PROPERTY {
        return None;
    }
    match name {
        key::COUNTRY => Some(value.to_uppercase()),
        key::LANGUAGE => Some(value.to_lowercase()),
        key::LATITUDE | key::LONGITUDE => {
            let number = value.trim().parse::<f64>().ok();
            let is_number = number.is_some_and(f64::is_finite);
            Some(if is_number { value.trim() } else { "NaN" }.to_owned())
        }
        _ => None,
    }
}
