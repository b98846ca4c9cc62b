//! A service that sessions reach without a network: the handles' part of the client, natively and in a browser.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use effusion_broker::{ConnectionId, Output, Peer};
use effusion_client::{
    ConnectError, ConnectOptions, Runtime, ServiceAddress, Session, Transport, TransportErrorKind,
    TransportEvent,
};
use effusion_protocol::ConnectRequest;

use super::service::Service;

/// How often the service looks at the clock.
const TICK: Duration = Duration::from_millis(20);

/// What a connection's client has yet to be told.
#[derive(Default)]
struct Inbox {
    events: VecDeque<TransportEvent>,
    waker: Option<Waker>,
}

impl Inbox {
    fn put(&mut self, event: TransportEvent) {
        self.events.push_back(event);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

struct State {
    service: Service,
    inboxes: HashMap<ConnectionId, Arc<Mutex<Inbox>>>,
    last: u64,
    runtime: Arc<dyn Runtime>,
}

/// The service, and everybody's connection to it.
#[derive(Clone)]
pub struct Hub(Arc<Mutex<State>>);

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// A service with the default principals, in the caller's tokio runtime.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new() -> Self {
        Self::on(Arc::new(effusion_client::native::Tokio::new()))
    }

    /// A service with the default principals, by the clock of a runtime.
    pub fn on(runtime: Arc<dyn Runtime>) -> Self {
        let state = Arc::new(Mutex::new(State {
            service: Service::new(millis(&*runtime)),
            inboxes: HashMap::new(),
            last: 0,
            runtime: Arc::clone(&runtime),
        }));
        let ticking = tick(Arc::downgrade(&state), Arc::clone(&runtime));
        runtime.spawn(Box::pin(ticking));
        Self(state)
    }

    /// A session of one of the default principals.
    pub async fn session(&self, principal: &str) -> Session {
        self.connect(options(principal)).await.unwrap()
    }

    pub async fn connect(&self, options: ConnectOptions) -> Result<Session, ConnectError> {
        let runtime = Arc::clone(&self.lock().runtime);
        let transport = Box::new(Cable {
            hub: self.clone(),
            connection: None,
        });
        Session::connect(ServiceAddress::new("hub"), options, transport, runtime).await
    }

    /// Breaks every connection.
    pub fn cut(&self) {
        let mut state = self.lock();
        let inboxes: Vec<_> = state.inboxes.drain().collect();
        for (connection, inbox) in inboxes {
            inbox.lock().unwrap().put(closed());
            let now = state.now();
            let service = &mut state.service;
            service.input(now, |broker, now| broker.disconnected(now, connection));
        }
        state.pump();
    }

    /// Kills the service and starts it again with what it has stored.
    pub fn restart(&self) {
        let mut state = self.lock();
        for (_, inbox) in state.inboxes.drain() {
            inbox.lock().unwrap().put(closed());
        }
        let now = state.now();
        state.service.restart(now, 0);
    }

    pub fn session_count(&self) -> usize {
        self.lock().service.broker.session_count()
    }
}

pub fn options(principal: &str) -> ConnectOptions {
    ConnectOptions::new()
        .principal(principal)
        .password("password")
}

fn closed() -> TransportEvent {
    TransportEvent::Lost(TransportErrorKind::Closed.into())
}

async fn tick(state: Weak<Mutex<State>>, runtime: Arc<dyn Runtime>) {
    while let Some(state) = state.upgrade() {
        {
            let mut state = state.lock().unwrap();
            let now = state.now();
            state.service.tick(now);
            state.pump();
        }
        drop(state);
        runtime.sleep(TICK).await;
    }
}

/// The time, in milliseconds.
fn millis(runtime: &dyn Runtime) -> u64 {
    runtime.now().as_millis() as u64
}

impl State {
    fn now(&self) -> u64 {
        millis(&*self.runtime)
    }

    fn pump(&mut self) {
        while let Some(output) = self.service.poll(self.now()) {
            match output {
                Output::Send {
                    connection,
                    message,
                } => {
                    if let Some(inbox) = self.inboxes.get(&connection) {
                        inbox.lock().unwrap().put(TransportEvent::Message(message));
                    }
                }
                Output::Close { connection, .. } => {
                    if let Some(inbox) = self.inboxes.remove(&connection) {
                        inbox.lock().unwrap().put(closed());
                    }
                }
                _ => {}
            }
        }
    }
}

/// One session's connection.
struct Cable {
    hub: Hub,
    connection: Option<(ConnectionId, Arc<Mutex<Inbox>>)>,
}

impl Transport for Cable {
    fn open(&mut self, address: &ServiceAddress, query: &str) {
        self.close();
        assert_eq!(*address, ServiceAddress::new("hub"));
        let request = ConnectRequest::from_query(query).unwrap();
        let mut state = self.hub.lock();
        state.last += 1;
        let connection = ConnectionId(state.last);
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        inbox.lock().unwrap().put(TransportEvent::Opened);
        state.inboxes.insert(connection, Arc::clone(&inbox));
        self.connection = Some((connection, inbox));
        let peer = Peer {
            address: "127.0.0.1".to_owned(),
            connector: "hub".to_owned(),
            secure: false,
        };
        let now = state.now();
        let service = &mut state.service;
        service.input(now, |broker, now| {
            broker.connect(now, connection, request, peer);
        });
        state.pump();
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent> {
        let Some((_, inbox)) = &self.connection else {
            return Poll::Pending;
        };
        let mut inbox = inbox.lock().unwrap();
        match inbox.events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                inbox.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn send(&mut self, message: Bytes) {
        let Some((connection, _)) = &self.connection else {
            return;
        };
        let mut state = self.hub.lock();
        // A connection that was cut is not there any more.
        if state.inboxes.contains_key(connection) {
            let now = state.now();
            let service = &mut state.service;
            service.input(now, |broker, now| broker.receive(now, *connection, message));
            state.pump();
        }
    }

    fn close(&mut self) {
        let Some((connection, _)) = self.connection.take() else {
            return;
        };
        let mut state = self.hub.lock();
        if state.inboxes.remove(&connection).is_some() {
            let now = state.now();
            let service = &mut state.service;
            service.input(now, |broker, now| broker.disconnected(now, connection));
            state.pump();
        }
    }
}
