//! Scripts: the languages in which the authentication store and the security store are changed.
//!
//! A script is a list of commands. Texts stand in single or double quotes, in which a backslash takes the next
//! character as it is; lists stand in brackets, with or without commas; letter case of keywords, spaces and line breaks
//! do not matter; `#` begins a comment. Source: the scripts that the SDK's builders write, and the manual.
//!
//! ```
//! use effusion_protocol::script::AuthenticationScript;
//!
//! let script = AuthenticationScript::new().add_principal("alice", "secret", &["CLIENT", "TOPIC_CONTROL"]);
//! assert_eq!(script.to_string(), "add principal 'alice' 'secret' ['CLIENT' 'TOPIC_CONTROL']");
//! assert_eq!(script.to_string().parse(), Ok(script));
//! ```

mod authentication;
mod parser;
mod security;

pub use authentication::{AuthenticationCommand, AuthenticationScript, Password};
pub use security::{SecurityCommand, SecurityScript};

use core::fmt;

use crate::body::ScriptError;

/// What is wrong with a script: the first mistake of each command, and not more than [`ScriptErrors::MAX`] in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptErrors(pub Vec<ScriptError>);

impl ScriptErrors {
    /// The maximum number of errors that are reported.
    pub const MAX: usize = 20;
}

/// A command and where it starts, for errors when it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed<T> {
    /// The command.
    pub command: T,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl<T> Placed<T> {
    /// An error in this command.
    #[must_use]
    pub fn error(&self, message: String) -> ScriptError {
        ScriptError {
            message,
            line: self.line,
            column: self.column,
        }
    }
}

impl fmt::Display for ScriptErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(
                f,
                "line {}, column {}: {}",
                error.line, error.column, error.message
            )?;
        }
        Ok(())
    }
}

impl core::error::Error for ScriptErrors {}

/// Shows text in quotes, as the SDK writes it.
struct Quoted<'t>(&'t str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("'")?;
        for part in self.0.split_inclusive(['\'', '\\']) {
            match part.strip_suffix(['\'', '\\']) {
                Some(before) => write!(f, "{before}\\{}", &part[before.len()..])?,
                None => f.write_str(part)?,
            }
        }
        f.write_str("'")
    }
}

/// Shows a list in brackets.
struct List<'l, T>(&'l [T]);

impl<T: AsRef<str>> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, text) in self.0.iter().enumerate() {
            let space = if index > 0 { " " } else { "" };
            write!(f, "{space}{}", Quoted(text.as_ref()))?;
        }
        f.write_str("]")
    }
}

/// Shows commands, one a line.
fn write_lines<T: fmt::Display>(f: &mut fmt::Formatter<'_>, commands: &[T]) -> fmt::Result {
    for (index, command) in commands.iter().enumerate() {
        if index > 0 {
            f.write_str("\n")?;
        }
        write!(f, "{command}")?;
    }
    Ok(())
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
