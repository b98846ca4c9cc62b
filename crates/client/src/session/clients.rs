//! Looking at sessions and changing them.

use bytes::Bytes;
use effusion_protocol::ProtocolVersion;
use effusion_protocol::body::{
    ChangeRolesFilterRequest, ChangeRolesRequest, CloseClientRequest, FilterResult,
    FilterSelectRequest, FilterUnsubscribeAllRequest, GetSessionPropertiesRequest, Properties,
    SelectRequest, SessionSelectRequest, SessionUnsubscribeAllRequest, SetConflationFilterRequest,
    SetConflationRequest, SetSessionPropertiesFilterRequest, SetSessionPropertiesRequest,
    SetSessionPropertiesResponse, TopicSelections, call,
};

use super::filter_responses::read_count;
use super::{Session, SessionEventParameters, SessionEvents, session_events};
use crate::response::read;
use crate::{Registration, RequestError, Response, SessionId};

/// Looking at sessions and changing them: see [`Session::clients`]. Source: `docs/protocol.md`, 6.5.
#[derive(Clone, Copy, Debug)]
pub struct Clients<'a> {
    pub(super) session: &'a Session,
}

impl Clients<'_> {
    /// Reads properties of a session, such as `$Principal`; the keys `*F` and `*U` mean all fixed ones and all that users
    /// defined. `None` if there is no such session.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `view_session`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// if let Some(info) = session.info() {
    ///     let properties = session.clients().session_properties(info.id, &["$Principal", "$Roles"]).await?;
    ///     println!("{properties:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn session_properties(
        &self,
        session: SessionId,
        keys: &[&str],
    ) -> Response<Option<Properties>> {
        let request = GetSessionPropertiesRequest {
            session,
            keys: owned(keys),
        };
        self.session
            .shared()
            .call::<call::GetSessionProperties>(&request)
    }

    /// Sets properties of a session that users may define, and removes others. The answer is the former values of those
    /// that were there.
    ///
    /// # Errors
    /// Refused with `NoSuchSession`, or with `AccessDenied` without the permission `modify_session`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// session.clients().set_session_properties(other, &[("Mood", "merry")], &["Excuse"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_session_properties(
        &self,
        session: SessionId,
        set: &[(&str, &str)],
        remove: &[&str],
    ) -> Response<Properties> {
        let (set, remove) = changes(set, remove);
        let request = SetSessionPropertiesRequest {
            session,
            set,
            remove,
        };
        self.session
            .shared()
            .call_and_read::<call::SetSessionProperties, _>(&request, |body, version| {
                let answer: SetSessionPropertiesResponse = read(body, version)?;
                Ok(answer.former.unwrap_or_default())
            })
    }

    /// Reads properties of this session itself, as [`Clients::session_properties`]; none while there is no session.
    ///
    /// # Errors
    /// As [`Clients::session_properties`]; services may tell a session its own properties without the permission.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let properties = session.clients().own_properties(&["$Principal", "$Roles"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn own_properties(&self, keys: &[&str]) -> Response<Option<Properties>> {
        let nobody = SessionId {
            server: 0,
            local: 0,
        };
        let own = self.session.info().map_or(nobody, |info| info.id);
        self.session_properties(own, keys)
    }

    /// Sets and removes properties of all sessions that match a filter, and answers how many they are.
    ///
    /// # Errors
    /// [`RequestError::FilterRefused`] if the filter is not valid; refused with
    /// `AccessDenied` without the permissions `view_session` and `modify_session`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let guests = "$Principal is ''";
    /// session.clients().set_session_properties_by_filter(guests, &[("Mood", "merry")], &[]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_session_properties_by_filter(
        &self,
        filter: &str,
        set: &[(&str, &str)],
        remove: &[&str],
    ) -> Response<u32> {
        let (set, remove) = changes(set, remove);
        let request = SetSessionPropertiesFilterRequest {
            filter: filter.to_owned(),
            set,
            remove,
        };
        self.session
            .shared()
            .call_and_read::<call::SetSessionPropertiesFilter, _>(&request, read_selected)
    }

    /// Gives roles to a session, and takes others away, until it ends.
    ///
    /// # Errors
    /// Refused with `NoSuchSession`, or with `AccessDenied` without the permissions `view_session` and `modify_session`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// session.clients().change_roles(other, &["MODERATOR"], &["CLIENT"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn change_roles(&self, session: SessionId, add: &[&str], remove: &[&str]) -> Response<()> {
        let request = ChangeRolesRequest {
            session,
            remove: owned(remove),
            add: owned(add),
        };
        self.session.shared().call::<call::ChangeRoles>(&request)
    }

    /// Gives roles to all sessions that match a filter, takes others away, and answers how many sessions they are.
    ///
    /// # Errors
    /// As [`Clients::set_session_properties_by_filter`].
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// session.clients().change_roles_by_filter("$Principal is 'ann'", &[], &["TOPIC_CONTROL"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn change_roles_by_filter(
        &self,
        filter: &str,
        add: &[&str],
        remove: &[&str],
    ) -> Response<u32> {
        let request = ChangeRolesFilterRequest {
            filter: filter.to_owned(),
            remove: owned(remove),
            add: owned(add),
        };
        self.session
            .shared()
            .call_and_read::<call::ChangeRolesFilter, _>(&request, read_selected)
    }

    /// Subscribes another session to the topics that a selector names, as if it had selected them.
    ///
    /// # Errors
    /// Refused with `NoSuchSession`, or with `AccessDenied` without the permission `modify_session`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// session.clients().subscribe(other, ">motd").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self, session: SessionId, selector: &str) -> Response<()> {
        let selection = SelectRequest::new(selector);
        let request = SessionSelectRequest { session, selection };
        self.session
            .shared()
            .call::<call::SubscribeClient>(&request)
    }

    /// Ends subscriptions of another session.
    ///
    /// # Errors
    /// As [`Clients::subscribe`].
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// session.clients().unsubscribe(other, ">motd").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe(&self, session: SessionId, selector: &str) -> Response<()> {
        let selection = SelectRequest::new(selector);
        let request = SessionSelectRequest { session, selection };
        self.session
            .shared()
            .call::<call::UnsubscribeClient>(&request)
    }

    /// Subscribes all sessions that match a filter, and answers how many they are.
    ///
    /// # Errors
    /// As [`Clients::set_session_properties_by_filter`].
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let everybody = session.clients().subscribe_by_filter("$Principal is 'ann'", ">motd").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe_by_filter(&self, filter: &str, selector: &str) -> Response<u32> {
        let request = filter_selection(filter, selector);
        self.session
            .shared()
            .call_and_read::<call::FilterSubscribe, _>(&request, read_count)
    }

    /// Ends subscriptions of all sessions that match a filter, and answers how many sessions they are.
    ///
    /// # Errors
    /// As [`Clients::set_session_properties_by_filter`].
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// session.clients().unsubscribe_by_filter("$Principal is 'ann'", ">motd").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe_by_filter(&self, filter: &str, selector: &str) -> Response<u32> {
        let request = filter_selection(filter, selector);
        self.session
            .shared()
            .call_and_read::<call::FilterUnsubscribe, _>(&request, read_count)
    }

    /// What a session has selected: by scope (the default one is empty), the selectors in their order.
    ///
    /// # Errors
    /// Refused with `NoSuchSession`, or with `AccessDenied` without the permission `view_session`; services before 6.12
    /// cannot tell.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// for (scope, selectors) in session.clients().topic_selections(other).await?.scopes {
    ///     println!("{scope}: {selectors:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn topic_selections(&self, session: SessionId) -> Response<TopicSelections> {
        self.session
            .shared()
            .call::<call::GetTopicSelections>(&session)
    }

    /// Registers a listener of what happens to sessions: those that are open already, and those to come.
    ///
    /// # Errors
    /// [`RequestError::FilterRefused`] if the filter is not valid; refused with
    /// `AccessDenied` without the permissions `register_handler` and `view_session`. Services before 6.11 have neither
    /// filters nor times: with these the request is refused with `Unsupported`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::{SessionEvent, SessionEventParameters};
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let named = SessionEventParameters::new().filter("$Principal ne ''").properties(&["$Principal"]);
    /// let mut events = session.clients().add_session_event_listener(named).await?;
    /// while let Some(event) = events.next().await {
    ///     match event {
    ///         SessionEvent::Opened { session, properties } => println!("{session} is here: {properties:?}"),
    ///         SessionEvent::Closed { session, .. } => println!("{session} is gone"),
    ///         SessionEvent::Restarted => println!("forget who was here"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_session_event_listener(
        &self,
        parameters: SessionEventParameters,
    ) -> Registration<SessionEvents> {
        session_events::listen(self.session.shared(), parameters)
    }

    /// Turns conflation of what a session has yet to be sent on or off: whether older values may give way to newer ones.
    ///
    /// # Errors
    /// As [`Clients::subscribe`].
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// session.clients().set_conflated(other, true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_conflated(&self, session: SessionId, enabled: bool) -> Response<()> {
        let request = SetConflationRequest { session, enabled };
        self.session
            .shared()
            .call::<call::SetClientQueueConflation>(&request)
    }

    /// Turns conflation on or off for all sessions that match a filter, and answers how many they are.
    ///
    /// # Errors
    /// As [`Clients::set_session_properties_by_filter`].
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// session.clients().set_conflated_by_filter("$Country is 'NZ'", true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_conflated_by_filter(&self, filter: &str, enabled: bool) -> Response<u32> {
        let request = SetConflationFilterRequest {
            filter: filter.to_owned(),
            enabled,
        };
        self.session
            .shared()
            .call_and_read::<call::SetConflationFilter, _>(&request, read_selected)
    }

    /// Ends subscriptions of another session, whatever scope selected them.
    ///
    /// # Errors
    /// As [`Clients::subscribe`]; services before 6.12 do not have it.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// session.clients().unsubscribe_all_scopes(other, ">motd").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe_all_scopes(&self, session: SessionId, selector: &str) -> Response<()> {
        let request = SessionUnsubscribeAllRequest {
            selector: selector.to_owned(),
            session,
        };
        self.session
            .shared()
            .call::<call::UnsubscribeClientAllScopes>(&request)
    }

    /// Ends subscriptions of all sessions that match a filter, whatever scope selected them, and answers how many sessions
    /// they are.
    ///
    /// # Errors
    /// As [`Clients::set_session_properties_by_filter`]; services before 6.12 do not have it.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// session.clients().unsubscribe_all_scopes_by_filter("$Principal is 'ann'", ">motd").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe_all_scopes_by_filter(&self, filter: &str, selector: &str) -> Response<u32> {
        let request = FilterUnsubscribeAllRequest {
            selector: selector.to_owned(),
            filter: filter.to_owned(),
        };
        self.session
            .shared()
            .call_and_read::<call::FilterUnsubscribeAllScopes, _>(&request, read_count)
    }

    /// Closes all sessions that match a filter, and answers how many they are.
    ///
    /// # Errors
    /// As [`Clients::set_session_properties_by_filter`].
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let closed = session.clients().close_by_filter("$Principal is 'ann'").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn close_by_filter(&self, filter: &str) -> Response<u32> {
        self.session
            .shared()
            .call_and_read::<call::CloseClientFilter, _>(&filter.to_owned(), read_selected)
    }

    /// Closes a session.
    ///
    /// # Errors
    /// Refused with `NoSuchSession`, or with `AccessDenied` without the permission `modify_session`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// session.clients().close(other).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn close(&self, session: SessionId) -> Response<()> {
        let request = CloseClientRequest {
            session,
            reason: None,
        };
        self.session.shared().call::<call::CloseClient>(&request)
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// What to set and what to remove, as a request has it.
fn changes(set: &[(&str, &str)], remove: &[&str]) -> (Option<Properties>, Option<Vec<String>>) {
    let set: Properties = set
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let set = (!set.is_empty()).then_some(set);
    (set, (!remove.is_empty()).then(|| owned(remove)))
}

fn filter_selection(filter: &str, selector: &str) -> FilterSelectRequest {
    FilterSelectRequest {
        filter: filter.to_owned(),
        selection: SelectRequest::new(selector),
    }
}

fn read_selected(body: Bytes, version: ProtocolVersion) -> Result<u32, RequestError> {
    let result: FilterResult = read(body, version)?;
    if result.errors.is_empty() {
        Ok(result.selected)
    } else {
        Err(RequestError::FilterRefused(result.errors))
    }
}
