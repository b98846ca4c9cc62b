//! The language of the security store.

use core::fmt;
use core::str::FromStr;

use super::parser::{Parser, parse_commands};
use super::{List, Placed, Quoted, ScriptErrors, owned, write_lines};
use crate::body::{GlobalPermission, PathPermission, ScriptError};

/// A command to the security store. `Display` writes it as the SDK does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecurityCommand {
    /// Sets the roles of sessions without a principal.
    SetRolesForAnonymousSessions {
        /// The roles.
        roles: Vec<String>,
    },
    /// Sets the roles that all sessions with a principal have besides their own.
    SetRolesForNamedSessions {
        /// The roles.
        roles: Vec<String>,
    },
    /// Sets what a role may do that has nothing to do with a path.
    SetGlobalPermissions {
        /// The role, which need not exist yet.
        role: String,
        /// The permissions.
        permissions: Vec<GlobalPermission>,
    },
    /// Sets what a role may do at paths that have no permissions of their own.
    SetDefaultPathPermissions {
        /// The role.
        role: String,
        /// The permissions.
        permissions: Vec<PathPermission>,
    },
    /// Sets what a role may do at a path and below.
    SetPathPermissions {
        /// The role.
        role: String,
        /// The path.
        path: String,
        /// The permissions.
        permissions: Vec<PathPermission>,
    },
    /// Takes back what was set for a path, so that the paths above count again.
    RemovePathPermissions {
        /// The role.
        role: String,
        /// The path.
        path: String,
    },
    /// Keeps a path from taking permissions from the paths above.
    IsolatePath {
        /// The path.
        path: String,
    },
    /// Takes that back.
    DeisolatePath {
        /// The path.
        path: String,
    },
    /// Sets which other roles a role includes.
    SetRoleIncludes {
        /// The role.
        role: String,
        /// The roles that it includes.
        includes: Vec<String>,
    },
    /// Lets only one principal change a role.
    LockRole {
        /// The role.
        role: String,
        /// The principal.
        principal: String,
    },
}

/// Shows a list of bare names.
struct Names<I>(I);

impl<I: Iterator<Item = &'static str> + Clone> fmt::Display for Names<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, name) in self.0.clone().enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{name}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for SecurityCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetRolesForAnonymousSessions { roles } => {
                write!(f, "set roles for anonymous sessions {}", List(roles))
            }
            Self::SetRolesForNamedSessions { roles } => {
                write!(f, "set roles for named sessions {}", List(roles))
            }
            Self::SetGlobalPermissions { role, permissions } => {
                let names = Names(permissions.iter().map(|it| it.name()));
                write!(f, "set {} permissions {names}", Quoted(role))
            }
            Self::SetDefaultPathPermissions { role, permissions } => {
                let names = Names(permissions.iter().map(|it| it.name()));
                write!(f, "set {} default path permissions {names}", Quoted(role))
            }
            Self::SetPathPermissions {
                role,
                path,
                permissions,
            } => {
                let names = Names(permissions.iter().map(|it| it.name()));
                let (role, path) = (Quoted(role), Quoted(path));
                write!(f, "set {role} path {path} permissions {names}")
            }
            Self::RemovePathPermissions { role, path } => write!(
                f,
                "remove {} permissions for path {}",
                Quoted(role),
                Quoted(path)
            ),
            Self::IsolatePath { path } => write!(f, "isolate path {}", Quoted(path)),
            Self::DeisolatePath { path } => write!(f, "deisolate path {}", Quoted(path)),
            Self::SetRoleIncludes { role, includes } => {
                write!(f, "set {} includes {}", Quoted(role), List(includes))
            }
            Self::LockRole { role, principal } => write!(
                f,
                "set role {} locked by principal {}",
                Quoted(role),
                Quoted(principal)
            ),
        }
    }
}

/// The words that commands begin with.
const VERBS: &[&str] = &["set", "remove", "isolate", "deisolate"];

