//! Requests that are under way.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};

use bytes::Bytes;
use effusion_protocol::{ProtocolVersion, Wire, decode};
use futures_channel::oneshot;

use crate::{Interruption, RequestError};

/// The body of an answer.
pub(crate) type Answer = Result<Bytes, RequestError>;

/// Makes a result of an answer's body.
pub(crate) type Read<T> = fn(Bytes, ProtocolVersion) -> Result<T, RequestError>;

/// Reads a body that is the result itself.
pub(crate) fn read<T: Wire>(body: Bytes, version: ProtocolVersion) -> Result<T, RequestError> {
    Ok(decode(body, version)?)
}

/// The answer to a request.
///
/// The request is under way as soon as this is made: requests reach the service in the order in which they are made, and
/// awaiting tells how they went. Who drops it does not want to know; the request is sent all the same, unless the session is
/// closed before ([`Session::flush`](crate::Session::flush)).
#[must_use = "only awaiting tells whether the request was carried out"]
pub struct Response<T> {
    pub(crate) receiver: oneshot::Receiver<Answer>,
    pub(crate) version: ProtocolVersion,
    pub(crate) read: Read<T>,
}

impl<T> Response<T> {
    /// The answer to a request that cannot be made, because the session is gone.
    pub(crate) fn never() -> Self {
        Self::failed(RequestError::NeverSent(Interruption::SessionClosed))
    }

    /// The answer to a request that cannot be made.
    pub(crate) fn failed(error: RequestError) -> Self {
        let (sender, receiver) = oneshot::channel();
        // The receiver is here.
        let _ = sender.send(Err(error));
        Self {
            receiver,
            version: ProtocolVersion::NEWEST,
            read: |_, _| Err(RequestError::NeverSent(Interruption::SessionClosed)),
        }
    }
}

impl<T> Future for Response<T> {
    type Output = Result<T, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(poll_answer(&mut self.receiver, context));
        Poll::Ready(answer.and_then(|body| (self.read)(body, self.version)))
    }
}

pub(crate) fn poll_answer(
    receiver: &mut oneshot::Receiver<Answer>,
    context: &mut Context<'_>,
) -> Poll<Answer> {
    // The sender is dropped only if the runtime has dropped the driver.
    let lost = RequestError::OutcomeUnknown(Interruption::SessionClosed);
    Poll::Ready(ready!(Pin::new(receiver).poll(context)).unwrap_or(Err(lost)))
}

impl<T> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Response")
    }
}
