//! Querying the events of a time series.
//!
//! Source: the API documentation of `RangeQuery`.

use bytes::Bytes;
use core::ops::RangeInclusive;
use effusion_protocol::body::PathPermission;
use effusion_protocol::time_series::{
    Event, QueryRange, QueryType, RangeAnchor, RangeQueryRequest, RangeSpan,
};
use effusion_protocol::{ErrorReport, TopicId, Writer, encode_into};
use std::collections::VecDeque;

use crate::broker::Broker;
use crate::broker::jobs::{Slice, Task};
use crate::caller::Caller;
use crate::services::dispatch::{Reply, Served};
use crate::sessions::key;
use crate::topics::{BYTES_A_STEP, Series, Topic, event_bytes};
use crate::{errors, wire};

/// A query whose answer is being written.
#[derive(Debug)]
pub(crate) struct Querying {
    request: RangeQueryRequest,
    topic: TopicId,
    /// The sequences of the events that are still to be written.
    left: std::vec::IntoIter<u64>,
    /// Bytes of the values and authors of those that are written.
    bytes: usize,
    answer: Writer,
}

/// Events that are selected in the time of a step.
const SELECTED_A_STEP: usize = 50;

impl Broker {
    pub(crate) fn range_query(&mut self, caller: &Caller, request: RangeQueryRequest) -> Served {
        let querying = self.start_query(caller, request)?;
        self.begin(caller, Task::Query(Box::new(querying)))
    }

    /// The topic of a query that a caller may make.
    fn queried(&self, caller: &Caller, request: &RangeQueryRequest) -> Result<&Topic, ErrorReport> {
        let path = request.path.trim_matches('/');
        let topic = self.topics.tree().at(path);
        let settings = topic.map(|topic| topic.settings());
        let session = self.session(caller)?;
        if !session.may(PathPermission::ReadTopic, path, settings) {
            return Err(errors::denied(PathPermission::ReadTopic, path));
        }
        let obsolete = PathPermission::QueryObsoleteTimeSeriesEvents;
        if is_obsolete(request) && !session.rights().has(obsolete, path) {
            return Err(errors::denied(obsolete, path));
        }
        topic.ok_or_else(|| errors::no_such_topic(path))
    }

    /// Finds out which events are selected. Those are written later, so that they are as they were at one moment.
    fn start_query(
        &self,
        caller: &Caller,
        request: RangeQueryRequest,
    ) -> Result<Querying, ErrorReport> {
        let session = self.session(caller)?;
        let path = request.path.trim_matches('/');
        let topic = self.queried(caller, &request)?;
        if topic.settings().series.is_none() {
            return Err(errors::incompatible_topic(path, "a time series"));
        }
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let (selected, sequences) = if is_obsolete(&request) {
            let selected = evaluate(topic.series(), &request);
            let newest = selected.iter().skip(selected.len().saturating_sub(limit));
            let sequences: Vec<u64> = newest.map(|event| event.metadata.sequence).collect();
            (selected.len(), sequences)
        } else {
            latest_values(topic.series(), &request, limit)
        };
        let version = session.version();
        let head = wire::response(caller.service, caller.conversation, Bytes::new(), version);
        let mut answer = Writer::new(version);
        answer.raw(&head);
        answer.string(topic.settings().data_type.name());
        answer.varint64(selected as u64);
        answer.length(sequences.len());
        Ok(Querying {
            topic: topic.id(),
            left: sequences.into_iter(),
            request,
            bytes: 0,
            answer,
        })
    }

    /// Writes some of the events.
    pub(crate) fn query_on(
        &mut self,
        caller: &Caller,
        mut querying: Box<Querying>,
        steps: &mut usize,
    ) -> Slice {
        let topic = match self.queried(caller, &querying.request) {
            Ok(topic) if topic.id() == querying.topic => topic,
            Ok(_) => return self.query_anew(caller, querying.request),
            Err(report) => return Slice::Done(Err(report)),
        };
        let session = self.sessions.get(caller.session);
        let client_type = session.and_then(|it| it.properties().get(key::CLIENT_TYPE));
        let is_python = client_type.is_some_and(|it| it == PYTHON);
        let most = self.config.limits.answer_bytes;
        if querying.bytes == 0 {
            *steps = steps.saturating_sub(topic.series().events().len() / SELECTED_A_STEP);
        }
        while *steps > 0
            && let Some(sequence) = querying.left.next()
        {
            let Some(event) = topic.series().event(sequence) else {
                // So many events came meanwhile that this one was discarded.
                return self.query_anew(caller, querying.request);
            };
            let bytes = event_bytes(event);
            *steps = steps.saturating_sub(1 + bytes / BYTES_A_STEP);
            querying.bytes += bytes;
            if querying.bytes > most {
                return Slice::Done(Err(errors::invalid_data(format_args!(
                    "The answer would have more than {most} bytes of events: ask for fewer events"
                ))));
            }
            if is_python {
                encode_into(&for_python(event), &mut querying.answer);
            } else {
                encode_into(event, &mut querying.answer);
            }
        }
        if querying.left.len() == 0 {
            return Slice::Done(Ok(Reply::Encoded(querying.answer.finish())));
        }
        Slice::Again(Task::Query(querying))
    }

