//! The language of the authentication store.

use core::fmt;
use core::str::FromStr;

use super::parser::{Parser, parse_commands};
use super::{List, Placed, Quoted, ScriptErrors, owned, write_lines};
use crate::body::ScriptError;

/// A password, which `Debug` does not show, so that it never reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A command to the authentication store. `Display` writes it as the SDK does, passwords included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationCommand {
    /// Adds a principal; it is a mistake if there is one of the name.
    AddPrincipal {
        /// Its name.
        principal: String,
        /// Its password.
        password: Password,
        /// The roles that its sessions get.
        roles: Vec<String>,
        /// The only principal that may change it.
        locking_principal: Option<String>,
    },
    /// Changes a password.
    SetPassword {
        /// Whose.
        principal: String,
        /// The new one.
        password: Password,
    },
    /// Changes nothing; it is a mistake if the password is another one.
    VerifyPassword {
        /// Whose.
        principal: String,
        /// What it should be.
        password: Password,
    },
    /// Changes the roles of a principal.
    AssignRoles {
        /// The principal.
        principal: String,
        /// Its roles from now on.
        roles: Vec<String>,
    },
    /// Removes a principal.
    RemovePrincipal {
        /// Its name.
        principal: String,
    },
    /// Sessions without a principal may be opened.
    AllowAnonymousConnections {
        /// The roles that they get.
        roles: Vec<String>,
    },
    /// Sessions without a principal may not be opened.
    DenyAnonymousConnections,
    /// Other authenticators decide about sessions without a principal.
    AbstainAnonymousConnections,
    /// Takes a session property from clients if its value is one of these.
    TrustClientProposedPropertyIn {
        /// The property.
        property: String,
        /// The values.
        values: Vec<String>,
    },
    /// Takes a session property from clients if its value matches.
    TrustClientProposedPropertyMatches {
        /// The property.
        property: String,
        /// The regular expression for the whole value.
        pattern: String,
    },
    /// Does not take a session property from clients any more.
    IgnoreClientProposedProperty {
        /// The property.
        property: String,
    },
}

impl fmt::Display for AuthenticationCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddPrincipal {
                principal,
                password,
                roles,
                locking_principal,
            } => {
                let (principal, password) = (Quoted(principal), Quoted(&password.0));
                write!(f, "add principal {principal} {password}")?;
                if !roles.is_empty() {
                    write!(f, " {}", List(roles))?;
                }
                if let Some(locking) = locking_principal {
                    write!(f, " locked by {}", Quoted(locking))?;
                }
                Ok(())
            }
            Self::SetPassword {
                principal,
                password,
            } => write!(
                f,
                "set password {} {}",
                Quoted(principal),
                Quoted(&password.0)
            ),
            Self::VerifyPassword {
                principal,
                password,
            } => write!(
                f,
                "verify password {} {}",
                Quoted(principal),
                Quoted(&password.0)
            ),
            Self::AssignRoles { principal, roles } => {
                write!(f, "assign roles {} {}", Quoted(principal), List(roles))
            }
            Self::RemovePrincipal { principal } => {
                write!(f, "remove principal {}", Quoted(principal))
            }
            Self::AllowAnonymousConnections { roles } => {
                write!(f, "allow anonymous connections {}", List(roles))
            }
            Self::DenyAnonymousConnections => f.write_str("deny anonymous connections"),
            Self::AbstainAnonymousConnections => f.write_str("abstain anonymous connections"),
            Self::TrustClientProposedPropertyIn { property, values } => write!(
                f,
                "trust client proposed property {} if value in {}",
                Quoted(property),
                List(values)
            ),
            Self::TrustClientProposedPropertyMatches { property, pattern } => write!(
                f,
                "trust client proposed property {} if value matches {}",
                Quoted(property),
                Quoted(pattern)
            ),
            Self::IgnoreClientProposedProperty { property } => {
                write!(f, "ignore client proposed property {}", Quoted(property))
            }
        }
    }
}

/// The words that commands begin with.
const VERBS: &[&str] = &[
    "add", "set", "verify", "assign", "remove", "allow", "deny", "abstain", "trust", "ignore",
];

