//! The stores of principals and permissions.

use core::fmt::Display;

use bytes::Bytes;
use effusion_protocol::ProtocolVersion;
use effusion_protocol::body::{ScriptError, SecurityStore, SystemAuthenticationStore, call};

use super::Session;
use crate::response::read;
use crate::{RequestError, Response};

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
