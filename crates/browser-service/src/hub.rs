//! Owns the broker: takes what happened and carries out what the broker wants done.
//!
//! The browser gives each input its turn, so that nothing is queued here but what waits for the store.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use bytes::Bytes;
use effusion_broker::bootstrap::DEVELOPMENT_PASSWORD;
use effusion_broker::{
    Broker, Completion, Config, ConnectionId, EffectError, Output, Peer, Snapshot, StoreOp, Ticket,
    Time,
};
use effusion_host::password::{self, DEVELOPMENT_HASH, HashError};
use effusion_host::{close, record};
use effusion_protocol::{CloseReason, ConnectRequest, ResponseCode};
use gloo_timers::callback::Timeout;
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen_futures::spawn_local;

use crate::clock;
use crate::identity;
use crate::port::Port;
use crate::store::Store;

/// How long what takes long is worked on before others have their turn, in milliseconds.
const TURN: u64 = 4;
/// The longest that a browser's timer can be set to: 2^31 − 1 ms.
const LONGEST_TIMER: u64 = 0x7fff_ffff;
/// Bytes of memory that all topics may take: a browser gives a page less than a machine gives a service.
const TOPIC_BYTES: usize = 256 << 20;
/// Why nobody can connect while the service is being replaced.
const STOPPING: &str = "the service is stopping";
/// A hash that no password is checked against with success: it takes as long over a principal that does not exist.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The broker, and the ports of those who speak with it.
pub struct Hub {
    state: RefCell<State>,
    store: Rc<Store>,
    identity: String,
}

struct State {
    broker: Broker,
    ports: HashMap<ConnectionId, Rc<Port>>,
    last_connection: u64,
    message_bytes: usize,
    /// Changes that wait for the transaction that is under way.
    changes: Vec<(Ticket, Vec<StoreOp>)>,
    is_writing: bool,
    is_working: bool,
    /// When the broker is to be called, in the monotonic clock's milliseconds.
    timer: Option<(u64, Timeout)>,
    /// Another hub takes its place.
    is_stopped: bool,
}

