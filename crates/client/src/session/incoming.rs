//! Requests from other sessions: handlers of paths, and streams of requests to this session.

use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use effusion_protocol::body::{
    MessagingResponse, Properties, ReceiveRequest, RequestHandlerDeregistration,
    RequestHandlerRegistration, SendRequest,
};
use effusion_protocol::value::{DataType, data_type_of, from_bytes, to_bytes};
use effusion_protocol::{
    ConversationId, ErrorReason, ErrorReport, ProtocolVersion, ServiceId, SessionId, encode,
};
use futures_util::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ValueError;
use crate::machine::{CallId, ServiceCall};
use crate::queue::{self, Next};
use crate::receivers::{Enrolment, Receiver, Registering, Registration, Verdict};
use crate::shared::Shared;

/// The control group that the SDKs register handlers in.
pub(super) const GROUP: &str = "default";

/// A request that another session has sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Request<T> {
    /// The path that it was sent to.
    pub path: String,
    /// Who sent it; a request that was sent to this session does not tell.
    pub sender: Option<SessionId>,
    /// Those of the sender's session properties that the handler asked for.
    pub properties: Properties,
    /// The value.
    pub value: T,
    /// What to answer by.
    pub responder: Responder,
}

/// The answer to a request.
///
/// If it is dropped, the request fails with `CallbackException`, so that nobody waits in vain.
pub struct Responder {
    shared: Weak<Shared>,
    call: Option<CallId>,
}

impl Responder {
    /// Answers with a value.
    ///
    /// A value that has no form on the wire fails the request with `InvalidData`.
    ///
    /// ```no_run
    /// # fn example(responder: effusion_client::Responder) {
    /// responder.respond("hello");
    /// # }
    /// ```
    pub fn respond<R: Serialize + ?Sized>(self, value: &R) {
        match to_bytes(value) {
            Ok((data_type, value)) => self.respond_with(data_type, value),
            Err(error) => self.fail(ErrorReason::InvalidData, &error.to_string()),
        }
    }

    fn respond_with(mut self, data_type: DataType, value: Bytes) {
        let response = MessagingResponse {
            data_type: data_type.name().to_owned(),
            value,
        };
        // The same in every version.
        self.answer(Ok(encode(&response, ProtocolVersion::NEWEST)));
    }

    /// Fails the request with `RejectedRequest` and this text.
    ///
    /// ```no_run
    /// # fn example(responder: effusion_client::Responder) {
    /// responder.reject("there is no such room");
    /// # }
    /// ```
    pub fn reject(self, message: &str) {
        self.fail(ErrorReason::RejectedRequest, message);
    }

    fn fail(mut self, reason: ErrorReason, message: &str) {
        self.answer(Err(ErrorReport {
            message: message.to_owned(),
            reason,
        }));
    }

    fn answer(&mut self, answer: Result<Bytes, ErrorReport>) {
        if let (Some(call), Some(shared)) = (self.call.take(), self.shared.upgrade()) {
            shared.answer_call(call, answer);
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.call.is_some() {
            self.answer(Err(ErrorReport {
                message: "The receiver did not respond".to_owned(),
                reason: ErrorReason::CallbackException,
            }));
        }
    }
}

impl core::fmt::Debug for Responder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Responder")
    }
}

/// The requests that a handler gets, or that are sent to this session; dropping it ends the registration.
///
/// A request whose value `T` cannot hold is refused with `IncompatibleDatatype`, and one that comes when 4,096 wait, or 64 MiB,
/// with `RejectedRequest`. The stream ends when the session is closed or loses the right to it.
pub struct RequestStream<T> {
    requests: queue::Receiver<Incoming>,
    enrolment: Enrolment,
    value: PhantomData<fn() -> T>,
}

impl<T> RequestStream<T> {
    /// Why the service ended the registration; `None` while it goes on, and if it ended with the session.
    ///
    /// ```no_run
    /// # async fn example(mut calls: effusion_client::RequestStream<String>) {
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

impl<T> core::fmt::Debug for RequestStream<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RequestStream")
    }
}

/// A request, its value still bytes.
struct Incoming {
    sender: Option<SessionId>,
    path: String,
    properties: Properties,
    data_type: String,
    value: Bytes,
    responder: Responder,
}

impl<T: DeserializeOwned + 'static> Stream for RequestStream<T> {
    type Item = Request<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Request<T>>> {
        loop {
            let next = ready!(Pin::new(&mut self.requests).poll_next(context));
            let incoming = match next {
                Some(Next::Event(incoming)) => incoming,
                // Requests are refused, not dropped.
                Some(Next::Missed(_) | Next::Overflowed) => continue,
                None => return Poll::Ready(None),
            };
            match read_message(&incoming.data_type, incoming.value) {
                Ok(value) => {
                    return Poll::Ready(Some(Request {
                        path: incoming.path,
                        sender: incoming.sender,
                        properties: incoming.properties,
                        value,
                        responder: incoming.responder,
                    }));
                }
                Err(_) => incoming.responder.fail(
                    ErrorReason::IncompatibleDatatype,
                    "The receiver takes values of another type",
                ),
            }
        }
    }
}

