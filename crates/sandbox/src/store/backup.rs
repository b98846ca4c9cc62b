//! Copies of what is stored, each a database of its own.

use std::path::{Path, PathBuf};

use redb::{Key, ReadTransaction, TableDefinition, Value, WriteTransaction};

use super::database::{self, Database, builder};
use super::{StoreError, schema};

/// Copies the database of a folder that no sandbox uses.
///
/// # Errors
/// As [`super::Backups::write`], and if a sandbox uses the folder.
pub(crate) fn of_folder(folder: &Path, file: &Path) -> Result<(), StoreError> {
    write(&Database::reopen(folder)?.read()?, file)
}

/// Writes all that is stored into a new file. It has its name once it is complete and on the disk.
pub(super) fn write(stored: &ReadTransaction, file: &Path) -> Result<(), StoreError> {
    if file.exists() {
        return Err(StoreError::Exists(file.to_owned()));
    }
    let failed = |error| StoreError::Copy {
        file: file.to_owned(),
        error,
    };
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    // What is left of an earlier try.
    if unfinished.exists() {
        std::fs::remove_file(&unfinished).map_err(failed)?;
    }
    let written = copy(stored, &unfinished, failed).and_then(|()| {
        database::give_name(&unfinished, file).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => StoreError::Exists(file.to_owned()),
            _ => failed(error),
        })
    });
    if written.is_err() {
        // It is of no use.
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

fn copy(
    stored: &ReadTransaction,
    file: &Path,
    failed: impl Fn(std::io::Error) -> StoreError,
) -> Result<(), StoreError> {
    database::make_file(file).map_err(failed)?;
    let copy = builder().create(file)?;
    let transaction = copy.begin_write()?;
    table(stored, &transaction, schema::META)?;
    table(stored, &transaction, schema::TOPICS)?;
    table(stored, &transaction, schema::VALUES)?;
    table(stored, &transaction, schema::EVENTS)?;
    table(stored, &transaction, schema::PRINCIPALS)?;
    table(stored, &transaction, schema::POLICIES)?;
    transaction.commit()?;
    Ok(())
}

fn table<K: Key + 'static, V: Value + 'static>(
    from: &ReadTransaction,
    to: &WriteTransaction,
    definition: TableDefinition<K, V>,
) -> Result<(), StoreError> {
    let mut to = to.open_table(definition)?;
    for entry in from.open_table(definition)?.range::<K::SelfType<'_>>(..)? {
        let (key, value) = entry?;
        to.insert(key.value(), value.value())?;
    }
    Ok(())
}
