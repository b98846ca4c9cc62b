//! Writing.

use serde::Serialize;
use serde::ser::{
    Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::super::cbor::{Cursor, info, major, write_float, write_info, write_integer, write_text};
use super::super::json::{is_integer, read_key};
use super::super::{DataType, Json, ValueError};
use super::{Error, JSON, RECORD, type_of_null};
use bytes::Bytes;
use core::any::TypeId;

/// JSON's null, and that of other types.
const NULL: u8 = major::OTHER << 5 | info::NULL;

/// Writes one value.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// The value's type, once its first item says so.
    data_type: Option<DataType>,
    depth: usize,
}

impl Writer {
    /// The value, of this Rust type.
    pub(super) fn finish(self, value: TypeId) -> (DataType, Bytes) {
        let data_type = match self.data_type {
            Some(DataType::Json) if self.bytes == [NULL] => type_of_null(value),
            data_type => data_type.unwrap_or(DataType::Json),
        };
        (data_type, self.bytes.into())
    }

    /// An item of a value of this type, if it is all of it; otherwise it is a part of JSON. Whether it is all.
    fn begin(&mut self, alone: DataType) -> bool {
        let is_all = self.data_type.is_none();
        self.data_type.get_or_insert(alone);
        is_all
    }

    fn integer(&mut self, number: i64) -> Result<(), Error> {
        self.begin(DataType::Int64);
        write_integer(&mut self.bytes, number);
        Ok(())
    }

    fn float(&mut self, number: f64) -> Result<(), Error> {
        if self.begin(DataType::Double) {
            write_float(&mut self.bytes, number);
        } else if is_integer(number) {
            write_integer(&mut self.bytes, number as i64);
        } else if number.is_finite() {
            write_float(&mut self.bytes, number);
        } else {
            // What JSON does not have.
            self.null();
        }
        Ok(())
    }

    /// The bytes of a value as they are.
    fn raw(&mut self, bytes: &[u8], data_type: DataType) -> Result<(), Error> {
        if !self.begin(data_type) && data_type != DataType::Json {
            return Err(ValueError::NotJson("bytes").into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn null(&mut self) {
        self.begin(DataType::Json);
        write_info(&mut self.bytes, major::OTHER, info::NULL);
    }

    fn text(&mut self, text: &str, alone: DataType) {
        self.begin(alone);
        write_text(&mut self.bytes, text);
    }

    fn open(&mut self, major: u8) -> Result<(), Error> {
        self.begin(DataType::Json);
        self.depth += 1;
        if self.depth > Json::MAX_DEPTH {
            return Err(ValueError::TooDeep.into());
        }
        write_info(&mut self.bytes, major, info::INDEFINITE);
        Ok(())
    }

    fn close(&mut self, levels: usize) {
        self.depth -= levels;
        for _ in 0..levels {
            write_info(&mut self.bytes, major::OTHER, info::INDEFINITE);
        }
    }

    fn nest(&mut self, major: u8, levels: usize) -> Result<Nested<'_>, Error> {
        self.open(major)?;
        Ok(Nested {
            writer: self,
            levels,
        })
    }

    /// An object with one member, which is a variant's name.
    fn variant(&mut self, name: &str) -> Result<(), Error> {
        self.open(major::MAP)?;
        self.text(name, DataType::Json);
        Ok(())
    }

    /// Makes sure that what was written from here on is a key of an object.
    fn key_from(&mut self, start: usize) -> Result<(), Error> {
        let written = self.bytes.get(start..).unwrap_or_default();
        let mut cursor = Cursor::new(written);
        let key = read_key(&mut cursor)?;
        cursor.finish()?;
        self.bytes.truncate(start);
        write_text(&mut self.bytes, &key);
        Ok(())
    }
}

/// Takes the bytes of a value that brings them, and nothing else.
struct RawWriter<'a> {
    writer: &'a mut Writer,
    data_type: DataType,
}

/// Values that bring their bytes bring nothing else.
fn not_bytes<T>() -> Result<T, Error> {
    Err(ValueError::WrongType("its bytes").into())
}

macro_rules! not_bytes {
    ($($method:ident($($argument:ty),*) -> $result:ty;)+) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$result, Error> {
            not_bytes()
        }
    )+};
}

impl Serializer for RawWriter<'_> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;
    type SerializeStructVariant = Impossible<(), Error>;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.writer.raw(value, self.data_type)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Error> {
        not_bytes()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        not_bytes()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        not_bytes()
    }

    not_bytes! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

/// What is being written within a value, with how many levels to close at its end.
pub(super) struct Nested<'a> {
    writer: &'a mut Writer,
    levels: usize,
}

impl<'a> Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Nested<'a>;
    type SerializeTuple = Nested<'a>;
    type SerializeTupleStruct = Nested<'a>;
    type SerializeTupleVariant = Nested<'a>;
    type SerializeMap = Nested<'a>;
    type SerializeStruct = Nested<'a>;
    type SerializeStructVariant = Nested<'a>;

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.begin(DataType::Json);
        let value = if value { info::TRUE } else { info::FALSE };
        write_info(&mut self.bytes, major::OTHER, value);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.integer(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.integer(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.integer(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.integer(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.integer(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.integer(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.integer(value.into())
    }

    /// Integers above `i64::MAX` become floating point numbers, because the SDK reads them as negative ones.
    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        match i64::try_from(value) {
            Ok(value) => self.integer(value),
            Err(_) => self.float(value as f64),
        }
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.float(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.float(value)
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.text(value.encode_utf8(&mut [0; 4]), DataType::String);
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.text(value, DataType::String);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.raw(value, DataType::Binary)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.null();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.null();
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.null();
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.text(variant, DataType::Json);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let data_type = match name {
            JSON => DataType::Json,
            RECORD => DataType::RecordV2,
            _ => return value.serialize(self),
        };
        value.serialize(RawWriter {
            writer: self,
            data_type,
        })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.variant(variant)?;
        value.serialize(&mut *self)?;
        self.close(1);
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Nested<'a>, Error> {
        self.nest(major::ARRAY, 1)
    }

    fn serialize_tuple(self, _: usize) -> Result<Nested<'a>, Error> {
        self.nest(major::ARRAY, 1)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Nested<'a>, Error> {
        self.nest(major::ARRAY, 1)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Nested<'a>, Error> {
        self.variant(variant)?;
        self.nest(major::ARRAY, 2)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Nested<'a>, Error> {
        self.nest(major::MAP, 1)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Nested<'a>, Error> {
        self.nest(major::MAP, 1)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Nested<'a>, Error> {
        self.variant(variant)?;
        self.nest(major::MAP, 2)
    }
}

impl Nested<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(&mut *self.writer)
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        self.writer.text(name, DataType::Json);
        self.item(value)
    }

    fn close(self) -> Result<(), Error> {
        self.writer.close(self.levels);
        Ok(())
    }
}

macro_rules! items {
    ($($name:ident $method:ident),+) => {$(
        impl $name for Nested<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        }
    )+};
}

items! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
}

macro_rules! members {
    ($($name:ident),+) => {$(
        impl $name for Nested<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.member(name, value)
            }

            fn end(self) -> Result<(), Error> {
                self.close()
            }
        }
    )+};
}

members!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Nested<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let start = self.writer.bytes.len();
        self.item(key)?;
        self.writer.key_from(start)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}
