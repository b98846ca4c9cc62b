//! The rights of a set of roles, worked out once and asked often.

use effusion_protocol::body::{GlobalPermission, PathPermission};
use std::collections::{BTreeMap, BTreeSet};

use super::SecurityStore;
use crate::topics::MAX_PATH;

/// What sessions with a certain set of roles may do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    global: u16,
    default_path: u16,
    /// By path, together for all roles; a path without an entry inherits.
    paths: BTreeMap<String, u16>,
    isolated: BTreeSet<String>,
}

impl Rights {
    /// The rights of these roles and all that they include.
    pub(crate) fn of(store: &SecurityStore, roles: &BTreeSet<String>) -> Self {
        let mut rights = Self {
            isolated: store.isolated_paths.clone(),
            ..Self::default()
        };
        for name in store.with_included(roles) {
            let Some(role) = store.roles.get(&name) else {
                continue;
            };
            rights.global |= role
                .global
                .iter()
                .fold(0, |bits, it| bits | global_bit(*it));
            rights.default_path |= bits(&role.default_path);
            for (path, permissions) in &role.paths {
                *rights.paths.entry(path.clone()).or_default() |= bits(permissions);
            }
        }
        rights
    }

    pub(crate) const fn has_global(&self, permission: GlobalPermission) -> bool {
        self.global & global_bit(permission) != 0
    }

    pub(crate) fn global(&self) -> impl Iterator<Item = GlobalPermission> {
        GlobalPermission::ALL
            .iter()
            .copied()
            .filter(|permission| self.has_global(*permission))
    }

    pub(crate) fn has(&self, permission: PathPermission, path: &str) -> bool {
        self.bits_at(path) & bit(permission) != 0
    }

    /// Whether a session with these rights has a permission at a topic's path. The topic's owner has some whatever its
    /// roles (source: the API documentation, OWNER).
    pub(crate) fn allow(
        &self,
        permission: PathPermission,
        path: &str,
        principal: Option<&str>,
        owner: Option<&str>,
    ) -> bool {
        self.has(permission, path)
            || (owner.is_some()
                && owner == principal
                && matches!(
                    permission,
                    PathPermission::ReadTopic
                        | PathPermission::UpdateTopic
                        | PathPermission::ModifyTopic
                ))
    }

    /// Whether a session with these rights may remove the topic at a path. A topic with an owner is its owner's: to remove that
    /// of another principal takes MODIFY_SECURITY besides MODIFY_TOPIC, as whoever has that could become its owner. This rule is
    /// the sandbox's own (see SECURITY.md).
    pub(crate) fn allow_removal(
        &self,
        path: &str,
        principal: Option<&str>,
        owner: Option<&str>,
    ) -> bool {
        let is_others = owner.is_some() && owner != principal;
        self.allow(PathPermission::ModifyTopic, path, principal, owner)
            && (!is_others || self.has_global(GlobalPermission::ModifySecurity))
    }

    pub(crate) fn at(&self, path: &str) -> impl Iterator<Item = PathPermission> {
        let bits = self.bits_at(path);
        PathPermission::ALL
            .iter()
            .copied()
            .filter(move |permission| bits & bit(*permission) != 0)
    }

