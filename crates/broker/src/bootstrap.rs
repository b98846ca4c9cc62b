//! What a new store starts with: Diffusion's default principals and roles, and the tutorial's.

use std::collections::BTreeSet;

use effusion_protocol::body::{GlobalPermission, PathPermission};

use crate::{AnonymousPolicy, AuthenticationPolicy, Principal, Role, SecurityStore, Snapshot};

/// The role that lets `auth-handler` change the authentication store. Diffusion's AUTHENTICATION_HANDLER does not
/// include that right, and the tutorial gives it in the console.
pub const REGISTRAR: &str = "PRINCIPAL_REGISTRAR";

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
    ("auth-handler", &["AUTHENTICATION_HANDLER", REGISTRAR]),
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
                revoked_ms: None,
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
        security: chat_security(),
    })
}

/// The branch of the topic tree where the chat's rooms are.
const CHAT_BRANCH: &str = "Chat";

/// The branch with the inboxes of principals.
const DIRECT_BRANCH: &str = "Effusion/direct";

/// The branch with the chat's rules of moderation and what moderators did: nobody's but theirs.
const MODERATION_BRANCH: &str = "Effusion/moderation";

/// [`default_security`], and what the chat needs besides: none of Diffusion's default roles may edit events, and whoever may
/// write in a room is to be able to mend what they wrote there, and administrators to moderate.
fn chat_security() -> SecurityStore {
    let mut security = default_security();
    let more = [
        (
            "TOPIC_CONTROL",
            &[PathPermission::EditOwnTimeSeriesEvents] as &[_],
        ),
        (
            "ADMINISTRATOR",
            &[
                PathPermission::EditTimeSeriesEvents,
                PathPermission::QueryObsoleteTimeSeriesEvents,
            ],
        ),
    ];
    for (name, more) in more {
        if let Some(role) = security.roles.get_mut(name) {
            // The nearest path alone counts, so that all the others are named again.
            let mut permissions = role.default_path.clone();
            permissions.extend(more);
            role.paths.insert(CHAT_BRANCH.to_owned(), permissions);
        }
    }
    // Whoever has an account can subscribe to an inbox of its own, which it may read as its owner; whoever may write can
    // make inboxes and add to them; nobody may read them because of a role.
    security.isolated_paths.insert(DIRECT_BRANCH.to_owned());
    let select = [PathPermission::SelectTopic].into();
    let write: BTreeSet<_> = [
        PathPermission::SelectTopic,
        PathPermission::UpdateTopic,
        PathPermission::ModifyTopic,
    ]
    .into();
    for (name, permissions) in [
        ("CLIENT", &select),
        ("TOPIC_CONTROL", &write),
        ("ADMINISTRATOR", &write),
    ] {
        if let Some(role) = security.roles.get_mut(name) {
            role.paths
                .insert(DIRECT_BRANCH.to_owned(), permissions.clone());
        }
    }
    security.isolated_paths.insert(MODERATION_BRANCH.to_owned());
    if let Some(role) = security.roles.get_mut("ADMINISTRATOR") {
        let permissions = role.default_path.clone();
        role.paths.insert(MODERATION_BRANCH.to_owned(), permissions);
    }
    security
}

