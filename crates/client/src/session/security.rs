//! The stores of principals and permissions.

use core::fmt::Display;

use bytes::Bytes;
use effusion_protocol::body::{
    ChangePrincipalRequest, GlobalPermission, PathPermission, ReauthenticateRequest, ScriptError,
    SecurityStore, SystemAuthenticationStore, call,
};
use effusion_protocol::{Credentials, ProtocolVersion, SessionId};

use super::{AuthenticationRequests, Session, authenticator};
use crate::response::read;
use crate::shared::Shared;
use crate::{Registration, RequestError, Response};

/// The stores of principals and permissions: see [`Session::security`]. Source: `docs/protocol.md`, 5.
#[derive(Clone, Copy, Debug)]
pub struct Security<'a> {
    pub(super) session: &'a Session,
}

impl Security<'_> {
    /// Changes the system authentication store by a script: all of it, or nothing.
    ///
    /// The script is text, or an [`AuthenticationScript`](crate::AuthenticationScript), which puts names and passwords in
    /// the right quotes.
    ///
    /// # Errors
    /// [`RequestError::ScriptRefused`] with all that is wrong with the script; refused with `AccessDenied` without the
    /// permission `modify_security`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::AuthenticationScript;
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let script = AuthenticationScript::new().add_principal("ann", "secret", &["CLIENT", "TOPIC_CONTROL"]);
    /// session.security().update_authentication_store(&script).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_authentication_store<S: Display + ?Sized>(&self, script: &S) -> Response<()> {
        self.session
            .shared()
            .call_and_read::<call::UpdateSystemAuthentication, _>(&script.to_string(), carried_out)
    }

    /// Changes the security store (roles and permissions) by a script: all of it, or nothing.
    ///
    /// The script is text, or a [`SecurityScript`](crate::SecurityScript).
    ///
    /// # Errors
    /// As [`Security::update_authentication_store`].
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let script = "set 'CLIENT' default path permissions [READ_TOPIC SELECT_TOPIC]";
    /// session.security().update_security_store(script).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_security_store<S: Display + ?Sized>(&self, script: &S) -> Response<()> {
        self.session
            .shared()
            .call_and_read::<call::UpdateSecurity, _>(&script.to_string(), carried_out)
    }

    /// Reads the system authentication store: principals and their roles, without passwords.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `view_security`.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let store = session.security().authentication_store().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn authentication_store(&self) -> Response<SystemAuthenticationStore> {
        self.session
            .shared()
            .call::<call::GetSystemAuthentication>(&())
    }

    /// Reads the security store: roles and their permissions.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `view_security`.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let store = session.security().security_store().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn security_store(&self) -> Response<SecurityStore> {
        self.session.shared().call::<call::GetSecurity>(&())
    }

    /// The session's own permissions that have nothing to do with a path. Services before 6.3 cannot tell.
    ///
    /// # Errors
    /// See [`RequestError`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::GlobalPermission;
    ///
    /// let own = session.security().global_permissions().await?;
    /// if own.contains(&GlobalPermission::ModifySession) {
    ///     println!("this is a moderator");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn global_permissions(&self) -> Response<Vec<GlobalPermission>> {
        self.session
            .shared()
            .call::<call::GetGlobalPermissions>(&())
    }

    /// The session's own permissions at a path. Services before 6.5 cannot tell.
    ///
    /// # Errors
    /// See [`RequestError`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::PathPermission;
    ///
    /// let own = session.security().path_permissions("Chat/room").await?;
    /// let writes = own.contains(&PathPermission::UpdateTopic);
    /// # Ok(())
    /// # }
    /// ```
    pub fn path_permissions(&self, path: &str) -> Response<Vec<PathPermission>> {
        self.session
            .shared()
            .call::<call::GetPathPermissions>(&path.to_owned())
    }

    /// Makes this session another principal's, or proves again that it is its own. The answer is whether the service
    /// accepts the credentials; if so, they are used when the connection is lost and comes back.
    ///
    /// # Errors
    /// See [`RequestError`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::Credentials;
    ///
    /// let password = Credentials::Password("password".to_owned());
    /// if session.security().change_principal("admin", password).await? {
    ///     println!("this is the administrator now");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn change_principal(
        &self,
        principal: &str,
        credentials: Credentials,
    ) -> Result<bool, RequestError> {
        let shared = self.session.shared();
        let accepted = change_principal(shared, principal, &credentials).await?;
        if accepted {
            let parts = shared.lock();
            let mut machine = parts.machine.borrow_mut();
            machine.set_principal(principal, credentials);
        }
        Ok(accepted)
    }

    /// Makes this session an authenticator: it decides, with others, who may open a session. `name` is one of those that the
    /// service's configuration has, such as `before-system-handler`.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permissions `authenticate` and `register_handler`, with `HandlerConflict` if
    /// this session is an authenticator of this name already, and if the service does not have the name.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::Credentials;
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let mut requests = session.security().set_authenticator("before-system-handler").await?;
    /// while let Some(request) = requests.next().await {
    ///     match (request.principal.as_str(), request.credentials) {
    ///         ("mallory", _) => request.responder.deny(),
    ///         ("ann", Credentials::Password(password)) if password == "sesame" => {
    ///             request.responder.allow(&[("$Roles", "\"CLIENT\""), ("Team", "blue")]);
    ///         }
    ///         _ => request.responder.abstain(),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_authenticator(&self, name: &str) -> Registration<AuthenticationRequests> {
        authenticator::register(self.session.shared(), name)
    }

    /// Takes another session's authentication back, which closes it at once.
    ///
    /// # Errors
    /// Refused with `NoSuchSession`, or with `AccessDenied` without the permissions `authenticate` and
    /// `modify_session`; services before 6.12 do not have it.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// session.security().revoke_authentication(other).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn revoke_authentication(&self, session: SessionId) -> Response<()> {
        self.session
            .shared()
            .call::<call::RevokeAuthentication>(&session)
    }
}

/// A script was carried out if the service has nothing to say against it.
fn carried_out(body: Bytes, version: ProtocolVersion) -> Result<(), RequestError> {
    let errors: Vec<ScriptError> = read(body, version)?;
    if errors.is_empty() {
        Ok(())
    } else {
        Err(RequestError::ScriptRefused(errors))
    }
}

/// The first version whose service to change the principal takes properties (6.12; source: the SDK).
const FIRST_WITH_REAUTHENTICATION: u8 = 29;

fn change_principal(shared: &Shared, principal: &str, credentials: &Credentials) -> Response<bool> {
    let (principal, credentials) = (principal.to_owned(), credentials.clone());
    if shared.version().number() < FIRST_WITH_REAUTHENTICATION {
        return shared.call::<call::ChangePrincipal>(&ChangePrincipalRequest {
            principal,
            credentials,
        });
    }
    shared.call::<call::Reauthenticate>(&ReauthenticateRequest {
        principal,
        credentials,
        proposed: Vec::new(),
    })
}
