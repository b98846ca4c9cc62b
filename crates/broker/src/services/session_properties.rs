//! Session properties of other sessions and of one's own.

use effusion_protocol::body::{
    FilterResult, GetSessionPropertiesRequest, GlobalPermission, Properties, ResponseBody,
    ScriptError, SetSessionPropertiesFilterRequest, SetSessionPropertiesRequest,
    SetSessionPropertiesResponse,
};
use effusion_protocol::{ErrorReason, ErrorReport};

use crate::accounts::is_user_property;
use crate::broker::{Broker, Caller};
use crate::dispatch::{Reply, Served};
use crate::errors::{self, error};
use crate::filter::{Filter, Unseen};
use crate::session::{Session, SessionKey, key};

/// The most user properties that a session has.
const MAX_PROPERTIES: usize = 1_000;

impl Broker {
    /// Fails unless the caller has a global permission.
    pub(crate) fn check_global(
        &self,
        caller: &Caller,
        permission: GlobalPermission,
    ) -> Result<(), ErrorReport> {
        if self.session(caller)?.rights.has_global(permission) {
            Ok(())
        } else {
            Err(errors::denied_global(permission))
        }
    }

    /// The sessions that match a filter, or what is wrong with it. How many match tells of their properties: to a caller that
    /// may not view them, other sessions have none.
    pub(crate) fn matching(
        &self,
        caller: &Caller,
        filter: &str,
    ) -> Result<Vec<SessionKey>, ScriptError> {
        let filter = Filter::parse(filter).map_err(|mistake| mistake.report())?;
        let may_view = self
            .check_global(caller, GlobalPermission::ViewSession)
            .is_ok();
        let unseen = Unseen::default();
        let matches = |session: &&Session| {
            if may_view || session.key == caller.session {
                filter.matches(*session)
            } else {
                filter.matches(&unseen)
            }
        };
        let sessions = self.clients.iter().filter(matches);
        Ok(sessions.map(|session| session.key).collect())
    }

    pub(crate) fn get_session_properties(
        &mut self,
        caller: &Caller,
        it: &GetSessionPropertiesRequest,
    ) -> Served {
        let session = self.clients.by_id(it.session);
        // One's own properties are no secret.
        if session != Some(caller.session) {
            self.check_global(caller, GlobalPermission::ViewSession)?;
        }
        let properties = session
            .and_then(|key| self.clients.get(key))
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
        let (set, remove) = (it.set.unwrap_or_default(), it.remove.unwrap_or_default());
        check_user_properties(&set, &remove)?;
        let key = self
            .clients
            .by_id(it.session)
            .ok_or_else(errors::no_such_session)?;
        let (former, absent) = self.set_user_properties(key, &set, &remove)?;
        Ok(Reply::Now(ResponseBody::SetSessionProperties(
            SetSessionPropertiesResponse {
                former: Some(former),
                absent: Some(absent),
            },
        )))
    }

    pub(crate) fn set_session_properties_filter(
        &mut self,
        caller: &Caller,
        it: SetSessionPropertiesFilterRequest,
    ) -> Served {
        self.check_global(caller, GlobalPermission::ViewSession)?;
        self.check_global(caller, GlobalPermission::ModifySession)?;
        let (set, remove) = (it.set.unwrap_or_default(), it.remove.unwrap_or_default());
        check_user_properties(&set, &remove)?;
        let result = self.for_matching(caller, &it.filter, |broker, key| {
            broker.set_user_properties(key, &set, &remove).map(drop)
        })?;
        Ok(Reply::Now(ResponseBody::SetSessionPropertiesFilter(result)))
    }

    /// Does something to all sessions that match a filter.
    pub(crate) fn for_matching(
        &mut self,
        caller: &Caller,
        filter: &str,
        mut action: impl FnMut(&mut Self, SessionKey) -> Result<(), ErrorReport>,
    ) -> Result<FilterResult, ErrorReport> {
        let keys = match self.matching(caller, filter) {
            Ok(keys) => keys,
            Err(mistake) => {
                return Ok(FilterResult {
                    selected: 0,
                    errors: vec![mistake],
                });
            }
        };
        for key in &keys {
            action(self, *key)?;
        }
        Ok(FilterResult {
            selected: u32::try_from(keys.len()).unwrap_or(u32::MAX),
            errors: Vec::new(),
        })
    }

    /// Answers the former values of what was changed, and the names that were not there.
    fn set_user_properties(
        &mut self,
        key: SessionKey,
        set: &Properties,
        remove: &[String],
    ) -> Result<(Properties, Vec<String>), ErrorReport> {
        let (mut former, mut absent) = (Properties::new(), Vec::new());
        if let Some(session) = self.clients.get(key)
            && session.properties.len() + set.len() > MAX_PROPERTIES
        {
            return Err(errors::too_many("session properties"));
        }
        self.change_session(key, |session| {
            let mut keep = |name: &String, old: Option<String>| match old {
                Some(old) => former.push((name.clone(), old)),
                None => absent.push(name.clone()),
            };
            for (name, value) in set {
                keep(name, session.properties.insert(name.clone(), value.clone()));
            }
            for name in remove {
                keep(name, session.properties.remove(name));
            }
        });
        Ok((former, absent))
    }
}

/// Fixed properties are the server's to set.
fn check_user_properties(set: &Properties, remove: &[String]) -> Result<(), ErrorReport> {
    let bad = set
        .iter()
        .find(|(name, value)| !is_user_property(name, value))
        .map(|(name, _)| name)
        .or_else(|| remove.iter().find(|name| name.starts_with('$')));
    match bad {
        None => Ok(()),
        Some(name) => Err(error(
            ErrorReason::InvalidData,
            format!("The session property '{name}' cannot be changed so"),
        )),
    }
}
