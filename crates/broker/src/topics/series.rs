//! The events of a time series.

use effusion_protocol::time_series::{Event, EventMetadata, RangeExpression};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// What an event takes besides its value and the names of its authors, in bytes.
const EVENT_OVERHEAD: usize = 160;

/// Bytes of an event's value and of the names of its authors: those are as long as whoever appends wants.
pub(crate) fn event_bytes(event: &Event) -> usize {
    event.value.len() + author_bytes(event)
}

fn author_bytes(event: &Event) -> usize {
    let original = event.original.as_ref();
    event.metadata.author.len() + original.map_or(0, |it| it.author.len())
}

/// A time series: events in the order of their sequences, which have gaps only where events were discarded.
///
/// Beside them stands what is looked for again and again: which events are originals, and which edit of each is the latest. So
/// a query takes as long as its answer is, not as long as the series is.
#[derive(Debug, Default)]
pub(crate) struct Series {
    events: VecDeque<Event>,
    /// Sequence and time stamp of the events that are no edits.
    originals: VecDeque<(u64, u64)>,
    /// By the sequence of what they edit: the latest of the edits that are there.
    latest_edits: HashMap<u64, u64>,
    /// The sequences of those edits, in their order.
    unreplaced: BTreeSet<u64>,
    /// Bytes of all values.
    value_bytes: usize,
    /// Bytes of the names of all authors.
    author_bytes: usize,
}

impl Series {
    /// The events that were stored, in whatever order.
    pub(crate) fn restore(mut events: Vec<Event>) -> Self {
        events.sort_by_key(|event| event.metadata.sequence);
        events.dedup_by_key(|event| event.metadata.sequence);
        let mut series = Self::default();
        for event in events {
            series.push(event);
        }
        series
    }

    pub(crate) const fn events(&self) -> &VecDeque<Event> {
        &self.events
    }

    /// Sequence and time stamp of the events that are no edits.
    pub(crate) const fn originals(&self) -> &VecDeque<(u64, u64)> {
        &self.originals
    }

    /// Bytes of all values.
    pub(crate) const fn value_bytes(&self) -> usize {
        self.value_bytes
    }

