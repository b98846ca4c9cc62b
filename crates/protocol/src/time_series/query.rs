//! Range queries: asking for the events of a time series.
//!
//! Source: the requests that the SDK sends, and the API documentation of `RangeQuery`.

use crate::codec::{wire_enum, wire_struct};
use crate::{DecodeError, DecodeErrorKind, Reader, Wire, Writer};

use super::Event;

wire_enum! {
    /// Which events of the view range a query returns.
    pub enum QueryType("range query type") {
        /// For each original event the latest edit, or the event itself if there is none.
        Values = 0,
        /// The original events and all edits of them that are in the edit range.
        AllEdits = 1,
        /// The original events and the latest edit of each that is in the edit range.
        LatestEdits = 2,
    }
}

/// Where a range begins. A bound that falls on an event includes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeAnchor {
    /// At the first event.
    Start,
    /// At this sequence.
    Sequence(u64),
    /// At this time, in milliseconds since 1970.
    Time(u64),
    /// This many events before the end: original events in a view range, events of any kind in an edit range.
    Last(u64),
    /// This many milliseconds before the newest event.
    LastMillis(u64),
}

/// Where a range ends. A bound that falls on an event includes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSpan {
    /// At the first event.
    ToStart,
    /// At this sequence.
    ToSequence(u64),
    /// At this time, in milliseconds since 1970.
    ToTime(u64),
    /// This many events before the end.
    UntilLast(u64),
    /// This many milliseconds before the newest event.
    UntilLastMillis(u64),
    /// This many events from the anchor onwards.
    Next(u64),
    /// This many milliseconds from the anchor onwards.
    NextMillis(u64),
    /// This many events from the anchor backwards.
    Previous(u64),
    /// This many milliseconds from the anchor backwards.
    PreviousMillis(u64),
}

/// A number and the kind of point that it stands for.
fn read_point(reader: &mut Reader) -> Result<(u64, u8), DecodeError> {
    Ok((reader.varint64()?, u8::read(reader)?))
}

fn write_point(writer: &mut Writer, number: u64, kind: u8) {
    writer.varint64(number);
    writer.byte(kind);
}

/// The start has no number.
fn no_number<T>(reader: &Reader, number: u64, point: T) -> Result<T, DecodeError> {
    if number == 0 {
        Ok(point)
    } else {
        Err(reader.error(DecodeErrorKind::Invalid(
            "the start of a range with a number",
        )))
    }
}

impl Wire for RangeAnchor {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let (number, kind) = read_point(reader)?;
        Ok(match kind {
            0 => no_number(reader, number, Self::Start)?,
            1 => Self::Sequence(number),
            2 => Self::Time(number),
            3 => Self::Last(number),
            4 => Self::LastMillis(number),
            other => return Err(reader.unknown("range anchor", u64::from(other))),
        })
    }
    fn write(&self, writer: &mut Writer) {
        match *self {
            Self::Start => write_point(writer, 0, 0),
            Self::Sequence(number) => write_point(writer, number, 1),
            Self::Time(number) => write_point(writer, number, 2),
            Self::Last(number) => write_point(writer, number, 3),
            Self::LastMillis(number) => write_point(writer, number, 4),
        }
    }
}

impl Wire for RangeSpan {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let (number, kind) = read_point(reader)?;
        Ok(match kind {
            0 => no_number(reader, number, Self::ToStart)?,
            1 => Self::ToSequence(number),
            2 => Self::ToTime(number),
            3 => Self::UntilLast(number),
            4 => Self::UntilLastMillis(number),
            5 => Self::Next(number),
            6 => Self::NextMillis(number),
            7 => Self::Previous(number),
            8 => Self::PreviousMillis(number),
            other => return Err(reader.unknown("range span", u64::from(other))),
        })
    }
    fn write(&self, writer: &mut Writer) {
        match *self {
            Self::ToStart => write_point(writer, 0, 0),
            Self::ToSequence(number) => write_point(writer, number, 1),
            Self::ToTime(number) => write_point(writer, number, 2),
            Self::UntilLast(number) => write_point(writer, number, 3),
            Self::UntilLastMillis(number) => write_point(writer, number, 4),
            Self::Next(number) => write_point(writer, number, 5),
            Self::NextMillis(number) => write_point(writer, number, 6),
            Self::Previous(number) => write_point(writer, number, 7),
            Self::PreviousMillis(number) => write_point(writer, number, 8),
        }
    }
}

wire_struct! {
    /// A part of a time series.
    pub struct QueryRange {
        /// Where it begins.
        pub anchor: RangeAnchor,
        /// Where it ends.
        pub span: RangeSpan,
    }

    /// Query the events of a time series.
    pub struct RangeQueryRequest {
        /// The topic.
        pub path: String,
        /// Which events to return.
        pub query_type: QueryType,
        /// Which original events are looked at.
        pub view: QueryRange,
        /// Which edits of them are looked at.
        pub edits: QueryRange,
        /// The maximum number of events to return, the newest ones; [`RangeQueryRequest::NO_LIMIT`] for all.
        pub limit: u64,
    }

    /// The events that a query found.
    pub struct RangeQueryResponse {
        /// The name of the event values' type, such as `json`.
        pub value_type: String,
        /// How many events were found; more than are here if the query had a limit.
        pub selected: u64,
        /// The events, the oldest first.
        pub events: Vec<Event>,
    }
}

impl QueryRange {
    /// The whole time series.
    pub const ALL: Self = Self {
        anchor: RangeAnchor::Start,
        span: RangeSpan::UntilLast(0),
    };
}

impl Default for QueryRange {
    fn default() -> Self {
        Self::ALL
    }
}

impl RangeQueryRequest {
    /// No limit: the largest integer of JavaScript.
    pub const NO_LIMIT: u64 = (1 << 53) - 1;

    /// A query of all values of a time series.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            query_type: QueryType::Values,
            view: QueryRange::ALL,
            edits: QueryRange::ALL,
            limit: Self::NO_LIMIT,
        }
    }
}

impl RangeQueryResponse {
    /// Whether every event that was found is here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.selected == self.events.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ProtocolVersion, decode, encode};
    use bytes::Bytes;

    fn check(request: &RangeQueryRequest, hex: &str) {
        let hex: String = hex.split_whitespace().collect();
        let bytes: Bytes = (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        assert_eq!(encode(request, ProtocolVersion::NEWEST), bytes);
        assert_eq!(decode(bytes, ProtocolVersion::NEWEST).as_ref(), Ok(request));
    }

    /// The hex is what the SDK sent for these queries.
    #[test]
    fn queries_are_written_as_the_sdk_writes_them() {
        let mut request = RangeQueryRequest::new("Chat/ts");
        request.view.anchor = RangeAnchor::Last(10);
        check(
            &request,
            "07 436861742f7473 00 0a03 0003 0000 0003 ffffffffffffff0f",
        );

        request.view = QueryRange {
            anchor: RangeAnchor::Sequence(1),
            span: RangeSpan::ToSequence(9),
        };
        request.edits = QueryRange {
            anchor: RangeAnchor::Sequence(4),
            span: RangeSpan::ToSequence(8),
        };
        request.limit = 3;
        check(&request, "07 436861742f7473 00 0101 0901 0401 0801 03");

        request.query_type = QueryType::LatestEdits;
        request.edits = QueryRange {
            anchor: RangeAnchor::Last(4),
            span: RangeSpan::Next(8),
        };
        request.limit = RangeQueryRequest::NO_LIMIT;
        check(
            &request,
            "07 436861742f7473 02 0101 0901 0403 0805 ffffffffffffff0f",
        );
    }
}