/// Diffusion's default roles and what they may do (source: the manual's table of pre-defined roles), and
/// [`REGISTRAR`]'s.
#[must_use]
pub fn default_security() -> SecurityStore {
    use GlobalPermission as Global;
    use PathPermission as Path;
    const EVERY_ROLE: [Path; 3] = [
        Path::SelectTopic,
        Path::ReadTopic,
        Path::SendToMessageHandler,
    ];
    let role = |global: &[Global], more: &[Path], server_branch: &[Path]| Role {
        global: global.iter().copied().collect(),
        default_path: EVERY_ROLE.iter().chain(more).copied().collect(),
        // The server's own branch is not for everyone.
        paths: [(
            SERVER_BRANCH.to_owned(),
            server_branch.iter().copied().collect(),
        )]
        .into(),
        ..Role::default()
    };
    let roles = [
        ("CLIENT", role(&[], &[], &[])),
        (
            "TOPIC_CONTROL",
            role(
                &[Global::ReadTopicViews, Global::ModifyTopicViews],
                &[Path::ModifyTopic, Path::UpdateTopic, Path::AcquireLock],
                &[],
            ),
        ),
        (
            "CLIENT_CONTROL",
            role(
                &[
                    Global::ViewSession,
                    Global::ModifySession,
                    Global::RegisterHandler,
                ],
                &[Path::SendToSession, Path::AcquireLock],
                &[],
            ),
        ),
        (
            "AUTHENTICATION_HANDLER",
            role(&[Global::Authenticate, Global::RegisterHandler], &[], &[]),
        ),
        (
            "OPERATOR",
            Role {
                includes: ["CLIENT".to_owned()].into(),
                ..role(&[Global::ViewSession, Global::ViewServer], &[], &EVERY_ROLE)
            },
        ),
        (
            "ADMINISTRATOR",
            role(
                &[
                    Global::ViewSession,
                    Global::ModifySession,
                    Global::RegisterHandler,
                    Global::ViewSecurity,
                    Global::ModifySecurity,
                    Global::ViewServer,
                    Global::ControlServer,
                    Global::ReadTopicViews,
                    Global::ModifyTopicViews,
                ],
                &[
                    Path::ModifyTopic,
                    Path::UpdateTopic,
                    Path::SendToSession,
                    Path::AcquireLock,
                    Path::EditTimeSeriesEvents,
                    Path::ExposeBranch,
                ],
                &[
                    Path::SelectTopic,
                    Path::ReadTopic,
                    Path::SendToMessageHandler,
                    Path::ModifyTopic,
                    Path::UpdateTopic,
                ],
            ),
        ),
        (
            REGISTRAR,
            Role {
                global: [Global::ViewSecurity, Global::ModifySecurity].into(),
                ..Role::default()
            },
        ),
    ];
    SecurityStore {
        roles: roles
            .into_iter()
            .map(|(name, role)| (name.to_owned(), role))
            .collect(),
        anonymous_roles: ["CLIENT".to_owned()].into(),
        // Not for named sessions, though there is weak evidence for it: docs/protocol.md says why.
        ..SecurityStore::default()
    }
}

/// The branch of the topic tree where a Diffusion server publishes about itself.
const SERVER_BRANCH: &str = "Diffusion";

/// The principals of a store that bear the name of one that a new store starts with: check their hashes against
/// [`DEVELOPMENT_PASSWORD`] before listening on an address that others can reach.
pub fn development_named(snapshot: &Snapshot) -> impl Iterator<Item = &Principal> {
    snapshot.principals.iter().filter(|principal| {
        DEVELOPMENT_PRINCIPALS
            .iter()
            .any(|(name, _)| *name == principal.name)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;
    use crate::auth::Rights;
    use PathPermission::{ModifyTopic, ReadTopic, SelectTopic, UpdateTopic};

    #[test]
    fn no_role_reads_inboxes_and_those_who_write_add_to_them() {
        let security = chat_security();
        let all: BTreeSet<String> = security.roles.keys().cloned().collect();
        let rights = |roles: &BTreeSet<String>| Rights::of(&security, roles);
        let of = |role: &str| rights(&[role.to_owned()].into());
        let inbox = "Effusion/direct/ann";
        assert!(!rights(&all).has(ReadTopic, inbox));
        for role in ["TOPIC_CONTROL", "ADMINISTRATOR"] {
            for permission in [SelectTopic, UpdateTopic, ModifyTopic] {
                assert!(of(role).has(permission, inbox), "{role}");
            }
        }
        assert!(of("CLIENT").has(SelectTopic, inbox));
        for permission in [UpdateTopic, ModifyTopic] {
            assert!(!of("CLIENT").has(permission, inbox));
        }
        for permission in [ReadTopic, UpdateTopic, ModifyTopic] {
            assert!(!of("OPERATOR").has(permission, inbox));
        }
        // Its owner reads it, and nobody else does.
        let mine = |who| of("CLIENT").allow(ReadTopic, inbox, Some(who), Some("ann"));
        assert!(mine("ann") && !mine("bob"));
        assert!(!of("CLIENT").allow(ReadTopic, inbox, None, Some("ann")));
    }
}
