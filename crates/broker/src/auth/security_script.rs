//! What a script does to the security store.

use effusion_protocol::TopicPath;
use effusion_protocol::body::ScriptError;
use effusion_protocol::script::{Placed, ScriptErrors, SecurityCommand as Command};
use std::collections::BTreeSet;

use crate::{Role, SecurityStore};

/// The most roles, and the most paths of a role.
const MAX_ENTRIES: usize = 10_000;

/// The store after a script.
///
/// # Errors
/// What is wrong with the script's commands, in their order.
pub(crate) fn apply(
    store: &SecurityStore,
    by: Option<&str>,
    commands: &[Placed<Command>],
) -> Result<SecurityStore, Vec<ScriptError>> {
    let mut store = store.clone();
    let mut mistakes = Vec::new();
    for placed in commands {
        if let Err(message) = run(&mut store, by, &placed.command) {
            mistakes.push(placed.error(message));
            if mistakes.len() == ScriptErrors::MAX {
                break;
            }
        }
    }
    if mistakes.is_empty() {
        Ok(store)
    } else {
        Err(mistakes)
    }
}

/// A role that the session may change; it comes to be by being named.
fn role<'s>(
    store: &'s mut SecurityStore,
    by: Option<&str>,
    name: &str,
) -> Result<&'s mut Role, String> {
    if name.is_empty() {
        return Err("A role's name cannot be empty".to_owned());
    }
    if store.roles.len() >= MAX_ENTRIES && !store.roles.contains_key(name) {
        return Err("The store holds as many roles as it may".to_owned());
    }
    let role = store.roles.entry(name.to_owned()).or_default();
    match &role.locked_by {
        // Not by whom: that is for those who may view the store.
        Some(lock) if by != Some(lock) => {
            Err(format!("The role '{name}' is locked by another principal"))
        }
        _ => Ok(role),
    }
}

fn normal_path(path: &str) -> Result<String, String> {
    TopicPath::new(path)
        .map(|path| path.to_string())
        .map_err(|why| format!("'{path}' is not a path: {why}"))
}

fn set(names: &[String]) -> BTreeSet<String> {
    names.iter().cloned().collect()
}

fn run(store: &mut SecurityStore, by: Option<&str>, command: &Command) -> Result<(), String> {
    match command {
        Command::SetRolesForAnonymousSessions { roles } => store.anonymous_roles = set(roles),
        Command::SetRolesForNamedSessions { roles } => store.named_roles = set(roles),
        Command::SetGlobalPermissions {
            role: name,
            permissions,
        } => role(store, by, name)?.global = permissions.iter().copied().collect(),
        Command::SetDefaultPathPermissions {
            role: name,
            permissions,
        } => role(store, by, name)?.default_path = permissions.iter().copied().collect(),
        Command::SetPathPermissions {
            role: name,
            path,
            permissions,
        } => {
            let path = normal_path(path)?;
            let paths = &mut role(store, by, name)?.paths;
            if paths.len() >= MAX_ENTRIES && !paths.contains_key(&path) {
                return Err(format!("The role '{name}' has as many paths as it may"));
            }
            paths.insert(path, permissions.iter().copied().collect());
        }
        Command::RemovePathPermissions { role: name, path } => {
            role(store, by, name)?.paths.remove(&normal_path(path)?);
        }
        Command::SetRoleIncludes {
            role: name,
            includes,
        } => {
            role(store, by, name)?.includes = set(includes);
            // A role cannot include itself, be it by way of others (source: the manual).
            if store.with_included(&set(includes)).contains(name) {
                return Err(format!("The role '{name}' would include itself"));
            }
        }
        Command::LockRole {
            role: name,
            principal,
        } => role(store, by, name)?.locked_by = Some(principal.clone()),
        Command::IsolatePath { path } => {
            if store.isolated_paths.len() >= MAX_ENTRIES {
                return Err("The store holds as many isolated paths as it may".to_owned());
            }
            store.isolated_paths.insert(normal_path(path)?);
        }
        Command::DeisolatePath { path } => {
            store.isolated_paths.remove(&normal_path(path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use effusion_protocol::body::PathPermission;
    use effusion_protocol::script::SecurityScript;

    fn after(script: &str, by: &str) -> Result<SecurityStore, Vec<(u32, u32)>> {
        let commands = SecurityScript::parse_placed(script).unwrap();
        apply(&SecurityStore::default(), Some(by), &commands)
            .map_err(|it| it.iter().map(|it| (it.line, it.column)).collect())
    }

    #[test]
    fn a_script_changes_the_store() {
        let store = after(
            "set 'A' permissions [VIEW_SESSION]\nset 'A' default path permissions [READ_TOPIC]\n\
             set 'A' path '/a/b/' permissions [UPDATE_TOPIC]\nset 'B' includes ['A']\n\
             isolate path 'a/c'\nset roles for named sessions ['A']",
            "admin",
        )
        .unwrap();
        assert_eq!(
            store.roles["A"].paths["a/b"],
            [PathPermission::UpdateTopic].into()
        );
        assert!(store.isolated_paths.contains("a/c"));
        assert!(store.named_roles.contains("A"));
        assert_eq!(store.with_included(&["B".to_owned()].into()).len(), 2);
    }

    #[test]
    fn mistakes_are_told_with_their_places() {
        assert_eq!(after("set 'A' includes ['A']", "x"), Err(vec![(1, 1)]));
        assert_eq!(
            after(
                "set 'A' includes ['B']\nset 'B' includes ['C']\nset 'C' includes ['A']",
                "x"
            ),
            Err(vec![(3, 1)])
        );
        assert_eq!(
            after(
                "set role 'A' locked by principal 'boss'\nset 'A' permissions []",
                "x"
            ),
            Err(vec![(2, 1)])
        );
        assert!(
            after(
                "set role 'A' locked by principal 'boss'\nset 'A' permissions []",
                "boss"
            )
            .is_ok()
        );
        assert_eq!(after("isolate path 'a//b'", "x"), Err(vec![(1, 1)]));
        assert_eq!(after("set '' permissions []", "x"), Err(vec![(1, 1)]));
    }
}
