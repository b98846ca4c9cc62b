//! What a new store starts with: Diffusion's default principals and roles, and the tutorial's.

use crate::{AnonymousPolicy, AuthenticationPolicy, Principal, SecurityStore, Snapshot};

/// The password of all principals that a new store starts with.
pub const DEVELOPMENT_PASSWORD: &str = "password";

/// The principals that a new store starts with, and their roles.
///
/// `client`, `control`, `admin` and `operator` are Diffusion's (source: the manual); `user` and `auth-handler` are
/// the chat tutorial's.
pub const DEVELOPMENT_PRINCIPALS: &[(&str, &[&str])] = &[
    ("client", &["CLIENT"]),
    (
        "control",
        &["CLIENT_CONTROL", "TOPIC_CONTROL", "AUTHENTICATION_HANDLER"],
    ),
    ("admin", &["ADMINISTRATOR"]),
    ("operator", &["OPERATOR"]),
    ("user", &["CLIENT", "TOPIC_CONTROL"]),
    ("auth-handler", &["AUTHENTICATION_HANDLER"]),
];

/// What a new store starts with. `hash` hashes [`DEVELOPMENT_PASSWORD`]; it is called once a principal, so that each
/// has a salt of its own.
///
/// # Errors
/// What `hash` returns.
pub fn development_snapshot<E>(
    mut hash: impl FnMut(&str) -> Result<String, E>,
) -> Result<Snapshot, E> {
    let principals = DEVELOPMENT_PRINCIPALS
        .iter()
        .map(|(name, roles)| {
            Ok(Principal {
                name: (*name).to_owned(),
                password_hash: hash(DEVELOPMENT_PASSWORD)?,
                roles: roles.iter().map(|role| (*role).to_owned()).collect(),
                locked_by: None,
            })
        })
        .collect::<Result<_, E>>()?;
    Ok(Snapshot {
        topics: Vec::new(),
        principals,
        authentication: AuthenticationPolicy {
            anonymous: AnonymousPolicy::Allow(["CLIENT".to_owned()].into()),
            ..AuthenticationPolicy::default()
        },
        security: default_security(),
    })
}

/// Diffusion's default roles and what they may do.
#[must_use]
pub fn default_security() -> SecurityStore {
    SecurityStore::default()
}

/// The principals of a store that bear the name of one that a new store starts with: check their hashes against
/// [`DEVELOPMENT_PASSWORD`] before listening on an address that others can reach.
pub fn development_named(snapshot: &Snapshot) -> impl Iterator<Item = &Principal> {
    snapshot.principals.iter().filter(|principal| {
        DEVELOPMENT_PRINCIPALS
            .iter()
            .any(|(name, _)| *name == principal.name)
    })
}
