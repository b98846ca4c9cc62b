//! Asking clients, and handing on what they answer.

use bytes::Bytes;
use effusion_protocol::body::{FilterOutcome, FilterResponse, PathPermission, ResponseBody};
use effusion_protocol::{
    ConversationId, ErrorReason, ErrorReport, ProtocolVersion, ServiceId, SessionId, Wire, decode,
};

use crate::broker::Broker;
use crate::caller::SessionKey;
use crate::errors;
use crate::messaging::Request;

/// What a client answered.
pub(crate) type Answer = Result<(Bytes, ProtocolVersion), ErrorReport>;

/// Reads an answer's body.
fn read<T: Wire>(answer: Answer) -> Result<T, ErrorReport> {
    let (body, version) = answer?;
    decode(body, version).map_err(|error| {
        errors::invalid_data(format_args!(
            "The receiver's response is not valid: {error}"
        ))
    })
}

impl Broker {
    /// Asks a client something, and gives it so many milliseconds to answer.
    pub(crate) fn ask<B: Wire>(
        &mut self,
        key: SessionKey,
        service: ServiceId,
        body: &B,
        request: Request,
        timeout_ms: u32,
    ) {
        let until = self.now.monotonic_ms.saturating_add(u64::from(timeout_ms));
        let registration = request.registration();
        if let Some(conversation) = self.sessions.ask(key, service, body, registration) {
            let requests = self.messaging.requests_mut();
            requests.insert(key, conversation, request, until);
        }
    }

    /// A client answered. An answer to what was not asked is passed over: notifications are answered, too.
    pub(crate) fn responded(&mut self, key: SessionKey, conversation: ConversationId, it: Answer) {
        if self.sessions.pong(key, conversation) {
            self.catch_up(key);
            self.serve_deferred(key);
            return;
        }
        let request = self.messaging.requests_mut().take(key, conversation);
        let id = self.sessions.get(key).map(|session| session.id());
        if let (Some(request), Some(id)) = (request, id) {
            self.reply(id, request, it);
        }
    }

    /// A client did not answer in time.
    pub(super) fn request_timeout(&mut self) {
        let overdue = self.messaging.requests_mut().overdue(self.now.monotonic_ms);
        if let Some((key, request)) = overdue
            && let Some(id) = self.sessions.get(key).map(|session| session.id())
        {
            let report = errors::error(
                ErrorReason::RequestTimeOut,
                "The receiver did not answer in time",
            );
            self.reply(id, request, Err(report));
        }
    }

    /// Hands an answer on to whoever waits for it.
    pub(crate) fn reply(&mut self, receiver: SessionId, request: Request, answer: Answer) {
        match request {
            Request::Authentication { ticket, .. } => {
                self.authenticator_decided(ticket, read(answer));
            }
            Request::Message { sender, .. } => {
                let response = read(answer).map(|response| match sender.service {
                    ServiceId::MessagingReceiverServer => {
                        ResponseBody::MessagingReceiverServer(response)
                    }
                    _ => ResponseBody::MessagingSend(response),
                });
                self.answer(sender, response);
            }
            Request::FilterMessage {
                sender,
                conversation,
                path,
            } => {
                let permission = PathPermission::SendToSession;
                let session = self.sessions.get(sender);
                if session.is_none_or(|it| !it.rights().has(permission, &path)) {
                    return;
                }
                let response = FilterResponse {
                    conversation,
                    session: receiver,
                    outcome: match read(answer) {
                        Ok(response) => FilterOutcome::Response(response),
                        Err(report) => FilterOutcome::Failure(report),
                    },
                };
                self.sessions
                    .notify(sender, ServiceId::FilterResponse, &response);
            }
        }
    }
}
