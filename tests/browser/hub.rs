//! A service in memory that the page's services reach without a network.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use effusion::services::Connector;
use effusion_broker::{ConnectionId, Output, Peer};
use effusion_client::web::Browser;
use effusion_client::{
    Runtime, ServiceAddress, Session, Transport, TransportErrorKind, TransportEvent,
};
use effusion_protocol::ConnectRequest;
use gloo_timers::future::TimeoutFuture;
use send_wrapper::SendWrapper;
use wasm_bindgen_futures::spawn_local;

// Some of it is for other tests only.
#[path = "../../crates/client/tests/with_broker/service.rs"]
#[expect(dead_code)]
mod service;

use service::Service;

/// How often the service looks at the clock, in milliseconds.
const TICK: u32 = 20;

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
    inboxes: HashMap<ConnectionId, Rc<RefCell<Inbox>>>,
    last: u64,
}

impl State {
    fn input(&mut self, input: impl FnOnce(&mut effusion_broker::Broker, effusion_broker::Time)) {
        self.service.input(Browser.now(), input);
        self.deliver();
    }

    fn deliver(&mut self) {
        while let Some(output) = self.service.poll(Browser.now()) {
            match output {
                Output::Send {
                    connection,
                    message,
                } => {
                    if let Some(inbox) = self.inboxes.get(&connection) {
                        inbox.borrow_mut().put(TransportEvent::Message(message));
                    }
                }
                Output::Close { connection, .. } => {
                    if let Some(inbox) = self.inboxes.remove(&connection) {
                        inbox.borrow_mut().put(lost());
                    }
                }
                _ => {}
            }
        }
    }
}

/// The service, and everybody's connection to it.
#[derive(Clone)]
pub struct Hub(Rc<RefCell<State>>);

impl Hub {
    /// A service with the default principals.
    pub fn new() -> Self {
        let state = Rc::new(RefCell::new(State {
            service: Service::new(Browser.now()),
            inboxes: HashMap::new(),
            last: 0,
        }));
        spawn_local(tick(Rc::downgrade(&state)));
        Self(state)
    }

    /// How the page's services get to it.
    pub fn connector(&self) -> Connector {
        let hub = self.clone();
        Rc::new(move |address, options| {
            let cable = Cable {
                hub: SendWrapper::new(hub.clone()),
                connection: SendWrapper::new(None),
            };
            Box::pin(Session::connect(
                address,
                options,
                Box::new(cable),
                Arc::new(Browser),
            ))
        })
    }

    /// Breaks every connection.
    pub fn cut(&self) {
        let mut state = self.0.borrow_mut();
        for (connection, inbox) in std::mem::take(&mut state.inboxes) {
            inbox.borrow_mut().put(lost());
            state.input(|broker, now| broker.disconnected(now, connection));
        }
    }

    /// Kills the service and starts it again with what it has stored.
    pub fn restart(&self) {
        let mut state = self.0.borrow_mut();
        for (_, inbox) in state.inboxes.drain() {
            inbox.borrow_mut().put(lost());
        }
        state.service.restart(Browser.now(), 0);
    }
}

fn lost() -> TransportEvent {
    TransportEvent::Lost(TransportErrorKind::Unknown.into())
}

async fn tick(state: Weak<RefCell<State>>) {
    while let Some(state) = state.upgrade() {
        {
            let mut state = state.borrow_mut();
            state.service.tick(Browser.now());
            state.deliver();
        }
        drop(state);
        TimeoutFuture::new(TICK).await;
    }
}

/// One session's connection.
struct Cable {
    hub: SendWrapper<Hub>,
    connection: SendWrapper<Option<(ConnectionId, Rc<RefCell<Inbox>>)>>,
}

impl Transport for Cable {
    fn open(&mut self, _: &ServiceAddress, query: &str) {
        self.close();
        let request = ConnectRequest::from_query(query).unwrap();
        let mut state = self.hub.0.borrow_mut();
        state.last += 1;
        let connection = ConnectionId(state.last);
        let inbox = Rc::new(RefCell::new(Inbox::default()));
        inbox.borrow_mut().put(TransportEvent::Opened);
        state.inboxes.insert(connection, Rc::clone(&inbox));
        *self.connection = Some((connection, inbox));
        let peer = Peer {
            address: "127.0.0.1".to_owned(),
            connector: "hub".to_owned(),
            secure: false,
        };
        state.input(|broker, now| {
            broker.connect(now, connection, request, peer);
        });
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent> {
        let Some((_, inbox)) = &*self.connection else {
            return Poll::Pending;
        };
        let mut inbox = inbox.borrow_mut();
        match inbox.events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => {
                inbox.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn send(&mut self, message: Bytes) {
        let Some((connection, _)) = &*self.connection else {
            return;
        };
        let mut state = self.hub.0.borrow_mut();
        // A connection that was cut is not there any more.
        if state.inboxes.contains_key(connection) {
            state.input(|broker, now| broker.receive(now, *connection, message));
        }
    }

    fn close(&mut self) {
        let Some((connection, _)) = (*self.connection).take() else {
            return;
        };
        let mut state = self.hub.0.borrow_mut();
        if state.inboxes.remove(&connection).is_some() {
            state.input(|broker, now| broker.disconnected(now, connection));
        }
    }
}
