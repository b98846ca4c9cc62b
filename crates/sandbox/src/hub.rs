//! The task that owns the broker: takes what happened, in turn, and hands out what the broker wants done.
//!
//! It waits for nothing but its inputs. Addresses and their connections take turns; each connection may have only so much waiting, of its own and of a common
//! memory budget, so that one that floods the service waits for itself. What takes long is worked on in slices between the
//! turns.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use effusion_broker::{
    Broker, Completion, ConnectionEnd, ConnectionId, Output, Peer, Ticket, network_of,
};
use effusion_protocol::{CloseReason, ConnectRequest};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tracing::{error, info};

use crate::clock::Clock;
use crate::credentials::Checks;
use crate::outbox::{End, EndCause, Outbox, Pushed};
use crate::store::Writer;
use crate::turns::Turns;

/// Inputs on their way from the connections' tasks.
const INPUTS: usize = 1024;
/// Inputs that are taken at once.
const INPUTS_AT_ONCE: usize = 256;
/// How long inputs are served before connections are woken to write what comes of them, and completions and timers are looked at
/// again. A single input may take longer.
const TURNS: Duration = Duration::from_millis(2);
/// What of the memory for messages that wait for the broker is kept for small ones, which do not wait until large ones are
/// served: one part of so many.
const SMALL_PART: usize = 4;
/// The largest message that counts as a small one.
const SMALL_INPUT: usize = 16 << 10;
/// Bytes of messages of one connection that may wait for the broker; a larger message waits alone.
const CONNECTION_BYTES: usize = 4 << 20;
/// What the smallest message counts as.
const LEAST_SHARE: usize = 64 << 10;
/// How much may wait around the broker, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubLimits {
    /// Messages that wait for the broker, over all connections: several times the largest one.
    pub input_bytes: usize,
    /// Changes that wait for the disk before clients are made to wait.
    pub store_bytes: usize,
}

impl Default for HubLimits {
    fn default() -> Self {
        Self {
            input_bytes: 128 << 20,
            store_bytes: 64 << 20,
        }
    }
}

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
        /// Its share of the memory budget, and of the connection's own.
        shares: [OwnedSemaphorePermit; 2],
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
    small_memory: Arc<Semaphore>,
    limits: HubLimits,
    last_connection: Arc<AtomicU64>,
}

/// The hub is gone: the service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the service is stopping")]
pub struct Stopped;

impl HubHandle {
    /// Whether the broker is gone, so that nothing is answered any more.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.inputs.is_closed()
    }

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
    pub async fn receive(
        &self,
        connection: ConnectionId,
        allowance: &Allowance,
        message: Bytes,
    ) -> Result<(), Stopped> {
        let length = message.len();
        let pool = if length <= SMALL_INPUT {
            &self.small_memory
        } else {
            &self.memory
        };
        let own = take(&allowance.0, length.clamp(LEAST_SHARE, CONNECTION_BYTES)).await?;
        // An empty message takes a place in the queue too.
        let share = take(pool, length.clamp(1, self.limits.input_bytes)).await?;
        self.send(Input::Receive {
            connection,
            message,
            shares: [own, share],
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

/// How much of one connection may wait for the broker.
#[derive(Debug)]
pub struct Allowance(Arc<Semaphore>);

impl Default for Allowance {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(CONNECTION_BYTES)))
    }
}

