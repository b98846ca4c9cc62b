//! What can go wrong at a moderator's desk.

use std::fmt;

use effusion_chat::RoomName;
use effusion_chat::moderation::RulesError;
use effusion_client::RequestError;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The service refused it, or could not be reached.
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
    /// The entry records something that cannot be undone, or was undone already.
    NotToUndo(u64),
    /// A principal that the service does not know: rights can only be taken from one that has an account.
    NoPrincipal(String),
    /// A room that the service does not have.
    NoRoom(RoomName),
    /// The moderator itself, or a principal that the rules exempt.
    Exempt(String),
    /// A room in which everyone who signs in may write: no single principal can be kept out of it.
    NotToRestrict(RoomName),
    /// The message no longer exists, or never had a sequence in a time series.
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
                write!(f, "the word list has an entry without a letter: “{word}”")
            }
            Self::Rules(RulesError::Pattern(pattern, why)) => {
                write!(f, "the pattern “{pattern}” is invalid: {why}")
            }
            Self::NoEntry(sequence) => write!(f, "the log has no entry {sequence}"),
            Self::NotToUndo(sequence) => {
                write!(
                    f,
                    "log entry {sequence} cannot be undone, or was undone already"
                )
            }
            Self::NoPrincipal(principal) => {
                write!(f, "there is no account “{principal}”")
            }
            Self::NoRoom(room) => write!(f, "there is no room “{room}”"),
            Self::Exempt(principal) => write!(f, "“{principal}” is exempt from the rules"),
            Self::NotToRestrict(room) => write!(
                f,
                "access to “{room}” cannot be restricted for one account: a role that every account has allows it"
            ),
            Self::NoMessage => f.write_str("the message no longer exists"),
        }
    }
}

impl std::error::Error for Failure {}
