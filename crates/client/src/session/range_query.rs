//! Querying the events of a time series.

use core::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use effusion_protocol::body::call;
use effusion_protocol::time_series::{self, QueryType, RangeQueryRequest, RangeQueryResponse};
use effusion_protocol::{ProtocolVersion, TopicSpecification, TopicType, property};

use super::Session;
use crate::value::{millis, since_1970};
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

/// Where a range of a time series begins: see [`RangeQuery::from`]. A bound that falls on an event includes it. Times and
/// durations count in whole milliseconds. Source of the terms: the API documentation of `RangeQuery`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeAnchor {
    /// At the first event.
    Start,
    /// At this sequence.
    Sequence(u64),
    /// At this time.
    Time(SystemTime),
    /// This many events before the end: original events in a view range, events of any kind in an edit range.
    Last(u64),
    /// This long before the newest event.
    LastDuration(Duration),
}

/// Where a range of a time series ends: see [`RangeQuery::to`]. As with [`RangeAnchor`], a bound that falls on an event
/// includes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeSpan {
    /// At the first event.
    ToStart,
    /// At this sequence.
    ToSequence(u64),
    /// At this time.
    ToTime(SystemTime),
    /// This many events before the end.
    UntilLast(u64),
    /// This long before the newest event.
    UntilLastDuration(Duration),
    /// This many events from the anchor onwards.
    Next(u64),
    /// This long from the anchor onwards.
    NextDuration(Duration),
    /// This many events from the anchor backwards.
    Previous(u64),
    /// This long from the anchor backwards.
    PreviousDuration(Duration),
}

impl From<RangeAnchor> for time_series::RangeAnchor {
    fn from(anchor: RangeAnchor) -> Self {
        match anchor {
            RangeAnchor::Start => Self::Start,
            RangeAnchor::Sequence(sequence) => Self::Sequence(sequence),
            RangeAnchor::Time(time) => Self::Time(since_1970(time)),
            RangeAnchor::Last(events) => Self::Last(events),
            RangeAnchor::LastDuration(duration) => Self::LastMillis(millis(duration)),
        }
    }
}

impl From<RangeSpan> for time_series::RangeSpan {
    fn from(span: RangeSpan) -> Self {
        match span {
            RangeSpan::ToStart => Self::ToStart,
            RangeSpan::ToSequence(sequence) => Self::ToSequence(sequence),
            RangeSpan::ToTime(time) => Self::ToTime(since_1970(time)),
            RangeSpan::UntilLast(events) => Self::UntilLast(events),
            RangeSpan::UntilLastDuration(duration) => Self::UntilLastMillis(millis(duration)),
            RangeSpan::Next(events) => Self::Next(events),
            RangeSpan::NextDuration(duration) => Self::NextMillis(millis(duration)),
            RangeSpan::Previous(events) => Self::Previous(events),
            RangeSpan::PreviousDuration(duration) => Self::PreviousMillis(millis(duration)),
        }
    }
}

/// What a query found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryResult<T> {
    /// The events, the oldest first.
    pub events: Vec<TimeSeriesEvent<T>>,
    /// How many events were found; more than there are here if the query had a limit.
    pub selected: u64,
}

