//! The database: opened, read as a whole at the start, and changed in transactions.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, OpenOptions};
use std::path::Path;

use bytes::Bytes;
use effusion_broker::{Snapshot, StoreOp, StoredTopic};
use effusion_host::record::operations_of;
use redb::{ReadableDatabase as _, ReadableTable as _, TableHandle as _};
use tracing::{info, warn};

use super::StoreError;
use super::schema;

/// Memory for pages, in bytes. Everything is read once at the start and then only written, so that little is enough.
const CACHE: usize = 16 << 20;

/// The file in the data folder.
const FILE: &str = "sandbox.redb";

/// An open database. No other process can open it at the same time.
#[derive(Debug)]
pub struct Database {
    inner: redb::Database,
    /// The number of the last transaction.
    batch: u64,
}

/// What there was when the database was opened.
#[derive(Debug)]
pub struct Opened {
    /// The database.
    pub database: Database,
    /// What is stored in it.
    pub snapshot: Snapshot,
    /// Whether it was made just now.
    pub first_start: bool,
}

/// Why changes were not applied.
#[derive(Debug)]
pub enum ApplyError {
    /// Nothing of them is stored.
    NotDone(StoreError),
    /// The disk failed while they were committed: [`Database::batch`] tells whether they are stored, once the database is open
    /// again.
    Unknown(StoreError),
}

impl From<ApplyError> for StoreError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::NotDone(error) | ApplyError::Unknown(error) => error,
        }
    }
}

/// The open tables of one transaction.
struct Tables<'t> {
    topics: redb::Table<'t, &'static str, &'static [u8]>,
    values: redb::Table<'t, &'static str, &'static [u8]>,
    events: redb::Table<'t, (&'static str, u64), schema::EventRecord<'static>>,
    principals: redb::Table<'t, &'static str, &'static [u8]>,
    policies: redb::Table<'t, &'static str, &'static [u8]>,
}

impl Database {
    /// Opens the database in a folder. If there is none, makes it, with what `initial` gives.
    ///
    /// # Errors
    /// If the folder cannot be used, another process uses it, the file is damaged or of a newer version, or `initial`
    /// fails.
    pub fn open(
        folder: &Path,
        initial: impl FnOnce() -> Result<Snapshot, StoreError>,
    ) -> Result<Opened, StoreError> {
        let unusable = |error| StoreError::Folder {
            folder: folder.to_owned(),
            error,
        };
        make_folder(folder).map_err(unusable)?;
        let file = folder.join(FILE);
        // A first start that was killed at once may have left it empty.
        let is_there = match std::fs::metadata(&file) {
            Ok(metadata) if metadata.len() == 0 => {
                std::fs::remove_file(&file).map_err(unusable)?;
                false
            }
            Ok(_) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(unusable(error)),
        };
        let open = || {
            let inner = builder().open(&file);
            inner.map_err(|error| open_error(error, folder, &file))
        };
        if is_there {
            // A first start that was killed may have left it without tables.
            return Self::start(open()?, initial, &file);
        }
        let first_start = Self::make(folder, &file, initial)?;
        let not_ours = || Err(StoreError::NotOurs(file.clone()));
        let opened = Self::start(open()?, not_ours, &file)?;
        remove_unfinished(folder);
        Ok(Opened {
            first_start,
            ..opened
        })
    }

