//! Moderation: rules, what comes of them, the rights that are withdrawn, and the log of it all.

mod fold;
mod ledger;
mod log;
mod rights;
mod rules;
mod watch;
mod words;

pub use ledger::Ledger;
pub use log::{Deed, LOG_RANGE, LogEntry};
pub use rights::{
    CannotRestrict, Withdrawn, restrict_script, restricted_role, roles_script, service_script,
    sessions_of, sessions_with,
};
pub use rules::{Bleeped, Filter, Rules, RulesError};
pub use watch::{Action, Said, Watch};
