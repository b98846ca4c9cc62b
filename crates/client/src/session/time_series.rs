//! Appending to time series, and querying them.

use std::time::SystemTime;

use effusion_protocol::body::call;
use effusion_protocol::time_series::{AppendAtRequest, AppendRequest, EditRequest, EventMetadata};
use effusion_protocol::value::to_bytes;
use serde::Serialize;

use super::{RangeQuery, Session};
use crate::{RequestError, Response};

/// Appending to time series, and querying them: see [`Session::time_series`]. Source: `docs/protocol.md`, 3.
#[derive(Clone, Copy, Debug)]
pub struct TimeSeries<'a> {
    pub(super) session: &'a Session,
}

impl<'a> TimeSeries<'a> {
    /// Appends an event to a time series topic. The answer is the event's place in the series.
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
    /// println!("event {} at {}", event.sequence, event.timestamp);
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
            .call::<call::TimeSeriesAppend>(&request)
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
            .call::<call::TimeSeriesAppendAt>(&request)
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
        self.session.shared().call::<call::TimeSeriesEdit>(&request)
    }

    /// A query of the events of a time series, to be narrowed down and then made: see [`RangeQuery::select_from`].
    #[must_use]
    pub fn range_query(&self) -> RangeQuery<'a> {
        RangeQuery::new(self.session)
    }
}

/// Milliseconds since 1970, as they are on the wire; 0 for what was before.
pub(super) fn since_1970(time: SystemTime) -> u64 {
    let passed = time.duration_since(SystemTime::UNIX_EPOCH);
    u64::try_from(passed.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
