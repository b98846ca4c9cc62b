//! The principals of a folder that no sandbox uses: for instance before it serves others for the first time. While a sandbox runs,
//! they are changed by its clients, as those of any Diffusion service.

use std::path::Path;

use effusion_broker::{AuthenticationPolicy, Principal, StoreOp};
use thiserror::Error;

use crate::clock::Clock;
use crate::server;
use crate::store::{Database, StoreError};
use effusion_host::password::{self, HashError};

/// Why a principal was not changed.
#[derive(Debug, Error)]
pub enum PrincipalError {
    /// The folder cannot be used, or another sandbox uses it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such principal.
    #[error("there is no principal \"{name}\": there are {known}")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names of those that there are.
        known: String,
    },
    /// A password must not be empty.
    #[error("the password is empty: write it into the standard input, in one line")]
    Empty,
    /// The password could not be hashed.
    #[error("the password cannot be stored: {0}")]
    Hash(#[from] HashError),
}

/// Gives a principal of a folder another password. A folder that does not exist is made first, with the principals for development.
///
/// # Errors
/// See [`PrincipalError`].
pub fn set_password(folder: &Path, name: &str, password: &str) -> Result<(), PrincipalError> {
    if password.is_empty() {
        return Err(PrincipalError::Empty);
    }
    let (mut database, principal, _) = find(folder, name)?;
    let changed = StoreOp::PutPrincipal(Principal {
        password_hash: password::hash(password)?,
        revoked_ms: Some(now_ms()),
        ..principal
    });
    Ok(database.apply([&changed]).map_err(StoreError::from)?)
}

/// Removes a principal of a folder.
///
/// # Errors
/// See [`PrincipalError`].
pub fn remove(folder: &Path, name: &str) -> Result<(), PrincipalError> {
    let (mut database, _, mut policy) = find(folder, name)?;
    policy.revoke([name.to_owned()], now_ms());
    let removed = StoreOp::RemovePrincipal {
        name: name.to_owned(),
    };
    let applied = database.apply([&removed, &StoreOp::PutAuthentication(policy)]);
    Ok(applied.map_err(StoreError::from)?)
}

/// Since 1970: what was issued to a principal before it got another password, or was removed, says nothing any more.
fn now_ms() -> u64 {
    Clock::start().now().wall_ms
}

fn find(
    folder: &Path,
    name: &str,
) -> Result<(Database, Principal, AuthenticationPolicy), PrincipalError> {
    let (database, snapshot) = server::open_folder(folder)?;
    let principals = snapshot.principals;
    let known = || {
        let names: Vec<&str> = principals.iter().map(|it| it.name.as_str()).collect();
        names.join(", ")
    };
    let found = principals.iter().find(|it| it.name == name).cloned();
    let principal = found.ok_or_else(|| PrincipalError::Unknown {
        name: name.to_owned(),
        known: known(),
    })?;
    Ok((database, principal, snapshot.authentication))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    #[test]
    fn passwords_are_changed_and_principals_removed() {
        let folder = tempfile::tempdir().unwrap();
        set_password(folder.path(), "admin", "a long secret").unwrap();
        remove(folder.path(), "user").unwrap();
        let (database, snapshot) = server::open_folder(folder.path()).unwrap();
        // Tokens from before are revoked, as when a client changes the store of a sandbox that runs.
        let revoked: Vec<&String> = snapshot.authentication.revoked.keys().collect();
        assert_eq!(revoked, ["user"]);
        let principals = snapshot.principals;
        let admin = principals.iter().find(|it| it.name == "admin").unwrap();
        assert!(admin.revoked_ms.is_some());
        let is = |password| password::verify(&admin.password_hash, password);
        assert_eq!(is("a long secret"), Ok(true));
        assert_eq!(is("password"), Ok(false));
        assert!(admin.roles.contains("ADMINISTRATOR"));
        assert!(principals.iter().all(|it| it.name != "user"));
        assert!(matches!(
            set_password(folder.path(), "admin", "another one"),
            Err(PrincipalError::Store(_))
        ));
        drop(database);
        let unknown = remove(folder.path(), "user").unwrap_err().to_string();
        assert!(
            unknown.starts_with("there is no principal \"user\": there are "),
            "{unknown}"
        );
        assert!(matches!(
            set_password(folder.path(), "admin", ""),
            Err(PrincipalError::Empty)
        ));
    }
}
