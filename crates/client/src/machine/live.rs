//! An open connection: messages in both directions, and noticing that nothing comes any more.
//!
//! Source: `docs/protocol.md`, 1.5 (pings) and 2 (messages).

use bytes::Bytes;
use effusion_protocol::body::{SubscriptionNotification, UnsubscriptionNotification};
use effusion_protocol::{
    ConversationId, DecodeError, DecodeErrorKind, ErrorReason, ErrorReport, Message, Reader,
    ServiceId, decode,
};

use super::{CLOSE_TIMEOUT, Call, Event, Machine, Output, Pending, Phase, UnsubscribedReason};
use crate::{RequestError, SessionCloseReason, TransportErrorKind};

/// What is wrong with a message of a kind that a client is not sent.
const UNEXPECTED: DecodeErrorKind =
    DecodeErrorKind::Invalid("a message of a kind that was not asked for");

impl Machine {
    /// Sends one message, and keeps it until the service is known to have it.
    pub(super) fn send(&mut self, message: Bytes) -> Option<u32> {
        let session = self.session.as_mut()?;
        let sequence = session.recovery.sent(message.clone());
        self.outputs.push_back(Output::Send(message));
        Some(sequence)
    }

    /// Sends the requests that wait, as many as the recovery buffer can answer for.
    ///
    /// At most half of the buffer is requests that the service is not known to have: the other half is left for answers
    /// to the service, so that a reconnect finds every request that it must send again.
    pub(super) fn send_waiting(&mut self) {
        self.send_answers();
        let window = (self.options.recovery_buffer / 2).max(1);
        while matches!(self.phase, Phase::Live { .. }) && self.requests.unconfirmed() < window {
            // With no request on its way, no answer would ever make room: what is kept is answers then.
            let is_crowded = |session: &super::OpenSession| session.recovery.is_crowded();
            if self.requests.unconfirmed() > 0 && self.session.as_ref().is_some_and(is_crowded) {
                return;
            }
            let Some((id, message)) = self.requests.take_waiting(self.version) else {
                return;
            };
            let limit = self
                .session
                .as_ref()
                .and_then(|session| session.info.maximum_message_size)
                .unwrap_or(usize::MAX);
            if message.len() > limit {
                let size = message.len();
                if let Some(pending) = self.requests.withdraw(super::Ticket(id)) {
                    let error = RequestError::TooLarge { size, limit };
                    self.answer(id, &pending, Err(error));
                }
            } else if let Some(sequence) = self.send(message) {
                self.requests.sent(id, sequence);
            }
        }
    }

    /// One message of an open session.
    pub(super) fn message(&mut self, now: u64, message: Bytes) {
        if let Phase::Live { heard, pinged, .. } = &mut self.phase {
            (*heard, *pinged) = (now, None);
        }
        if let Some(session) = &mut self.session {
            session.recovery.received();
        }
        match self.read(message.clone()) {
            Ok(Message::Request {
                service,
                conversation,
                body,
            }) => {
                if let Err(error) = self.serve(service, conversation, body) {
                    self.invalid_message(now, error);
                }
            }
            Ok(Message::Response {
                service,
                conversation,
                body,
            }) => {
                if let Some((id, pending)) = self.answered(conversation, service) {
                    self.succeeded(id, &pending, body);
                }
            }
            Ok(Message::Error {
                service,
                conversation,
                body,
            }) => {
                let report = decode::<ErrorReport>(body, self.version);
                match (self.answered(conversation, service), report) {
                    (Some((id, pending)), Ok(report)) => self.refused(id, &pending, report),
                    (Some((id, pending)), Err(error)) => {
                        self.answer(id, &pending, Err(error.into()));
                    }
                    // No request waits for it: a handler or a listener was registered by it (docs/protocol.md, 5.2).
                    (None, Ok(report)) => self.event(Event::ConversationEnded {
                        conversation,
                        report,
                    }),
                    (None, Err(_)) => {}
                }
            }
            Ok(Message::TopicValue { topic, value }) => {
                if let Some(change) = self.topics.value(topic, value) {
                    self.changed(change);
                }
            }
            Ok(Message::TopicDelta { topic, delta }) => match self.topics.delta(topic, &delta) {
                Some(Ok(change)) => self.changed(change),
                Some(Err((topic, error))) => self.event(Event::Broken { topic, error }),
                None => {}
            },
            Ok(Message::Abort) => {
                if let Phase::Live { since, .. } = self.phase {
                    let until = now.saturating_add(CLOSE_TIMEOUT);
                    self.phase = Phase::Aborted { since, until };
                }
            }
            // The SDK passes over a close request from the service, too (docs/protocol.md, 1.3).
            Ok(Message::Close) => {}
            // Compressed although the connect request did not announce that the client reads it, or nothing a client reads.
            Ok(Message::Compressed { .. } | Message::FetchReply { .. }) => {
                self.invalid_message(
                    now,
                    DecodeError {
                        kind: UNEXPECTED,
                        offset: 0,
                    },
                );
            }
            Err(error) => {
                if !self.refuse_unknown_service(message, &error) {
                    self.invalid_message(now, error);
                }
            }
        }
        // An answer may have made room for more.
        self.send_waiting();
    }