    /// Whether the permission is held at a path and at every path below it, assigned or not.
    pub(crate) fn has_throughout(&self, permission: PathPermission, path: &str) -> bool {
        let below = |other: &str| {
            path.is_empty()
                || other
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        self.has(permission, path)
            && self
                .paths
                .iter()
                .all(|(other, bits)| !below(other) || bits & bit(permission) != 0)
            && self
                .isolated
                .iter()
                .all(|other| !below(other) || self.has(permission, other))
    }

    /// The nearest assignment, from the path upwards, is the only one that counts (source: the API documentation,
    /// "Evaluation of path permissions").
    fn bits_at(&self, path: &str) -> u16 {
        // Topics cannot have such paths, and looking for an assignment takes a step for each part.
        if path.len() > MAX_PATH {
            return 0;
        }
        if self.paths.is_empty() && self.isolated.is_empty() {
            return self.default_path;
        }
        let mut path = path;
        while !path.is_empty() {
            if let Some(bits) = self.paths.get(path) {
                return *bits;
            }
            if self.isolated.contains(path) {
                return 0;
            }
            path = path.rfind('/').map_or("", |slash| &path[..slash]);
        }
        self.default_path
    }
}

const fn global_bit(permission: GlobalPermission) -> u16 {
    1 << permission.code()
}

const fn bit(permission: PathPermission) -> u16 {
    1 << permission.code()
}

fn bits(permissions: &BTreeSet<PathPermission>) -> u16 {
    permissions.iter().fold(0, |bits, it| bits | bit(*it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;
    use PathPermission::{ReadTopic, SelectTopic, UpdateTopic};

    fn store() -> SecurityStore {
        let mut store = SecurityStore::default();
        store.roles.insert(
            "READER".into(),
            Role {
                default_path: [SelectTopic, ReadTopic].into(),
                paths: [
                    ("a".into(), [ReadTopic].into()),
                    ("a/b".into(), BTreeSet::new()),
                ]
                .into(),
                ..Role::default()
            },
        );
        store.roles.insert(
            "WRITER".into(),
            Role {
                global: [GlobalPermission::RegisterHandler].into(),
                paths: [("a/b".into(), [UpdateTopic].into())].into(),
                includes: ["READER".into()].into(),
                ..Role::default()
            },
        );
        store
    }

    fn rights(roles: &[&str]) -> Rights {
        Rights::of(&store(), &roles.iter().map(|it| (*it).into()).collect())
    }

    #[test]
    fn the_most_specific_path_wins() {
        let reader = rights(&["READER"]);
        assert!(reader.has(SelectTopic, "x/y"));
        assert!(reader.has(ReadTopic, "a/x"));
        assert!(!reader.has(SelectTopic, "a"));
        assert!(!reader.has(ReadTopic, "a/b"));
        assert!(!reader.has(ReadTopic, "a/b/c"));
        assert!(reader.has(SelectTopic, "ab"));
        assert!(!reader.has(UpdateTopic, "a/b"));
    }

    #[test]
    fn roles_are_put_together_at_the_nearest_path() {
        let writer = rights(&["WRITER"]);
        assert!(writer.has(UpdateTopic, "a/b/c"));
        assert!(!writer.has(ReadTopic, "a/b/c"));
        assert!(writer.has(ReadTopic, "a/c"));
        assert!(writer.has_global(GlobalPermission::RegisterHandler));
        assert!(!rights(&["READER"]).has_global(GlobalPermission::RegisterHandler));
        assert_eq!(rights(&["NOBODY"]).at("a").count(), 0);
    }

    #[test]
    fn an_isolated_path_inherits_nothing() {
        let mut store = store();
        store.isolated_paths.insert("x/y".into());
        let reader = Rights::of(&store, &["READER".into()].into());
        assert!(reader.has(ReadTopic, "x"));
        assert!(!reader.has(ReadTopic, "x/y"));
        assert!(!reader.has(ReadTopic, "x/y/z"));
        assert!(!reader.has_throughout(ReadTopic, "x"));
    }

    #[test]
    fn a_permission_throughout_a_branch_has_no_hole_in_it() {
        let reader = rights(&["READER"]);
        assert!(reader.has_throughout(ReadTopic, "x"));
        assert!(!reader.has_throughout(ReadTopic, "a"));
        assert!(!reader.has_throughout(SelectTopic, ""));
    }

    #[test]
    fn roles_that_include_each_other_end() {
        let mut store = store();
        store.roles.entry("READER".into()).or_default().includes = ["WRITER".into()].into();
        assert!(Rights::of(&store, &["READER".into()].into()).has(UpdateTopic, "a/b"));
    }
}
