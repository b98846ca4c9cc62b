//! The security store.

use effusion_protocol::body::{GlobalPermission, PathPermission};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use super::permission_names as names;

/// What sessions with a role may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Whatever the path.
    #[serde(with = "names::set")]
    pub global: BTreeSet<GlobalPermission>,
    /// At paths for which no entry of `paths` counts.
    #[serde(with = "names::set")]
    pub default_path: BTreeSet<PathPermission>,
    /// At a path and all below it, unless a longer path's entry counts. An empty set takes all permissions away.
    #[serde(with = "names::by_path")]
    pub paths: BTreeMap<String, BTreeSet<PathPermission>>,
    /// Roles whose permissions this one has too.
    pub includes: BTreeSet<String>,
    /// If set, only a session of this principal may change the role.
    pub locked_by: Option<String>,
}

/// What each role may do, and which roles sessions have without being given them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityStore {
    /// By name. A role that is not here has no permissions.
    pub roles: BTreeMap<String, Role>,
    /// Roles of every session without a principal.
    pub anonymous_roles: BTreeSet<String>,
    /// Roles of every session with a principal.
    pub named_roles: BTreeSet<String>,
    /// Paths that do not inherit what is given above them.
    pub isolated_paths: BTreeSet<String>,
}

impl SecurityStore {
    /// The roles and all that they include, directly or not.
    #[must_use]
    pub fn with_included(&self, roles: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = roles.clone();
        let mut left: Vec<&String> = roles.iter().collect();
        while let Some(name) = left.pop() {
            for included in self.roles.get(name).into_iter().flat_map(|it| &it.includes) {
                if all.insert(included.clone()) {
                    left.push(included);
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_read_as_it_was_written() {
        let store = crate::bootstrap::default_security();
        let text = serde_json::to_string(&store).unwrap();
        assert!(text.contains(r#""global":["AUTHENTICATE","REGISTER_HANDLER"]"#));
        assert_eq!(serde_json::from_str::<SecurityStore>(&text).unwrap(), store);
        let bad = text.replace("REGISTER_HANDLER", "REGISTER_ANYTHING");
        assert!(serde_json::from_str::<SecurityStore>(&bad).is_err());
    }
}