    /// Makes the database under another name, and gives it its own once it is complete: whenever this is interrupted, the next
    /// start begins anew. Whether it is this database that is there now, and not that of another process that was faster.
    fn make(
        folder: &Path,
        file: &Path,
        initial: impl FnOnce() -> Result<Snapshot, StoreError>,
    ) -> Result<bool, StoreError> {
        let unusable = |error| StoreError::Folder {
            folder: folder.to_owned(),
            error,
        };
        let unfinished = folder.join(format!("{FILE}.{}", std::process::id()));
        // Of a process that had the same number.
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(unusable(error));
            }
            _ => {}
        }
        make_file(&unfinished).map_err(unusable)?;
        let inner = builder()
            .create(&unfinished)
            .map_err(|error| open_error(error, folder, &unfinished))?;
        drop(Self::start(inner, initial, &unfinished)?);
        match give_name(&unfinished, file) {
            Ok(()) => Ok(true),
            Err(_) if file.exists() => Ok(false),
            Err(error) => Err(unusable(error)),
        }
    }

    /// As [`Self::open`], where the database comes from anywhere.
    pub(super) fn start(
        inner: redb::Database,
        initial: impl FnOnce() -> Result<Snapshot, StoreError>,
        file: &Path,
    ) -> Result<Opened, StoreError> {
        let mut database = Self { inner, batch: 0 };
        let first_start = match database.schema_version(file)? {
            Some(schema::VERSION) => false,
            Some(found) if found > schema::VERSION => {
                return Err(StoreError::Newer {
                    found,
                    known: schema::VERSION,
                });
            }
            Some(found) => {
                return Err(StoreError::record(
                    "meta",
                    schema::META_SCHEMA,
                    format!("no sandbox wrote version {found}"),
                ));
            }
            None => {
                let operations = operations_of(initial()?);
                database.write(|tables| apply_all(tables, &operations))?;
                true
            }
        };
        let snapshot = database.load()?;
        Ok(Opened {
            database,
            snapshot,
            first_start,
        })
    }

    /// The number of the last transaction that is in the database.
    #[must_use]
    pub const fn batch(&self) -> u64 {
        self.batch
    }

    /// Opens the database in a folder again after it failed.
    ///
    /// # Errors
    /// If the folder or the file still cannot be used.
    pub fn reopen(folder: &Path) -> Result<Self, StoreError> {
        let file = folder.join(FILE);
        let inner = builder()
            .open(&file)
            .map_err(|error| open_error(error, folder, &file))?;
        Self::resume(inner)
    }

    /// As [`Self::reopen`], where the database comes from anywhere.
    pub(super) fn resume(inner: redb::Database) -> Result<Self, StoreError> {
        let batch = {
            let transaction = inner.begin_read()?;
            let meta = transaction.open_table(schema::META)?;
            meta.get(schema::META_BATCH)?
                .map_or(0, |number| number.value())
        };
        Ok(Self { inner, batch })
    }

    /// What is stored now, to be read while it changes.
    pub(super) fn read(&self) -> Result<redb::ReadTransaction, StoreError> {
        Ok(self.inner.begin_read()?)
    }

    /// Applies all operations in one transaction. When it returns, they are on the disk.
    ///
    /// # Errors
    /// If the database fails. It takes nothing more then, until it is closed and opened again.
    pub fn apply<'o>(
        &mut self,
        operations: impl IntoIterator<Item = &'o StoreOp>,
    ) -> Result<(), ApplyError> {
        self.write(|tables| apply_all(tables, operations))
    }

    fn write(
        &mut self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<(), StoreError>,
    ) -> Result<(), ApplyError> {
        let transaction = self.prepare(change).map_err(ApplyError::NotDone)?;
        let committed = transaction.commit();
        committed.map_err(|error| ApplyError::Unknown(error.into()))?;
        self.batch += 1;
        Ok(())
    }

    /// Makes the changes in a transaction. Nothing of it counts before it is committed.
    fn prepare(
        &self,
        change: impl FnOnce(&mut Tables<'_>) -> Result<(), StoreError>,
    ) -> Result<redb::WriteTransaction, StoreError> {
        // Durability::Immediate is the default: commit() returns once the disk has it.
        let transaction = self.inner.begin_write()?;
        {
            let mut meta = transaction.open_table(schema::META)?;
            meta.insert(schema::META_SCHEMA, schema::VERSION)?;
            meta.insert(schema::META_BATCH, self.batch + 1)?;
            let mut tables = Tables {
                topics: transaction.open_table(schema::TOPICS)?,
                values: transaction.open_table(schema::VALUES)?,
                events: transaction.open_table(schema::EVENTS)?,
                principals: transaction.open_table(schema::PRINCIPALS)?,
                policies: transaction.open_table(schema::POLICIES)?,
            };
            change(&mut tables)?;
        }
        Ok(transaction)
    }

    /// `None` if the database is new.
    fn schema_version(&mut self, file: &Path) -> Result<Option<u64>, StoreError> {
        let transaction = self.inner.begin_read()?;
        let names: Vec<String> = transaction
            .list_tables()?
            .map(|table| table.name().to_owned())
            .collect();
        if names.is_empty() {
            return Ok(None);
        }
        if !names.iter().any(|name| name == schema::META.name()) {
            return Err(StoreError::NotOurs(file.to_owned()));
        }
        let meta = transaction.open_table(schema::META)?;
        self.batch = meta
            .get(schema::META_BATCH)?
            .map_or(0, |number| number.value());
        match meta.get(schema::META_SCHEMA)? {
            Some(version) => Ok(Some(version.value())),
            None => Err(StoreError::NotOurs(file.to_owned())),
        }
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        let transaction = self.inner.begin_read()?;
        let mut topics = BTreeMap::<String, StoredTopic>::new();
        for entry in transaction.open_table(schema::TOPICS)?.iter()? {
            let (path, record) = entry?;
            let topic = schema::topic(path.value(), record.value())?;
            topics.insert(path.value().to_owned(), topic);
        }
        for entry in transaction.open_table(schema::VALUES)?.iter()? {
            let (path, value) = entry?;
            match topics.get_mut(path.value()) {
                Some(topic) => topic.value = Some(Bytes::copy_from_slice(value.value())),
                None => warn!(
                    path = path.value(),
                    "a value is stored for no topic: passed over"
                ),
            }
        }
        let mut orphans = 0_u64;
        for entry in transaction.open_table(schema::EVENTS)?.iter()? {
            let (key, record) = entry?;
            let (path, sequence) = key.value();
            match topics.get_mut(path) {
                Some(topic) => topic.events.push(schema::event(sequence, record.value())),
                None => orphans += 1,
            }
        }
        if orphans > 0 {
            warn!(
                events = orphans,
                "events are stored for no topic: passed over"
            );
        }
        let mut snapshot = Snapshot {
            topics: topics.into_iter().collect(),
            ..Snapshot::default()
        };
        for entry in transaction.open_table(schema::PRINCIPALS)?.iter()? {
            let (name, record) = entry?;
            let principal = schema::principal(name.value(), record.value())?;
            snapshot.principals.push(principal);
        }
        let policies = transaction.open_table(schema::POLICIES)?;
        // Both are written at the first start. Without them everything would be refused, or worse, allowed.
        let missing = |key| StoreError::record("policy", key, "it is not there");
        let authentication = policies.get(schema::POLICY_AUTHENTICATION)?;
        let authentication =
            authentication.ok_or_else(|| missing(schema::POLICY_AUTHENTICATION))?;
        snapshot.authentication = schema::authentication(authentication.value())?;
        let security = policies.get(schema::POLICY_SECURITY)?;
        let security = security.ok_or_else(|| missing(schema::POLICY_SECURITY))?;
        snapshot.security = schema::security(security.value())?;
        Ok(snapshot)
    }
}

