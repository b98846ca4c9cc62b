//! Permissions are stored by their names, which are the same in every version.

use effusion_protocol::body::{GlobalPermission, PathPermission};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// A permission with a name.
pub(super) trait Named: Copy + Ord {
    fn name(self) -> &'static str;
    fn from_name(name: &str) -> Option<Self>;
}

impl Named for GlobalPermission {
    fn name(self) -> &'static str {
        Self::name(self)
    }
    fn from_name(name: &str) -> Option<Self> {
        Self::from_name(name)
    }
}

impl Named for PathPermission {
    fn name(self) -> &'static str {
        Self::name(self)
    }
    fn from_name(name: &str) -> Option<Self> {
        Self::from_name(name)
    }
}

fn names<P: Named>(permissions: &BTreeSet<P>) -> Vec<&'static str> {
    permissions.iter().map(|it| it.name()).collect()
}

fn permissions<P: Named>(names: Vec<String>) -> Result<BTreeSet<P>, String> {
    names
        .into_iter()
        .map(|name| P::from_name(&name).ok_or(name))
        .collect()
}

fn unknown<E: serde::de::Error>(name: &String) -> E {
    E::custom(format_args!("{name:?} is not a permission"))
}

/// For a set of permissions.
pub(super) mod set {
    use super::*;

    pub(crate) fn serialize<P: Named, S: Serializer>(
        set: &BTreeSet<P>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        names(set).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, P: Named, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeSet<P>, D::Error> {
        permissions(Vec::deserialize(deserializer)?).map_err(|name| unknown(&name))
    }
}

/// For sets of permissions by path.
pub(super) mod by_path {
    use super::*;

    pub(crate) fn serialize<P: Named, S: Serializer>(
        paths: &BTreeMap<String, BTreeSet<P>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let named: BTreeMap<_, _> = paths.iter().map(|(path, set)| (path, names(set))).collect();
        named.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, P: Named, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, BTreeSet<P>>, D::Error> {
        let named: BTreeMap<String, Vec<String>> = BTreeMap::deserialize(deserializer)?;
        named
            .into_iter()
            .map(|(path, names)| Ok((path, permissions(names)?)))
            .collect::<Result<_, String>>()
            .map_err(|name| D::Error::custom(format_args!("{name:?} is not a permission")))
    }
}
