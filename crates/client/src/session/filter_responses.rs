//! The answers of many sessions to one request.

use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use bytes::Bytes;
use effusion_protocol::body::{FilterCount, FilterOutcome, FilterResponse, SendToFilterRequest};
use effusion_protocol::{ConversationId, ProtocolVersion, ServiceId, SessionId, encode};
use futures_channel::mpsc;
use futures_util::Stream;
use serde::de::DeserializeOwned;

use super::incoming::read_message;
use crate::machine::ServiceCall;
use crate::receivers::{Enrolment, Receiver, Registering, Registration, Verdict};
use crate::shared::Shared;
use crate::{RequestError, response};

/// What the sessions of a filter answer to a request: see [`Messages::send_to_filter`](super::Messages::send_to_filter).
///
/// It ends when all have answered. Who is not interested in the rest drops it.
pub struct FilterResponses<R> {
    outcomes: mpsc::UnboundedReceiver<(SessionId, FilterOutcome)>,
    sent_to: u32,
    left: u32,
    _enrolment: Enrolment,
    value: PhantomData<fn() -> R>,
}

impl<R> FilterResponses<R> {
    /// How many sessions the request was sent to.
    ///
    /// ```no_run
    /// # fn example(responses: &effusion_client::FilterResponses<String>) {
    /// println!("{} sessions were asked", responses.sent_to());
    /// # }
    /// ```
    #[must_use]
    pub const fn sent_to(&self) -> u32 {
        self.sent_to
    }
}

impl<R> core::fmt::Debug for FilterResponses<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FilterResponses")
    }
}

impl<R: DeserializeOwned + 'static> Stream for FilterResponses<R> {
    type Item = (SessionId, Result<R, RequestError>);

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<(SessionId, Result<R, RequestError>)>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let next = ready!(Pin::new(&mut self.outcomes).poll_next(context));
        self.left -= 1;
        Poll::Ready(next.map(|(session, outcome)| {
            let result = match outcome {
                FilterOutcome::Response(answer) => read_message(&answer.data_type, answer.value)
                    .map_err(RequestError::UnreadableValue),
                FilterOutcome::Failure(report) => Err(RequestError::Refused(report)),
            };
            (session, result)
        }))
    }
}

struct Sent {
    conversation: ConversationId,
    request: Bytes,
    outcomes: mpsc::UnboundedSender<(SessionId, FilterOutcome)>,
}

impl Receiver for Sent {
    fn services(&self) -> &'static [ServiceId] {
        &[ServiceId::FilterResponse]
    }

    fn receive(&self, call: &ServiceCall, version: ProtocolVersion) -> Verdict {
        let response: FilterResponse = match Verdict::read(call, version) {
            Ok(response) => response,
            Err(verdict) => return verdict,
        };
        if response.conversation != self.conversation {
            return Verdict::NotMine;
        }
        // Nobody listens if the stream is dropped.
        let _ = self
            .outcomes
            .unbounded_send((response.session, response.outcome));
        Verdict::DONE
    }

    fn register(&self, _: ProtocolVersion) -> Vec<Registering> {
        vec![(ServiceId::MessagingFilterSend, self.request.clone())]
    }

    /// A request is not made again: the answers to it are lost.
    fn renew(&self) -> bool {
        false
    }
}

/// Reads how many sessions a filter chose.
///
/// # Errors
/// [`RequestError::FilterRefused`].
pub(super) fn read_count(body: Bytes, version: ProtocolVersion) -> Result<u32, RequestError> {
    match response::read(body, version)? {
        FilterCount::Selected(count) => Ok(count),
        FilterCount::Errors(errors) => Err(RequestError::FilterRefused(errors)),
    }
}

pub(super) fn send<R>(
    shared: &Arc<Shared>,
    filter: &str,
    path: &str,
    data_type: &str,
    value: Bytes,
) -> Registration<FilterResponses<R>> {
    let conversation = shared.new_conversation();
    let (sender, outcomes) = mpsc::unbounded();
    let request = SendToFilterRequest {
        conversation,
        filter: filter.to_owned(),
        path: path.to_owned(),
        data_type: data_type.to_owned(),
        value,
    };
    let sent = Sent {
        conversation,
        request: encode(&request, shared.version()),
        outcomes: sender,
    };
    shared.register(
        Arc::new(sent),
        |enrolment| FilterResponses {
            outcomes,
            sent_to: 0,
            left: 0,
            _enrolment: enrolment,
            value: PhantomData,
        },
        |mut stream, body, version| {
            stream.sent_to = read_count(body, version)?;
            stream.left = stream.sent_to;
            Ok(stream)
        },
    )
}
