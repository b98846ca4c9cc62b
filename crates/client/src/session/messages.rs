//! Request-response messaging.

use bytes::Bytes;
use effusion_protocol::ProtocolVersion;
use effusion_protocol::body::{MessagingResponse, SendRequest, SendToSessionRequest, call};
use effusion_protocol::value::to_bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::incoming::{add_handler, read_message, set_stream};
use super::{FilterResponses, RequestStream, Session, filter_responses};
use crate::{Registration, RequestError, Response, SessionId, response};

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
    /// let answer: String = session.messages().send("translate/de", "hello").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send<T, R>(&self, path: &str, request: &T) -> Response<R>
    where
        T: Serialize + ?Sized,
        R: DeserializeOwned + 'static,
    {
        let (data_type, value) = match to_bytes(request) {
            Ok(written) => written,
            Err(error) => return Response::failed(RequestError::UnwritableValue(error)),
        };
        let request = SendRequest {
            path: path.to_owned(),
            data_type: data_type.name().to_owned(),
            value,
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
    pub fn send_to_session<T, R>(&self, receiver: SessionId, path: &str, request: &T) -> Response<R>
    where
        T: Serialize + ?Sized,
        R: DeserializeOwned + 'static,
    {
        let (data_type, value) = match to_bytes(request) {
            Ok(written) => written,
            Err(error) => return Response::failed(RequestError::UnwritableValue(error)),
        };
        let request = SendToSessionRequest {
            session: receiver,
            path: path.to_owned(),
            data_type: data_type.name().to_owned(),
            value,
        };
        self.session
            .shared()
            .call_and_read::<call::MessagingReceiverServer, _>(&request, read_value)
    }

    /// Sends a request to all sessions that match a filter. The answer tells how many they are, and is the stream of their
    /// responses.
    ///
    /// # Errors
    /// [`RequestError::FilterRefused`] if the filter is not valid; refused with `AccessDenied` without the permission
    /// `send_to_session`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let everybody = "$Principal is 'client'";
    /// let mut moods = session.messages().send_to_filter::<_, String>(everybody, "mood", &1i64).await?;
    /// println!("{} were asked", moods.sent_to());
    /// while let Some((session, mood)) = moods.next().await {
    ///     println!("{session}: {mood:?}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn send_to_filter<T, R>(
        &self,
        filter: &str,
        path: &str,
        request: &T,
    ) -> Registration<FilterResponses<R>>
    where
        T: Serialize + ?Sized,
        R: DeserializeOwned + 'static,
    {
        match to_bytes(request) {
            Ok((data_type, value)) => {
                let shared = self.session.shared();
                filter_responses::send(shared, filter, path, data_type.name(), value)
            }
            Err(error) => Registration::failed(RequestError::UnwritableValue(error)),
        }
    }

    /// Registers this session as a handler of the requests that are sent to a path and to all paths below. Of the senders'
    /// session properties, those named by `properties` come with a request.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `register_handler` (and `view_session`, if properties are asked
    /// for), with `HandlerConflict` if this session handles the path already.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let mut requests = session.messages().add_request_handler::<String>("shout", &["$Principal"]).await?;
    /// while let Some(request) = requests.next().await {
    ///     if request.value.is_empty() {
    ///         request.responder.reject("nothing to shout");
    ///     } else {
    ///         request.responder.respond(&request.value.to_uppercase());
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_request_handler<T: DeserializeOwned + 'static>(
        &self,
        path: &str,
        properties: &[&str],
    ) -> Registration<RequestStream<T>> {
        add_handler(self.session.shared(), path, properties)
    }

    /// The requests that other sessions send to this one at a path; no permission is needed. Of several streams for a path,
    /// the newest gets the requests.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) {
    /// use futures_util::StreamExt;
    ///
    /// let mut questions = session.messages().set_request_stream::<i64>("double");
    /// while let Some(request) = questions.next().await {
    ///     request.responder.respond(&request.value.saturating_mul(2));
    /// }
    /// # }
    /// ```
    pub fn set_request_stream<T: DeserializeOwned + 'static>(
        &self,
        path: &str,
    ) -> RequestStream<T> {
        set_stream(self.session.shared(), path)
    }
}

fn read_value<R: DeserializeOwned + 'static>(
    body: Bytes,
    version: ProtocolVersion,
) -> Result<R, RequestError> {
    let answer: MessagingResponse = response::read(body, version)?;
    read_message(&answer.data_type, answer.value).map_err(RequestError::UnreadableValue)
}
