//! Looking at sessions and changing them.

use effusion_protocol::body::{
    CloseClientRequest, GetSessionPropertiesRequest, Properties, SetSessionPropertiesRequest,
    SetSessionPropertiesResponse, call,
};

use super::Session;
use crate::response::read;
use crate::{Response, SessionId};

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
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
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
        let set: Properties = set
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let remove: Vec<String> = remove.iter().map(|key| (*key).to_owned()).collect();
        let request = SetSessionPropertiesRequest {
            session,
            set: (!set.is_empty()).then_some(set),
            remove: (!remove.is_empty()).then_some(remove),
        };
        self.session
            .shared()
            .call_and_read::<call::SetSessionProperties, _>(&request, |body, version| {
                let answer: SetSessionPropertiesResponse = read(body, version)?;
                Ok(answer.former.unwrap_or_default())
            })
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