fn parse(parser: &mut Parser<'_>) -> Result<AuthenticationCommand, ScriptError> {
    const ANONYMOUS: &[&str] = &["anonymous", "connections"];
    const PROPERTY: &[&str] = &["client", "proposed", "property"];
    if parser.take("add")? {
        parser.keywords(&["principal"])?;
        let principal = parser.quoted("the principal's name")?;
        let password = Password(parser.quoted("a password")?);
        let roles = if parser.at_list() {
            parser.quoted_list("roles")?
        } else {
            Vec::new()
        };
        let locking_principal = if parser.take("locked")? {
            parser.keywords(&["by"])?;
            Some(parser.quoted("the locking principal's name")?)
        } else {
            None
        };
        Ok(AuthenticationCommand::AddPrincipal {
            principal,
            password,
            roles,
            locking_principal,
        })
    } else if parser.take("set")? {
        parser.keywords(&["password"])?;
        Ok(AuthenticationCommand::SetPassword {
            principal: parser.quoted("the principal's name")?,
            password: Password(parser.quoted("a password")?),
        })
    } else if parser.take("verify")? {
        parser.keywords(&["password"])?;
        Ok(AuthenticationCommand::VerifyPassword {
            principal: parser.quoted("the principal's name")?,
            password: Password(parser.quoted("a password")?),
        })
    } else if parser.take("assign")? {
        parser.keywords(&["roles"])?;
        Ok(AuthenticationCommand::AssignRoles {
            principal: parser.quoted("the principal's name")?,
            roles: parser.quoted_list("roles")?,
        })
    } else if parser.take("remove")? {
        parser.keywords(&["principal"])?;
        Ok(AuthenticationCommand::RemovePrincipal {
            principal: parser.quoted("the principal's name")?,
        })
    } else if parser.take("allow")? {
        parser.keywords(ANONYMOUS)?;
        let roles = if parser.at_list() {
            parser.quoted_list("roles")?
        } else {
            Vec::new()
        };
        Ok(AuthenticationCommand::AllowAnonymousConnections { roles })
    } else if parser.take("deny")? {
        parser.keywords(ANONYMOUS)?;
        Ok(AuthenticationCommand::DenyAnonymousConnections)
    } else if parser.take("abstain")? {
        parser.keywords(ANONYMOUS)?;
        Ok(AuthenticationCommand::AbstainAnonymousConnections)
    } else if parser.take("trust")? {
        parser.keywords(PROPERTY)?;
        let property = parser.quoted("the property's name")?;
        parser.keywords(&["if", "value"])?;
        if parser.take("in")? {
            let values = parser.quoted_list("values")?;
            Ok(AuthenticationCommand::TrustClientProposedPropertyIn { property, values })
        } else if parser.take("matches")? {
            let pattern = parser.quoted("a regular expression")?;
            Ok(AuthenticationCommand::TrustClientProposedPropertyMatches { property, pattern })
        } else {
            parser.expected("'in' or 'matches'")
        }
    } else if parser.take("ignore")? {
        parser.keywords(PROPERTY)?;
        Ok(AuthenticationCommand::IgnoreClientProposedProperty {
            property: parser.quoted("the property's name")?,
        })
    } else {
        parser.expected("a command of the authentication store")
    }
}

/// A script for the authentication store; `Display` writes it, `FromStr` reads it. Source: the manual.
///
/// ```
/// use effusion_protocol::script::AuthenticationScript;
///
/// let script = AuthenticationScript::new()
///     .add_principal("ann", "sesame", &["CLIENT"])
///     .assign_roles("bob", &["CLIENT", "TOPIC_CONTROL"])
///     .deny_anonymous_connections();
/// assert_eq!(script.to_string().lines().last(), Some("deny anonymous connections"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthenticationScript {
    /// The commands, which are all done or none.
    pub commands: Vec<AuthenticationCommand>,
}

impl AuthenticationScript {
    /// A script without commands.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            commands: Vec::new(),
        }
    }

    /// The script with one more command.
    #[must_use]
    pub fn with(mut self, command: AuthenticationCommand) -> Self {
        self.commands.push(command);
        self
    }

    /// Adds a principal.
    #[must_use]
    pub fn add_principal(self, principal: &str, password: &str, roles: &[&str]) -> Self {
        self.with(AuthenticationCommand::AddPrincipal {
            principal: principal.to_owned(),
            password: Password(password.to_owned()),
            roles: owned(roles),
            locking_principal: None,
        })
    }

    /// Changes a password.
    #[must_use]
    pub fn set_password(self, principal: &str, password: &str) -> Self {
        self.with(AuthenticationCommand::SetPassword {
            principal: principal.to_owned(),
            password: Password(password.to_owned()),
        })
    }

    /// Fails the script if the password is another one.
    #[must_use]
    pub fn verify_password(self, principal: &str, password: &str) -> Self {
        self.with(AuthenticationCommand::VerifyPassword {
            principal: principal.to_owned(),
            password: Password(password.to_owned()),
        })
    }

    /// Changes the roles of a principal.
    #[must_use]
    pub fn assign_roles(self, principal: &str, roles: &[&str]) -> Self {
        self.with(AuthenticationCommand::AssignRoles {
            principal: principal.to_owned(),
            roles: owned(roles),
        })
    }

    /// Removes a principal.
    #[must_use]
    pub fn remove_principal(self, principal: &str) -> Self {
        self.with(AuthenticationCommand::RemovePrincipal {
            principal: principal.to_owned(),
        })
    }

    /// Allows sessions without a principal.
    #[must_use]
    pub fn allow_anonymous_connections(self, roles: &[&str]) -> Self {
        self.with(AuthenticationCommand::AllowAnonymousConnections {
            roles: owned(roles),
        })
    }

    /// Denies sessions without a principal.
    #[must_use]
    pub fn deny_anonymous_connections(self) -> Self {
        self.with(AuthenticationCommand::DenyAnonymousConnections)
    }
}

