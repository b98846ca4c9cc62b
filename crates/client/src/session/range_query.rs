//! Querying the events of a time series.

use bytes::Bytes;
use effusion_protocol::body::call;
use effusion_protocol::time_series::{
    QueryType, RangeAnchor, RangeQueryRequest, RangeQueryResponse, RangeSpan,
};
use effusion_protocol::{ProtocolVersion, TopicSpecification, TopicType, property};

use super::Session;
use crate::{RequestError, Response, StreamValue, TimeSeriesEvent, ValueError, response};

/// A query of a time series: see [`TimeSeries::range_query`](super::TimeSeries::range_query).
///
/// A new query asks for the values of all events: of each event its latest edit, or itself. Source of the terms: the API
/// documentation of `RangeQuery`.
#[derive(Clone, Debug)]
pub struct RangeQuery<'a> {
    session: &'a Session,
    request: RangeQueryRequest,
}

/// What a query found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryResult<T> {
    /// The events, the oldest first.
    pub events: Vec<TimeSeriesEvent<T>>,
    /// How many events were found; more than there are here if the query had a limit.
    pub selected: u64,
}

impl<T> QueryResult<T> {
    /// Whether every event that was found is here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.selected == self.events.len() as u64
    }
}

impl<'a> RangeQuery<'a> {
    pub(super) fn new(session: &'a Session) -> Self {
        Self {
            session,
            request: RangeQueryRequest::new(""),
        }
    }

    /// Asks for values, as a new query does.
    #[must_use]
    pub const fn for_values(mut self) -> Self {
        self.request.query_type = QueryType::Values;
        self
    }

    /// Asks for the original events and all edits of them.
    #[must_use]
    pub const fn for_edits(mut self) -> Self {
        self.request.query_type = QueryType::AllEdits;
        self
    }

    /// Asks for the original events and the latest edit of each.
    #[must_use]
    pub const fn latest_edits(mut self) -> Self {
        self.request.query_type = QueryType::LatestEdits;
        self
    }

    /// Looks at original events from here on.
    #[must_use]
    pub const fn from(mut self, anchor: RangeAnchor) -> Self {
        self.request.view.anchor = anchor;
        self
    }

    /// Looks at original events up to here.
    #[must_use]
    pub const fn to(mut self, span: RangeSpan) -> Self {
        self.request.view.span = span;
        self
    }

    /// Looks at edits from here on. Only the range of originals counts in a query of values.
    #[must_use]
    pub const fn edits_from(mut self, anchor: RangeAnchor) -> Self {
        self.request.edits.anchor = anchor;
        self
    }

    /// Looks at edits up to here.
    #[must_use]
    pub const fn edits_to(mut self, span: RangeSpan) -> Self {
        self.request.edits.span = span;
        self
    }

    /// Takes no more than so many events, the newest ones.
    #[must_use]
    pub const fn limit(mut self, events: u64) -> Self {
        self.request.limit = events;
        self
    }

    /// Makes the query.
    ///
    /// # Errors
    /// Refused with `NoSuchTopic` or `IncompatibleTopic`, with `AccessDenied` without the permission `read_topic` (for
    /// edits: `query_obsolete_time_series_events`); [`RequestError::UnreadableValue`] if the events are not of type `T`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::{Json, RangeAnchor};
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let newest = session
    ///     .time_series()
    ///     .range_query()
    ///     .from(RangeAnchor::Last(10))
    ///     .select_from::<Json>("Chat/room")
    ///     .await?;
    /// for event in &newest.events {
    ///     println!("{} said {:?}", event.metadata.author, event.value);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn select_from<T: StreamValue>(mut self, path: &str) -> Response<QueryResult<T>> {
        path.clone_into(&mut self.request.path);
        self.session
            .shared()
            .call_and_read::<call::RangeQuery, _>(&self.request, read)
    }
}

fn read<T: StreamValue>(
    body: Bytes,
    version: ProtocolVersion,
) -> Result<QueryResult<T>, RequestError> {
    let answer: RangeQueryResponse = response::read(body, version)?;
    let series = TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, &answer.value_type);
    if !T::reads(&series) && !answer.events.is_empty() {
        return Err(ValueError::WrongType("of the type that was asked for").into());
    }
    let events = answer
        .events
        .into_iter()
        .map(|event| {
            let value = T::read(event.value.clone(), TopicType::Json)?;
            Ok(TimeSeriesEvent::of(event, value))
        })
        .collect::<Result<_, ValueError>>()?;
    Ok(QueryResult {
        events,
        selected: answer.selected,
    })
}
