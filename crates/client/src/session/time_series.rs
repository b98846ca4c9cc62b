//! Appending to time series, and querying them.

use std::time::SystemTime;

use effusion_protocol::body::call;
use effusion_protocol::time_series::{self, AppendAtRequest, AppendRequest, EditRequest};
use effusion_protocol::value::to_bytes;
use serde::Serialize;

use bytes::Bytes;

use super::{RangeQuery, Session};
use crate::value::since_1970;
use crate::{EventMetadata, ProtocolVersion, RequestError, Response, response};

/// Appending to time series, and querying them: see [`Session::time_series`]. Source: `docs/protocol.md`, 3.
#[derive(Clone, Copy, Debug)]
pub struct TimeSeries<'a> {
    pub(super) session: &'a Session,
}

impl<'a> TimeSeries<'a> {
    /// Appends an event to a time series topic. The answer is the event's place in the series. The value is written as by
    /// [`TopicUpdate::set`](super::TopicUpdate::set); there, an integer above 2^63 − 1 becomes a floating point number.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `update_topic`, and if the topic is no time series of this type.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// #[derive(serde::Serialize)]
    /// struct ChatMessage {
    ///     text: String,
    ///     name: String,
    /// }
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let message = ChatMessage { text: "hello".into(), name: "Ann".into() };
    /// let event = session.time_series().append("Chat/room", &message).await?;
    /// println!("event {} at {:?}", event.sequence, event.timestamp);
    /// # Ok(())
    /// # }
    /// ```
    pub fn append<T: Serialize + ?Sized>(&self, path: &str, value: &T) -> Response<EventMetadata> {
        let (data_type, value) = match to_bytes(value) {
            Ok(written) => written,
            Err(error) => return Response::failed(RequestError::UnwritableValue(error)),
        };
        let request = AppendRequest {
            path: path.to_owned(),
            value_type: data_type.name().to_owned(),
            value,
        };
        self.session
            .shared()
            .call_and_read::<call::TimeSeriesAppend, _>(&request, read)
    }

    /// Appends an event with a timestamp, kept in milliseconds, which must not be before that of the newest event.
    ///
    /// # Errors
    /// As [`TimeSeries::append`]; services before 6.8 may not have it.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let measured = std::time::SystemTime::now();
    /// session.time_series().append_at("temperatures", &21.5, measured).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn append_at<T: Serialize + ?Sized>(
        &self,
        path: &str,
        value: &T,
        timestamp: SystemTime,
    ) -> Response<EventMetadata> {
        let (data_type, value) = match to_bytes(value) {
            Ok(written) => written,
            Err(error) => return Response::failed(RequestError::UnwritableValue(error)),
        };
        let request = AppendAtRequest {
            path: path.to_owned(),
            value_type: data_type.name().to_owned(),
            value,
            timestamp: since_1970(timestamp),
        };
        self.session
            .shared()
            .call_and_read::<call::TimeSeriesAppendAt, _>(&request, read)
    }

    /// Edits the event with the sequence `original`, which must not be an edit itself.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `edit_time_series_events` (or, for the session's own events,
    /// `edit_own_time_series_events`).
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// session.time_series().edit("temperatures", 7, &21.5f64).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn edit<T: Serialize + ?Sized>(
        &self,
        path: &str,
        original: u64,
        value: &T,
    ) -> Response<EventMetadata> {
        let (data_type, value) = match to_bytes(value) {
            Ok(written) => written,
            Err(error) => return Response::failed(RequestError::UnwritableValue(error)),
        };
        let request = EditRequest {
            path: path.to_owned(),
            value_type: data_type.name().to_owned(),
            original,
            value,
        };
        self.session
            .shared()
            .call_and_read::<call::TimeSeriesEdit, _>(&request, read)
    }

    /// A query of the events of a time series, to be narrowed down and then made: see [`RangeQuery::select_from`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let newest = session.time_series().range_query().limit(10);
    /// let newest = newest.select_from::<f64>("temperatures").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn range_query(&self) -> RangeQuery<'a> {
        RangeQuery::new(self.session)
    }
}

fn read(body: Bytes, version: ProtocolVersion) -> Result<EventMetadata, RequestError> {
    response::read::<time_series::EventMetadata>(body, version).map(Into::into)
}