    fn query_anew(&self, caller: &Caller, request: RangeQueryRequest) -> Slice {
        match self.start_query(caller, request) {
            Ok(querying) => Slice::Again(Task::Query(Box::new(querying))),
            Err(report) => Slice::Done(Err(report)),
        }
    }
}

impl Querying {
    /// About how many bytes of memory it takes.
    pub(crate) fn memory(&self) -> usize {
        self.answer.position() + size_of_val(self.left.as_slice())
    }
}

/// Whether a query asks for what was replaced.
fn is_obsolete(request: &RangeQueryRequest) -> bool {
    request.query_type != QueryType::Values || request.edits != QueryRange::ALL
}

/// The client type of Python's SDK, as the session property names it.
const PYTHON: &str = "PYTHON";

/// An author as Python's SDK (6.9.8 to 6.12.2) reads one in the answer to a range query, and only there: not the text but
/// the CBOR item of the text (source: the SDK; `docs/protocol-versions.md`). The head of an item is ASCII up to 127 bytes
/// of text; a longer one cannot be said in this way.
fn author_for_python(author: &str) -> String {
    let head = match u8::try_from(author.len()) {
        Ok(length @ 0..=23) => char::from(0x60 + length).to_string(),
        Ok(length @ 24..=127) => ['\u{78}', char::from(length)].iter().collect(),
        _ => String::new(),
    };
    head + author
}

/// An event as Python's SDK reads it in the answer to a range query.
fn for_python(event: &Event) -> Event {
    let mut event = event.clone();
    let original = event.original.iter_mut();
    for metadata in original.chain(core::iter::once(&mut event.metadata)) {
        metadata.author = author_for_python(&metadata.author);
    }
    event
}

/// How many events a query for values selects, and the sequences of the newest of them: no more than the limit allows, and no
/// others are looked at.
fn latest_values(series: &Series, request: &RangeQueryRequest, limit: usize) -> (usize, Vec<u64>) {
    let originals = series.originals();
    let Some(view) = sequences(originals, &request.view) else {
        return (0, Vec::new());
    };
    let from = originals.partition_point(|(sequence, _)| sequence < view.start());
    let to = originals.partition_point(|(sequence, _)| sequence <= view.end());
    let newest = from.max(to.saturating_sub(limit))..to;
    let sequences = originals
        .range(newest)
        .map(|(sequence, _)| series.latest_of(*sequence))
        .collect();
    (to - from, sequences)
}

/// The events that a query selects, whatever its limit. Each event is looked at twice at most.
fn evaluate<'e>(series: &'e Series, request: &RangeQueryRequest) -> Vec<&'e Event> {
    let (events, originals) = (series.events(), series.originals());
    let view = if request.query_type == QueryType::Values {
        sequences(originals, &request.view)
    } else {
        sequences(events, &request.view)
    };
    let edits = if request.edits == QueryRange::ALL {
        Some(0..=u64::MAX)
    } else {
        sequences(events, &request.edits)
    };
    let (Some(view), Some(edits)) = (view, edits) else {
        return Vec::new();
    };
    let first = originals.partition_point(|(sequence, _)| sequence < view.start());
    let count = originals.partition_point(|(sequence, _)| sequence <= view.end()) - first;
    // Which of the originals in view an event is or edits. Edits of an original that is no longer retained do not count.
    let place = |event: &Event| {
        let original = event.original().sequence;
        let place = originals.binary_search_by_key(&original, |(sequence, _)| *sequence);
        let place = place.ok()?.checked_sub(first)?;
        (place < count).then_some(place)
    };
    let from = series.index_from(*edits.start());
    let in_range = events
        .range(from..)
        .take_while(|event| event.metadata.sequence <= *edits.end())
        .filter_map(|event| Some((place(event)?, event)));
    if request.query_type == QueryType::AllEdits {
        return in_range.map(|(_, event)| event).collect();
    }
    let in_range: Vec<(usize, &Event)> = in_range.collect();
    let mut latest: Vec<Option<&Event>> = vec![None; count];
    for (place, event) in &in_range {
        latest[*place] = Some(event);
    }
    if request.query_type == QueryType::Values {
        return latest.into_iter().flatten().collect();
    }
    let is_latest = |place: usize, event| latest[place].is_some_and(|it| core::ptr::eq(it, event));
    let selected = in_range
        .into_iter()
        .filter(|(place, event)| event.original.is_none() || is_latest(*place, *event));
    selected.map(|(_, event)| event).collect()
}

