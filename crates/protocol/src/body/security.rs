//! The authentication store and the security store.
//!
//! Source: the LGPL 5.9 client for old versions, the SDK for 29.

use crate::codec::{wire_enum, wire_struct, wire_union};
use crate::{DecodeError, Reader, Wire, Writer};

wire_struct! {
    /// An error in a script, or in a session filter.
    pub struct ScriptError {
        /// What is wrong.
        pub message: String,
        /// The line, from 1.
        pub line: u32,
        /// The column, from 1.
        pub column: u32,
    }
}

wire_enum! {
    /// What happens to sessions without a principal.
    pub enum AnonymousAction("action for anonymous connections") {
        /// They may be opened.
        Allow = 0,
        /// They must not be opened.
        Deny = 1,
        /// Others decide.
        Abstain = 2,
    }
}

macro_rules! permissions {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident ($what:literal) { $( $(#[$variant_meta:meta])* $variant:ident = $value:literal, $text:literal; )+ }
    )+) => {$(
        wire_enum! {
            $(#[$meta])*
            pub enum $name($what) { $( $(#[$variant_meta])* $variant = $value ),+ }
        }

        impl $name {
            /// The name in scripts.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $text ),+ }
            }

            /// The permission with this name in scripts; letter case does not matter.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.name().eq_ignore_ascii_case(name))
            }
        }
    )+};
}

permissions! {
    /// What a session may do that has nothing to do with a path.
    pub enum GlobalPermission("global permission") {
        /// Register an authenticator.
        Authenticate = 0, "AUTHENTICATE";
        /// See other sessions.
        ViewSession = 1, "VIEW_SESSION";
        /// Change other sessions.
        ModifySession = 2, "MODIFY_SESSION";
        /// Register handlers.
        RegisterHandler = 3, "REGISTER_HANDLER";
        /// See the server.
        ViewServer = 4, "VIEW_SERVER";
        /// Control the server.
        ControlServer = 5, "CONTROL_SERVER";
        /// Read the stores.
        ViewSecurity = 6, "VIEW_SECURITY";
        /// Change the stores.
        ModifySecurity = 7, "MODIFY_SECURITY";
        /// One that the reader does not know.
        Unknown = 8, "UNKNOWN_GLOBAL_PERMISSION";
        /// See topic views.
        ReadTopicViews = 9, "READ_TOPIC_VIEWS";
        /// Change topic views.
        ModifyTopicViews = 10, "MODIFY_TOPIC_VIEWS";
    }

    /// What a session may do at a path.
    pub enum PathPermission("path permission") {
        /// Read topics.
        ReadTopic = 0, "READ_TOPIC";
        /// Update topics.
        UpdateTopic = 1, "UPDATE_TOPIC";
        /// Add and remove topics.
        ModifyTopic = 2, "MODIFY_TOPIC";
        /// Send requests to handlers.
        SendToMessageHandler = 3, "SEND_TO_MESSAGE_HANDLER";
        /// Send requests to sessions.
        SendToSession = 4, "SEND_TO_SESSION";
        /// Subscribe to topics by selectors.
        SelectTopic = 5, "SELECT_TOPIC";
        /// See events that were edited.
        QueryObsoleteTimeSeriesEvents = 6, "QUERY_OBSOLETE_TIME_SERIES_EVENTS";
        /// Edit all events.
        EditTimeSeriesEvents = 7, "EDIT_TIME_SERIES_EVENTS";
        /// Edit the events that the session's principal appended.
        EditOwnTimeSeriesEvents = 8, "EDIT_OWN_TIME_SERIES_EVENTS";
        /// Take session locks.
        AcquireLock = 9, "ACQUIRE_LOCK";
        /// One that the reader does not know.
        Unknown = 10, "UNKNOWN_PATH_PERMISSION";
        /// Expose a branch through a topic view.
        ExposeBranch = 11, "EXPOSE_BRANCH";
    }
}

wire_union! {
    /// Which values of a session property the server takes from clients.
    pub enum PropertyValidation("validation of proposed properties") {
        /// Those that match a regular expression.
        Matches(String) = 0,
        /// These.
        In(Vec<String>) = 1,
    }
}

/// A principal of the authentication store; its password is never included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemPrincipal {
    /// Its name.
    pub name: String,
    /// The roles that its sessions have.
    pub roles: Vec<String>,
    /// The only principal that may change this one. Old versions do not have it.
    pub locking_principal: Option<String>,
}

impl Wire for SystemPrincipal {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            name: reader.string()?,
            roles: Vec::read(reader)?,
            locking_principal: if reader.version().has_locking_principals() {
                Option::read(reader)?
            } else {
                None
            },
        })
    }
    fn write(&self, writer: &mut Writer) {
        writer.string(&self.name);
        self.roles.write(writer);
        if writer.version().has_locking_principals() {
            self.locking_principal.write(writer);
        }
    }
}

