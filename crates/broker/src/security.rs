//! The security store: what each role may do, and where.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

macro_rules! permissions {
    ($( $(#[$meta:meta])* pub enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident = $text:literal, )+ } )+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $( $(#[$variant_meta])* #[serde(rename = $text)] $variant, )+ }

        impl $name {
            /// Every permission.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// The permission with this name, in upper or lower case.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|permission| permission.name().eq_ignore_ascii_case(name))
            }

            /// The name in scripts.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $text ),+ }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.name())
            }
        }
    )+};
}

permissions! {
    /// What a session may do whatever the path (source: the API documentation).
    pub enum GlobalPermission {
        /// Register an authentication handler.
        Authenticate = "AUTHENTICATE",
        /// See other sessions.
        ViewSession = "VIEW_SESSION",
        /// Change, subscribe and close other sessions.
        ModifySession = "MODIFY_SESSION",
        /// Register handlers.
        RegisterHandler = "REGISTER_HANDLER",
        /// See server information.
        ViewServer = "VIEW_SERVER",
        /// Shut the server down, and the like.
        ControlServer = "CONTROL_SERVER",
        /// Read the stores.
        ViewSecurity = "VIEW_SECURITY",
        /// Change the stores.
        ModifySecurity = "MODIFY_SECURITY",
        /// List topic views.
        ReadTopicViews = "READ_TOPIC_VIEWS",
        /// Change topic views.
        ModifyTopicViews = "MODIFY_TOPIC_VIEWS",
    }

    /// What a session may do at a path (source: the API documentation).
    pub enum PathPermission {
        /// Select topics: subscribe to them, once they can be read too.
        SelectTopic = "SELECT_TOPIC",
        /// Receive a topic's values.
        ReadTopic = "READ_TOPIC",
        /// Set a topic's value.
        UpdateTopic = "UPDATE_TOPIC",
        /// Add and remove topics.
        ModifyTopic = "MODIFY_TOPIC",
        /// Send a request to a path's handler.
        SendToMessageHandler = "SEND_TO_MESSAGE_HANDLER",
        /// Send a request to a session.
        SendToSession = "SEND_TO_SESSION",
        /// See the events of a time series that were edited since.
        QueryObsoleteTimeSeriesEvents = "QUERY_OBSOLETE_TIME_SERIES_EVENTS",
        /// Edit any event of a time series.
        EditTimeSeriesEvents = "EDIT_TIME_SERIES_EVENTS",
        /// Edit events of a time series that the same principal appended.
        EditOwnTimeSeriesEvents = "EDIT_OWN_TIME_SERIES_EVENTS",
        /// Take a session lock.
        AcquireLock = "ACQUIRE_LOCK",
        /// Use another branch's topics in a topic view.
        ExposeBranch = "EXPOSE_BRANCH",
    }
}

/// What sessions with a role may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Whatever the path.
    pub global: BTreeSet<GlobalPermission>,
    /// At paths for which no entry of `paths` counts.
    pub default_path: BTreeSet<PathPermission>,
    /// At a path and all below it, unless a longer path's entry counts. An empty set takes all permissions away.
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
