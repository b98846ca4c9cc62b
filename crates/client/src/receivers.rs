//! Those whom the service calls: request handlers and listeners.
//!
//! A receiver is a trait object, so that what a program does not use is not in it.

use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use effusion_protocol::{
    ConversationId, ErrorReason, ErrorReport, ProtocolVersion, ServiceId, Wire, decode,
};
use futures_channel::oneshot;

use crate::machine::{ServiceCall, Ticket, nobody};
use crate::response::{Answer, poll_answer};
use crate::shared::{Shared, Waiter};
use crate::{ErrorReason as Reason, RequestError};

/// What becomes of a call.
pub(crate) enum Verdict {
    /// It is for somebody else.
    NotMine,
    /// It is answered now.
    Answered(Result<Bytes, ErrorReport>),
    /// It will be answered later.
    Kept,
}

impl Verdict {
    /// An answer that says nothing.
    pub(crate) const DONE: Self = Self::Answered(Ok(Bytes::new()));

    /// Reads a call's arguments; an error is the verdict on a call that cannot be read.
    pub(crate) fn read<T: Wire>(call: &ServiceCall, version: ProtocolVersion) -> Result<T, Self> {
        decode(call.body.clone(), version).map_err(|_| {
            Self::Answered(Err(ErrorReport {
                message: "The call cannot be read".to_owned(),
                reason: ErrorReason::InvalidData,
            }))
        })
    }
}

/// A request by which a receiver is registered.
pub(crate) type Registering = (ServiceId, Bytes);

/// Somebody whom the service calls.
pub(crate) trait Receiver: Send + Sync {
    /// The services by which.
    fn services(&self) -> &'static [ServiceId];

    fn receive(&self, call: &ServiceCall, version: ProtocolVersion) -> Verdict;

    /// What it is registered by, if it is.
    fn conversation(&self) -> Option<ConversationId> {
        None
    }

    /// The requests that make the service call; they are made again in a new session.
    fn register(&self, _: ProtocolVersion) -> Vec<Registering> {
        Vec::new()
    }

    /// The requests that end that.
    fn deregister(&self, _: ProtocolVersion) -> Vec<Registering> {
        Vec::new()
    }

    /// Whether it is of no use without what [`Receiver::register`] asks for.
    fn needs_all(&self) -> bool {
        true
    }

    /// The service has forgotten the session's receivers. Whether this one is to be registered again.
    fn renew(&self) -> bool {
        true
    }
}

/// Why the service ended a registration, once it has.
pub(crate) type End = Arc<OnceLock<ErrorReport>>;

#[derive(Clone)]
struct Entry {
    id: u64,
    receiver: Arc<dyn Receiver>,
    end: End,
}

#[derive(Default)]
pub(crate) struct Receivers {
    list: RefCell<Vec<Entry>>,
    last: Cell<u64>,
    /// The era of the machine in which all are registered.
    era: Cell<u32>,
}

impl Receivers {
    pub(crate) fn clear(&self) {
        // What is dropped may look at the list.
        drop(self.list.take());
    }

    fn remove(&self, id: u64) -> Option<Entry> {
        let mut list = self.list.borrow_mut();
        let index = list.iter().position(|entry| entry.id == id)?;
        Some(list.remove(index))
    }

    /// The service will tell a receiver nothing more. Its stream ends once all that it was told is read.
    fn end(&self, id: u64, report: &ErrorReport) {
        if let Some(entry) = self.remove(id) {
            // It ends once.
            let _ = entry.end.set(report.clone());
        }
    }
}

impl Shared {
    /// Takes a receiver in, until the enrolment is dropped or the session is closed.
    pub(crate) fn enrol(self: &Arc<Self>, receiver: Arc<dyn Receiver>) -> Enrolment {
        let parts = self.lock();
        let receivers = &parts.receivers;
        let id = receivers.last.get() + 1;
        receivers.last.set(id);
        let mut machine = parts.machine.borrow_mut();
        for service in receiver.services() {
            machine.accept_calls(*service);
        }
        let end = End::default();
        if !self.state().is_closed() {
            receivers.list.borrow_mut().push(Entry {
                id,
                receiver,
                end: Arc::clone(&end),
            });
        }
        Enrolment {
            shared: Arc::downgrade(self),
            id,
            end,
        }
    }

    /// Takes a receiver in and registers it. `finish` reads the service's answer.
    pub(crate) fn register<S>(
        self: &Arc<Self>,
        receiver: Arc<dyn Receiver>,
        make: impl FnOnce(Enrolment) -> S,
        finish: Finish<S>,
    ) -> Registration<S> {
        let enrolment = self.enrol(Arc::clone(&receiver));
        let (shared, id) = (Weak::clone(&enrolment.shared), enrolment.id);
        let stream = make(enrolment);
        let version = self.version();
        let mut answers = receiver
            .register(version)
            .into_iter()
            .map(|(service, body)| self.request(service, body));
        Registration {
            answer: answers.next_back().unwrap_or_else(|| oneshot::channel().1),
            version,
            shared,
            id,
            stream: Some(stream),
            finish,
        }
    }

