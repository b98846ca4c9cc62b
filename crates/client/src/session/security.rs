//! The stores of principals and permissions.

use effusion_protocol::body::{ScriptError, call};

use super::Session;
use crate::RequestError;

/// The stores of principals and permissions: see [`Session::security`].
#[derive(Clone, Copy, Debug)]
pub struct Security<'a> {
    pub(super) session: &'a Session,
}

impl Security<'_> {
    /// Changes the system authentication store by a script, all of it or nothing.
    ///
    /// The answer is what is wrong with the script; if it is empty, the script was carried out.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `modify_security`.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let errors = session
    ///     .security()
    ///     .update_authentication_store("add principal \"ann\" \"secret\" [\"CLIENT\"]")
    ///     .await?;
    /// assert!(errors.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_authentication_store(
        &self,
        script: &str,
    ) -> Result<Vec<ScriptError>, RequestError> {
        let script = script.to_owned();
        self.session
            .shared()
            .call::<call::UpdateSystemAuthentication>(&script)
            .await
    }

    /// Changes the security store (roles and permissions) by a script, all of it or nothing.
    ///
    /// The answer is what is wrong with the script; if it is empty, the script was carried out.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `modify_security`.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let errors = session
    ///     .security()
    ///     .update_security_store("set \"CLIENT\" default path permissions [READ_TOPIC]")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_security_store(
        &self,
        script: &str,
    ) -> Result<Vec<ScriptError>, RequestError> {
        let script = script.to_owned();
        self.session
            .shared()
            .call::<call::UpdateSecurity>(&script)
            .await
    }
}
