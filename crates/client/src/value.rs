//! Reading topic values as Rust types.

use core::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use effusion_protocol::time_series::{self, Event};
#[cfg(doc)]
use effusion_protocol::value::Json;
use effusion_protocol::value::{DataType, ValueError, data_type_of, from_bytes};
use effusion_protocol::{ProtocolVersion, TopicSpecification, TopicType, decode, property};
use serde::de::DeserializeOwned;

/// A type that a value stream can yield.
///
/// Every type that serde can read is one, of topics of the type of [`data_type_of`]: texts, integers, floating point numbers and
/// [`Bytes`] of STRING, INT64, DOUBLE and BINARY topics, and everything else of JSON topics, without a tree in between. [`Json`]
/// is JSON of any shape. A type is also one of time series whose events are of its type, where it stands for the event's
/// value alone (as in Diffusion 6.12; source: `docs/protocol.md`, 3.3). [`TimeSeriesEvent`] keeps an event's place in its series.
///
/// ```no_run
/// # async fn example(session: &effusion_client::Session) -> Result<(), Box<dyn std::error::Error>> {
/// use effusion_client::StreamEvent;
/// use futures_util::StreamExt;
///
/// #[derive(serde::Deserialize)]
/// struct ChatMessage {
///     text: String,
///     name: String,
/// }
///
/// let mut messages = session.add_stream::<ChatMessage>(">Chat/room")?;
/// while let Some(event) = messages.next().await {
///     if let StreamEvent::Value { new, .. } = event {
///         println!("{}: {}", new.name, new.text);
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub trait StreamValue: Sized + 'static {
    /// Whether the values of a topic of this specification can be read as this type.
    fn reads(specification: &TopicSpecification) -> bool;

    /// Reads a value of a topic.
    ///
    /// # Errors
    /// If the bytes are no such value.
    fn read(bytes: Bytes, topic: TopicType) -> Result<Self, ValueError>;
}

/// Where an event stands in its time series. Source: `docs/protocol.md`, 3.3.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventMetadata {
    /// From 0, each event of the series one more.
    pub sequence: u64,
    /// When the service took the event, by its clock and in whole milliseconds, or the time that the event was appended with. (A
    /// time beyond what the system has is read as 1970; on Windows that is one after the year 30828.)
    pub timestamp: SystemTime,
    /// The principal that appended it; empty for an anonymous session.
    pub author: String,
}

impl EventMetadata {
    /// The timestamp in milliseconds since 1970, as it is on the wire.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let event = session.time_series().append("log", "started").await?;
    /// println!("event {} at {} ms", event.sequence, event.timestamp_millis());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn timestamp_millis(&self) -> u64 {
        since_1970(self.timestamp)
    }
}

impl From<time_series::EventMetadata> for EventMetadata {
    fn from(metadata: time_series::EventMetadata) -> Self {
        let since = Duration::from_millis(metadata.timestamp);
        let timestamp = SystemTime::UNIX_EPOCH.checked_add(since);
        Self {
            sequence: metadata.sequence,
            timestamp: timestamp.unwrap_or(SystemTime::UNIX_EPOCH),
            author: metadata.author,
        }
    }
}

/// Milliseconds since 1970, as they are on the wire; 0 for what was before.
pub(crate) fn since_1970(time: SystemTime) -> u64 {
    let passed = time.duration_since(SystemTime::UNIX_EPOCH);
    millis(passed.unwrap_or_default())
}

/// Whole milliseconds, as they are on the wire.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// One event of a time series.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeSeriesEvent<T> {
    /// The event's sequence, timestamp and author.
    pub metadata: EventMetadata,
    /// If the event is an edit, the metadata of the event that it edits.
    pub original: Option<EventMetadata>,
    /// The value.
    pub value: T,
}

impl<T> TimeSeriesEvent<T> {
    /// Whether this event replaces the value of an earlier one.
    ///
    /// ```no_run
    /// # fn example(event: &effusion_client::TimeSeriesEvent<String>) {
    /// if event.is_edit() {
    ///     println!("{} (edited)", event.value);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub const fn is_edit(&self) -> bool {
        self.original.is_some()
    }

    /// The event that this one is, or edits: what readers of the series show it as.
    ///
    /// ```no_run
    /// # fn example(event: &effusion_client::TimeSeriesEvent<String>) {
    /// println!("message {} of {}", event.original().sequence, event.original().author);
    /// # }
    /// ```
    #[must_use]
    pub fn original(&self) -> &EventMetadata {
        self.original.as_ref().unwrap_or(&self.metadata)
    }

    pub(crate) fn of(event: Event, value: T) -> Self {
        Self {
            metadata: event.metadata.into(),
            original: event.original.map(Into::into),
            value,
        }
    }
}

