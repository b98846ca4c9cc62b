//! What can go wrong with the database.

use std::path::PathBuf;

/// Why the stored state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the file cannot be made.
    #[error("the data folder {folder} cannot be used: {error}", folder = folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
    /// Another process has the database open.
    #[error(
        "another sandbox uses the data folder {folder}: stop it, or give this one another --data",
        folder = .0.display()
    )]
    InUse(PathBuf),
    /// A newer sandbox wrote it.
    #[error(
        "the database was written by a newer sandbox (its schema is {found}, this sandbox reads up to {known}): \
         use that one, or another --data"
    )]
    Newer {
        /// The schema's version in the file.
        found: u64,
        /// The newest that this sandbox reads.
        known: u64,
    },
    /// The file is a database of something else.
    #[error("the file {0} is not a sandbox's database")]
    NotOurs(PathBuf),
    /// A record cannot be read.
    #[error("the database is damaged: {table} {key:?} cannot be read: {reason}")]
    Record {
        /// What kind of record.
        table: &'static str,
        /// Which one.
        key: String,
        /// Why not.
        reason: String,
    },
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[from] redb::Error),
    /// The database failed a moment ago, and is not open again yet.
    #[error("the database failed a moment ago")]
    FailedBefore,
    /// The service stops, or the store has failed for good.
    #[error("the store has stopped")]
    Stopped,
    /// There is a file where a copy is to go.
    #[error("{0} exists already: give the copy another name")]
    Exists(PathBuf),
    /// A copy cannot be written.
    #[error("the copy {file} cannot be written: {error}", file = file.display())]
    Copy {
        /// The copy.
        file: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
    /// The thread that writes could not be started.
    #[error("the store's thread could not be started: {0}")]
    Thread(std::io::Error),
    /// What a new store starts with could not be made.
    #[error("the first principals could not be made: {0}")]
    Initial(String),
}

impl StoreError {
    /// A record that cannot be read.
    pub(super) fn record(table: &'static str, key: &str, reason: impl ToString) -> Self {
        Self::Record {
            table,
            key: key.to_owned(),
            reason: reason.to_string(),
        }
    }
}

macro_rules! from_redb {
    ($($error:ident)+) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                Self::Database(error.into())
            }
        }
    )+};
}

from_redb!(StorageError TableError TransactionError CommitError DatabaseError);
