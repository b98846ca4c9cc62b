//! What survives: a database, and the one thread that writes to it.
//!
//! The broker's changes queue up here. The thread takes all that wait, writes them in one transaction, waits for the
//! disk once, and completes each in its order: the busier the sandbox, the more changes share one wait.

mod backup;
mod database;
mod error;
mod schema;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use effusion_broker::{EffectError, StoreOp, Ticket};
use effusion_host::record;
use tracing::{error, info, warn};

pub use database::{ApplyError, Database, Opened};
pub use error::StoreError;

pub(crate) use backup::of_folder as backup_of_folder;

/// Changes in one transaction, at most.
const BATCH_CHANGES: usize = 4096;
/// Bytes in one transaction, about: more would keep the first of them waiting for long.
const BATCH_BYTES: usize = 8 << 20;
/// How long a database that failed is left alone before it is opened again, and how often that is tried.
const REOPEN_PAUSE: Duration = Duration::from_millis(500);
const REOPEN_TRIES: usize = 6;

/// Takes changes and writes them on a thread of its own.
#[derive(Debug)]
pub struct Writer {
    orders: mpsc::Sender<Order>,
    waiting: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

/// What the thread is asked for, in this order.
#[derive(Debug)]
enum Order {
    Write(Job),
    /// What is stored by then, to be read on another thread.
    Read(mpsc::SyncSender<Result<redb::ReadTransaction, StoreError>>),
    Stop,
}

/// Copies what is stored, beside the thread that writes.
#[derive(Clone, Debug)]
pub struct Backups {
    orders: mpsc::Sender<Order>,
}

impl Backups {
    /// Makes a copy of what is stored now; all that was acknowledged is in it. Blocks until the copy is on the disk.
    ///
    /// # Errors
    /// If there is such a file already, it cannot be written, or the database fails. There is no file of this name then that was
    /// not there before.
    pub fn write(&self, file: &Path) -> Result<(), StoreError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let stopped = || StoreError::Stopped;
        self.orders
            .send(Order::Read(sender))
            .map_err(|_| stopped())?;
        let stored = receiver.recv().map_err(|_| stopped())??;
        backup::write(&stored, file)
    }
}

/// One broker request.
#[derive(Debug)]
struct Job {
    ticket: Ticket,
    operations: Vec<StoreOp>,
    bytes: usize,
}

/// Told of each change that is durable, or is not written at all; in the order in which they were submitted.
pub type OnStored = Box<dyn FnMut(Ticket, Result<(), EffectError>) + Send>;

/// Told that nobody can tell whether the last changes are on the disk. Nothing is completed any more: what is in memory may differ
/// from what is stored, and whoever hears of it has to start again from the disk.
pub type OnLost = Box<dyn FnMut() + Send>;

/// Opens the database again after it failed.
pub type Reopen = Box<dyn FnMut() -> Result<Database, StoreError> + Send>;

impl Writer {
    /// Starts the thread.
    ///
    /// # Errors
    /// If there can be no thread.
    pub fn start(
        database: Database,
        reopen: Reopen,
        on_stored: OnStored,
        mut on_lost: OnLost,
    ) -> Result<Self, StoreError> {
        let (orders, queue) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut worker = Worker {
            state: State::Open(database),
            reopen,
            on_stored,
            waiting: Arc::clone(&waiting),
        };
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || {
                if worker.run(&queue).is_err() {
                    on_lost();
                }
            })
            .map_err(StoreError::Thread)?;
        Ok(Self {
            orders,
            waiting,
            thread,
        })
    }

    /// What makes copies while this writes.
    #[must_use]
    pub fn backups(&self) -> Backups {
        Backups {
            orders: self.orders.clone(),
        }
    }

    /// Queues a change.
    ///
    /// # Errors
    /// If the thread is gone.
    pub fn submit(&self, ticket: Ticket, operations: Vec<StoreOp>) -> Result<(), EffectError> {
        let bytes = operations.iter().map(record::size).sum();
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        let job = Job {
            ticket,
            operations,
            bytes,
        };
        self.orders
            .send(Order::Write(job))
            .map_err(|_| EffectError("the store has stopped".to_owned()))
    }

    /// Bytes that wait to be written. If the disk is slower than the clients, whoever submits should pause.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Writes what waits, completes it, and closes the database.
    pub fn stop(self) {
        // If the thread is gone, it has stopped already.
        let _ = self.orders.send(Order::Stop);
        if self.thread.join().is_err() {
            error!("the store's thread failed");
        }
    }
}