/// How databases are opened here.
pub(super) fn builder() -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE);
    // The whole file is read at the start in any case; a page that the disk damaged is then an error, not a surprise.
    builder.set_check_integrity_on_open(true);
    builder.set_repair_callback(|session| {
        info!(
            percent = (session.progress() * 100.0).round(),
            "checking the database"
        );
    });
    builder
}

/// What an error on opening means for the user.
pub(super) fn open_error(error: redb::DatabaseError, folder: &Path, file: &Path) -> StoreError {
    match error {
        redb::DatabaseError::DatabaseAlreadyOpen => StoreError::InUse(folder.to_owned()),
        redb::DatabaseError::Storage(redb::StorageError::Io(error))
            if error.kind() == std::io::ErrorKind::InvalidData =>
        {
            StoreError::NotOurs(file.to_owned())
        }
        other => other.into(),
    }
}

fn apply_all<'o>(
    tables: &mut Tables<'_>,
    operations: impl IntoIterator<Item = &'o StoreOp>,
) -> Result<(), StoreError> {
    operations
        .into_iter()
        .try_for_each(|operation| apply(tables, operation))
}

fn apply(tables: &mut Tables<'_>, operation: &StoreOp) -> Result<(), StoreError> {
    match operation {
        StoreOp::PutTopic { path, topic } => {
            let record = schema::topic_record(path, topic)?;
            tables.topics.insert(path.as_str(), record.as_slice())?;
            match &topic.value {
                Some(value) => {
                    tables.values.insert(path.as_str(), value.as_ref())?;
                }
                None => {
                    tables.values.remove(path.as_str())?;
                }
            }
            remove_events(tables, path)?;
        }
        StoreOp::PutValue { path, value } => {
            tables.values.insert(path.as_str(), value.as_ref())?;
        }
        StoreOp::RemoveTopic { path } => {
            tables.topics.remove(path.as_str())?;
            tables.values.remove(path.as_str())?;
            remove_events(tables, path)?;
        }
        StoreOp::AppendEvent { path, event } => {
            tables.events.insert(
                (path.as_str(), event.metadata.sequence),
                schema::event_record(event),
            )?;
        }
        StoreOp::RemoveEvents { path, sequences } => {
            for sequence in sequences {
                tables.events.remove((path.as_str(), *sequence))?;
            }
        }
        StoreOp::PutPrincipal(principal) => {
            let record = schema::principal_record(principal)?;
            tables
                .principals
                .insert(principal.name.as_str(), record.as_slice())?;
        }
        StoreOp::RemovePrincipal { name } => {
            tables.principals.remove(name.as_str())?;
        }
        StoreOp::PutAuthentication(policy) => {
            let record = schema::authentication_record(policy)?;
            tables
                .policies
                .insert(schema::POLICY_AUTHENTICATION, record.as_slice())?;
        }
        StoreOp::PutSecurity(store) => {
            let record = schema::security_record(store)?;
            tables
                .policies
                .insert(schema::POLICY_SECURITY, record.as_slice())?;
        }
    }
    Ok(())
}

fn remove_events(tables: &mut Tables<'_>, path: &str) -> Result<(), StoreError> {
    tables
        .events
        .retain_in((path, 0)..=(path, u64::MAX), |_, _| false)?;
    Ok(())
}

/// Makes the folder, for its owner alone: password hashes will be in it.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes an empty file, for its owner alone.
pub(super) fn make_file(file: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

/// Gives a finished file its name, unless something has that name already. The name is on the disk then.
pub(super) fn give_name(unfinished: &Path, name: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(unfinished, name) {
        Ok(()) => std::fs::remove_file(unfinished)?,
        Err(error) if name.exists() => return Err(error),
        // Not every file system has links.
        Err(_) => std::fs::rename(unfinished, name)?,
    }
    #[cfg(unix)]
    if let Some(folder) = name.parent() {
        let is_here = folder.as_os_str().is_empty();
        let folder = if is_here { Path::new(".") } else { folder };
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Removes what first starts have left that did not come to an end.
fn remove_unfinished(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_prefix(FILE)?.strip_prefix('.'));
        if number.is_some_and(|number| number.parse::<u32>().is_ok()) {
            // It is only in the way.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
