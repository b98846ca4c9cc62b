//! What a session's handles and its driver have in common.

use core::cell::{Cell, RefCell};
use core::ops::Deref;
use core::task::Waker;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use effusion_protocol::body::Call;
use effusion_protocol::{
    ConversationId, ErrorReason, ErrorReport, ProtocolVersion, ServiceId, TopicSpecification,
    encode,
};
use futures_channel::oneshot;

use crate::guarded::Guarded;
use crate::machine::{Event, Machine, Selection, SessionState, Ticket};
use crate::queue::{self, Brake, StreamOptions};
use crate::receivers::Receivers;
use crate::response::{self, Answer, Read, Response};
use crate::session::Held;
use crate::stream::{Slot, TopicEvent};
use crate::traffic::Meter;
use crate::transport::Runtime;
use crate::value::millis;
use crate::{Interruption, RequestError, SessionCloseReason};

/// How many changes of state are kept for somebody who does not read them. The newest counts.
const MAX_STATES: usize = 64;

/// Who waits for an answer.
pub(crate) enum Waiter {
    Caller(oneshot::Sender<Answer>),
    /// A receiver that is registered again in a new session.
    Registration(u64),
    /// Nobody any more, but something is to be done.
    Then(Box<dyn FnOnce(Answer) + Send>),
}

/// A session as its handles and its driver share it.
pub(crate) struct Shared {
    pub(crate) runtime: Arc<dyn Runtime>,
    /// What new streams are like if nobody says anything else.
    pub(crate) streams: StreamOptions,
    /// Who holds the session up.
    pub(crate) brake: Arc<Brake>,
    /// One lock for all of it: nobody sees a session in the middle of an event.
    parts: Guarded<Parts>,
}

/// The machine and everybody who waits for something from it. Who sees them has the lock, so cells are enough.
pub(crate) struct Parts {
    pub(crate) machine: RefCell<Machine>,
    driver: Cell<Option<Waker>>,
    /// Those who wait for answers, in the order of their tickets. Most are answered in order, so that they leave at the front.
    answers: RefCell<VecDeque<(Ticket, Waiter)>>,
    pub(crate) receivers: Receivers,
    streams: RefCell<Vec<Slot>>,
    state: RefCell<SessionState>,
    watchers: RefCell<Vec<queue::Sender<SessionState>>>,
    /// The session locks that somebody has.
    pub(crate) locks: RefCell<Vec<Weak<Held>>>,
    /// How often a connection was lost.
    losses: Cell<u32>,
    /// What goes over the connection.
    pub(crate) traffic: Meter,
}

impl Shared {
    pub(crate) fn new(machine: Machine, runtime: Arc<dyn Runtime>, streams: StreamOptions) -> Self {
        let parts = Parts {
            machine: RefCell::new(machine),
            driver: Cell::new(None),
            answers: RefCell::default(),
            receivers: Receivers::default(),
            streams: RefCell::default(),
            state: RefCell::new(SessionState::Connecting),
            watchers: RefCell::default(),
            locks: RefCell::default(),
            losses: Cell::new(0),
            traffic: Meter::default(),
        };
        Self {
            runtime,
            streams,
            brake: Arc::default(),
            parts: Guarded::new(parts),
        }
    }

