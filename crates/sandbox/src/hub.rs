//! The task that owns the broker: takes what happened, in turn, and hands out what the broker wants done.
//!
//! It waits for nothing but its inputs. Connections send theirs through a bounded queue, each with its share of a
//! common memory budget, so that one that floods the service waits in line with everyone else.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use effusion_broker::{Broker, Completion, ConnectionId, Output, Peer, Ticket};
use effusion_protocol::{CloseReason, ConnectRequest};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tracing::{error, info};

use crate::clock::Clock;
use crate::credentials::Checks;
use crate::outbox::{End, EndCause, Outbox};
use crate::store::Writer;

/// Inputs that may wait. A connection has at most one of them, except for its first and its last.
const INPUTS: usize = 1024;
/// Inputs that are taken at once.
const INPUTS_AT_ONCE: usize = 64;
/// Bytes of messages that may wait for the broker, over all connections. Must be more than the largest message.
const INPUT_BYTES: usize = 128 << 20;
/// Bytes that may wait for the disk before clients are made to wait.
const STORE_BYTES: usize = 64 << 20;

/// What connections tell the broker.
#[derive(Debug)]
pub enum Input {
    /// A client asks for a session.
    Connect {
        /// Its number.
        connection: ConnectionId,
        /// What it asks for.
        request: Box<ConnectRequest>,
        /// Who it is.
        peer: Peer,
        /// Where answers go.
        outbox: Arc<Outbox>,
    },
    /// A message came.
    Receive {
        /// From where.
        connection: ConnectionId,
        /// The message.
        message: Bytes,
        /// Its share of the memory budget.
        share: OwnedSemaphorePermit,
    },
    /// A connection is gone.
    Disconnected {
        /// Which one.
        connection: ConnectionId,
        /// Why its session has to end with it, if it has to.
        fault: Option<CloseReason>,
    },
}

/// A way to the broker. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HubHandle {
    inputs: mpsc::Sender<Input>,
    memory: Arc<Semaphore>,
    last_connection: Arc<AtomicU64>,
}

/// The hub is gone: the service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the service is stopping")]
pub struct Stopped;

impl HubHandle {
    /// A number for a new connection.
    #[must_use]
    pub fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.last_connection.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Tells the broker of a new connection.
    ///
    /// # Errors
    /// If the service stops.
    pub async fn connect(
        &self,
        connection: ConnectionId,
        request: Box<ConnectRequest>,
        peer: Peer,
        outbox: Arc<Outbox>,
    ) -> Result<(), Stopped> {
        self.send(Input::Connect {
            connection,
            request,
            peer,
            outbox,
        })
        .await
    }

    /// Hands the broker a message; waits while too much waits already.
    ///
    /// # Errors
    /// If the service stops.
    pub async fn receive(&self, connection: ConnectionId, message: Bytes) -> Result<(), Stopped> {
        // An empty message takes a place in the queue too.
        let bytes = u32::try_from(message.len().clamp(1, INPUT_BYTES)).map_err(|_| Stopped)?;
        let share = Arc::clone(&self.memory).acquire_many_owned(bytes).await;
        self.send(Input::Receive {
            connection,
            message,
            share: share.map_err(|_| Stopped)?,
        })
        .await
    }

    /// Tells the broker that a connection is gone, and why its session has to end with it, if it has to: then the
    /// broker's last words are put into the outbox.
    pub async fn disconnected(&self, connection: ConnectionId, fault: Option<CloseReason>) {
        // If the service stops, there is nobody to tell.
        let _ = self.send(Input::Disconnected { connection, fault }).await;
    }

    async fn send(&self, input: Input) -> Result<(), Stopped> {
        self.inputs.send(input).await.map_err(|_| Stopped)
    }
}

/// Spreads numbers that this service has given out itself, one after the other: nobody can choose them to collide.
#[derive(Debug, Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // An odd number near 2^64 divided by the golden ratio; the table looks at the highest and the lowest bits.
        let spread = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = spread ^ (spread >> 32);
    }
}

/// The broker and what is around it.
pub struct Hub {
    broker: Broker,
    clock: Clock,
    outboxes: HashMap<ConnectionId, Arc<Outbox>, BuildHasherDefault<NumberHasher>>,
    writer: Option<Writer>,
    checks: Checks,
    completed: mpsc::UnboundedSender<(Ticket, Completion)>,
}

/// The completions of what the broker asked for.
#[derive(Debug)]
pub struct Completions {
    sender: mpsc::UnboundedSender<(Ticket, Completion)>,
    receiver: mpsc::UnboundedReceiver<(Ticket, Completion)>,
}

impl Completions {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver }
    }

    /// What the store's thread is to call.
    #[must_use]
    pub fn on_stored(&self) -> crate::store::OnStored {
        let sender = self.sender.clone();
        Box::new(move |ticket, result| {
            // If the hub is gone, nobody waits for it.
            let _ = sender.send((ticket, Completion::Stored(result)));
        })
    }
}

impl Default for Completions {
    fn default() -> Self {
        Self::new()
    }
}

impl Hub {
    /// Starts the task. Once `stop` says so, all sessions are closed and the database is written and closed; then the
    /// task ends.
    #[must_use]
    pub fn start(
        broker: Broker,
        clock: Clock,
        writer: Option<Writer>,
        completions: Completions,
        checks: Checks,
        stop: oneshot::Receiver<()>,
    ) -> (HubHandle, tokio::task::JoinHandle<()>) {
        let (inputs, queue) = mpsc::channel(INPUTS);
        let hub = Self {
            broker,
            clock,
            outboxes: HashMap::default(),
            writer,
            checks,
            completed: completions.sender,
        };
        let task = tokio::spawn(hub.run(queue, completions.receiver, stop));
        let handle = HubHandle {
            inputs,
            memory: Arc::new(Semaphore::new(INPUT_BYTES)),
            last_connection: Arc::default(),
        };
        (handle, task)
    }