    /// About how many bytes of memory the series takes.
    pub(crate) fn memory(&self) -> usize {
        self.value_bytes + self.author_bytes + EVENT_OVERHEAD * self.events.len()
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

    /// The index of the first event with this sequence or a later one.
    pub(crate) fn index_from(&self, sequence: u64) -> usize {
        // Nearly always there are no gaps.
        let first = self.events.front().map_or(0, |it| it.metadata.sequence);
        if let Ok(index) = usize::try_from(sequence.wrapping_sub(first))
            && let Some(event) = self.events.get(index)
            && event.metadata.sequence == sequence
        {
            return index;
        }
        self.events
            .partition_point(|event| event.metadata.sequence < sequence)
    }

    /// The event with this sequence.
    pub(crate) fn event(&self, sequence: u64) -> Option<&Event> {
        self.events
            .get(self.index_from(sequence))
            .filter(|event| event.metadata.sequence == sequence)
    }

    /// The sequence of an original event, or of the latest edit of it.
    pub(crate) fn latest_of(&self, original: u64) -> u64 {
        let sequence = self.latest_edits.get(&original).copied();
        sequence.unwrap_or(original)
    }

    /// The metadata of an original event.
    pub(crate) fn original(&self, sequence: u64) -> Option<&EventMetadata> {
        self.event(sequence)
            .filter(|event| event.original.is_none())
            .map(|event| &event.metadata)
    }

    pub(crate) fn push(&mut self, event: Event) {
        let EventMetadata {
            sequence,
            timestamp,
            ..
        } = event.metadata;
        match &event.original {
            None => self.originals.push_back((sequence, timestamp)),
            Some(original) => {
                let replaced = self.latest_edits.insert(original.sequence, sequence);
                if let Some(replaced) = replaced {
                    self.unreplaced.remove(&replaced);
                }
                self.unreplaced.insert(sequence);
            }
        }
        self.value_bytes += event.value.len();
        self.author_bytes += author_bytes(&event);
        self.events.push_back(event);
    }

    /// Discards the events outside of the range and above the bound; returns their sequences.
    pub(crate) fn trim(&mut self, retained: &RangeExpression, bound: usize) -> Vec<u64> {
        let start = self
            .start(retained)
            .max(self.events.len().saturating_sub(bound));
        let mut discarded = Vec::with_capacity(start);
        for event in self.events.drain(..start) {
            let sequence = event.metadata.sequence;
            match &event.original {
                None => {
                    self.originals.pop_front();
                }
                Some(original) => {
                    if self.unreplaced.remove(&sequence) {
                        self.latest_edits.remove(&original.sequence);
                    }
                }
            }
            self.value_bytes = self.value_bytes.saturating_sub(event.value.len());
            self.author_bytes = self.author_bytes.saturating_sub(author_bytes(&event));
            discarded.push(sequence);
        }
        discarded
    }

    /// The sequence of the first event that a new subscriber receives. `at_least_one`: that is the latest one, if the range
    /// has none.
    pub(crate) fn first_in(&self, range: &RangeExpression, at_least_one: bool) -> u64 {
        let last = self.events.len().saturating_sub(1);
        let start = self.start(range);
        let start = if at_least_one { start.min(last) } else { start };
        let first = self.events.get(start);
        first.map_or(self.next_sequence(), |event| event.metadata.sequence)
    }

    /// What a new subscriber receives from a sequence on: the events without edits that a later edit replaced (source: the
    /// API documentation of `TimeSeries`, "derived from a latest edits edit range query").
    pub(crate) fn latest_from(&self, sequence: u64) -> impl Iterator<Item = &Event> {
        let first = self.originals.partition_point(|(it, _)| *it < sequence);
        let originals = self.originals.range(first..).map(|(it, _)| *it);
        let (mut originals, mut edits) = (
            originals.peekable(),
            self.unreplaced.range(sequence..).copied().peekable(),
        );
        core::iter::from_fn(move || {
            // Of two, the former comes first: neither has what the other has.
            let edit = edits.peek().copied().unwrap_or(u64::MAX);
            let next = originals.next_if(|original| *original < edit);
            self.event(next.or_else(|| edits.next())?)
        })
    }

    /// The index of the first event in a range; the number of events if there are none.
    fn start(&self, range: &RangeExpression) -> usize {
        let length = self.events.len();
        let limit = range.limit.map_or(length, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX).min(length)
        });
        let since = range.last_ms.map_or(0, |last| {
            let from = self.last_timestamp().saturating_sub(last);
            // Time stamps never go back.
            self.events
                .partition_point(|event| event.metadata.timestamp < from)
        });
        since.max(length - limit)
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
        assert_eq!(series.latest_from(0).count(), 1);
        assert_eq!(series.value_bytes(), 0);
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
                .latest_from(series.first_in(&RangeExpression::limit(limit), at_least_one))
                .map(|event| event.metadata.sequence)
                .collect()
        };
        assert_eq!(latest(100, false), [0, 1, 3, 4]);
        assert_eq!(latest(3, false), [3, 4]);
        assert_eq!(latest(0, false), [0; 0]);
        assert_eq!(latest(0, true), [4]);
        let empty = Series::default();
        let first = empty.first_in(&RangeExpression::limit(0), true);
        assert_eq!(empty.latest_from(first).count(), 0);
        assert_eq!(series.latest_of(0), 3);
        assert_eq!(series.latest_of(1), 4);
    }

    #[test]
    fn what_is_discarded_is_forgotten_everywhere() {
        let mut series = Series::restore(vec![
            event(0, None),
            event(1, Some(0)),
            event(2, None),
            event(3, Some(0)),
        ]);
        assert_eq!(series.trim(&RangeExpression::limit(3), 100), [0]);
        assert_eq!(series.originals(), &[(2, 2_000)]);
        assert_eq!(series.latest_from(0).count(), 2);
        assert_eq!(series.trim(&RangeExpression::last(0), 100), [1, 2]);
        assert_eq!(series.latest_from(0).count(), 1);
        assert_eq!(series.trim(&RangeExpression::limit(0), 100), [3]);
        assert_eq!(series.memory(), 0);
        assert!(series.originals().is_empty() && series.latest_edits.is_empty());
        assert!(series.unreplaced.is_empty());
    }

    /// Of a hundred thousand edits of one event, a subscriber receives the last; to look at the others took milliseconds, for
    /// each message.
    #[test]
    fn edits_that_were_replaced_are_not_looked_at() {
        let edits = (1..100_000).map(|sequence| event(sequence, Some(0)));
        let series = Series::restore([event(0, None)].into_iter().chain(edits).collect());
        let start = std::time::Instant::now();
        for _ in 0..1_000 {
            let latest = series.latest_from(1).map(|event| event.metadata.sequence);
            assert_eq!(latest.collect::<Vec<_>>(), [99_999]);
        }
        assert!(start.elapsed().as_secs() < 1, "{:?}", start.elapsed());
    }
}
