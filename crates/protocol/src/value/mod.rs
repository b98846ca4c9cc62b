//! Values: what topics, events and messages carry.
//!
//! A value on the wire is bytes whose meaning depends on a [`DataType`]: JSON, strings and numbers are CBOR, binary
//! values are themselves, records have separators of their own (source: the SDK's `writeValueToArray`, and the
//! captures). [`from_bytes`] and [`to_bytes`] are for any type that serde knows; [`Value`] ties a Rust type to its data type. Between two values of one topic a server may send a
//! binary [`delta`] instead of the whole.

mod cbor;
pub mod delta;
mod json;
mod primitive;
mod record;
mod typed;

pub use json::Json;
pub use record::RecordV2;
pub use typed::{data_type_of, from_bytes, to_bytes};

use bytes::Bytes;
use core::fmt;

use crate::TopicType;

/// Why bytes are not a value of the type that they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The bytes end inside a value.
    #[error("the value ends too early")]
    Truncated,
    /// Bytes follow the value.
    #[error("bytes follow the value")]
    TrailingBytes,
    /// The bytes are not CBOR.
    #[error("the value is not well-formed CBOR")]
    Malformed,
    /// The value is CBOR of another type than the topic's.
    #[error("the value is not {0}")]
    WrongType(&'static str),
    /// CBOR that JSON has no form for, such as a byte string.
    #[error("the value holds {0}, which JSON has no form for")]
    NotJson(&'static str),
    /// It is not of the shape that a Rust type has, by what serde says of it.
    #[error("{0}")]
    Shape(std::sync::Arc<str>),
    /// Arrays and objects nest deeper than [`Json::MAX_DEPTH`].
    #[error("the value nests too deep")]
    TooDeep,
}

/// The type of a value, by the names that time series and messaging use on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataType {
    /// JSON, as CBOR.
    Json,
    /// A string or null, as CBOR.
    String,
    /// A 64 bit integer or null, as CBOR.
    Int64,
    /// A 64 bit floating point number or null, as CBOR.
    Double,
    /// Bytes as they are.
    Binary,
    /// Records of fields.
    RecordV2,
}

impl DataType {
    /// Every type.
    pub const ALL: &'static [Self] = &[
        Self::Json,
        Self::String,
        Self::Int64,
        Self::Double,
        Self::Binary,
        Self::RecordV2,
    ];

    /// The name on the wire and in topic properties (source: the SDK).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::String => "string",
            Self::Int64 => "int64",
            Self::Double => "double",
            Self::Binary => "binary",
            Self::RecordV2 => "record_v2",
        }
    }

    /// The type with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.name() == name)
    }

    /// The type of topic that holds such values.
    #[must_use]
    pub const fn topic_type(self) -> TopicType {
        match self {
            Self::Json => TopicType::Json,
            Self::String => TopicType::String,
            Self::Int64 => TopicType::Int64,
            Self::Double => TopicType::Double,
            Self::Binary => TopicType::Binary,
            Self::RecordV2 => TopicType::RecordV2,
        }
    }

    /// The type of the values of such a topic; `None` for topics without plain values, such as time series.
    #[must_use]
    pub const fn of_topic(topic: TopicType) -> Option<Self> {
        Some(match topic {
            TopicType::Json => Self::Json,
            TopicType::String => Self::String,
            TopicType::Int64 => Self::Int64,
            TopicType::Double => Self::Double,
            TopicType::Binary => Self::Binary,
            TopicType::RecordV2 => Self::RecordV2,
            _ => return None,
        })
    }

    /// Whether bytes are a value of this type, whole and well-formed.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn validate(self, bytes: &[u8]) -> Result<(), ValueError> {
        match self {
            Self::Json => json::validate(bytes),
            Self::String => primitive::read_string(bytes).map(|_| ()),
            Self::Int64 => primitive::read_int64(bytes).map(|_| ()),
            Self::Double => primitive::read_double(bytes).map(|_| ()),
            Self::Binary | Self::RecordV2 => Ok(()),
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type whose values have a form on the wire.
pub trait Value: Sized {
    /// The data type on the wire.
    const DATA_TYPE: DataType;

    /// Reads a value from all of the bytes.
    ///
    /// # Errors
    /// If the bytes are not a value of the type.
    fn from_bytes(bytes: Bytes) -> Result<Self, ValueError>;

    /// The bytes of the value.
    fn to_bytes(&self) -> Bytes;
}

/// A BINARY value.
impl Value for Bytes {
    const DATA_TYPE: DataType = DataType::Binary;

    fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
        Ok(bytes)
    }

    fn to_bytes(&self) -> Bytes {
        self.clone()
    }
}
