//! Reading.

use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::super::cbor::{Cursor, Head, info, major};
use super::super::json::{has_next, read_key, read_tagged, skip};
use super::super::{DataType, Json, ValueError};
use super::{Error, JSON, RECORD};

/// Reads one value.
pub(super) struct Reader<'b> {
    data_type: DataType,
    bytes: &'b [u8],
    cursor: Cursor<'b>,
    depth: usize,
}

impl<'b> Reader<'b> {
    pub(super) const fn new(data_type: DataType, bytes: &'b [u8]) -> Self {
        Self {
            data_type,
            bytes,
            cursor: Cursor::new(bytes),
            depth: 0,
        }
    }

    pub(super) fn finish(&self) -> Result<(), ValueError> {
        self.cursor.finish()
    }

    /// Whether all of the value is bytes.
    const fn is_binary(&self) -> bool {
        matches!(self.data_type, DataType::Binary | DataType::RecordV2)
    }

    /// All that is left.
    fn rest(&mut self) -> Result<&'b [u8], ValueError> {
        self.cursor.take(self.cursor.remaining() as u64)
    }

    /// The bytes of the next item.
    fn item(&mut self) -> Result<&'b [u8], ValueError> {
        let start = self.bytes.len() - self.cursor.remaining();
        skip(&mut self.cursor, self.depth)?;
        let end = self.bytes.len() - self.cursor.remaining();
        self.bytes.get(start..end).ok_or(ValueError::Truncated)
    }

    fn enter(&mut self) -> Result<(), ValueError> {
        self.depth += 1;
        if self.depth > Json::MAX_DEPTH {
            return Err(ValueError::TooDeep);
        }
        Ok(())
    }

    /// A number that may be read as any type of number that has it.
    fn float<'de, V: Visitor<'de>>(visitor: V, number: f64) -> Result<V::Value, Error> {
        if super::super::json::is_integer(number) {
            visitor.visit_i64(number as i64)
        } else {
            visitor.visit_f64(number)
        }
    }

    fn text<'de, V: Visitor<'de>>(&mut self, head: Head, visitor: V) -> Result<V::Value, Error> {
        if head.is_indefinite() {
            return visitor.visit_string(self.cursor.text(head)?);
        }
        let text = self.cursor.take(head.argument)?;
        visitor.visit_str(core::str::from_utf8(text).map_err(|_| ValueError::Malformed)?)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_binary() {
            return visitor.visit_bytes(self.rest()?);
        }
        let head = self.cursor.head()?;
        match head.major {
            major::UNSIGNED => visitor.visit_u64(head.argument),
            major::NEGATIVE => match i64::try_from(head.argument) {
                Ok(number) => visitor.visit_i64(-1 - number),
                Err(_) => visitor.visit_f64(-1.0 - head.argument as f64),
            },
            major::TEXT => self.text(head, visitor),
            major::ARRAY => {
                self.enter()?;
                let mut items = Items { reader: self, head };
                let value = visitor.visit_seq(&mut items)?;
                items.finish()?;
                Ok(value)
            }
            major::MAP => {
                self.enter()?;
                let mut items = Items { reader: self, head };
                let value = visitor.visit_map(&mut items)?;
                items.finish()?;
                Ok(value)
            }
            major::TAG if matches!(head.argument, 2 | 3) => {
                let number = read_tagged(&mut self.cursor, head, self.depth)?;
                match (number.as_u64(), number.as_i64(), number.as_f64()) {
                    (Some(number), _, _) => visitor.visit_u64(number),
                    (_, Some(number), _) => visitor.visit_i64(number),
                    (_, _, Some(number)) => visitor.visit_f64(number),
                    _ => visitor.visit_unit(),
                }
            }
            // Other tags add nothing, but they nest.
            major::TAG => {
                self.enter()?;
                let value = (&mut *self).deserialize_any(visitor)?;
                self.depth -= 1;
                Ok(value)
            }
            major::BYTES => Err(ValueError::NotJson("bytes").into()),
            _ => match (head.info, head.float()) {
                (_, Some(number)) if number.is_finite() => Reader::float(visitor, number),
                (_, Some(_)) if self.data_type == DataType::Json => visitor.visit_unit(),
                (_, Some(number)) => visitor.visit_f64(number),
                (info::FALSE, _) => visitor.visit_bool(false),
                (info::TRUE, _) => visitor.visit_bool(true),
                (info::NULL | info::UNDEFINED, _) => visitor.visit_unit(),
                (info::INDEFINITE, _) => Err(ValueError::Malformed.into()),
                _ => Err(ValueError::NotJson("a simple value").into()),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut ahead = self.cursor.clone();
        let is_nothing = !self.is_binary() && {
            let head = ahead.head()?;
            head.major == major::OTHER && matches!(head.info, info::NULL | info::UNDEFINED)
        };
        if is_nothing {
            self.cursor = ahead;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            JSON if !self.is_binary() => visitor.visit_bytes(self.item()?),
            RECORD if self.data_type == DataType::RecordV2 => visitor.visit_bytes(self.rest()?),
            JSON | RECORD => Err(ValueError::WrongType("of the topic's type").into()),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let head = self.cursor.head()?;
        match head.major {
            major::TEXT => {
                let name = self.cursor.text(head)?;
                let name: StringDeserializer<Error> = name.into_deserializer();
                visitor.visit_enum(name)
            }
            major::MAP => {
                self.enter()?;
                let mut items = Items { reader: self, head };
                let value = visitor.visit_enum(MapAccessDeserializer::new(&mut items))?;
                items.finish()?;
                Ok(value)
            }
            _ => Err(ValueError::WrongType("a variant's name, or an object of one member").into()),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_binary() {
            self.rest()?;
        } else {
            self.item()?;
        }
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// The items of an array or an object.
struct Items<'a, 'b> {
    reader: &'a mut Reader<'b>,
    head: Head,
}

impl Items<'_, '_> {
    /// Fails unless everything was read.
    fn finish(mut self) -> Result<(), ValueError> {
        if self.has_next()? {
            return Err(ValueError::WrongType("of the length that is expected"));
        }
        self.reader.depth -= 1;
        Ok(())
    }

    fn has_next(&mut self) -> Result<bool, ValueError> {
        // What ended stays so: the end of an indefinite length is taken once.
        if self.head == Head::BREAK {
            return Ok(false);
        }
        let has_next = has_next(&mut self.reader.cursor, &mut self.head)?;
        if !has_next {
            self.head = Head::BREAK;
        }
        Ok(has_next)
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if !self.has_next()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if !self.has_next()? {
            return Ok(None);
        }
        let key = read_key(&mut self.reader.cursor)?;
        seed.deserialize(Key(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }
}

/// A member's name, which may be an integer of a map's type.
struct Key(String);

macro_rules! integers {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(number) => visitor.visit_i64(number),
                Err(_) => self.deserialize_u64(visitor),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Key {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
    }

    integers!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64);
    integers!(deserialize_u8 deserialize_u16 deserialize_u32);

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.parse() {
            Ok(number) => visitor.visit_u64(number),
            Err(_) => visitor.visit_string(self.0),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let name: StringDeserializer<Error> = self.0.into_deserializer();
        visitor.visit_enum(name)
    }

    forward_to_deserialize_any! {
        bool i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// Learns from what a type asks for of which type its values are; it never gets any.
struct Probe(DataType);

pub(super) fn data_type_of<T: DeserializeOwned>() -> DataType {
    let mut probe = Probe(DataType::Json);
    // It fails in any case.
    let _ = T::deserialize(&mut probe);
    probe.0
}

macro_rules! answer {
    ($($data_type:ident: $($method:ident)+;)+) => {$($(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            self.0 = DataType::$data_type;
            Err(Error(ValueError::Truncated))
        }
    )+)+};
}

impl<'de> Deserializer<'de> for &mut Probe {
    type Error = Error;

    answer! {
        Json: deserialize_any deserialize_bool deserialize_unit deserialize_seq deserialize_map
            deserialize_identifier deserialize_ignored_any;
        Int64: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
            deserialize_u16 deserialize_u32 deserialize_u64;
        Double: deserialize_f32 deserialize_f64;
        String: deserialize_char deserialize_str deserialize_string;
        Binary: deserialize_bytes deserialize_byte_buf;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match name {
            JSON => self.deserialize_any(visitor),
            RECORD => {
                self.0 = DataType::RecordV2;
                Err(Error(ValueError::Truncated))
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    forward_to_deserialize_any! { unit_struct tuple tuple_struct struct enum }
}
