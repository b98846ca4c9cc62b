//! Deciding who may open a session.
//!
//! Source: `docs/protocol.md`, 6.8, and the API documentation of `Authenticator`.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::{Arc, Weak};

use effusion_protocol::body::{
    AuthenticatorRequest, AuthenticatorResponse, NamedDeregistration, NamedRegistration, Properties,
};
use effusion_protocol::{
    ConversationId, Credentials, ErrorReport, ProtocolVersion, ServiceId, encode,
};
use futures_util::Stream;

use super::incoming::GROUP;
use crate::machine::{CallId, ServiceCall};
use crate::queue::{self, Next};
use crate::receivers::{Enrolment, Receiver, Registering, Registration, Verdict};
use crate::shared::Shared;

/// Somebody wants to open a session, or to change the principal of one.
#[derive(Debug)]
#[non_exhaustive]
pub struct AuthenticationRequest {
    /// The principal; empty for an anonymous session.
    pub principal: String,
    /// What it proves itself by.
    pub credentials: Credentials,
    /// The properties that the service gives the session.
    pub properties: Properties,
    /// The properties that the client proposes.
    pub proposed: Properties,
    /// What to decide by.
    pub responder: AuthenticationResponder,
}

/// The decision on a session. To drop it is to abstain.
pub struct AuthenticationResponder {
    shared: Weak<Shared>,
    call: Option<CallId>,
}

impl AuthenticationResponder {
    /// The session may be opened. `properties` are set for it: those that users may define, and of the fixed ones `$Roles`,
    /// the roles in quotes, such as `"CLIENT" "TOPIC_CONTROL"`; without it, it has the roles that the service gives it.
    ///
    /// ```no_run
    /// # fn example(responder: effusion_client::AuthenticationResponder) {
    /// responder.allow(&[("$Roles", "[\"CLIENT\"]"), ("team", "blue")]);
    /// # }
    /// ```
    pub fn allow(mut self, properties: &[(&str, &str)]) {
        let properties = properties
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        self.answer(&AuthenticatorResponse::Allow(properties));
    }

    /// The session may not be opened.
    ///
    /// ```no_run
    /// # fn example(responder: effusion_client::AuthenticationResponder) {
    /// responder.deny();
    /// # }
    /// ```
    pub fn deny(mut self) {
        self.answer(&AuthenticatorResponse::Deny);
    }

    /// Others shall decide.
    ///
    /// ```no_run
    /// # fn example(responder: effusion_client::AuthenticationResponder) {
    /// responder.abstain();
    /// # }
    /// ```
    pub fn abstain(self) {}

    fn answer(&mut self, response: &AuthenticatorResponse) {
        if let (Some(call), Some(shared)) = (self.call.take(), self.shared.upgrade()) {
            let body = encode(response, shared.version());
            shared.answer_call(call, Ok(body));
        }
    }
}

impl Drop for AuthenticationResponder {
    fn drop(&mut self) {
        self.answer(&AuthenticatorResponse::Abstain);
    }
}

impl fmt::Debug for AuthenticationResponder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticationResponder")
    }
}

/// The sessions to decide on: see [`Security::set_authenticator`](super::Security::set_authenticator). Dropping it ends the
/// registration; it ends by itself when the session is closed or loses the right to it. Of more than 4,096 that wait, the rest is
/// abstained from.
pub struct AuthenticationRequests {
    requests: queue::Receiver<AuthenticationRequest>,
    enrolment: Enrolment,
}

impl AuthenticationRequests {
    /// Why the service ended the registration; `None` while it goes on, and if it ended with the session.
    ///
    /// ```no_run
    /// # async fn example(mut calls: effusion_client::AuthenticationRequests) {
    /// use futures_util::StreamExt;
    ///
    /// while calls.next().await.is_some() {}
    /// if let Some(report) = calls.end_reason() {
    ///     println!("the registration ended: {report}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn end_reason(&self) -> Option<&ErrorReport> {
        self.enrolment.end_reason()
    }
}

impl Stream for AuthenticationRequests {
    type Item = AuthenticationRequest;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<AuthenticationRequest>> {
        let next = ready!(Pin::new(&mut self.requests).poll_next(context));
        Poll::Ready(match next {
            Some(Next::Event(request)) => Some(request),
            Some(Next::Missed(_) | Next::Overflowed) | None => None,
        })
    }
}

impl fmt::Debug for AuthenticationRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthenticationRequests")
    }
}

struct Authenticator {
    shared: Weak<Shared>,
    handler: ConversationId,
    name: String,
    requests: queue::Sender<AuthenticationRequest>,
}

fn service_code() -> u32 {
    u32::from(ServiceId::Authenticator.code())
}

impl Receiver for Authenticator {
    fn services(&self) -> &'static [ServiceId] {
        &[ServiceId::Authenticator]
    }

    fn receive(&self, call: &ServiceCall, version: ProtocolVersion) -> Verdict {
        let request: AuthenticatorRequest = match Verdict::read(call, version) {
            Ok(request) => request,
            Err(verdict) => return verdict,
        };
        if request.handler != self.handler {
            return Verdict::NotMine;
        }
        // If the stream is gone, or its owner too slow, the responder in the request abstains.
        let request = AuthenticationRequest {
            principal: request.principal,
            credentials: request.credentials,
            properties: request.properties,
            proposed: request.proposed,
            responder: AuthenticationResponder {
                shared: Weak::clone(&self.shared),
                call: Some(call.id),
            },
        };
        drop(self.requests.try_send(request, 0));
        Verdict::Kept
    }

    fn conversation(&self) -> Option<ConversationId> {
        Some(self.handler)
    }

    fn register(&self, version: ProtocolVersion) -> Vec<Registering> {
        let body = NamedRegistration {
            service: service_code(),
            group: GROUP.to_owned(),
            name: self.name.clone(),
            handler: self.handler,
        };
        let service = ServiceId::AuthenticatorRegistration;
        vec![(service, encode(&body, version))]
    }

    fn deregister(&self, version: ProtocolVersion) -> Vec<Registering> {
        let body = NamedDeregistration {
            service: service_code(),
            group: GROUP.to_owned(),
            name: self.name.clone(),
        };
        let service = ServiceId::AuthenticatorDeregistration;
        vec![(service, encode(&body, version))]
    }
}

pub(super) fn register(shared: &Arc<Shared>, name: &str) -> Registration<AuthenticationRequests> {
    let (sender, requests) = queue::requests();
    let authenticator = Authenticator {
        shared: Arc::downgrade(shared),
        handler: shared.new_conversation(),
        name: name.to_owned(),
        requests: sender,
    };
    shared.register(
        Arc::new(authenticator),
        |enrolment| AuthenticationRequests {
            requests,
            enrolment,
        },
        |requests, _, _| Ok(requests),
    )
}
