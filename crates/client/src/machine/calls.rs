//! Calls by the service that the session's owner answers: requests for its handlers, events for its listeners.

use core::fmt;

use bytes::Bytes;
use effusion_protocol::{ConversationId, ErrorReason, ErrorReport, Message, ServiceId, encode};

use super::{Call, Event, Machine, Phase, Ticket};

/// Names a call by the service, to answer it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId {
    service: ServiceId,
    conversation: ConversationId,
    /// A call that came before the service forgot the session's calls must not be answered any more.
    era: u32,
}

/// A call by the service.
///
/// `Debug` does not show arguments: there may be credentials in them.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceCall {
    /// What to answer by.
    pub id: CallId,
    /// The arguments.
    pub body: Bytes,
}

impl ServiceCall {
    /// The service that is called.
    #[must_use]
    pub const fn service(&self) -> ServiceId {
        self.id.service
    }
}

impl fmt::Debug for ServiceCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(…)", self.id.service)
    }
}

impl Machine {
    /// Has calls of a service reported as [`Event::Called`]; each must be answered. Other calls the machine refuses.
    pub fn accept_calls(&mut self, service: ServiceId) {
        if !self.accepted.contains(&service) {
            self.accepted.push(service);
        }
    }

    /// A number to register a handler or a listener by; calls for it will carry it.
    pub const fn new_conversation(&mut self) -> ConversationId {
        self.requests.next_id()
    }

    /// How often the service has forgotten what the session had there: subscriptions, handlers, listeners, locks.
    #[must_use]
    pub const fn era(&self) -> u32 {
        self.era
    }

    /// As [`Machine::request`], but the answer may take as long as it likes.
    pub fn request_without_timeout(&mut self, now: u64, service: ServiceId, body: Bytes) -> Ticket {
        let version = self.version;
        let call = Call::Service {
            service,
            body,
            version,
        };
        self.call(now, call, 0)
    }

    /// Answers a call by the service; while there is no connection, the answer waits for it. An answer that the service
    /// does not wait for any more is dropped.
    pub fn answer_call(&mut self, call: CallId, result: Result<Bytes, ErrorReport>) {
        if call.era != self.era {
            return;
        }
        let Some(session) = &self.session else {
            return;
        };
        let limit = session.info.maximum_message_size.unwrap_or(usize::MAX);
        let mut message = self.encode_answer(call, result);
        if message.len() > limit {
            let report = ErrorReport {
                message: "The response is larger than what the service reads".to_owned(),
                reason: ErrorReason::InvalidData,
            };
            message = self.encode_answer(call, Err(report));
        }
        match self.phase {
            Phase::Live { .. } => {
                self.send(message);
            }
            Phase::Connecting { .. } | Phase::Waiting { .. } => self.answers.push(message),
            Phase::Closing { .. } | Phase::Aborted { .. } | Phase::Closed => {}
        }
    }

    fn encode_answer(&self, call: CallId, result: Result<Bytes, ErrorReport>) -> Bytes {
        let (service, conversation) = (Some(call.service), call.conversation);
        let message = match result {
            Ok(body) => Message::Response {
                service,
                conversation,
                body,
            },
            Err(report) => Message::Error {
                service,
                conversation,
                body: encode(&report, self.version),
            },
        };
        message.encode(self.version)
    }

    /// Sends the answers that waited for a connection.
    pub(super) fn send_answers(&mut self) {
        if matches!(self.phase, Phase::Live { .. }) {
            for message in core::mem::take(&mut self.answers) {
                self.send(message);
            }
        }
    }

    /// The service forgets what the session had there.
    pub(super) fn begin_era(&mut self) {
        self.era = self.era.wrapping_add(1);
        self.answers.clear();
    }

    /// A call in the session as it is now.
    pub(super) const fn call_id(&self, service: ServiceId, conversation: ConversationId) -> CallId {
        CallId {
            service,
            conversation,
            era: self.era,
        }
    }

    /// A call that the machine does not serve itself.
    pub(super) fn called(&mut self, service: ServiceId, conversation: ConversationId, body: Bytes) {
        let id = self.call_id(service, conversation);
        if self.accepted.contains(&service) {
            self.event(Event::Called(ServiceCall { id, body }));
        } else {
            self.answer_call(id, Err(nobody(service)));
        }
    }
}

/// What to answer if nobody takes a call.
pub(crate) fn nobody(service: ServiceId) -> ErrorReport {
    let (reason, message) = match service {
        ServiceId::MessagingReceiverClient | ServiceId::MessagingSend => {
            (ErrorReason::UnhandledMessage, "No handler")
        }
        _ => (ErrorReason::Unsupported, "Not a client service"),
    };
    ErrorReport {
        message: message.to_owned(),
        reason,
    }
}