    #[cfg(not(feature = "compression"))]
    fn read(&self, message: Bytes) -> Result<Message, DecodeError> {
        Message::decode(message, self.version)
    }

    #[cfg(feature = "compression")]
    fn read(&self, message: Bytes) -> Result<Message, DecodeError> {
        use effusion_protocol::value::delta::MAX_VALUE;
        let message = Message::decode(message, self.version)?;
        message.inflate(MAX_VALUE).map_err(|_| DecodeError {
            kind: DecodeErrorKind::Invalid("damaged compression"),
            offset: 0,
        })
    }

    fn invalid_message(&mut self, now: u64, error: DecodeError) {
        self.outputs.push_back(Output::Close);
        self.session_gone(now, SessionCloseReason::InvalidMessage(error));
    }

    fn changed(&mut self, change: super::topics::Change) {
        self.event(Event::Value {
            topic: change.topic,
            old: change.old,
            new: change.new,
        });
    }

    /// The request that an answer belongs to. The service handles messages in order, so it has everything before too.
    fn answered(
        &mut self,
        conversation: ConversationId,
        service: Option<ServiceId>,
    ) -> Option<(u64, Pending)> {
        let (pending, sequence) = self.requests.answered(conversation, service)?;
        self.requests.confirmed(sequence);
        if let Some(session) = &mut self.session {
            session.recovery.confirmed(sequence);
        }
        Some((conversation.0, pending))
    }

    fn succeeded(&mut self, id: u64, pending: &Pending, body: Bytes) {
        if let Call::Selection(selection) = &pending.call
            && !pending.internal
        {
            self.selections.done(selection.clone());
        }
        self.answer(id, pending, Ok(body));
    }

    /// A call by the service.
    fn serve(
        &mut self,
        service: ServiceId,
        conversation: ConversationId,
        body: Bytes,
    ) -> Result<(), DecodeError> {
        match service {
            ServiceId::SubscriptionNotification => {
                let notification: SubscriptionNotification = decode(body, self.version)?;
                let topic = self.topics.subscribed(notification);
                self.event(Event::Subscribed(topic));
            }
            ServiceId::UnsubscriptionNotification => {
                let notification: UnsubscriptionNotification = decode(body, self.version)?;
                if let Some(topic) = self.topics.unsubscribed(notification.topic) {
                    self.event(Event::Unsubscribed {
                        topic,
                        reason: UnsubscribedReason::Service(notification.reason),
                    });
                }
            }
            ServiceId::SystemPing | ServiceId::UserPing => {}
            _ => {
                self.called(service, conversation, body);
                return Ok(());
            }
        }
        let call = self.call_id(service, conversation);
        self.answer_call(call, Ok(Bytes::new()));
        Ok(())
    }

    /// Answers a call of a service that the codec does not know, if that is what is wrong with the message.
    ///
    /// In versions that name the service in an answer there is no way to answer, so the call is passed over.
    fn refuse_unknown_service(&mut self, message: Bytes, error: &DecodeError) -> bool {
        let unknown_service = matches!(
            error.kind,
            DecodeErrorKind::Unknown {
                what: "service",
                ..
            }
        );
        let mut reader = Reader::new(message, self.version);
        if !unknown_service || reader.byte() != Ok(0) || reader.varint64().is_err() {
            return false;
        }
        if let (Ok(conversation), true) =
            (reader.varint64(), self.version.answers_without_service())
        {
            let call = self.call_id(ServiceId::SystemPing, ConversationId(conversation));
            let report = ErrorReport {
                message: "Unknown client service".to_owned(),
                reason: ErrorReason::CommunicationFailure,
            };
            self.answer_call(call, Err(report));
        }
        true
    }

    /// When to look whether the service is still there.
    pub(super) fn silence_deadline(&self, heard: u64, pinged: Option<u64>) -> Option<u64> {
        let wait = match pinged {
            Some(_) => self.options.ping_timeout,
            None => self.silence()?,
        };
        Some(pinged.unwrap_or(heard).saturating_add(wait))
    }

    /// How much silence is suspicious: what the options say, or two of the service's ping periods.
    fn silence(&self) -> Option<u64> {
        let own = self.options.ping_after;
        let period = self
            .session
            .as_ref()
            .map_or(0, |session| session.ping_period);
        let service = period.saturating_mul(2);
        match (own, service) {
            (0, 0) => None,
            (0, service) => Some(service),
            (own, 0) => Some(own),
            (own, service) => Some(own.min(service)),
        }
    }

    pub(super) fn supervise(&mut self, now: u64, heard: u64, pinged: Option<u64>) {
        if self
            .silence_deadline(heard, pinged)
            .is_none_or(|deadline| deadline > now)
        {
            return;
        }
        if pinged.is_some() || self.options.ping_after == 0 {
            self.outputs.push_back(Output::Close);
            self.connection_lost(now, TransportErrorKind::TimedOut.into());
            return;
        }
        self.ping(now);
    }

    /// Asks the service for a sign of life.
    pub(super) fn ping(&mut self, now: u64) {
        let ping = Message::Request {
            service: ServiceId::UserPing,
            conversation: self.requests.next_id(),
            body: Bytes::new(),
        };
        self.send(ping.encode(self.version));
        if let Phase::Live { pinged, .. } = &mut self.phase {
            *pinged = Some(now);
        }
    }
}
