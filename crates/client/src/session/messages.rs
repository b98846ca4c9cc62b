//! Request-response messaging.

use bytes::Bytes;
use effusion_protocol::ProtocolVersion;
use effusion_protocol::body::{MessagingResponse, SendRequest, SendToSessionRequest, call};
use effusion_protocol::value::Value;

use super::Session;
use crate::{RequestError, Response, SessionId, ValueError, response};

/// Request-response messaging: see [`Session::messages`]. Source: `docs/protocol.md`, 6.4.
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a> {
    pub(super) session: &'a Session,
}

impl Messages<'_> {
    /// Sends a request to whoever handles a path, and waits for the response.
    ///
    /// # Errors
    /// Refused with `UnhandledMessage` if nobody handles the path, with `RejectedRequest` if the handler does not like the
    /// request, with `AccessDenied` without the permission `send_to_message_handler`; [`RequestError::UnreadableValue`]
    /// if the response is not of type `R`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let answer: String = session.messages().send("translate/de", &"hello".to_owned()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send<T: Value, R: Value>(&self, path: &str, request: &T) -> Response<R> {
        let request = SendRequest {
            path: path.to_owned(),
            data_type: T::DATA_TYPE.name().to_owned(),
            value: request.to_bytes(),
        };
        self.session
            .shared()
            .call_and_read::<call::MessagingSend, _>(&request, read_value)
    }

    /// Sends a request to another session, and waits for its response.
    ///
    /// # Errors
    /// As [`Messages::send`], with `NoSuchSession` if there is none; the permission is `send_to_session`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, SessionId};
    /// # async fn example(session: &Session, other: SessionId) -> Result<(), RequestError> {
    /// let answer: i64 = session.messages().send_to_session(other, "count", &1i64).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_to_session<T: Value, R: Value>(
        &self,
        receiver: SessionId,
        path: &str,
        request: &T,
    ) -> Response<R> {
        let request = SendToSessionRequest {
            session: receiver,
            path: path.to_owned(),
            data_type: T::DATA_TYPE.name().to_owned(),
            value: request.to_bytes(),
        };
        self.session
            .shared()
            .call_and_read::<call::MessagingReceiverServer, _>(&request, read_value)
    }
}

fn read_value<R: Value>(body: Bytes, version: ProtocolVersion) -> Result<R, RequestError> {
    let answer: MessagingResponse = response::read(body, version)?;
    if answer.data_type != R::DATA_TYPE.name() {
        return Err(ValueError::WrongType("of the type that was asked for").into());
    }
    Ok(R::from_bytes(answer.value)?)
}