/// Events as a range counts them: sequence and time stamp, in the order of both.
trait Line {
    fn length(&self) -> usize;
    fn at(&self, index: usize) -> Option<(u64, u64)>;
    /// How many at the beginning are so.
    fn count_first(&self, is_so: impl Fn((u64, u64)) -> bool) -> usize;
}

impl Line for VecDeque<(u64, u64)> {
    fn length(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> Option<(u64, u64)> {
        self.get(index).copied()
    }

    fn count_first(&self, is_so: impl Fn((u64, u64)) -> bool) -> usize {
        self.partition_point(|it| is_so(*it))
    }
}

impl Line for VecDeque<Event> {
    fn length(&self) -> usize {
        self.len()
    }

    fn at(&self, index: usize) -> Option<(u64, u64)> {
        self.get(index)
            .map(|it| (it.metadata.sequence, it.metadata.timestamp))
    }

    fn count_first(&self, is_so: impl Fn((u64, u64)) -> bool) -> usize {
        self.partition_point(|it| is_so((it.metadata.sequence, it.metadata.timestamp)))
    }
}

/// A place in a list of events.
#[derive(Clone, Copy)]
enum Point {
    /// An index; may be outside of the list.
    Index(i128),
    Sequence(u64),
    Time(u64),
}

/// The sequences between the two ends of a range, or nothing. `events` are sequence and time stamp of those that the range
/// counts.
fn sequences(events: &impl Line, range: &QueryRange) -> Option<RangeInclusive<u64>> {
    let length = events.length() as i128;
    let newest = events.at(events.length().checked_sub(1)?)?.1;
    let first_from = |point| match point {
        Point::Index(index) => index.clamp(0, length),
        Point::Sequence(sequence) => events.count_first(|it| it.0 < sequence) as i128,
        Point::Time(time) => events.count_first(|it| it.1 < time) as i128,
    };
    let last_until = |point| match point {
        Point::Index(index) => index.clamp(-1, length - 1),
        Point::Sequence(sequence) => events.count_first(|it| it.0 <= sequence) as i128 - 1,
        Point::Time(time) => events.count_first(|it| it.1 <= time) as i128 - 1,
    };
    let time_of = |point| match point {
        Point::Time(time) => Some(time),
        other => usize::try_from(first_from(other))
            .ok()
            .and_then(|index| events.at(index))
            .map(|event| event.1)
            .or(Some(newest)),
    };
    let anchor = match range.anchor {
        RangeAnchor::Start => Point::Index(0),
        RangeAnchor::Sequence(sequence) => Point::Sequence(sequence),
        RangeAnchor::Time(time) => Point::Time(time),
        RangeAnchor::Last(count) => Point::Index(length - i128::from(count)),
        RangeAnchor::LastMillis(milliseconds) => Point::Time(newest.saturating_sub(milliseconds)),
    };
    let (from, to) = match range.span {
        // The start is before the first event, and nothing is between it and itself (source: the API documentation).
        RangeSpan::ToStart if range.anchor == RangeAnchor::Start => return None,
        RangeSpan::ToStart => (anchor, Point::Index(0)),
        RangeSpan::ToSequence(sequence) => (anchor, Point::Sequence(sequence)),
        RangeSpan::ToTime(time) => (anchor, Point::Time(time)),
        RangeSpan::UntilLast(count) => (anchor, Point::Index(length - 1 - i128::from(count))),
        RangeSpan::UntilLastMillis(milliseconds) => {
            (anchor, Point::Time(newest.saturating_sub(milliseconds)))
        }
        // Both count the event at the anchor, and so may come to no event at all.
        RangeSpan::Next(0) | RangeSpan::Previous(0) => return None,
        RangeSpan::Next(count) => {
            let first = first_from(anchor);
            (
                Point::Index(first),
                Point::Index(first + i128::from(count) - 1),
            )
        }
        RangeSpan::Previous(count) => {
            let last = last_until(anchor);
            (
                Point::Index(last + 1 - i128::from(count)),
                Point::Index(last),
            )
        }
        RangeSpan::NextMillis(milliseconds) => {
            let time = time_of(anchor)?;
            (anchor, Point::Time(time.saturating_add(milliseconds)))
        }
        RangeSpan::PreviousMillis(milliseconds) => {
            let time = time_of(anchor)?;
            (Point::Time(time.saturating_sub(milliseconds)), anchor)
        }
    };
    // The span may end before the anchor: then the range runs backwards.
    let first = first_from(from).min(first_from(to));
    let last = last_until(from).max(last_until(to));
    // An anchor beyond the newest event selects nothing from there on.
    if first_from(from) == length && matches!(range.span, RangeSpan::UntilLast(0)) {
        return None;
    }
    let at = |index: i128| {
        usize::try_from(index)
            .ok()
            .and_then(|index| events.at(index))
            .map(|event| event.0)
    };
    if first > last {
        return None;
    }
    Some(at(first)?..=at(last)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use effusion_protocol::time_series::EventMetadata;
    use proptest::prelude::*;

    fn event(sequence: u64, original: Option<u64>) -> Event {
        let metadata = |sequence| EventMetadata {
            sequence,
            timestamp: 1_000 * sequence,
            author: String::new(),
        };
        Event {
            metadata: metadata(sequence),
            original: original.map(metadata),
            value: Bytes::new(),
        }
    }

    /// Originals 0 to 5, 7 and 9; 6 edits 1, 8 edits 1 again, 10 edits 4.
    fn series() -> VecDeque<Event> {
        (0..=10)
            .map(|sequence| {
                let original = match sequence {
                    6 | 8 => Some(1),
                    10 => Some(4),
                    _ => None,
                };
                event(sequence, original)
            })
            .collect()
    }

    fn query(
        query_type: QueryType,
        view: (RangeAnchor, RangeSpan),
        edits: (RangeAnchor, RangeSpan),
    ) -> Vec<u64> {
        let range = |(anchor, span)| QueryRange { anchor, span };
        let request = RangeQueryRequest {
            path: "a".to_owned(),
            query_type,
            view: range(view),
            edits: range(edits),
            limit: u64::MAX,
        };
        let selected: Vec<u64> = evaluate(&Series::restore(series().into()), &request)
            .iter()
            .map(|event| event.metadata.sequence)
            .collect();
        if query_type == QueryType::Values && request.edits == QueryRange::ALL {
            let series = Series::restore(series().into());
            for limit in [0, 1, 3, usize::MAX] {
                let (count, newest) = latest_values(&series, &request, limit);
                assert_eq!(count, selected.len());
                assert_eq!(
                    newest,
                    selected[count.saturating_sub(limit)..],
                    "{request:?}"
                );
            }
        }
        selected
    }

    const ALL: (RangeAnchor, RangeSpan) = (RangeAnchor::Start, RangeSpan::UntilLast(0));

    fn values(view: (RangeAnchor, RangeSpan)) -> Vec<u64> {
        query(QueryType::Values, view, ALL)
    }

    #[test]
    fn values_are_the_latest_edits() {
        assert_eq!(values(ALL), [0, 8, 2, 3, 10, 5, 7, 9]);
        let to = RangeSpan::ToSequence;
        assert_eq!(values((RangeAnchor::Sequence(2), to(4))), [2, 3, 10]);
        assert_eq!(values((RangeAnchor::Sequence(4), to(2))), [2, 3, 10]);
        assert_eq!(values((RangeAnchor::Sequence(6), to(6))), [0; 0]);
        assert_eq!(values((RangeAnchor::Sequence(99), to(99))), [0; 0]);
    }

    #[test]
    fn ranges_are_anchored_and_spanned() {
        use RangeAnchor::{Last, LastMillis, Sequence, Start, Time};
        use RangeSpan as Span;
        for (anchor, span, expected) in [
            (Last(3), Span::UntilLast(0), &[5, 7, 9][..]),
            (Last(3), Span::UntilLast(1), &[5, 7]),
            (Last(0), Span::UntilLast(0), &[]),
            (Last(99), Span::UntilLast(6), &[0, 8]),
            (Last(2), Span::ToStart, &[0, 8, 2, 3, 10, 5, 7]),
            (Start, Span::ToStart, &[]),
            (Sequence(0), Span::ToStart, &[0]),
            (Start, Span::Next(2), &[0, 8]),
            (Start, Span::Next(0), &[]),
            (Sequence(6), Span::Next(2), &[7, 9]),
            (Sequence(6), Span::Previous(2), &[10, 5]),
            (Start, Span::Previous(9), &[0]),
            (Time(2_000), Span::ToTime(3_500), &[2, 3]),
            (Time(3_500), Span::ToTime(2_000), &[2, 3]),
            (Time(2_000), Span::NextMillis(1_000), &[2, 3]),
            (Sequence(3), Span::PreviousMillis(1_000), &[2, 3]),
            (LastMillis(2_000), Span::UntilLastMillis(0), &[7, 9]),
            (Start, Span::UntilLastMillis(7_000), &[0, 8, 2]),
        ] {
            assert_eq!(values((anchor, span)), expected, "{anchor:?} {span:?}");
        }
    }

    #[test]
    fn edits_are_constrained_by_their_own_range() {
        let from = |sequence| (RangeAnchor::Sequence(sequence), RangeSpan::UntilLast(0));
        assert_eq!(query(QueryType::Values, ALL, from(7)), [8, 10, 7, 9]);
        assert_eq!(
            query(QueryType::AllEdits, ALL, ALL),
            (0..=10).collect::<Vec<_>>()
        );
        assert_eq!(
            query(QueryType::LatestEdits, ALL, ALL),
            [0, 1, 2, 3, 4, 5, 7, 8, 9, 10]
        );
        let first_two = (RangeAnchor::Start, RangeSpan::ToSequence(1));
        assert_eq!(query(QueryType::AllEdits, first_two, ALL), [0, 1, 6, 8]);
        assert_eq!(query(QueryType::LatestEdits, first_two, ALL), [0, 1, 8]);
        assert_eq!(query(QueryType::AllEdits, first_two, from(7)), [8]);
        let up_to_six = (RangeAnchor::Start, RangeSpan::ToSequence(6));
        assert_eq!(
            query(QueryType::LatestEdits, first_two, up_to_six),
            [0, 1, 6]
        );
        let last_two = (RangeAnchor::Last(2), RangeSpan::UntilLast(0));
        assert_eq!(query(QueryType::AllEdits, last_two, ALL), [9]);
    }

    #[test]
    fn python_reads_authors_as_cbor() {
        assert_eq!(author_for_python("al"), "bal");
        assert_eq!(author_for_python(""), "`");
        let long = "a".repeat(127);
        assert_eq!(author_for_python(&long), format!("x\u{7f}{long}"));
        let longer = "a".repeat(128);
        assert_eq!(author_for_python(&longer), longer);
    }

    #[test]
    fn an_empty_series_has_no_events() {
        let request = RangeQueryRequest {
            path: "a".to_owned(),
            query_type: QueryType::Values,
            view: QueryRange::ALL,
            edits: QueryRange::ALL,
            limit: u64::MAX,
        };
        assert!(evaluate(&Series::default(), &request).is_empty());
    }

    fn anchors() -> impl Strategy<Value = RangeAnchor> {
        (0..5u8, prop_oneof![0..12u64, any::<u64>()]).prop_map(|(kind, number)| match kind {
            0 => RangeAnchor::Start,
            1 => RangeAnchor::Sequence(number),
            2 => RangeAnchor::Time(number),
            3 => RangeAnchor::Last(number),
            _ => RangeAnchor::LastMillis(number),
        })
    }

    fn spans() -> impl Strategy<Value = RangeSpan> {
        (0..9u8, prop_oneof![0..12u64, any::<u64>()]).prop_map(|(kind, number)| match kind {
            0 => RangeSpan::ToStart,
            1 => RangeSpan::ToSequence(number),
            2 => RangeSpan::ToTime(number),
            3 => RangeSpan::UntilLast(number),
            4 => RangeSpan::UntilLastMillis(number),
            5 => RangeSpan::Next(number),
            6 => RangeSpan::NextMillis(number),
            7 => RangeSpan::Previous(number),
            _ => RangeSpan::PreviousMillis(number),
        })
    }

    proptest! {
        #[test]
        fn no_range_panics(view in (anchors(), spans()), edits in (anchors(), spans()), kind in 0..3u8) {
            let kind = QueryType::from_code(kind).unwrap();
            let found = query(kind, view, edits);
            prop_assert!(found.len() <= 11);
        }
    }
}