struct Worker {
    state: State,
    reopen: Reopen,
    on_stored: OnStored,
    waiting: Arc<AtomicUsize>,
}

enum State {
    Open(Database),
    /// It failed, and is opened again for the next change; not before this time.
    Closed {
        until: Option<Instant>,
    },
}

impl State {
    const CLOSED: Self = Self::Closed { until: None };
}

/// Whether the last changes are on the disk is not known.
struct Lost;

impl Worker {
    fn run(&mut self, queue: &mpsc::Receiver<Order>) -> Result<(), Lost> {
        let mut order = queue.recv().ok();
        while let Some(now) = order.take() {
            let next = match now {
                Order::Stop => None,
                Order::Read(reader) => {
                    // Nobody reads if whoever asked is gone.
                    let _ = reader.send(self.read());
                    queue.recv().ok()
                }
                Order::Write(first) => match self.write_all(first, queue)? {
                    Some(next) => Some(next),
                    None => queue.recv().ok(),
                },
            };
            order = next;
        }
        Ok(())
    }

    /// Writes what waits in one transaction. Returns the first order that is something else.
    fn write_all(
        &mut self,
        first: Job,
        queue: &mpsc::Receiver<Order>,
    ) -> Result<Option<Order>, Lost> {
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        let mut next = None;
        while batch.len() < BATCH_CHANGES
            && bytes < BATCH_BYTES
            && let Ok(order) = queue.try_recv()
        {
            let Order::Write(job) = order else {
                next = Some(order);
                break;
            };
            bytes += job.bytes;
            batch.push(job);
        }
        let result = self.write(&batch)?;
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        for job in batch {
            (self.on_stored)(job.ticket, result.clone());
        }
        Ok(next)
    }

    fn read(&mut self) -> Result<redb::ReadTransaction, StoreError> {
        let database = self.take_database()?;
        let stored = database.read();
        self.state = State::Open(database);
        stored
    }

    /// Writes changes. The inner result says that they are durable, or not written at all.
    fn write(&mut self, batch: &[Job]) -> Result<Result<(), EffectError>, Lost> {
        let mut database = match self.take_database() {
            Ok(database) => database,
            Err(problem) => return Ok(Err(EffectError(problem.to_string()))),
        };
        let number = database.batch() + 1;
        let operations = batch.iter().flat_map(|job| &job.operations);
        let Err(failure) = database.apply(operations) else {
            self.state = State::Open(database);
            return Ok(Ok(()));
        };
        // The file is locked as long as the failed database is there.
        drop(database);
        match failure {
            ApplyError::NotDone(problem) => {
                error!(%problem, changes = batch.len(), "the database failed: the changes are refused");
                Ok(Err(EffectError(problem.to_string())))
            }
            ApplyError::Unknown(problem) => {
                error!(%problem, changes = batch.len(), "the database failed");
                self.settle(number, &problem)
            }
        }
    }

    /// The database, which is opened again if it failed before.
    fn take_database(&mut self) -> Result<Database, StoreError> {
        let until = match std::mem::replace(&mut self.state, State::CLOSED) {
            State::Open(database) => return Ok(database),
            State::Closed { until } => until,
        };
        // A disk that is full stays full for a while.
        if until.is_some_and(|until| Instant::now() < until) {
            self.state = State::Closed { until };
            return Err(StoreError::FailedBefore);
        }
        match (self.reopen)() {
            Ok(database) => {
                info!("the database is open again");
                Ok(database)
            }
            Err(problem) => {
                error!(%problem, "the database cannot be opened again yet: changes are refused");
                self.state = State::Closed {
                    until: Some(Instant::now() + REOPEN_PAUSE),
                };
                Err(problem)
            }
        }
    }

    /// Finds out whether the transaction of this number reached the disk before the failure: the database tells once it is open
    /// again.
    fn settle(
        &mut self,
        number: u64,
        failure: &StoreError,
    ) -> Result<Result<(), EffectError>, Lost> {
        for attempt in 1..=REOPEN_TRIES {
            match (self.reopen)() {
                Ok(database) => {
                    let is_stored = database.batch() >= number;
                    self.state = State::Open(database);
                    if is_stored {
                        warn!("the last changes had reached the disk before the failure");
                        return Ok(Ok(()));
                    }
                    warn!("the last changes are refused");
                    return Ok(Err(EffectError(failure.to_string())));
                }
                Err(problem) => {
                    error!(%problem, attempt, "the database cannot be opened again");
                    std::thread::sleep(REOPEN_PAUSE);
                }
            }
        }
        Err(Lost)
    }
}