    /// A call by the service.
    pub(crate) fn called(&self, call: &ServiceCall) {
        let version = self.version();
        // A receiver may come or go while it is called.
        let receivers = self.lock().receivers.list.borrow().clone();
        let verdict = receivers
            .iter()
            .rev()
            .map(|entry| &entry.receiver)
            .filter(|receiver| receiver.services().contains(&call.service()))
            .map(|receiver| receiver.receive(call, version))
            .find(|verdict| !matches!(verdict, Verdict::NotMine));
        let answer = match verdict {
            Some(Verdict::Kept) => return,
            Some(Verdict::Answered(answer)) => answer,
            Some(Verdict::NotMine) | None => Err(nobody(call.service())),
        };
        let parts = self.lock();
        parts.machine.borrow_mut().answer_call(call.id, answer);
    }

    /// The session is open. If it is another one, all receivers are registered again.
    pub(crate) fn register_again(&self) {
        let parts = self.lock();
        let era = parts.machine.borrow().era();
        if parts.receivers.era.replace(era) == era {
            return;
        }
        let version = self.version();
        let receivers = parts.receivers.list.borrow().clone();
        for Entry { id, receiver, .. } in receivers {
            if !receiver.renew() {
                parts.receivers.remove(id);
                continue;
            }
            for (service, body) in receiver.register(version) {
                let ticket = self.ask(service, body);
                if receiver.needs_all() {
                    self.wait(ticket, Waiter::Registration(id));
                }
            }
        }
    }

    /// A registration in a new session was answered. If it was refused, the receiver hears nothing any more, and its
    /// stream ends.
    pub(crate) fn registered_again(&self, id: u64, answer: &Answer) {
        if let Err(RequestError::Refused(report)) = answer
            // The service had not forgotten it.
            && report.reason != Reason::HandlerConflict
        {
            self.lock().receivers.end(id, report);
        }
    }

    /// The service ended the registration that was made by this conversation.
    pub(crate) fn registration_ended(&self, conversation: ConversationId, report: ErrorReport) {
        let parts = self.lock();
        let id = {
            let list = parts.receivers.list.borrow();
            let mut entries = list.iter();
            entries
                .find(|entry| entry.receiver.conversation() == Some(conversation))
                .map(|entry| entry.id)
        };
        if let Some(id) = id {
            parts.receivers.end(id, &report);
        }
    }

    fn dismiss(&self, id: u64) {
        let entry = self.lock().receivers.remove(id);
        if let Some(entry) = entry
            && !self.state().is_closed()
        {
            for (service, body) in entry.receiver.deregister(self.version()) {
                self.ask(service, body);
            }
            self.wake();
        }
    }

    pub(crate) fn answer_call(
        &self,
        call: crate::machine::CallId,
        answer: Result<Bytes, ErrorReport>,
    ) {
        let parts = self.lock();
        parts.machine.borrow_mut().answer_call(call, answer);
        self.wake();
    }

    fn ask(&self, service: ServiceId, body: Bytes) -> Ticket {
        let parts = self.lock();
        let now = self.now();
        parts.machine.borrow_mut().request(now, service, body)
    }
}

/// A receiver's place, which it loses when this is dropped.
pub(crate) struct Enrolment {
    pub(crate) shared: Weak<Shared>,
    id: u64,
    end: End,
}

impl Enrolment {
    /// Why the service ended the registration, if it has.
    pub(crate) fn end_reason(&self) -> Option<&ErrorReport> {
        self.end.get()
    }
}

impl Drop for Enrolment {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.dismiss(self.id);
        }
    }
}

/// Makes what was asked for of a stream and the service's answer to its registration.
pub(crate) type Finish<S> = fn(S, Bytes, ProtocolVersion) -> Result<S, RequestError>;

/// A registration that is under way; awaiting it gives the stream of what the service sends.
///
/// The request is made as soon as this is; dropping it ends the registration. If the session is lost and another one takes
/// its place, the registration is made again there. The stream ends when the session is closed, when the service ends the
/// registration because the session lost the right to it, or when a new session may not have it: `end_reason` tells.
#[must_use = "dropping it ends the registration"]
pub struct Registration<S> {
    answer: oneshot::Receiver<Answer>,
    version: ProtocolVersion,
    shared: Weak<Shared>,
    id: u64,
    stream: Option<S>,
    finish: Finish<S>,
}

impl<S> Registration<S> {
    /// A registration that the service would not understand.
    pub(crate) fn refused(report: ErrorReport) -> Self {
        Self::failed(RequestError::Refused(report))
    }

    /// A registration that cannot be made.
    pub(crate) fn failed(error: RequestError) -> Self {
        let (sender, answer) = oneshot::channel();
        // The receiver is here.
        let _ = sender.send(Err(error));
        Self {
            answer,
            version: ProtocolVersion::NEWEST,
            shared: Weak::new(),
            id: 0,
            stream: None,
            finish: |stream, _, _| Ok(stream),
        }
    }
}

impl<S: Unpin> Future for Registration<S> {
    type Output = Result<S, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(poll_answer(&mut self.answer, context));
        let stream = self.stream.take();
        Poll::Ready(match (answer, stream) {
            (Ok(body), Some(stream)) => (self.finish)(stream, body, self.version),
            (Err(error), stream) => {
                if let (RequestError::Refused(_), Some(shared)) = (&error, self.shared.upgrade()) {
                    // There is nothing to end: that might end an earlier registration of the same kind.
                    drop(shared.lock().receivers.remove(self.id));
                }
                drop(stream);
                Err(error)
            }
            // Polled again after it was ready.
            (Ok(_), None) => Err(RequestError::NeverSent(crate::Interruption::SessionClosed)),
        })
    }
}

impl<S> core::fmt::Debug for Registration<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Registration")
    }
}