/// Hands a request to its stream. If that is gone, the responder in the request refuses.
fn deliver(requests: &queue::Sender<Incoming>, request: Incoming) {
    let size = request.value.len();
    if let Err(request) = requests.try_send(request, size)
        && requests.is_open()
    {
        let full = "The receiver has too many requests to look at";
        request.responder.fail(ErrorReason::RejectedRequest, full);
    }
}

/// Reads a message's value. JSON holds strings and numbers too, as their CBOR is the same (`docs/protocol.md`, 8).
pub(super) fn read_message<T: DeserializeOwned + 'static>(
    data_type: &str,
    value: Bytes,
) -> Result<T, ValueError> {
    if is_readable(data_type_of::<T>(), data_type) {
        from_bytes(value)
    } else {
        Err(ValueError::WrongType("of the type that was asked for"))
    }
}

fn is_readable(wanted: DataType, name: &str) -> bool {
    const JSON_TOO: [DataType; 3] = [DataType::String, DataType::Int64, DataType::Double];
    wanted.name() == name
        || (wanted == DataType::Json && JSON_TOO.iter().any(|it| it.name() == name))
}

/// A handler of a path and all below.
struct PathHandler {
    shared: Weak<Shared>,
    handler: ConversationId,
    path: String,
    properties: Vec<String>,
    requests: queue::Sender<Incoming>,
}

fn service_code() -> u32 {
    u32::from(ServiceId::MessagingReceiverClient.code())
}

impl Receiver for PathHandler {
    fn services(&self) -> &'static [ServiceId] {
        &[ServiceId::MessagingReceiverClient]
    }

    fn receive(&self, call: &ServiceCall, version: ProtocolVersion) -> Verdict {
        let request: ReceiveRequest = match Verdict::read(call, version) {
            Ok(request) => request,
            Err(verdict) => return verdict,
        };
        if request.handler != self.handler {
            return Verdict::NotMine;
        }
        let request = Incoming {
            sender: Some(request.sender),
            path: request.path,
            properties: request.properties,
            data_type: request.data_type,
            value: request.value,
            responder: Responder {
                shared: Weak::clone(&self.shared),
                call: Some(call.id),
            },
        };
        deliver(&self.requests, request);
        Verdict::Kept
    }

    fn conversation(&self) -> Option<ConversationId> {
        Some(self.handler)
    }

    fn register(&self, version: ProtocolVersion) -> Vec<Registering> {
        let body = RequestHandlerRegistration {
            service: service_code(),
            group: GROUP.to_owned(),
            path: self.path.clone(),
            properties: self.properties.clone(),
            handler: self.handler,
        };
        let service = ServiceId::MessagingReceiverControlRegistration;
        vec![(service, encode(&body, version))]
    }

    fn deregister(&self, version: ProtocolVersion) -> Vec<Registering> {
        let body = RequestHandlerDeregistration {
            service: service_code(),
            group: GROUP.to_owned(),
            path: self.path.clone(),
            properties: self.properties.clone(),
        };
        let service = ServiceId::MessagingReceiverControlDeregistration;
        vec![(service, encode(&body, version))]
    }
}

/// What takes the requests to this session at one path.
struct PathStream {
    shared: Weak<Shared>,
    path: String,
    requests: queue::Sender<Incoming>,
}

impl Receiver for PathStream {
    fn services(&self) -> &'static [ServiceId] {
        &[ServiceId::MessagingSend]
    }

    fn receive(&self, call: &ServiceCall, version: ProtocolVersion) -> Verdict {
        let request: SendRequest = match Verdict::read(call, version) {
            Ok(request) => request,
            Err(verdict) => return verdict,
        };
        if request.path.trim_matches('/') != self.path || !self.requests.is_open() {
            return Verdict::NotMine;
        }
        let request = Incoming {
            sender: None,
            path: request.path,
            properties: Properties::new(),
            data_type: request.data_type,
            value: request.value,
            responder: Responder {
                shared: Weak::clone(&self.shared),
                call: Some(call.id),
            },
        };
        deliver(&self.requests, request);
        Verdict::Kept
    }
}

fn stream<T>(requests: queue::Receiver<Incoming>, enrolment: Enrolment) -> RequestStream<T> {
    RequestStream {
        requests,
        enrolment,
        value: PhantomData,
    }
}

pub(super) fn add_handler<T>(
    shared: &Arc<Shared>,
    path: &str,
    properties: &[&str],
) -> Registration<RequestStream<T>> {
    let (sender, requests) = queue::requests();
    let handler = PathHandler {
        shared: Arc::downgrade(shared),
        handler: shared.new_conversation(),
        path: path.to_owned(),
        properties: properties.iter().map(|it| (*it).to_owned()).collect(),
        requests: sender,
    };
    shared.register(
        Arc::new(handler),
        |enrolment| stream(requests, enrolment),
        |stream, _, _| Ok(stream),
    )
}

pub(super) fn set_stream<T>(shared: &Arc<Shared>, path: &str) -> RequestStream<T> {
    let (sender, requests) = queue::requests();
    let taker = PathStream {
        shared: Arc::downgrade(shared),
        path: path.trim_matches('/').to_owned(),
        requests: sender,
    };
    stream(requests, shared.enrol(Arc::new(taker)))
}