impl Hub {
    /// Starts with what was stored under this identity.
    ///
    /// # Errors
    /// If the browser gives no random numbers.
    pub fn start(
        store: Rc<Store>,
        snapshot: Snapshot,
        identity: String,
    ) -> Result<Rc<Self>, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let mut config = Config::new(seed);
        config.server_name = "effusion-browser-service".to_owned();
        // All are of this browser, which has one address, and there is one thread.
        config.limits.sessions_per_address = config.limits.sessions;
        config.limits.checks_at_once = 1;
        config.limits.topic_bytes = TOPIC_BYTES;
        config.limits.topic_bytes_per_principal = TOPIC_BYTES;
        let message_bytes = config.limits.message_bytes;
        let hub = Rc::new(Self {
            state: RefCell::new(State {
                broker: Broker::new(config, snapshot, clock::now()),
                ports: HashMap::new(),
                last_connection: 0,
                message_bytes,
                changes: Vec::new(),
                is_writing: false,
                is_working: false,
                timer: None,
                is_stopped: false,
            }),
            store,
            identity,
        });
        // Removals that are due after what was stored.
        hub.act(|_| {});
        Ok(hub)
    }

    /// Which service it is.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// A page has opened a connection to this address. Returns its number, unless it is refused at once.
    pub fn connect(self: &Rc<Self>, port: &Rc<Port>, address: &str) -> Option<ConnectionId> {
        if self.state.borrow().is_stopped {
            port.refuse(ResponseCode::NotReady, STOPPING);
            return None;
        }
        if !identity::is_meant(&self.identity, address) {
            // The page knows this code: `of_connecting` in src/services/fault.rs.
            port.refuse(ResponseCode::UnknownSession, "the service was replaced");
            return None;
        }
        let query = address.split_once('?').map_or("", |(_, query)| query);
        let Ok(request) = ConnectRequest::from_query(query) else {
            port.refuse(
                ResponseCode::ProtocolError,
                "the connect request makes no sense",
            );
            return None;
        };
        let peer = Peer {
            address: "127.0.0.1".to_owned(),
            connector: "Browser".to_owned(),
            secure: false,
        };
        let mut connection = None;
        self.act(|state| {
            state.last_connection += 1;
            let number = ConnectionId(state.last_connection);
            state.ports.insert(number, Rc::clone(port));
            state.broker.connect(clock::now(), number, request, peer);
            connection = Some(number);
        });
        connection
    }

    /// A message came.
    pub fn receive(self: &Rc<Self>, connection: ConnectionId, message: Bytes) {
        self.act(|state| {
            if message.len() > state.message_bytes {
                state.fail(connection, CloseReason::MessageTooLarge);
            } else if state.ports.contains_key(&connection) {
                state.broker.receive(clock::now(), connection, message);
            }
        });
    }

    /// What came is no message.
    pub fn fail(self: &Rc<Self>, connection: ConnectionId) {
        self.act(|state| state.fail(connection, CloseReason::InvalidInboundMessage));
    }

    /// A connection is gone.
    pub fn disconnected(self: &Rc<Self>, connection: ConnectionId) {
        self.act(|state| {
            if state.ports.remove(&connection).is_some() {
                state.broker.disconnected(clock::now(), connection);
            }
        });
    }

    /// Ends all sessions and connections. What is not in a transaction yet is not stored, and nothing more is acknowledged.
    pub fn stop(self: &Rc<Self>) {
        self.act(|state| {
            state.changes.clear();
            state.is_stopped = true;
            state.broker.shut_down(clock::now());
        });
        let mut state = self.state.borrow_mut();
        (state.timer, state.is_working) = (None, false);
        // Clients that are signing in must not get a session of a stopped hub.
        for (_, port) in state.ports.drain() {
            port.refuse(ResponseCode::NotReady, STOPPING);
        }
    }

    /// Does something to the broker, and then all that it wants done; nothing once it is stopped.
    fn act(self: &Rc<Self>, input: impl FnOnce(&mut State)) {
        let mut state = self.state.borrow_mut();
        if state.is_stopped {
            return;
        }
        input(&mut state);
        while let Some(output) = state.broker.poll_output() {
            self.carry_out(&mut state, output);
        }
        if !state.changes.is_empty() && !state.is_writing {
            state.is_writing = true;
            spawn_local(Rc::clone(self).write());
        }
        if state.broker.has_work() && !state.is_working {
            state.is_working = true;
            spawn_local(Rc::clone(self).work());
        }
        self.set_timer(&mut state);
    }

    fn carry_out(self: &Rc<Self>, state: &mut State, output: Output) {
        match output {
            Output::Send {
                connection,
                message,
            } => {
                if let Some(port) = state.ports.get(&connection) {
                    port.send(&message);
                }
            }
            Output::Close { connection, reason } => {
                if let Some(port) = state.ports.remove(&connection) {
                    let (code, words) = close::of(reason);
                    port.close(code, &words);
                }
            }
            Output::Store { ticket, operations } => {
                if !state.is_stopped {
                    state.changes.push((ticket, operations));
                }
            }
            Output::Hash { ticket, password } => self.check(ticket, move || {
                let hashed = password::hash(password.reveal());
                Completion::Hashed(hashed.map_err(refused))
            }),
            Output::Verify {
                ticket,
                hash,
                password,
            } => self.check(ticket, move || {
                let right = match &hash {
                    Some(hash) => verify(hash, password.reveal()),
                    None => password::verify(NOBODY, password.reveal()).map(|_| false),
                };
                Completion::Verified(right.map_err(refused))
            }),
            Output::VerifyToken { ticket, .. } => {
                self.check(ticket, || Completion::TokenVerified(Ok(None)));
            }
        }
    }

    /// Does what takes tens of milliseconds once what is under way is done.
    fn check(self: &Rc<Self>, ticket: Ticket, work: impl FnOnce() -> Completion + 'static) {
        let this = Rc::clone(self);
        spawn_local(async move {
            let completion = work();
            this.act(|state| state.broker.completed(clock::now(), ticket, completion));
        });
    }

    /// Stores what waits, all of it in one transaction, until nothing waits.
    async fn write(self: Rc<Self>) {
        loop {
            let batch = std::mem::take(&mut self.state.borrow_mut().changes);
            if batch.is_empty() {
                self.state.borrow_mut().is_writing = false;
                return;
            }
            let result = self.write_batch(&batch).await;
            self.act(|state| {
                for (ticket, _) in batch {
                    let completion = Completion::Stored(result.clone());
                    state.broker.completed(clock::now(), ticket, completion);
                }
            });
        }
    }

    async fn write_batch(&self, batch: &[(Ticket, Vec<StoreOp>)]) -> Result<(), EffectError> {
        let operations = batch.iter().flat_map(|(_, operations)| operations);
        let changes: Result<Vec<_>, _> = operations.map(record::changes).collect();
        let changes = changes.map_err(refused)?.into_iter().flatten();
        self.store.write(changes).await.map_err(refused)
    }

    /// Works on what takes long, in slices.
    async fn work(self: Rc<Self>) {
        loop {
            TimeoutFuture::new(0).await;
            let start = clock::now().monotonic_ms;
            self.act(|state| {
                let mut now = clock::now();
                while state.broker.has_work() && now.monotonic_ms - start < TURN {
                    state.broker.work(now);
                    now = clock::now();
                }
                state.is_working = state.broker.has_work();
            });
            if !self.state.borrow().is_working {
                return;
            }
        }
    }

    fn set_timer(self: &Rc<Self>, state: &mut State) {
        let next = state.broker.next_timeout();
        let set = state.timer.as_ref().map(|(at, _)| *at);
        if next == set {
            return;
        }
        state.timer = next.map(|at| {
            let wait = at
                .saturating_sub(clock::now().monotonic_ms)
                .min(LONGEST_TIMER);
            let this = Rc::downgrade(self);
            let ring = move || {
                if let Some(this) = this.upgrade() {
                    this.ring();
                }
            };
            (at, Timeout::new(wait as u32, ring))
        });
    }

    fn ring(self: &Rc<Self>) {
        self.act(|state| {
            // What has rung cannot be cancelled.
            if let Some((_, timer)) = state.timer.take() {
                timer.forget();
            }
            let now: Time = clock::now();
            state.broker.tick(now);
        });
    }
}

impl State {
    fn fail(&mut self, connection: ConnectionId, reason: CloseReason) {
        self.broker.failed(clock::now(), connection, reason);
    }
}

/// Whether this is the password of that hash. That takes a tenth of a second, but none for the public password that a service starts with.
fn verify(hash: &str, password: &str) -> Result<bool, HashError> {
    if hash == DEVELOPMENT_HASH {
        Ok(password == DEVELOPMENT_PASSWORD)
    } else {
        password::verify(hash, password)
    }
}

fn refused(error: impl ToString) -> EffectError {
    EffectError(error.to_string())
}