impl<T> QueryResult<T> {
    /// Whether every event that was found is here.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let result = session.time_series().range_query().limit(100).select_from::<f64>("temperatures").await?;
    /// if !result.is_complete() {
    ///     println!("{} more", result.selected - result.events.len() as u64);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.selected == self.events.len() as u64
    }

    /// Both results as one of values: of each event that either has, its latest edit; where both have the same event, the
    /// other result's counts. The merged result is complete, whatever these are.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let values = session.time_series().range_query().select_from::<f64>("temperatures").await?;
    /// let edits = session.time_series().range_query().for_edits().select_from("temperatures").await?;
    /// let merged = values.merge(edits);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let mut events: Vec<TimeSeriesEvent<T>> = Vec::new();
        for event in self.events.into_iter().chain(other.events) {
            let original = event.original().sequence;
            match events.binary_search_by_key(&original, |it| it.original().sequence) {
                Err(index) => events.insert(index, event),
                Ok(index) => {
                    if let Some(before) = events.get_mut(index)
                        && before.metadata.sequence <= event.metadata.sequence
                    {
                        *before = event;
                    }
                }
            }
        }
        Self {
            selected: events.len() as u64,
            events,
        }
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
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let result = session.time_series().range_query().for_values().select_from::<f64>("temperatures").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn for_values(mut self) -> Self {
        self.request.query_type = QueryType::Values;
        self
    }

    /// Asks for the original events and all edits of them.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let result = session.time_series().range_query().for_edits().select_from::<f64>("temperatures").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn for_edits(mut self) -> Self {
        self.request.query_type = QueryType::AllEdits;
        self
    }

    /// Asks for the original events and the latest edit of each.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let result = session.time_series().range_query().for_edits().latest_edits().select_from::<f64>("temperatures").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn latest_edits(mut self) -> Self {
        self.request.query_type = QueryType::LatestEdits;
        self
    }

    /// Looks at original events from here on.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use core::time::Duration;
    /// use effusion_client::RangeAnchor;
    ///
    /// let last_hour = RangeAnchor::LastDuration(Duration::from_secs(3_600));
    /// let result = session.time_series().range_query().from(last_hour).select_from::<f64>("temperatures").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from(mut self, anchor: RangeAnchor) -> Self {
        self.request.view.anchor = anchor.into();
        self
    }

    /// Looks at original events up to here.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::RangeSpan;
    ///
    /// let result = session.time_series().range_query().to(RangeSpan::Next(10)).select_from::<f64>("temperatures").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to(mut self, span: RangeSpan) -> Self {
        self.request.view.span = span.into();
        self
    }

    /// Looks at edits from here on. Only the range of originals counts in a query of values.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::RangeAnchor;
    ///
    /// let result = session.time_series().range_query().for_edits().edits_from(RangeAnchor::Sequence(7)).select_from::<f64>("temperatures").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn edits_from(mut self, anchor: RangeAnchor) -> Self {
        self.request.edits.anchor = anchor.into();
        self
    }

    /// Looks at edits up to here.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::RangeSpan;
    ///
    /// let result = session.time_series().range_query().for_edits().edits_to(RangeSpan::Next(10)).select_from::<f64>("temperatures").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn edits_to(mut self, span: RangeSpan) -> Self {
        self.request.edits.span = span.into();
        self
    }

    /// Takes no more than so many events, the newest ones.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let result = session.time_series().range_query().limit(100).select_from::<f64>("temperatures").await?;
    /// # Ok(())
    /// # }
    /// ```
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
        let error = ValueError::WrongType("of the type that was asked for");
        return Err(RequestError::UnreadableValue(error));
    }
    let events = answer
        .events
        .into_iter()
        .map(|event| {
            let value = T::read(event.value.clone(), TopicType::Json)?;
            Ok(TimeSeriesEvent::of(event, value))
        })
        .collect::<Result<_, ValueError>>()
        .map_err(RequestError::UnreadableValue)?;
    Ok(QueryResult {
        events,
        selected: answer.selected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventMetadata;

    fn result(events: &[(u64, Option<u64>, char)]) -> QueryResult<char> {
        let metadata = |sequence| EventMetadata {
            sequence,
            timestamp: SystemTime::UNIX_EPOCH,
            author: String::new(),
        };
        QueryResult {
            events: events
                .iter()
                .map(|(sequence, original, value)| TimeSeriesEvent {
                    metadata: metadata(*sequence),
                    original: original.map(metadata),
                    value: *value,
                })
                .collect(),
            selected: 99,
        }
    }

    #[test]
    fn merged_results_have_the_latest_edits() {
        let edits = result(&[
            (0, None, 'a'),
            (1, None, 'b'),
            (2, None, 'c'),
            (3, Some(1), 'd'),
        ]);
        let more = result(&[(2, None, 'C'), (4, Some(1), 'e'), (5, None, 'f')]);
        for (one, other, c) in [(&edits, &more, 'C'), (&more, &edits, 'c')] {
            let merged = one.clone().merge(other.clone());
            let values: Vec<_> = merged.events.iter().map(|event| event.value).collect();
            assert_eq!(values, ['a', 'e', c, 'f']);
            assert!(merged.is_complete());
        }
    }
}