async fn take(pool: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Stopped> {
    let bytes = u32::try_from(bytes).map_err(|_| Stopped)?;
    let share = Arc::clone(pool).acquire_many_owned(bytes).await;
    share.map_err(|_| Stopped)
}

impl Input {
    const fn connection(&self) -> ConnectionId {
        match self {
            Self::Connect { connection, .. }
            | Self::Receive { connection, .. }
            | Self::Disconnected { connection, .. } => *connection,
        }
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
    limits: HubLimits,
    completed: mpsc::UnboundedSender<(Ticket, Completion)>,
    /// Outboxes whose connections are to be woken.
    filled: Vec<Arc<Outbox>>,
    /// Where connections come from, as long as inputs may come from them.
    addresses: HashMap<ConnectionId, Option<IpAddr>, BuildHasherDefault<NumberHasher>>,
}

/// The completions of what the broker asked for.
#[derive(Debug)]
pub struct Completions {
    sender: mpsc::UnboundedSender<(Ticket, Completion)>,
    receiver: mpsc::UnboundedReceiver<(Ticket, Completion)>,
    lost: Arc<Notify>,
}

impl Completions {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self {
            sender,
            receiver,
            lost: Arc::default(),
        }
    }

    /// What the store's thread is to call when it cannot tell what is stored.
    #[must_use]
    pub fn on_lost(&self) -> crate::store::OnLost {
        let lost = Arc::clone(&self.lost);
        Box::new(move || lost.notify_one())
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
        limits: HubLimits,
        stop: oneshot::Receiver<()>,
    ) -> (HubHandle, tokio::task::JoinHandle<()>) {
        let (inputs, queue) = mpsc::channel(INPUTS);
        let hub = Self {
            broker,
            clock,
            outboxes: HashMap::default(),
            writer,
            checks,
            limits,
            completed: completions.sender,
            filled: Vec::new(),
            addresses: HashMap::default(),
        };
        let task = tokio::spawn(hub.run(queue, completions.receiver, completions.lost, stop));
        let handle = HubHandle {
            inputs,
            memory: Arc::new(Semaphore::new(limits.input_bytes)),
            small_memory: Arc::new(Semaphore::new(
                (limits.input_bytes / SMALL_PART).max(SMALL_INPUT),
            )),
            limits,
            last_connection: Arc::default(),
        };
        (handle, task)
    }

    async fn run(
        mut self,
        mut queue: mpsc::Receiver<Input>,
        mut completions: mpsc::UnboundedReceiver<(Ticket, Completion)>,
        lost: Arc<Notify>,
        mut stop: oneshot::Receiver<()>,
    ) {
        let mut inputs = Vec::with_capacity(INPUTS_AT_ONCE);
        let mut turns = Turns::default();
        loop {
            let is_busy = self.broker.has_work() || !turns.is_empty();
            let timeout = self.broker.next_timeout();
            let store_keeps_up = self
                .writer
                .as_ref()
                .is_none_or(|writer| writer.waiting_bytes() < self.limits.store_bytes)
                && self.broker.write_bytes() < self.limits.store_bytes;
            tokio::select! {
                // Completions free memory, time is exact, and clients come last.
                biased;
                _ = &mut stop => break,
                () = lost.notified() => {
                    // Nobody is told anything more: after a start from the disk, it is known what is true.
                    error!("it is not known whether the last changes are stored: the service has to be started again");
                    return;
                }
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
                        turns.push(self.address(&input), input.connection(), input);
                    }
                }
                () = std::future::ready(()), if is_busy => {}
            }
            let start = Instant::now();
            let mut now = start;
            while now.duration_since(start) < TURNS
                && let Some(input) = turns.next(now)
            {
                self.input(input);
                self.carry_out();
                now = Instant::now();
            }
            self.wake();
            if self.broker.has_work() {
                self.broker.work(self.clock.now());
                self.carry_out();
                self.wake();
                // Other tasks may be on this thread.
                tokio::task::yield_now().await;
            }
        }
        queue.close();
        let coming = std::iter::from_fn(|| queue.try_recv().ok());
        for input in turns.drain().chain(coming) {
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

    /// Where an input comes from.
    fn address(&mut self, input: &Input) -> Option<IpAddr> {
        match input {
            Input::Connect {
                connection, peer, ..
            } => {
                let address = peer.address.parse().ok().map(network_of);
                self.addresses.insert(*connection, address);
                address
            }
            Input::Receive { connection, .. } => *self.addresses.get(connection)?,
            Input::Disconnected { connection, .. } => self.addresses.remove(connection)?,
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
                shares,
            } => {
                // What the broker closed may still have sent something.
                if self.outboxes.contains_key(&connection) {
                    self.broker.receive(now, connection, message);
                }
                drop(shares);
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
                        outbox.end(match reason {
                            // What it does not read is what there is too much of.
                            ConnectionEnd::Session(CloseReason::MessageQueueLimitReached) => {
                                End::Now(EndCause::TooSlow)
                            }
                            reason => End::Flushed(EndCause::Ended(reason)),
                        });
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
        match outbox.push(message) {
            Ok(Pushed::First) => self.filled.push(Arc::clone(outbox)),
            Ok(Pushed::Behind) => {}
            Err(overflow) => {
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
    }

    /// Has the connections write what they were given: once for all of it, so that it goes out in few writes.
    fn wake(&mut self) {
        for outbox in self.filled.drain(..) {
            outbox.wake();
        }
    }

    fn complete(&self, ticket: Ticket, completion: Completion) {
        // The receiver is in this hub's own task.
        let _ = self.completed.send((ticket, completion));
    }
}