impl fmt::Display for AuthenticationScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(f, &self.commands)
    }
}

impl AuthenticationScript {
    /// Reads a script, and where each command of it starts.
    ///
    /// # Errors
    /// What is wrong with the script.
    pub fn parse_placed(script: &str) -> Result<Vec<Placed<AuthenticationCommand>>, ScriptErrors> {
        parse_commands(script, VERBS, parse)
    }
}

impl FromStr for AuthenticationScript {
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
            "add principal 'a' 'p'",
            "add principal 'a' 'p' ['A' 'B']",
            "add principal 'a' 'p' ['A'] locked by 'adm'",
            "add principal 'a\\'b\\\\c\n\"q\"' 'p' locked by 'adm'",
            "assign roles 'a' ['A' 'B']",
            "assign roles 'a' []",
            "remove principal 'a'",
            "set password 'a' 'p'",
            "verify password 'a' 'p'",
            "allow anonymous connections ['A']",
            "allow anonymous connections []",
            "deny anonymous connections",
            "abstain anonymous connections",
            "trust client proposed property 'P' if value in ['a' 'b']",
            "trust client proposed property 'P' if value matches 'a\\\\d'",
            "ignore client proposed property 'P'",
            "",
            "set password 'a' 'p'\nverify password 'a' 'q'\nremove principal 'x'",
        ] {
            let script: AuthenticationScript = line.parse().unwrap();
            assert_eq!(script.to_string(), line);
        }
    }

    #[test]
    fn the_manuals_way_of_writing_is_read_too() {
        let script: AuthenticationScript = "# The principals of the tutorial\n\
            add principal \"client\" \"pass\\\"word\" [\"CLIENT\",\"A\", 'B',]\n\
            ASSIGN ROLES \"u\" [\"CLIENT\", \"CLIENT_CONTROL\"] # both\n\
            remove principal\n  \"u\" allow anonymous connections"
            .parse()
            .unwrap();
        let expected = AuthenticationScript::new()
            .add_principal("client", "pass\"word", &["CLIENT", "A", "B"])
            .assign_roles("u", &["CLIENT", "CLIENT_CONTROL"])
            .remove_principal("u")
            .allow_anonymous_connections(&[]);
        assert_eq!(script, expected);
    }

    fn errors(script: &str) -> Vec<(String, u32, u32)> {
        let ScriptErrors(errors) = script.parse::<AuthenticationScript>().unwrap_err();
        errors
            .into_iter()
            .map(|error| (error.message, error.line, error.column))
            .collect()
    }

    #[test]
    fn each_command_with_a_mistake_is_told() {
        let script = "add principal 'a'\n\
            \n\
            remove principal 'b'\n\
            \u{20} set passwort 'a' 'p'\n\
            nonsense\n\
            trust client proposed property 'P' if value is 'x'";
        assert_eq!(
            errors(script),
            [
                (
                    "expected a password in quotes, found 'remove'".to_owned(),
                    3,
                    1
                ),
                ("expected 'password', found 'passwort'".to_owned(), 4, 7),
                ("expected 'in' or 'matches', found 'is'".to_owned(), 6, 45),
            ]
        );
    }

    #[test]
    fn texts_and_lists_without_an_end_are_told_where_they_begin() {
        assert_eq!(
            errors("remove principal 'a"),
            [("this text has no ' at its end".to_owned(), 1, 18)]
        );
        assert_eq!(
            errors("assign roles 'a' ['b'"),
            [(
                "expected roles in quotes, found the end of the script".to_owned(),
                1,
                22
            )]
        );
        assert_eq!(errors("remove 'a").len(), 1);
        assert_eq!(errors("x\n".repeat(1000).as_str()).len(), 1);
        assert_eq!(
            errors("add\n".repeat(1000).as_str()).len(),
            ScriptErrors::MAX
        );
    }

    #[test]
    fn passwords_are_not_shown_in_logs_and_messages() {
        let script = AuthenticationScript::new().add_principal("a", "secret", &[]);
        assert!(!format!("{script:?}").contains("secret"));
        let error = "remove principal 'a' 'secret'"
            .parse::<AuthenticationScript>()
            .unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }
}
