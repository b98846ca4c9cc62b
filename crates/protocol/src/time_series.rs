//! Time series: events, and the requests that append, edit and query them.

mod query;
mod range;

pub use query::{
    QueryRange, QueryType, RangeAnchor, RangeQueryRequest, RangeQueryResponse, RangeSpan,
};
pub use range::{RangeExpression, RangeExpressionError};

use bytes::Bytes;

use crate::codec::wire_struct;
use crate::{DecodeError, Field, Reader, Wire, Writer};

wire_struct! {
    /// Where an event stands in its time series (source: the SDK).
    pub struct EventMetadata {
        /// From 0, each event one more.
        pub sequence: u64,
        /// When the server took it, in milliseconds since 1970.
        pub timestamp: u64,
        /// The principal that appended it; empty for an anonymous session.
        pub author: String,
    }

    /// Append an event.
    pub struct AppendRequest {
        /// The topic.
        pub path: String,
        /// The name of the event value's type, such as `json`.
        pub value_type: String,
        /// The value.
        pub value: Bytes,
    }

    /// Append an event with a time of the client's choice (6.12).
    pub struct AppendAtRequest {
        /// The topic.
        pub path: String,
        /// The name of the event value's type.
        pub value_type: String,
        /// The value.
        pub value: Bytes,
        /// Milliseconds since 1970.
        pub timestamp: u64,
    }

    /// Edit an event.
    pub struct EditRequest {
        /// The topic.
        pub path: String,
        /// The name of the event value's type.
        pub value_type: String,
        /// The sequence of the event to edit: an original, not an edit.
        pub original: u64,
        /// The new value.
        pub value: Bytes,
    }
}

/// One event: what a TIME_SERIES topic sends as its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where this event stands.
    pub metadata: EventMetadata,
    /// For an edit, where the event stands that it edits.
    pub original: Option<EventMetadata>,
    /// The value.
    pub value: Bytes,
}

impl Event {
    /// The event that this one is, or edits.
    #[must_use]
    pub fn original(&self) -> &EventMetadata {
        self.original.as_ref().unwrap_or(&self.metadata)
    }
}

impl Wire for Event {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        match reader.byte()? {
            0 => Ok(Self {
                metadata: EventMetadata::read(reader)?,
                original: None,
                value: reader.bytes()?,
            }),
            1 => {
                let original = EventMetadata::read(reader)?;
                let metadata = EventMetadata::read(reader)?;
                Ok(Self {
                    metadata,
                    original: Some(original),
                    value: reader.bytes()?,
                })
            }
            other => Err(reader.unknown("time series event kind", u64::from(other))),
        }
    }
    fn write(&self, writer: &mut Writer) {
        match &self.original {
            None => writer.byte(0),
            Some(original) => {
                writer.byte(1);
                original.write(writer);
            }
        }
        self.metadata.write(writer);
        writer.bytes(&self.value);
    }
    fn annotate(
        reader: &mut Reader,
        name: &str,
        fields: &mut Vec<Field>,
    ) -> Result<(), DecodeError> {
        let of = |part| Field::inner(name, part);
        bool::annotate(reader, &of("is edit"), fields)?;
        if fields.last().is_some_and(|field| field.value == "true") {
            EventMetadata::annotate(reader, &of("original"), fields)?;
        }
        EventMetadata::annotate(reader, &of("metadata"), fields)?;
        Bytes::annotate(reader, &of("value"), fields)
    }
}
