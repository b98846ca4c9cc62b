//! The events of a time series.

use effusion_protocol::time_series::{Event, EventMetadata, RangeExpression};
use std::collections::{BTreeSet, VecDeque};

/// A time series: events in the order of their sequences, which have gaps only where events were discarded.
#[derive(Debug, Default)]
pub(crate) struct Series {
    events: VecDeque<Event>,
}

impl Series {
    /// The events that were stored, in whatever order.
    pub(crate) fn restore(mut events: Vec<Event>) -> Self {
        events.sort_by_key(|event| event.metadata.sequence);
        events.dedup_by_key(|event| event.metadata.sequence);
        Self {
            events: events.into(),
        }
    }

    pub(crate) const fn events(&self) -> &VecDeque<Event> {
        &self.events
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.events
            .back()
            .map_or(0, |event| event.metadata.sequence.saturating_add(1))
    }

    pub(crate) fn last_timestamp(&self) -> u64 {
        self.events
            .back()
            .map_or(0, |event| event.metadata.timestamp)
    }

    /// The metadata of an original event.
    pub(crate) fn original(&self, sequence: u64) -> Option<&EventMetadata> {
        let index = self
            .events
            .binary_search_by_key(&sequence, |event| event.metadata.sequence)
            .ok()?;
        self.events
            .get(index)
            .filter(|event| event.original.is_none())
            .map(|event| &event.metadata)
    }

    pub(crate) fn push(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Discards the events outside of the range and above the bound; answers their sequences.
    pub(crate) fn trim(&mut self, retained: &RangeExpression, bound: usize) -> Vec<u64> {
        let start = self
            .start(retained)
            .max(self.events.len().saturating_sub(bound));
        self.events
            .drain(..start)
            .map(|event| event.metadata.sequence)
            .collect()
    }

    /// The events that a new subscriber receives: those in the range, without edits that a later edit replaced (source:
    /// the API documentation of `TimeSeries`, "derived from a latest edits edit range query"). `at_least_one`: the
    /// latest event is there even if the range is empty.
    pub(crate) fn latest(
        &self,
        range: &RangeExpression,
        at_least_one: bool,
    ) -> impl Iterator<Item = &Event> {
        let last = self.events.len().saturating_sub(1);
        let start = self.start(range);
        let start = if at_least_one { start.min(last) } else { start };
        let mut edited = BTreeSet::new();
        let mut events: Vec<&Event> = self
            .events
            .range(start..)
            .rev()
            .filter(|event| {
                event
                    .original
                    .as_ref()
                    .is_none_or(|original| edited.insert(original.sequence))
            })
            .collect();
        events.reverse();
        events.into_iter()
    }

    /// The index of the first event in a range; the number of events if there are none.
    fn start(&self, range: &RangeExpression) -> usize {
        let newest_first = self.events.iter().rev().map(|event| &event.metadata);
        self.events.len().saturating_sub(range.select(newest_first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn event(sequence: u64, original: Option<u64>) -> Event {
        let metadata = |sequence| EventMetadata {
            sequence,
            timestamp: 1_000 * sequence,
            author: "al".into(),
        };
        Event {
            metadata: metadata(sequence),
            original: original.map(metadata),
            value: Bytes::new(),
        }
    }

    #[test]
    fn sequences_go_on_where_they_were() {
        let mut series = Series::restore(vec![event(7, None), event(5, None), event(6, Some(5))]);
        assert_eq!(series.next_sequence(), 8);
        assert_eq!(series.last_timestamp(), 7_000);
        assert_eq!(series.original(5).map(|it| it.sequence), Some(5));
        assert_eq!(series.original(6), None, "an edit is no original");
        assert_eq!(series.original(4), None);
        series.push(event(8, None));
        assert_eq!(series.trim(&RangeExpression::limit(2), 100), [5, 6]);
        assert_eq!(series.trim(&RangeExpression::limit(2), 1), [7]);
        assert_eq!(series.next_sequence(), 9);
        assert_eq!(series.latest(&RangeExpression::limit(5), false).count(), 1);
        assert_eq!(Series::default().next_sequence(), 0);
    }

    #[test]
    fn a_new_subscriber_gets_the_latest_edits() {
        let series = Series::restore(vec![
            event(0, None),
            event(1, None),
            event(2, Some(0)),
            event(3, Some(0)),
            event(4, Some(1)),
        ]);
        let latest = |limit, at_least_one| -> Vec<u64> {
            series
                .latest(&RangeExpression::limit(limit), at_least_one)
                .map(|event| event.metadata.sequence)
                .collect()
        };
        assert_eq!(latest(100, false), [0, 1, 3, 4]);
        assert_eq!(latest(3, false), [3, 4]);
        assert_eq!(latest(0, false), [0; 0]);
        assert_eq!(latest(0, true), [4]);
        let empty = Series::default();
        assert_eq!(empty.latest(&RangeExpression::limit(0), true).count(), 0);
    }
}
