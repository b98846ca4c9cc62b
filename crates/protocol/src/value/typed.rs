//! Values of any type that serde knows, straight from and to the bytes on the wire.
//!
//! Texts, integers, floating point numbers and bytes are values of STRING, INT64, DOUBLE and BINARY topics; everything else
//! is JSON, written as [`Json::from_tree`] does and read as [`Json::to_tree`] does, without the tree.

mod read;
mod write;

use core::any::{Any, TypeId};
use core::fmt;
use std::borrow::Cow;

use bytes::Bytes;
use serde::de::{self, DeserializeOwned, Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::{DataType, Json, RecordV2, Value, ValueError};

/// By these names of newtypes, [`Json`] and [`RecordV2`] tell that their bytes are to be taken as they are.
const JSON: &str = "$effusion::Json";
const RECORD: &str = "$effusion::RecordV2";

/// The type of the topics that hold values of a Rust type.
///
/// ```
/// use effusion_protocol::value::{DataType, Json, data_type_of};
///
/// assert_eq!(data_type_of::<String>(), DataType::String);
/// assert_eq!(data_type_of::<Option<f64>>(), DataType::Double);
/// assert_eq!(data_type_of::<Json>(), DataType::Json);
/// assert_eq!(data_type_of::<Vec<String>>(), DataType::Json);
/// ```
#[must_use]
pub fn data_type_of<T: DeserializeOwned>() -> DataType {
    read::data_type_of::<T>()
}

/// Reads a value of a topic of the type of [`data_type_of`] from all of the bytes.
///
/// # Errors
/// If the bytes are not a value of the Rust type.
///
/// ```
/// use effusion_protocol::value::{Json, from_bytes};
///
/// #[derive(serde::Deserialize)]
/// struct Message {
///     text: String,
/// }
///
/// let json = Json::object(&[("text", Json::text("hello"))]);
/// let message: Message = from_bytes(json.as_cbor().clone())?;
/// assert_eq!(message.text, "hello");
/// # Ok::<(), effusion_protocol::value::ValueError>(())
/// ```
pub fn from_bytes<T: DeserializeOwned + 'static>(bytes: Bytes) -> Result<T, ValueError> {
    // What holds the bytes anyway need not copy them.
    if let Some(value) = cast(Json::from_cbor(bytes.clone())) {
        return Ok(value);
    }
    if let Some(value) = cast(bytes.clone()) {
        return Ok(value);
    }
    let mut reader = read::Reader::new(data_type_of::<T>(), &bytes);
    let value = T::deserialize(&mut reader).map_err(|Error(error)| error)?;
    reader.finish()?;
    Ok(value)
}

/// The value, if the types are the same.
fn cast<A: 'static, B: 'static>(value: A) -> Option<B> {
    let mut value = Some(value);
    let any: &mut dyn Any = &mut value;
    any.downcast_mut::<Option<B>>()?.take()
}

/// The bytes of a value, and the type of the topics that hold it.
///
/// An integer above `i64::MAX` becomes a floating point number, as in [`Json::from_tree`].
///
/// A `None` of texts or numbers (`None::<String>`, `None::<&str>`, `None::<f64>`) is the null of their topics; any other is JSON's.
///
/// # Errors
/// If the value has no form as JSON: bytes within others, a map whose keys are no texts or integers, or what nests too deep.
///
/// ```
/// use effusion_protocol::value::{DataType, to_bytes};
///
/// assert_eq!(to_bytes("hi")?, (DataType::String, (&b"\x62hi"[..]).into()));
/// assert_eq!(to_bytes(&["hi"])?, (DataType::Json, (&b"\x9f\x62hi\xff"[..]).into()));
/// assert_eq!(to_bytes(&None::<f64>)?, (DataType::Double, (&b"\xf6"[..]).into()));
/// # Ok::<(), effusion_protocol::value::ValueError>(())
/// ```
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<(DataType, Bytes), ValueError> {
    let mut writer = write::Writer::default();
    value.serialize(&mut writer).map_err(|Error(error)| error)?;
    Ok(writer.finish(typeid::of::<T>()))
}

/// The type of the topics whose null is the `None` of this type. Serde does not say what it is a `None` of.
fn type_of_null(value: TypeId) -> DataType {
    let is_one_of = |types: &[TypeId]| types.contains(&value);
    if is_one_of(&[
        TypeId::of::<Option<String>>(),
        TypeId::of::<Option<&str>>(),
        TypeId::of::<Option<Box<str>>>(),
        TypeId::of::<Option<Cow<'_, str>>>(),
        TypeId::of::<Option<char>>(),
    ]) {
        DataType::String
    } else if is_one_of(&[
        TypeId::of::<Option<i8>>(),
        TypeId::of::<Option<i16>>(),
        TypeId::of::<Option<i32>>(),
        TypeId::of::<Option<i64>>(),
        TypeId::of::<Option<u8>>(),
        TypeId::of::<Option<u16>>(),
        TypeId::of::<Option<u32>>(),
        TypeId::of::<Option<u64>>(),
        TypeId::of::<Option<isize>>(),
        TypeId::of::<Option<usize>>(),
    ]) {
        DataType::Int64
    } else if is_one_of(&[TypeId::of::<Option<f32>>(), TypeId::of::<Option<f64>>()]) {
        DataType::Double
    } else {
        DataType::Json
    }
}

/// An error as serde wants it to be.
#[derive(Debug)]
struct Error(ValueError);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for Error {}

impl From<ValueError> for Error {
    fn from(error: ValueError) -> Self {
        Self(error)
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(ValueError::Shape(message.to_string().into()))
    }
}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(ValueError::Shape(message.to_string().into()))
    }
}

/// Bytes that a writer of ours takes as they are.
struct Raw<'a>(&'a Bytes);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// As bytes for writers of this module, and as what it says for all others that write for people to read.
impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Inner<'a>(&'a Json);
        impl Serialize for Inner<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    let tree = self.0.to_tree().map_err(serde::ser::Error::custom)?;
                    tree.serialize(serializer)
                } else {
                    Raw(self.0.as_cbor()).serialize(serializer)
                }
            }
        }
        serializer.serialize_newtype_struct(JSON, &Inner(self))
    }
}

/// From readers of this module by its bytes, from all others by what they read.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytewise;
        impl<'de> Visitor<'de> for Bytewise {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Json, E> {
                Ok(Json::from_cbor(Bytes::copy_from_slice(bytes)))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Json, D::Error> {
                let tree = serde_json::Value::deserialize(deserializer)?;
                Ok(Json::from_tree(&tree))
            }
        }
        deserializer.deserialize_newtype_struct(JSON, Bytewise)
    }
}

/// As the bytes of the value.
impl Serialize for RecordV2 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(RECORD, &Raw(&self.to_bytes()))
    }
}

/// From the bytes of the value.
impl<'de> Deserialize<'de> for RecordV2 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytewise;
        impl<'de> Visitor<'de> for Bytewise {
            type Value = RecordV2;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of records")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<RecordV2, E> {
                RecordV2::from_bytes(Bytes::copy_from_slice(bytes)).map_err(E::custom)
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<RecordV2, D::Error> {
                deserializer.deserialize_bytes(self)
            }
        }
        deserializer.deserialize_newtype_struct(RECORD, Bytewise)
    }
}

#[cfg(test)]
mod tests;
