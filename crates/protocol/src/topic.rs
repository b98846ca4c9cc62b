//! Topics: paths, types, specifications and the reasons for which subscriptions end.

use core::fmt;
use core::str::FromStr;

use crate::codec::{wire_enum, wire_struct};
use crate::{DecodeError, Reader, Wire, Writer};

wire_enum! {
    /// What kind of value a topic holds.
    ///
    /// Types that Diffusion 6.0 no longer makes are named too, since a service may still list them.
    /// Source: the dissector.
    pub enum TopicType("topic type") {
        /// None: there is no topic.
        None = 0x00,
        /// No value; what a topic of a version before 6 that only routes has.
        Stateless = 0x01,
        /// Delegated to a handler (before 6).
        Delegated = 0x02,
        /// A single value (before 6).
        SingleValue = 0x03,
        /// Records (before 6).
        Record = 0x04,
        /// A protocol buffer (before 6).
        ProtocolBuffer = 0x05,
        /// Custom data (before 6).
        Custom = 0x06,
        /// A reference to another topic (before 6.2).
        Slave = 0x07,
        /// A service (before 6).
        Service = 0x08,
        /// A paged string (before 6).
        PagedString = 0x09,
        /// A paged record (before 6).
        PagedRecord = 0x0a,
        /// Notifications of topics (before 6).
        TopicNotify = 0x0b,
        /// A topic that resolves to another one for each session.
        Routing = 0x0c,
        /// The list of a topic's children (before 6).
        ChildList = 0x0d,
        /// Bytes.
        Binary = 0x0e,
        /// JSON, as CBOR on the wire.
        Json = 0x0f,
        /// A sequence of events.
        TimeSeries = 0x10,
        /// A string or null.
        String = 0x11,
        /// A 64 bit integer or null.
        Int64 = 0x12,
        /// A 64 bit floating point number or null.
        Double = 0x13,
        /// Records of fields.
        RecordV2 = 0x14,
        /// A type that the client does not know.
        Unknown = 0x15,
    }

    /// Why a session is no longer subscribed to a topic.
    ///
    /// Source: the dissector and the API documentation.
    pub enum UnsubscribeReason("unsubscription reason") {
        /// The session asked for it.
        Requested = 0,
        /// A control client or the server unsubscribed it.
        Control = 1,
        /// The topic was removed.
        Removal = 2,
        /// The session may no longer read the topic.
        Authorization = 3,
        /// Unknown.
        UnknownReason = 4,
        /// The session reads too slowly.
        BackPressure = 5,
        /// The branch is mapped to another one (session trees).
        BranchMappings = 6,
        /// The stream's fallback no longer applies.
        SubscriptionRefresh = 7,
    }
}

/// The number by which a connection's topic messages name a topic, given in the subscription notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub u32);

impl Wire for TopicId {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.varint32().map(Self)
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(u64::from(self.0));
    }
}

wire_struct! {
    /// A topic type and the properties that refine it.
    ///
    /// ```
    /// use effusion_protocol::{TopicSpecification, TopicType, property};
    ///
    /// let series = TopicSpecification::new(TopicType::TimeSeries)
    ///     .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
    ///     .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100");
    /// assert_eq!(series.get(property::TIME_SERIES_EVENT_VALUE_TYPE), Some("json"));
    /// ```
    ///
    /// Property names are in [`property`]. The order of properties is kept, but does not matter:
    /// [`TopicSpecification::is_same_as`] compares as Diffusion does.
    pub struct TopicSpecification {
        /// What kind of value.
        pub topic_type: TopicType,
        /// Names and values.
        pub properties: Vec<(String, String)>,
    }
}

impl TopicSpecification {
    /// A specification without properties.
    #[must_use]
    pub const fn new(topic_type: TopicType) -> Self {
        Self {
            topic_type,
            properties: Vec::new(),
        }
    }

    /// The same specification with one property set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.properties.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.properties.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// The value of a property.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether both describe the same kind of topic, in whatever order the properties stand.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let sorted = |specification: &Self| {
            let mut properties = specification.properties.clone();
            properties.sort_unstable();
            properties
        };
        self.topic_type == other.topic_type
            && self.properties.len() == other.properties.len()
            && (self.properties == other.properties || sorted(self) == sorted(other))
    }
}

