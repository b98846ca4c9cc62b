//! Fetching topics and their values without subscribing (source: the SDK, and the API documentation of `FetchRequest`).

use bytes::Bytes;
use core::fmt;

use crate::codec::{wire_struct, wire_union};
use crate::{DecodeError, Reader, TopicType, Wire, Writer};

use super::Properties;

/// A set of topic types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TopicTypes(u64);

impl TopicTypes {
    /// No type.
    pub const NONE: Self = Self(0);

    /// Every type that a topic can have, as the SDK asks for them: BINARY to RECORD_V2.
    pub const ALL: Self = Self::NONE
        .with(TopicType::Binary)
        .with(TopicType::Json)
        .with(TopicType::TimeSeries)
        .with(TopicType::String)
        .with(TopicType::Int64)
        .with(TopicType::Double)
        .with(TopicType::RecordV2);

    /// The set with one more type.
    #[must_use]
    pub const fn with(self, topic_type: TopicType) -> Self {
        Self(self.0 | 1 << topic_type.code())
    }

    /// Whether the type is in the set.
    #[must_use]
    pub const fn contains(self, topic_type: TopicType) -> bool {
        self.0 & 1 << topic_type.code() != 0
    }
}

impl fmt::Debug for TopicTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = TopicType::ALL.iter().filter(|it| self.contains(**it));
        f.debug_set().entries(types).finish()
    }
}

impl Wire for TopicTypes {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.varint64().map(Self)
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(self.0);
    }
}

wire_struct! {
    /// Where a range of paths begins or ends.
    pub struct FetchLimit {
        /// A path; there need not be a topic.
        pub path: String,
        /// Whether the path itself is in the range.
        pub inclusive: bool,
    }

    /// The sizes of a time series, in bytes.
    pub struct TimeSeriesSize {
        /// Of the newest value.
        pub value: u64,
        /// How many events there are.
        pub events: u64,
        /// Of all events together.
        pub total: u64,
    }

    /// What a fetch found.
    pub struct FetchResponse {
        /// The properties of topics, each set once.
        pub property_sets: Vec<Properties>,
        /// The topics in the order of their paths.
        pub topics: Vec<FetchedTopic>,
        /// Whether a limit kept topics out.
        pub has_more: bool,
    }
}

wire_union! {
    /// The size of a topic's value.
    pub enum FetchedSize("fetched size") {
        /// It was not requested.
        NotAsked = 0,
        /// In bytes.
        Value(u64) = 1,
        /// Of a time series.
        TimeSeries(TimeSeriesSize) = 2,
    }
}

/// Fetch topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchRequest {
    /// The topic selector expression.
    pub selector: String,
    /// Only paths from here on.
    pub from: Option<FetchLimit>,
    /// Only paths up to here.
    pub to: Option<FetchLimit>,
    /// Only topics of these types.
    pub types: TopicTypes,
    /// Whether to return values.
    pub with_values: bool,
    /// Whether to return topic properties.
    pub with_properties: bool,
    /// At most this many topics: the first ones, or if negative the last ones.
    pub limit: i32,
    /// At most this many bytes.
    pub maximum_size: u32,
    /// From this depth on, a branch is deep.
    pub deep_branch_depth: u32,
    /// At most this many topics of a deep branch.
    pub deep_branch_limit: u32,
    /// Whether topics count that a delay keeps from being published.
    pub with_unpublished: bool,
    /// Whether to return sizes. Old versions cannot.
    pub with_sizes: bool,
}

impl FetchRequest {
    /// What the SDK sends where nothing is limited.
    pub const NO_LIMIT: u32 = i32::MAX as u32;

    /// Fetch the paths and types of all topics that match a selector.
    #[must_use]
    pub fn new(selector: &str) -> Self {
        Self {
            selector: selector.to_owned(),
            from: None,
            to: None,
            types: TopicTypes::ALL,
            with_values: false,
            with_properties: false,
            limit: i32::MAX,
            maximum_size: Self::NO_LIMIT,
            deep_branch_depth: Self::NO_LIMIT,
            deep_branch_limit: Self::NO_LIMIT,
            with_unpublished: false,
            with_sizes: false,
        }
    }
}

fn read_branch_limit(reader: &mut Reader) -> Result<u32, DecodeError> {
    if reader.version().has_fetch_deep_branches() {
        reader.varint32()
    } else {
        Ok(FetchRequest::NO_LIMIT)
    }
}