/// The authentication store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemAuthenticationStore {
    /// The principals.
    pub principals: Vec<SystemPrincipal>,
    /// What happens to sessions without a principal.
    pub anonymous_action: AnonymousAction,
    /// The roles of sessions without a principal.
    pub anonymous_roles: Vec<String>,
    /// Which session properties the server takes from clients. Old versions do not have them.
    pub trusted_properties: Vec<(String, PropertyValidation)>,
}

impl Wire for SystemAuthenticationStore {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            principals: Vec::read(reader)?,
            anonymous_action: AnonymousAction::read(reader)?,
            anonymous_roles: Vec::read(reader)?,
            trusted_properties: if reader.version().has_trusted_properties() {
                Vec::read(reader)?
            } else {
                Vec::new()
            },
        })
    }
    fn write(&self, writer: &mut Writer) {
        self.principals.write(writer);
        self.anonymous_action.write(writer);
        self.anonymous_roles.write(writer);
        if writer.version().has_trusted_properties() {
            self.trusted_properties.write(writer);
        }
    }
}

/// A role of the security store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it may do that has nothing to do with a path.
    pub global: Vec<GlobalPermission>,
    /// What it may do at paths that have no permissions of their own.
    pub default_path: Vec<PathPermission>,
    /// What it may do at paths and below.
    pub paths: Vec<(String, Vec<PathPermission>)>,
    /// Other roles, whose permissions it has too.
    pub includes: Vec<String>,
    /// The only principal that may change this role. Old versions do not have it.
    pub locking_principal: Option<String>,
}

impl Wire for Role {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            name: reader.string()?,
            global: Vec::read(reader)?,
            default_path: Vec::read(reader)?,
            paths: Vec::read(reader)?,
            includes: Vec::read(reader)?,
            locking_principal: if reader.version().has_locking_principals() {
                Option::read(reader)?
            } else {
                None
            },
        })
    }
    fn write(&self, writer: &mut Writer) {
        writer.string(&self.name);
        self.global.write(writer);
        self.default_path.write(writer);
        self.paths.write(writer);
        self.includes.write(writer);
        if writer.version().has_locking_principals() {
            self.locking_principal.write(writer);
        }
    }
}

/// The security store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityStore {
    /// The roles of sessions without a principal.
    pub anonymous_roles: Vec<String>,
    /// The roles of sessions with a principal, besides its own.
    pub named_roles: Vec<String>,
    /// What the roles may do.
    pub roles: Vec<Role>,
    /// Paths that take no permissions from the paths above. Old versions do not have them.
    pub isolated_paths: Vec<String>,
}

impl Wire for SecurityStore {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            anonymous_roles: Vec::read(reader)?,
            named_roles: Vec::read(reader)?,
            roles: Vec::read(reader)?,
            isolated_paths: if reader.version().has_isolated_paths() {
                Vec::read(reader)?
            } else {
                Vec::new()
            },
        })
    }
    fn write(&self, writer: &mut Writer) {
        self.anonymous_roles.write(writer);
        self.named_roles.write(writer);
        self.roles.write(writer);
        if writer.version().has_isolated_paths() {
            self.isolated_paths.write(writer);
        }
    }
}