    /// The session, for as long as what this returns lives. It must not live while somebody waits.
    pub(crate) fn lock(&self) -> impl Deref<Target = Parts> + '_ {
        self.parts.lock()
    }

    /// An id for a conversation of the session's owner.
    pub(crate) fn new_conversation(&self) -> ConversationId {
        self.lock().machine.borrow_mut().new_conversation()
    }

    /// The time as the machine counts it: in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        millis(self.runtime.now())
    }

    /// Asks for the driver to be woken when a handle has given the machine something to do.
    pub(crate) fn drive_with(&self, waker: &Waker) {
        self.lock().driver.set(Some(waker.clone()));
    }

    /// Has the driver look at the machine's outputs.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.lock().driver.take() {
            waker.wake();
        }
    }

    pub(crate) fn state(&self) -> SessionState {
        self.lock().state.borrow().clone()
    }

    /// How often the service has forgotten what the session had there.
    pub(crate) fn era(&self) -> u32 {
        self.lock().machine.borrow().era()
    }

    /// How often a connection was lost.
    pub(crate) fn losses(&self) -> u32 {
        self.lock().losses.get()
    }

    /// The version that is spoken.
    pub(crate) fn version(&self) -> ProtocolVersion {
        self.lock().machine.borrow().version()
    }

    /// Calls a service whose answer is the result.
    pub(crate) fn call<C: Call>(&self, request: &C::Request) -> Response<C::Response> {
        self.call_and_read::<C, _>(request, response::read)
    }

    /// Calls a service.
    pub(crate) fn call_and_read<C: Call, T>(
        &self,
        request: &C::Request,
        read: Read<T>,
    ) -> Response<T> {
        let version = self.version();
        Response {
            receiver: self.request(C::SERVICE, encode(request, version)),
            version,
            read,
        }
    }

    /// The answer to a request that the service would not understand.
    pub(crate) fn refuse<T>(&self, reason: ErrorReason) -> Response<T> {
        let (sender, receiver) = oneshot::channel();
        // The receiver is here.
        let _ = sender.send(Err(RequestError::Refused(ErrorReport {
            message: String::new(),
            reason,
        })));
        Response {
            receiver,
            version: self.version(),
            read: |_, _| Err(RequestError::NeverSent(Interruption::SessionClosed)),
        }
    }

    /// Calls a service by bytes: the part of a call that is compiled once.
    pub(crate) fn request(&self, service: ServiceId, body: Bytes) -> oneshot::Receiver<Answer> {
        // The driver may have the answer as soon as it can.
        let parts = self.lock();
        let ticket = parts
            .machine
            .borrow_mut()
            .request(self.now(), service, body);
        self.answer(ticket)
    }

    pub(crate) fn select(&self, selector: &str, select: bool) -> Response<()> {
        let parts = self.lock();
        let ticket = parts
            .machine
            .borrow_mut()
            .select(self.now(), selector, select);
        self.selected(ticket)
    }

    /// As `select`, in a scope of those that services have since 6.12.
    pub(crate) fn select_in_scope(&self, selection: Selection) -> Response<()> {
        if !self.version().has_selection_scopes() {
            return self.refuse(ErrorReason::Unsupported);
        }
        let parts = self.lock();
        let ticket = parts
            .machine
            .borrow_mut()
            .select_in_scope(self.now(), selection);
        self.selected(ticket)
    }

    fn selected(&self, ticket: Ticket) -> Response<()> {
        Response {
            receiver: self.answer(ticket),
            version: self.version(),
            read: |_, _| Ok(()),
        }
    }

    pub(crate) fn answer(&self, ticket: Ticket) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        let parts = self.lock();
        if parts.state.borrow().is_closed() {
            // The driver is gone, so nobody will hand on the machine's answer. The receiver is here.
            let never = RequestError::NeverSent(Interruption::SessionClosed);
            let _ = sender.send(Err(never));
        } else {
            self.wait(ticket, Waiter::Caller(sender));
        }
        receiver
    }

    /// Has an answer go to somebody else than who asked; `false` if it has come already.
    pub(crate) fn divert(&self, ticket: Ticket, waiter: Waiter) -> bool {
        let parts = self.lock();
        let mut answers = parts.answers.borrow_mut();
        let place = place(&answers, ticket).ok();
        let entry = place.and_then(|place| answers.get_mut(place));
        entry.map(|entry| entry.1 = waiter).is_some()
    }

    pub(crate) fn wait(&self, ticket: Ticket, waiter: Waiter) {
        let parts = self.lock();
        let mut answers = parts.answers.borrow_mut();
        let (Ok(at) | Err(at)) = place(&answers, ticket);
        answers.insert(at, (ticket, waiter));
        drop(answers);
        self.wake();
    }

    /// A stream that learns of every change of state from now on.
    pub(crate) fn watch(&self) -> queue::Receiver<SessionState> {
        let options = StreamOptions::new().max_events(MAX_STATES);
        let (sender, receiver) = queue::queue(options, Arc::default());
        let parts = self.lock();
        if !parts.state.borrow().is_closed() {
            parts.watchers.borrow_mut().push(sender);
        }
        receiver
    }

    /// Adds a stream, and tells it of the topics that the session is subscribed to already.
    pub(crate) fn add_stream(&self, slot: Slot) {
        let parts = self.lock();
        let state = self.state();
        if let SessionState::Closed(reason) = state {
            slot.tell_anyway(TopicEvent::Closed(reason));
            return;
        }
        let mut streams = parts.streams.borrow_mut();
        streams.retain(Slot::is_open);
        for (topic, value) in parts.machine.borrow().topics() {
            let (path, specification) = (&topic.path, &topic.specification);
            let is_free = !slot.is_fallback() || !is_taken(&streams, path, specification);
            if is_free && slot.wants(path, specification) {
                slot.tell_anyway(TopicEvent::Subscribed(Arc::clone(topic)));
                if let Some(value) = value {
                    slot.tell_anyway(TopicEvent::Value {
                        topic: Arc::clone(topic),
                        old: None,
                        new: value.clone(),
                    });
                }
            }
        }
        streams.push(slot);
    }

    /// The selectors of the streams that somebody still reads.
    pub(crate) fn stream_selectors(&self) -> Vec<String> {
        let parts = self.lock();
        let streams = parts.streams.borrow();
        let open = streams.iter().filter(|slot| slot.is_open());
        open.map(|slot| slot.selector().to_owned()).collect()
    }

    fn tell_streams(&self, path: &str, specification: &TopicSpecification, event: &TopicEvent) {
        let parts = self.lock();
        let mut streams = parts.streams.borrow_mut();
        let is_taken =
            streams.iter().any(Slot::is_fallback) && is_taken(&streams, path, specification);
        // A stream whose owner has dropped it is forgotten on the way.
        streams.retain(|slot| {
            (is_taken && slot.is_fallback())
                || !slot.wants(path, specification)
                || slot.tell(event.clone())
        });
    }

    /// Hands on what the machine reports.
    pub(crate) fn dispatch(&self, event: Event) {
        let parts = self.lock();
        match event {
            Event::State(state) => self.change_state(state),
            Event::Answer { ticket, result } => self.answered(ticket, result),
            Event::Subscribed(topic) => {
                let event = TopicEvent::Subscribed(Arc::clone(&topic));
                self.tell_streams(&topic.path, &topic.specification, &event);
            }
            Event::Value { topic, old, new } => {
                let event = TopicEvent::Value {
                    topic: Arc::clone(&topic),
                    old,
                    new,
                };
                self.tell_streams(&topic.path, &topic.specification, &event);
            }
            Event::Broken { topic, error } => {
                let event = TopicEvent::Broken {
                    topic: Arc::clone(&topic),
                    error,
                };
                self.tell_streams(&topic.path, &topic.specification, &event);
            }
            Event::Unsubscribed { topic, reason } => {
                let event = TopicEvent::Unsubscribed {
                    topic: Arc::clone(&topic),
                    reason,
                };
                self.tell_streams(&topic.path, &topic.specification, &event);
            }
            Event::Called(call) => self.called(&call),
            Event::ConversationEnded {
                conversation,
                report,
            } => self.registration_ended(conversation, report),
            Event::SelectionFailed { selector, error } => {
                for slot in parts.streams.borrow().iter() {
                    if slot.selector() == selector {
                        slot.tell(TopicEvent::NotSelected(error.clone()));
                    }
                }
            }
        }
    }

    fn answered(&self, ticket: Ticket, result: Answer) {
        let parts = self.lock();
        let mut answers = parts.answers.borrow_mut();
        let place = place(&answers, ticket).ok();
        let Some((_, waiter)) = place.and_then(|place| answers.remove(place)) else {
            return;
        };
        drop(answers);
        match waiter {
            Waiter::Caller(sender) => {
                // Nobody listens if the caller has dropped its future.
                let _ = sender.send(result);
            }
            Waiter::Registration(receiver) => self.registered_again(receiver, &result),
            Waiter::Then(act) => act(result),
        }
    }

    fn change_state(&self, state: SessionState) {
        let parts = self.lock();
        if parts.state.borrow().is_connected() {
            parts.losses.set(parts.losses.get().wrapping_add(1));
        }
        parts.state.replace(state.clone());
        parts
            .watchers
            .borrow_mut()
            .retain(|watcher| watcher.send(state.clone(), 0));
        match state {
            SessionState::Closed(reason) => {
                for slot in parts.streams.take() {
                    slot.tell_anyway(TopicEvent::Closed(reason.clone()));
                }
                parts.watchers.take();
                parts.receivers.clear();
            }
            SessionState::Connected(_) => self.register_again(),
            SessionState::Connecting | SessionState::Recovering { .. } => {}
        }
    }

    /// The driver is gone: nothing will be answered any more.
    pub(crate) fn abandon(&self) {
        if !self.lock().state.borrow().is_closed() {
            self.change_state(SessionState::Closed(SessionCloseReason::RuntimeShutDown));
        }
        drop(self.lock().answers.take());
    }
}

/// Where the one who waits for an answer is, or would have to be.
fn place(answers: &VecDeque<(Ticket, Waiter)>, ticket: Ticket) -> Result<usize, usize> {
    answers.binary_search_by_key(&ticket, |(waiting, _)| *waiting)
}

/// Whether a stream takes a topic by its selector.
fn is_taken(streams: &[Slot], path: &str, specification: &TopicSpecification) -> bool {
    streams
        .iter()
        .any(|slot| !slot.is_fallback() && slot.is_open() && slot.wants(path, specification))
}