fn parse(parser: &mut Parser<'_>) -> Result<SecurityCommand, ScriptError> {
    if parser.take("set")? {
        parse_set(parser)
    } else if parser.take("remove")? {
        let role = parser.quoted("the role's name")?;
        parser.keywords(&["permissions", "for"])?;
        path_keyword(parser)?;
        let path = parser.quoted("a path")?;
        Ok(SecurityCommand::RemovePathPermissions { role, path })
    } else if parser.take("isolate")? {
        parser.keywords(&["path"])?;
        let path = parser.quoted("a path")?;
        Ok(SecurityCommand::IsolatePath { path })
    } else if parser.take("deisolate")? {
        parser.keywords(&["path"])?;
        let path = parser.quoted("a path")?;
        Ok(SecurityCommand::DeisolatePath { path })
    } else {
        parser.expected("a command of the security store")
    }
}

fn parse_set(parser: &mut Parser<'_>) -> Result<SecurityCommand, ScriptError> {
    if parser.take("roles")? {
        parser.keywords(&["for"])?;
        if parser.take("anonymous")? {
            parser.keywords(&["sessions"])?;
            let roles = parser.quoted_list("roles")?;
            return Ok(SecurityCommand::SetRolesForAnonymousSessions { roles });
        }
        if parser.take("named")? {
            parser.keywords(&["sessions"])?;
            let roles = parser.quoted_list("roles")?;
            return Ok(SecurityCommand::SetRolesForNamedSessions { roles });
        }
        return parser.expected("'anonymous' or 'named'");
    }
    if parser.take("role")? {
        let role = parser.quoted("the role's name")?;
        parser.keywords(&["locked", "by", "principal"])?;
        let principal = parser.quoted("the principal's name")?;
        return Ok(SecurityCommand::LockRole { role, principal });
    }
    if !parser.at_text() {
        return parser.expected("'roles', 'role', or the role's name in quotes");
    }
    let role = parser.quoted("the role's name")?;
    if parser.take("permissions")? {
        let permissions = parser.word_list("global permission", GlobalPermission::from_name)?;
        Ok(SecurityCommand::SetGlobalPermissions { role, permissions })
    } else if parser.take("default")? {
        path_keyword(parser)?;
        parser.keywords(&["permissions"])?;
        let permissions = parser.word_list("path permission", PathPermission::from_name)?;
        Ok(SecurityCommand::SetDefaultPathPermissions { role, permissions })
    } else if parser.take("includes")? {
        let includes = parser.quoted_list("roles")?;
        Ok(SecurityCommand::SetRoleIncludes { role, includes })
    } else if parser.take("path")? || parser.take("topic")? {
        let path = parser.quoted("a path")?;
        parser.keywords(&["permissions"])?;
        let permissions = parser.word_list("path permission", PathPermission::from_name)?;
        Ok(SecurityCommand::SetPathPermissions {
            role,
            path,
            permissions,
        })
    } else {
        parser.expected("'permissions', 'default', 'path' or 'includes'")
    }
}

/// The LGPL 5.9 client writes `topic` where later ones write `path`.
fn path_keyword(parser: &mut Parser<'_>) -> Result<(), ScriptError> {
    if parser.take("path")? || parser.take("topic")? {
        Ok(())
    } else {
        parser.expected("'path'")
    }
}

/// A script for the security store; `Display` writes it, `FromStr` reads it. Source: the manual.
///
/// ```
/// use effusion_protocol::body::PathPermission::{ReadTopic, SelectTopic};
/// use effusion_protocol::script::SecurityScript;
///
/// let script = SecurityScript::new().set_path_permissions("CLIENT", "prices", &[SelectTopic, ReadTopic]);
/// assert_eq!(script.to_string().parse(), Ok(script));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityScript {
    /// The commands, which are all done or none.
    pub commands: Vec<SecurityCommand>,
}

impl SecurityScript {
    /// A script without commands.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            commands: Vec::new(),
        }
    }

    /// The script with one more command.
    #[must_use]
    pub fn with(mut self, command: SecurityCommand) -> Self {
        self.commands.push(command);
        self
    }

    /// Sets what a role may do that has nothing to do with a path.
    #[must_use]
    pub fn set_global_permissions(self, role: &str, permissions: &[GlobalPermission]) -> Self {
        self.with(SecurityCommand::SetGlobalPermissions {
            role: role.to_owned(),
            permissions: permissions.to_vec(),
        })
    }

    /// Sets what a role may do at paths that have no permissions of their own.
    #[must_use]
    pub fn set_default_path_permissions(self, role: &str, permissions: &[PathPermission]) -> Self {
        self.with(SecurityCommand::SetDefaultPathPermissions {
            role: role.to_owned(),
            permissions: permissions.to_vec(),
        })
    }

    /// Sets what a role may do at a path and below.
    #[must_use]
    pub fn set_path_permissions(
        self,
        role: &str,
        path: &str,
        permissions: &[PathPermission],
    ) -> Self {
        self.with(SecurityCommand::SetPathPermissions {
            role: role.to_owned(),
            path: path.to_owned(),
            permissions: permissions.to_vec(),
        })
    }

    /// Sets which other roles a role includes.
    #[must_use]
    pub fn set_role_includes(self, role: &str, includes: &[&str]) -> Self {
        self.with(SecurityCommand::SetRoleIncludes {
            role: role.to_owned(),
            includes: owned(includes),
        })
    }
}