/// Names of topic properties (source: the API documentation and the captures).
pub mod property {
    /// The value type of a time series's events: `json`, `string`, `int64`, `double`, `binary`, `record_v2`.
    pub const TIME_SERIES_EVENT_VALUE_TYPE: &str = "TIME_SERIES_EVENT_VALUE_TYPE";
    /// Which events a time series keeps: a range expression such as `limit 100`. Without it, a service keeps the newest ten.
    pub const TIME_SERIES_RETAINED_RANGE: &str = "TIME_SERIES_RETAINED_RANGE";
    /// Which events a new subscriber receives: a range expression.
    pub const TIME_SERIES_SUBSCRIPTION_RANGE: &str = "TIME_SERIES_SUBSCRIPTION_RANGE";
    /// `true`: send whole values, never deltas.
    pub const PUBLISH_VALUES_ONLY: &str = "PUBLISH_VALUES_ONLY";
    /// `true`: do not keep the value.
    pub const DONT_RETAIN_VALUE: &str = "DONT_RETAIN_VALUE";
    /// `false`: do not write the topic to disk.
    pub const PERSISTENT: &str = "PERSISTENT";
    /// When to remove the topic.
    pub const REMOVAL: &str = "REMOVAL";
    /// The principal that owns the topic.
    pub const OWNER: &str = "OWNER";
    /// How to conflate waiting values: `off`, `conflate`, `unsubscribe`, `always`.
    pub const CONFLATION: &str = "CONFLATION";
    /// How hard to compress values: `off`, `low`, `medium`, `high`, or `true` and `false`.
    pub const COMPRESSION: &str = "COMPRESSION";
    /// The priority of the topic's messages: `low`, `default`, `high`.
    pub const PRIORITY: &str = "PRIORITY";
    /// `true`: refuse values that are not of the type.
    pub const VALIDATE_VALUES: &str = "VALIDATE_VALUES";
    /// `true`: the subscription ends with the topic, without a notification.
    pub const TIDY_ON_UNSUBSCRIBE: &str = "TIDY_ON_UNSUBSCRIBE";
    /// The schema of a record topic.
    pub const SCHEMA: &str = "SCHEMA";
}

/// The name of a topic: parts with `/` between them.
///
/// A path is not empty, has no empty part, and does not start with a character that begins a selector expression
/// other than a path. Leading and trailing slashes are dropped, as Diffusion does (source: the manual).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPath(String);

/// Why text is no topic path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicPathError {
    /// There was nothing in it.
    #[error("a topic path cannot be empty")]
    Empty,
    /// Two slashes with nothing between them.
    #[error("a topic path cannot have an empty part (two slashes in a row)")]
    EmptyPart,
    /// It starts like a selector.
    #[error("a topic path cannot start with {0:?}: that begins a topic selector")]
    SelectorPrefix(char),
}

impl TopicPath {
    /// The path of this text.
    ///
    /// # Errors
    /// If the text breaks a rule of paths.
    pub fn new(text: &str) -> Result<Self, TopicPathError> {
        let trimmed = text.strip_prefix('/').unwrap_or(text);
        let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
        if trimmed.is_empty() {
            return Err(TopicPathError::Empty);
        }
        if let Some(first @ ('>' | '?' | '*' | '#' | '$' | '%' | '&' | '<')) =
            trimmed.chars().next()
        {
            return Err(TopicPathError::SelectorPrefix(first));
        }
        if trimmed.split('/').any(str::is_empty) {
            return Err(TopicPathError::EmptyPart);
        }
        Ok(Self(trimmed.to_owned()))
    }

    /// The path as text, without a leading or trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts of the path.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

impl FromStr for TopicPath {
    type Err = TopicPathError;
    fn from_str(text: &str) -> Result<Self, TopicPathError> {
        Self::new(text)
    }
}

impl fmt::Display for TopicPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_rules() {
        assert_eq!(
            TopicPath::new("/Chat/room/").map(|path| path.to_string()),
            Ok("Chat/room".to_owned())
        );
        assert_eq!(TopicPath::new(""), Err(TopicPathError::Empty));
        assert_eq!(TopicPath::new("/"), Err(TopicPathError::Empty));
        assert_eq!(TopicPath::new("a//b"), Err(TopicPathError::EmptyPart));
        assert_eq!(
            TopicPath::new(">a"),
            Err(TopicPathError::SelectorPrefix('>'))
        );
    }

    #[test]
    fn the_order_of_properties_does_not_matter() {
        let one = TopicSpecification::new(TopicType::Json)
            .with("A", "1")
            .with("B", "2");
        let two = TopicSpecification::new(TopicType::Json)
            .with("B", "2")
            .with("A", "1");
        assert!(one.is_same_as(&two));
        assert!(!one.is_same_as(&two.clone().with("B", "3")));
        assert!(!one.is_same_as(&TopicSpecification::new(TopicType::Json)));
    }
}