impl Wire for FetchRequest {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            selector: reader.string()?,
            from: Option::read(reader)?,
            to: Option::read(reader)?,
            types: TopicTypes::read(reader)?,
            with_values: bool::read(reader)?,
            with_properties: bool::read(reader)?,
            limit: i32::read(reader)?,
            maximum_size: reader.varint32()?,
            deep_branch_depth: read_branch_limit(reader)?,
            deep_branch_limit: read_branch_limit(reader)?,
            with_unpublished: reader.version().has_fetch_unpublished() && bool::read(reader)?,
            with_sizes: reader.version().has_fetch_sizes() && bool::read(reader)?,
        })
    }
    fn write(&self, writer: &mut Writer) {
        writer.string(&self.selector);
        self.from.write(writer);
        self.to.write(writer);
        self.types.write(writer);
        self.with_values.write(writer);
        self.with_properties.write(writer);
        self.limit.write(writer);
        self.maximum_size.write(writer);
        if writer.version().has_fetch_deep_branches() {
            self.deep_branch_depth.write(writer);
            self.deep_branch_limit.write(writer);
        }
        if writer.version().has_fetch_unpublished() {
            self.with_unpublished.write(writer);
        }
        if writer.version().has_fetch_sizes() {
            self.with_sizes.write(writer);
        }
    }
}

/// A topic that a fetch found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedTopic {
    /// Where.
    pub path: String,
    /// What.
    pub topic_type: TopicType,
    /// Its value, if it was asked for and there is one; of a time series the newest event.
    pub value: Option<Bytes>,
    /// Which of the property sets is the topic's; beyond the list if properties were not asked for.
    pub property_set: u32,
    /// Its size. Old versions do not have it.
    pub size: FetchedSize,
}

impl Wire for FetchedTopic {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            path: reader.string()?,
            topic_type: TopicType::read(reader)?,
            value: Option::read(reader)?,
            property_set: reader.varint32()?,
            size: if reader.version().has_fetch_sizes() {
                FetchedSize::read(reader)?
            } else {
                FetchedSize::NotAsked
            },
        })
    }
    fn write(&self, writer: &mut Writer) {
        writer.string(&self.path);
        self.topic_type.write(writer);
        self.value.write(writer);
        self.property_set.write(writer);
        if writer.version().has_fetch_sizes() {
            self.size.write(writer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ProtocolVersion, decode, encode};
    use core::fmt::Debug;

    fn check<T: Wire + PartialEq + Debug>(value: &T, hex: &str) {
        let hex: String = hex.split_whitespace().collect();
        let bytes: Bytes = (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        assert_eq!(encode(value, ProtocolVersion::NEWEST), bytes);
        assert_eq!(decode(bytes, ProtocolVersion::NEWEST).as_ref(), Ok(value));
    }

    /// The hex is what the SDK sent for these requests.
    #[test]
    fn requests_are_written_as_the_sdk_writes_them() {
        let mut request = FetchRequest::new("?a//");
        check(
            &request,
            "04 3f612f2f 00 00 80807f 00 00 ffffffff07 ffffffff07 ffffffff07 ffffffff07 00 00",
        );
        let limit = |path: &str| FetchLimit {
            path: path.to_owned(),
            inclusive: false,
        };
        request.from = Some(limit("a"));
        request.to = Some(limit("z"));
        request.types = TopicTypes::NONE
            .with(TopicType::Json)
            .with(TopicType::String)
            .with(TopicType::Int64)
            .with(TopicType::Double);
        request.with_values = true;
        request.with_properties = true;
        request.limit = 10;
        request.maximum_size = 2000;
        request.deep_branch_depth = 3;
        request.deep_branch_limit = 4;
        request.with_unpublished = true;
        request.with_sizes = true;
        check(
            &request,
            "04 3f612f2f 01 01 61 00 01 01 7a 00 80803a 01 01 0a d00f 03 04 01 01",
        );
        request.limit = -5;
        let bytes = encode(&request, ProtocolVersion::NEWEST);
        assert_eq!(decode(bytes, ProtocolVersion::NEWEST), Ok(request));
    }

    /// The hex is what the SDK read as this topic.
    #[test]
    fn responses_are_read_as_the_sdk_reads_them() {
        let response = FetchResponse {
            property_sets: Vec::new(),
            topics: vec![FetchedTopic {
                path: "a/b".to_owned(),
                topic_type: TopicType::Json,
                value: Some(Bytes::from_static(&[0x18, 0x2a])),
                property_set: 0,
                size: FetchedSize::NotAsked,
            }],
            has_more: false,
        };
        check(&response, "00 01 03 612f62 0f 01 02 182a 00 00 00");
    }
}
