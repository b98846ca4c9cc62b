//! The stores of principals and permissions.

use core::fmt::Display;

use effusion_protocol::body::{ScriptError, SecurityStore, SystemAuthenticationStore, call};

use super::Session;
use crate::RequestError;

/// The stores of principals and permissions: see [`Session::security`].
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
    pub async fn update_authentication_store<S: Display + ?Sized>(
        &self,
        script: &S,
    ) -> Result<(), RequestError> {
        let script = script.to_string();
        carried_out(
            self.session
                .shared()
                .call::<call::UpdateSystemAuthentication>(&script)
                .await?,
        )
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
    pub async fn update_security_store<S: Display + ?Sized>(
        &self,
        script: &S,
    ) -> Result<(), RequestError> {
        let script = script.to_string();
        carried_out(
            self.session
                .shared()
                .call::<call::UpdateSecurity>(&script)
                .await?,
        )
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
    pub async fn authentication_store(&self) -> Result<SystemAuthenticationStore, RequestError> {
        self.session
            .shared()
            .call::<call::GetSystemAuthentication>(&())
            .await
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
    pub async fn security_store(&self) -> Result<SecurityStore, RequestError> {
        self.session.shared().call::<call::GetSecurity>(&()).await
    }
}

/// A script was carried out if the service has nothing to say against it.
fn carried_out(errors: Vec<ScriptError>) -> Result<(), RequestError> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(RequestError::ScriptRefused(errors))
    }
}
