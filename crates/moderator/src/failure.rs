//! What can go wrong at a moderator's desk.

use std::fmt;

use effusion_chat::RoomName;
use effusion_chat::moderation::RulesError;
use effusion_client::RequestError;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The service refused it, or could not be asked.
    Request {
        /// What was asked for.
        what: &'static str,
        /// Why it was not done.
        error: RequestError,
    },
    /// The rules cannot be used.
    Rules(RulesError),
    /// There is no such entry in the log.
    NoEntry(u64),
    /// The entry tells of something that cannot be undone, or that was undone already.
    NotToUndo(u64),
    /// A principal that the service does not know: rights can only be taken from one that has an account.
    NoPrincipal(String),
    /// The moderator itself, or somebody that the rules exempt.
    Exempt(String),
    /// A room that everyone who signs in may write in: nobody can be kept from it alone.
    NotToRestrict(RoomName),
    /// The message is no longer there, or was never known by a place in a series.
    NoMessage,
}

impl Failure {
    /// For [`Result::map_err`].
    pub(crate) fn of(what: &'static str) -> impl Fn(RequestError) -> Self {
        move |error| Self::Request { what, error }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { what, error } => write!(f, "{what}: {error}"),
            Self::Rules(RulesError::EmptyWord(word)) => {
                write!(f, "the rules have an entry without a letter: “{word}”")
            }
            Self::Rules(RulesError::Pattern(pattern, why)) => {
                write!(f, "the pattern “{pattern}” cannot be used: {why}")
            }
            Self::NoEntry(sequence) => write!(f, "the log has no entry {sequence}"),
            Self::NotToUndo(sequence) => {
                write!(
                    f,
                    "entry {sequence} of the log cannot be undone, or was already"
                )
            }
            Self::NoPrincipal(principal) => {
                write!(f, "there is no account “{principal}” to take rights from")
            }
            Self::Exempt(principal) => write!(f, "“{principal}” is exempt from the rules"),
            Self::NotToRestrict(room) => write!(
                f,
                "nobody can be kept from “{room}” alone: a role that every account has allows it"
            ),
            Self::NoMessage => f.write_str("the message is not there any more"),
        }
    }
}

impl std::error::Error for Failure {}