    async fn run(
        mut self,
        mut queue: mpsc::Receiver<Input>,
        mut completions: mpsc::UnboundedReceiver<(Ticket, Completion)>,
        mut stop: oneshot::Receiver<()>,
    ) {
        let mut inputs = Vec::with_capacity(INPUTS_AT_ONCE);
        loop {
            let timeout = self.broker.next_timeout();
            let store_keeps_up = self
                .writer
                .as_ref()
                .is_none_or(|writer| writer.waiting_bytes() < STORE_BYTES);
            tokio::select! {
                // Completions free memory, time is exact, and clients come last.
                biased;
                _ = &mut stop => break,
                Some((ticket, completion)) = completions.recv() => {
                    self.broker.completed(self.clock.now(), ticket, completion);
                    self.carry_out();
                }
                () = self.clock.sleep_until(timeout), if timeout.is_some() => {
                    self.broker.tick(self.clock.now());
                    self.carry_out();
                }
                _ = queue.recv_many(&mut inputs, INPUTS_AT_ONCE), if store_keeps_up => {
                    for input in inputs.drain(..) {
                        self.input(input);
                        self.carry_out();
                    }
                }
            }
        }
        queue.close();
        while let Ok(input) = queue.try_recv() {
            if let Input::Connect {
                connection, outbox, ..
            } = input
            {
                self.outboxes.insert(connection, outbox);
            }
        }
        self.broker.shut_down(self.clock.now());
        self.carry_out();
        for (_, outbox) in self.outboxes.drain() {
            outbox.end(End::Flushed(EndCause::Stopping));
        }
        if let Some(writer) = self.writer.take() {
            // It waits for the disk.
            if tokio::task::spawn_blocking(|| writer.stop()).await.is_err() {
                error!("the store did not stop in order");
            }
        }
    }

    fn input(&mut self, input: Input) {
        let now = self.clock.now();
        match input {
            Input::Connect {
                connection,
                request,
                peer,
                outbox,
            } => {
                self.outboxes.insert(connection, outbox);
                self.broker.connect(now, connection, *request, peer);
            }
            Input::Receive {
                connection,
                message,
                share,
            } => {
                // What the broker closed may still have sent something.
                if self.outboxes.contains_key(&connection) {
                    self.broker.receive(now, connection, message);
                }
                drop(share);
            }
            Input::Disconnected { connection, fault } => match fault {
                Some(reason) => {
                    self.broker.failed(now, connection, reason);
                    self.carry_out();
                    // The broker has closed it, if it had a session.
                    if let Some(outbox) = self.outboxes.remove(&connection) {
                        outbox.end(End::Flushed(EndCause::Closed));
                    }
                }
                None => {
                    self.outboxes.remove(&connection);
                    self.broker.disconnected(now, connection);
                }
            },
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.broker.poll_output() {
            match output {
                Output::Send {
                    connection,
                    message,
                } => self.send(connection, message),
                Output::Close { connection, reason } => {
                    if let Some(outbox) = self.outboxes.remove(&connection) {
                        outbox.end(End::Flushed(EndCause::Ended(reason)));
                    }
                }
                Output::Store { ticket, operations } => {
                    let result = self.writer.as_ref().map_or(Ok(()), |writer| {
                        // It completes once it is written.
                        writer.submit(ticket, operations)
                    });
                    if self.writer.is_none() || result.is_err() {
                        self.complete(ticket, Completion::Stored(result));
                    }
                }
                Output::Hash { ticket, password } => {
                    let (checks, completed) = (self.checks.clone(), self.completed.clone());
                    tokio::spawn(async move {
                        let result = checks.hash(&password).await;
                        let _ = completed.send((ticket, Completion::Hashed(result)));
                    });
                }
                Output::Verify {
                    ticket,
                    hash,
                    password,
                } => {
                    let (checks, completed) = (self.checks.clone(), self.completed.clone());
                    tokio::spawn(async move {
                        let result = checks.password(hash, &password).await;
                        let _ = completed.send((ticket, Completion::Verified(result)));
                    });
                }
                Output::VerifyToken { ticket, token } => {
                    let (checks, completed) = (self.checks.clone(), self.completed.clone());
                    let now_ms = self.clock.now().wall_ms;
                    tokio::spawn(async move {
                        let claims = checks.token(&token, now_ms);
                        let _ = completed.send((ticket, Completion::TokenVerified(Ok(claims))));
                    });
                }
            }
        }
    }

    fn send(&mut self, connection: ConnectionId, message: Bytes) {
        let Some(outbox) = self.outboxes.get(&connection) else {
            return;
        };
        if let Err(overflow) = outbox.push(message) {
            info!(
                connection = connection.0,
                messages = overflow.messages,
                bytes = overflow.bytes,
                "the client reads too slowly: it is disconnected"
            );
            self.outboxes.remove(&connection);
            let reason = CloseReason::MessageQueueLimitReached;
            self.broker.failed(self.clock.now(), connection, reason);
        }
    }

    fn complete(&self, ticket: Ticket, completion: Completion) {
        // The receiver is in this hub's own task.
        let _ = self.completed.send((ticket, completion));
    }
}
