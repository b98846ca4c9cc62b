//! Querying the events of a time series.
//!
//! Source: the API documentation of `RangeQuery`.

use core::ops::RangeInclusive;
use effusion_protocol::body::{PathPermission, ResponseBody};
use effusion_protocol::time_series::{
    Event, QueryRange, QueryType, RangeAnchor, RangeQueryRequest, RangeQueryResponse, RangeSpan,
};
use std::collections::{BTreeMap, VecDeque};

use crate::broker::Broker;
use crate::caller::Caller;
use crate::errors;
use crate::services::dispatch::{Reply, Served};
use crate::sessions::key;
use crate::topics::Series;

impl Broker {
    pub(crate) fn range_query(&mut self, caller: &Caller, request: &RangeQueryRequest) -> Served {
        let session = self.session(caller)?;
        let path = request.path.trim_matches('/');
        let topic = self.topics.tree().at(path);
        let settings = topic.map(|topic| topic.settings());
        if !session.may(PathPermission::ReadTopic, path, settings) {
            return Err(errors::denied(PathPermission::ReadTopic, path));
        }
        let is_obsolete =
            request.query_type != QueryType::Values || request.edits != QueryRange::ALL;
        let obsolete = PathPermission::QueryObsoleteTimeSeriesEvents;
        if is_obsolete && !session.rights().has(obsolete, path) {
            return Err(errors::denied(obsolete, path));
        }
        let topic = topic.ok_or_else(|| errors::no_such_topic(path))?;
        if topic.settings().series.is_none() {
            return Err(errors::incompatible_topic(path, "a time series"));
        }
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let (selected, mut events) = if is_obsolete {
            let selected = evaluate(topic.series().events(), request);
            let newest = selected.iter().skip(selected.len().saturating_sub(limit));
            (
                selected.len(),
                newest.map(|event| (*event).clone()).collect(),
            )
        } else {
            latest_values(topic.series(), request, limit)
        };
        let bytes: usize = events.iter().map(|event: &Event| event.value.len()).sum();
        let most = self.config.limits.answer_bytes;
        if bytes > most {
            return Err(errors::invalid_data(format_args!(
                "The answer would have {bytes} bytes of events, and may have {most}: ask for fewer events"
            )));
        }
        let client_type = session.properties().get(key::CLIENT_TYPE);
        if client_type.is_some_and(|it| it == PYTHON) {
            for event in &mut events {
                let original = event.original.iter_mut();
                for metadata in original.chain(core::iter::once(&mut event.metadata)) {
                    metadata.author = author_for_python(&metadata.author);
                }
            }
        }
        Ok(Reply::Now(ResponseBody::RangeQuery(RangeQueryResponse {
            value_type: topic.settings().data_type.name().to_owned(),
            selected: selected as u64,
            events,
        })))
    }
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

/// How many events a query for values selects, and the newest of them: no more than the limit allows, and no others are looked
/// at.
fn latest_values(
    series: &Series,
    request: &RangeQueryRequest,
    limit: usize,
) -> (usize, Vec<Event>) {
    let originals = series.originals();
    let Some(view) = sequences(originals, &request.view) else {
        return (0, Vec::new());
    };
    let from = originals.partition_point(|(sequence, _)| sequence < view.start());
    let to = originals.partition_point(|(sequence, _)| sequence <= view.end());
    let newest = from.max(to.saturating_sub(limit))..to;
    let events = originals
        .range(newest)
        .filter_map(|(sequence, _)| series.latest_of(*sequence))
        .cloned()
        .collect();
    (to - from, events)
}

/// The events that a query selects, whatever its limit.
fn evaluate<'e>(events: &'e VecDeque<Event>, request: &RangeQueryRequest) -> Vec<&'e Event> {
    let all: VecDeque<&Event> = events.iter().collect();
    let line = |events: &VecDeque<&Event>| -> VecDeque<(u64, u64)> {
        let metadata = events.iter().map(|event| &event.metadata);
        metadata.map(|it| (it.sequence, it.timestamp)).collect()
    };
    let counts_originals = request.query_type == QueryType::Values;
    let view = if counts_originals {
        let originals = events.iter().filter(|it| it.original.is_none()).collect();
        sequences(&line(&originals), &request.view)
    } else {
        sequences(&line(&all), &request.view)
    };
    let edits = if request.edits == QueryRange::ALL {
        Some(0..=u64::MAX)
    } else {
        sequences(&line(&all), &request.edits)
    };
    let (Some(view), Some(edits)) = (view, edits) else {
        return Vec::new();
    };
    // Events by the original that they are or edit. Edits of an original that is no longer retained do not count.
    let mut groups: BTreeMap<u64, Vec<&Event>> = BTreeMap::new();
    for event in &all {
        let original = event.original().sequence;
        if event.original.is_none() {
            if view.contains(&original) {
                groups.insert(original, vec![event]);
            }
        } else if let Some(group) = groups.get_mut(&original) {
            group.push(event);
        }
    }
    let mut selected: Vec<&Event> = Vec::new();
    for group in groups.values() {
        let mut in_range = group
            .iter()
            .filter(|event| edits.contains(&event.metadata.sequence));
        match request.query_type {
            QueryType::Values => selected.extend(in_range.next_back()),
            QueryType::AllEdits => selected.extend(in_range),
            QueryType::LatestEdits => {
                let latest = in_range.next_back();
                let original = in_range.next().filter(|event| event.original.is_none());
                selected.extend(original.into_iter().chain(latest));
            }
        }
    }
    if !counts_originals {
        selected.sort_by_key(|event| event.metadata.sequence);
    }
    selected
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
fn sequences(events: &VecDeque<(u64, u64)>, range: &QueryRange) -> Option<RangeInclusive<u64>> {
    let length = events.len() as i128;
    let newest = events.back()?.1;
    let first_from = |point| match point {
        Point::Index(index) => index.clamp(0, length),
        Point::Sequence(sequence) => events.partition_point(|it| it.0 < sequence) as i128,
        Point::Time(time) => events.partition_point(|it| it.1 < time) as i128,
    };
    let last_until = |point| match point {
        Point::Index(index) => index.clamp(-1, length - 1),
        Point::Sequence(sequence) => events.partition_point(|it| it.0 <= sequence) as i128 - 1,
        Point::Time(time) => events.partition_point(|it| it.1 <= time) as i128 - 1,
    };
    let time_of = |point| match point {
        Point::Time(time) => Some(time),
        other => usize::try_from(first_from(other))
            .ok()
            .and_then(|index| events.get(index))
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
            .and_then(|index| events.get(index))
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
        let selected: Vec<u64> = evaluate(&series(), &request)
            .iter()
            .map(|event| event.metadata.sequence)
            .collect();
        if query_type == QueryType::Values && request.edits == QueryRange::ALL {
            let series = Series::restore(series().into());
            for limit in [0, 1, 3, usize::MAX] {
                let (count, events) = latest_values(&series, &request, limit);
                let newest: Vec<u64> = events.iter().map(|it| it.metadata.sequence).collect();
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
        assert!(evaluate(&VecDeque::new(), &request).is_empty());
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
