//! Requests that the broker makes of clients, and what becomes of the answers.

use bytes::Bytes;
use effusion_protocol::body::{FilterOutcome, FilterResponse, PathPermission, ResponseBody};
use effusion_protocol::{
    ConversationId, ErrorReason, ErrorReport, ProtocolVersion, ServiceId, SessionId, Wire, decode,
};
use std::sync::Arc;

use crate::broker::Broker;
use crate::caller::Caller;
use crate::caller::SessionKey;
use crate::sessions::timers::Timer;
use crate::sessions::{Item, Session};
use crate::{Ticket, errors, wire};

/// What a client was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// Whether it is there; the answer confirms everything that was sent before.
    Ping {
        /// The number of the last message before it.
        sent: u64,
    },
    /// Whether someone is to be let in.
    Authentication {
        ticket: Ticket,
        handler: ConversationId,
        until: u64,
    },
    /// Another session's request message.
    Message {
        sender: Caller,
        /// The handler that it is for; `None` if it is for the session itself.
        handler: Option<ConversationId>,
        /// When the answer must be there, by the monotonic clock.
        until: u64,
    },
    /// Another session's request message to all that match a filter.
    FilterMessage {
        sender: SessionKey,
        conversation: ConversationId,
        /// What the sender needs the right to send to, still when an answer comes.
        path: Arc<str>,
        until: u64,
    },
}

impl Outgoing {
    /// When the answer must be there, by the monotonic clock.
    pub(crate) const fn deadline(&self) -> Option<u64> {
        match self {
            Self::Ping { .. } => None,
            Self::Authentication { until, .. }
            | Self::Message { until, .. }
            | Self::FilterMessage { until, .. } => Some(*until),
        }
    }
}

/// Reads an answer's body.
fn read<T: Wire>(result: Result<(Bytes, ProtocolVersion), ErrorReport>) -> Result<T, ErrorReport> {
    let (body, version) = result?;
    decode(body, version).map_err(|error| {
        errors::invalid_data(format_args!(
            "The receiver's response is not valid: {error}"
        ))
    })
}

impl Broker {
    /// Asks a client something.
    pub(crate) fn ask<B: Wire>(
        &mut self,
        key: SessionKey,
        service: ServiceId,
        body: &B,
        outgoing: Outgoing,
    ) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let conversation = session.new_conversation();
        if let Some(until) = outgoing.deadline() {
            self.timers.set(until, Timer::Unanswered(key, conversation));
        }
        let registration = match &outgoing {
            Outgoing::Authentication { handler, .. } => Some(*handler),
            Outgoing::Message { handler, .. } => *handler,
            Outgoing::Ping { .. } | Outgoing::FilterMessage { .. } => None,
        };
        session.outgoing.insert(conversation, outgoing);
        let message = wire::request(service, conversation, body, session.version);
        let item = match registration {
            Some(registration) => Item::registered(message, registration),
            None => Item::other(message),
        };
        self.sessions.send_item(key, item);
    }

    /// When the answer to a message that is sent now must be there.
    pub(crate) fn message_deadline(&self) -> u64 {
        self.now
            .monotonic_ms
            .saturating_add(u64::from(self.config.messaging_timeout_ms))
    }

    /// A client answered. An answer to what was not asked is passed over: notifications are answered, too.
    pub(crate) fn responded(
        &mut self,
        key: SessionKey,
        conversation: ConversationId,
        result: Result<Bytes, ErrorReport>,
    ) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let (id, version) = (session.id, session.version);
        let Some(outgoing) = session.outgoing.remove(&conversation) else {
            return;
        };
        if let Outgoing::Ping { sent } = outgoing {
            session.outbound.confirmed(sent);
            self.sessions.release(key);
            self.catch_up(key);
            self.serve_deferred(key);
        }
        if let Some(until) = outgoing.deadline() {
            self.timers
                .cancel(until, Timer::Unanswered(key, conversation));
        }
        self.hand_on(id, outgoing, result.map(|body| (body, version)));
    }

    /// A client did not answer in time.
    pub(crate) fn answer_due(&mut self, key: SessionKey, conversation: ConversationId) {
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        let id = session.id;
        if let Some(outgoing) = session.outgoing.remove(&conversation) {
            let report = errors::error(
                ErrorReason::RequestTimeOut,
                "The receiver did not answer in time",
            );
            self.hand_on(id, outgoing, Err(report));
        }
    }

    /// A client cannot answer any more: its session is closed.
    pub(crate) fn unanswerable(&mut self, id: SessionId, outgoing: Outgoing, report: ErrorReport) {
        self.hand_on(id, outgoing, Err(report));
    }

    fn hand_on(
        &mut self,
        receiver: SessionId,
        outgoing: Outgoing,
        result: Result<(Bytes, ProtocolVersion), ErrorReport>,
    ) {
        match outgoing {
            Outgoing::Ping { .. } => {}
            Outgoing::Authentication { ticket, .. } => {
                self.authenticator_decided(ticket, read(result));
            }
            Outgoing::Message { sender, .. } => {
                let response = read(result).map(|response| match sender.service {
                    ServiceId::MessagingReceiverServer => {
                        ResponseBody::MessagingReceiverServer(response)
                    }
                    _ => ResponseBody::MessagingSend(response),
                });
                self.answer(sender, response);
            }
            Outgoing::FilterMessage {
                sender,
                conversation,
                path,
                ..
            } => {
                let sends =
                    |session: &&Session| session.rights.has(PathPermission::SendToSession, &path);
                let Some(session) = self.sessions.get(sender).filter(sends) else {
                    return;
                };
                let response = FilterResponse {
                    conversation,
                    session: receiver,
                    outcome: match read(result) {
                        Ok(response) => FilterOutcome::Response(response),
                        Err(report) => FilterOutcome::Failure(report),
                    },
                };
                let message = wire::request(
                    ServiceId::FilterResponse,
                    wire::UNANSWERED,
                    &response,
                    session.version,
                );
                self.sessions.send(sender, message);
            }
        }
    }
}