/// Whether a time series has events of this type.
fn is_series_of(specification: &TopicSpecification, data_type: DataType) -> bool {
    specification.topic_type == TopicType::TimeSeries
        && specification.get(property::TIME_SERIES_EVENT_VALUE_TYPE) == Some(data_type.name())
}

/// Reads what a TIME_SERIES topic sends as its value.
fn read_event(bytes: Bytes) -> Result<Event, ValueError> {
    // An event has the same form in every version.
    decode(bytes, ProtocolVersion::NEWEST).map_err(|_| ValueError::WrongType("a time series event"))
}

/// JSON holds strings and numbers too, as their CBOR is the same (source: `docs/protocol.md`, 8).
fn reads_value(specification: &TopicSpecification, data_type: DataType) -> bool {
    let topic_type = specification.topic_type;
    topic_type == data_type.topic_type()
        || is_series_of(specification, data_type)
        || (data_type == DataType::Json
            && matches!(
                topic_type,
                TopicType::String | TopicType::Int64 | TopicType::Double
            ))
}

/// The bytes of the plain value.
fn plain(bytes: Bytes, topic: TopicType) -> Result<Bytes, ValueError> {
    if topic == TopicType::TimeSeries {
        read_event(bytes).map(|event| event.value)
    } else {
        Ok(bytes)
    }
}

impl<T: DeserializeOwned + 'static> StreamValue for T {
    fn reads(specification: &TopicSpecification) -> bool {
        reads_value(specification, data_type_of::<T>())
    }

    fn read(bytes: Bytes, topic: TopicType) -> Result<Self, ValueError> {
        from_bytes(plain(bytes, topic)?)
    }
}

impl<T: StreamValue> StreamValue for TimeSeriesEvent<T> {
    fn reads(specification: &TopicSpecification) -> bool {
        specification.topic_type == TopicType::TimeSeries && T::reads(specification)
    }

    fn read(bytes: Bytes, _: TopicType) -> Result<Self, ValueError> {
        let event = read_event(bytes)?;
        // The topic type of an event's value: any but a time series reads plain bytes.
        let value = T::read(event.value.clone(), TopicType::Json)?;
        Ok(Self::of(event, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use effusion_protocol::value::Json;

    fn series(of: &str) -> TopicSpecification {
        TopicSpecification::new(TopicType::TimeSeries)
            .with(property::TIME_SERIES_EVENT_VALUE_TYPE, of)
    }

    #[test]
    fn a_type_reads_topics_of_its_kind() {
        let json = TopicSpecification::new(TopicType::Json);
        let string = TopicSpecification::new(TopicType::String);
        assert!(Json::reads(&json) && Json::reads(&string) && Json::reads(&series("json")));
        assert!(bool::reads(&json) && !bool::reads(&series("string")));
        assert!(String::reads(&string) && !String::reads(&json));
        assert!(!Bytes::reads(&json) && !i64::reads(&series("double")));
        assert!(TimeSeriesEvent::<f64>::reads(&series("double")));
        assert!(!TimeSeriesEvent::<Json>::reads(&json));
        assert!(!TimeSeriesEvent::<Json>::reads(&TopicSpecification::new(
            TopicType::TimeSeries
        )));
    }

    /// The bytes are those of the example in `docs/protocol.md`, 3.2.
    #[test]
    fn events_are_read_whole_or_as_their_value() {
        let edit = Bytes::from_static(
            b"\x01\x05\x81\xd0\x95\xff\xbc\x31\x02al\x09\x89\xd0\x95\xff\xbc\x31\x02bo\x05\xbf\x61a\x02\xff",
        );
        let event = TimeSeriesEvent::<Json>::read(edit.clone(), TopicType::TimeSeries).unwrap();
        assert!(event.is_edit());
        assert_eq!((event.metadata.sequence, event.original().sequence), (9, 5));
        assert_eq!(
            (
                event.metadata.author.as_str(),
                event.original().author.as_str()
            ),
            ("bo", "al")
        );
        assert_eq!(event.value.to_text().unwrap(), r#"{"a":2}"#);
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(event.metadata.timestamp_millis());
        assert_eq!(event.metadata.timestamp, at);
        let value = Json::read(edit.clone(), TopicType::TimeSeries).unwrap();
        assert_eq!(value, event.value);
        assert!(Json::read(edit.slice(1..), TopicType::TimeSeries).is_err());
        assert!(TimeSeriesEvent::<i64>::read(edit, TopicType::TimeSeries).is_err());
    }
}