impl fmt::Display for SecurityScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(f, &self.commands)
    }
}

impl SecurityScript {
    /// Reads a script, and where each command of it starts.
    ///
    /// # Errors
    /// What is wrong with the script.
    pub fn parse_placed(script: &str) -> Result<Vec<Placed<SecurityCommand>>, ScriptErrors> {
        parse_commands(script, VERBS, parse)
    }
}

impl FromStr for SecurityScript {
    type Err = ScriptErrors;

    fn from_str(script: &str) -> Result<Self, ScriptErrors> {
        let placed = Self::parse_placed(script)?;
        let commands = placed.into_iter().map(|it| it.command).collect();
        Ok(Self { commands })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines are what the SDK's builder wrote.
    #[test]
    fn scripts_of_the_sdk_are_read_and_written() {
        for line in [
            "set roles for anonymous sessions ['A' 'B']",
            "set roles for named sessions ['A']",
            "set 'R x' permissions [VIEW_SESSION AUTHENTICATE]",
            "set 'R' default path permissions [READ_TOPIC]",
            "set 'R' path 'a/b' permissions []",
            "set 'R' path 'a/b' permissions [READ_TOPIC SELECT_TOPIC]",
            "remove 'R' permissions for path 'a/b'",
            "set 'R' includes ['A' 'B']",
            "set 'R' includes []",
            "set role 'R' locked by principal 'adm'",
            "isolate path 'a/b'",
            "deisolate path 'a/b'",
        ] {
            let script: SecurityScript = line.parse().unwrap();
            assert_eq!(script.to_string(), line);
        }
    }

    #[test]
    fn other_ways_of_writing_are_read_too() {
        let script: SecurityScript =
            "set \"ADMINISTRATOR\" permissions [CONTROL_SERVER, view_server]\n\
            set \"CLIENT\" default topic permissions [READ_TOPIC,]\n\
            set 'CLIENT' topic 'foo/bar' permissions [ 'UPDATE_TOPIC' ]\n\
            remove \"CLIENT\" permissions for topic \"foo/bar\""
                .parse()
                .unwrap();
        let expected = SecurityScript::new()
            .set_global_permissions(
                "ADMINISTRATOR",
                &[
                    GlobalPermission::ControlServer,
                    GlobalPermission::ViewServer,
                ],
            )
            .set_default_path_permissions("CLIENT", &[PathPermission::ReadTopic])
            .set_path_permissions("CLIENT", "foo/bar", &[PathPermission::UpdateTopic])
            .with(SecurityCommand::RemovePathPermissions {
                role: "CLIENT".to_owned(),
                path: "foo/bar".to_owned(),
            });
        assert_eq!(script, expected);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let ScriptErrors(errors) =
            "set 'R' permissions [READ_TOPIC]\nset 'R' path a permissions []"
                .parse::<SecurityScript>()
                .unwrap_err();
        let told: Vec<_> = errors
            .iter()
            .map(|error| (error.message.as_str(), error.line, error.column))
            .collect();
        assert_eq!(
            told,
            [
                ("expected a global permission, found 'READ_TOPIC'", 1, 22),
                ("expected a path in quotes, found 'a'", 2, 14),
            ]
        );
    }

    #[test]
    fn commands_know_where_they_start() {
        let placed =
            SecurityScript::parse_placed("isolate path 'a'\n  deisolate path 'a' isolate path 'b'")
                .unwrap();
        let places: Vec<_> = placed.iter().map(|it| (it.line, it.column)).collect();
        assert_eq!(places, [(1, 1), (2, 3), (2, 22)]);
        let error = placed[1].error("no".to_owned());
        assert_eq!((error.line, error.column), (2, 3));
    }
}
