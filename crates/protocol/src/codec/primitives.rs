//! The wire forms of numbers, strings, byte arrays, and what is made of other types.

use bytes::Bytes;

use super::{DecodeError, DecodeErrorKind, Field, Reader, Wire, Writer};

/// The most items a collection makes room for before it has read any.
const PREALLOCATE: usize = 64;

impl Wire for () {
    fn read(_: &mut Reader) -> Result<Self, DecodeError> {
        Ok(())
    }
    fn write(&self, _: &mut Writer) {}
}

/// A byte in a service body is a varint too: 0x80 and above take two bytes (source: the LGPL 5.9 client's codec).
impl Wire for u8 {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let value = reader.varint64()?;
        Self::try_from(value).map_err(|_| reader.error(DecodeErrorKind::NumberTooLarge))
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(u64::from(*self));
    }
}

impl Wire for u32 {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.varint32()
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(u64::from(*self));
    }
}

/// Negative numbers take five bytes: the two's complement, unsigned.
impl Wire for i32 {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(reader.varint32()?.cast_signed())
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(u64::from(self.cast_unsigned()));
    }
}

impl Wire for u64 {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.varint64()
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(*self);
    }
}

/// Negative numbers take ten bytes: the two's complement, unsigned.
impl Wire for i64 {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(reader.varint64()?.cast_signed())
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(self.cast_unsigned());
    }
}

impl Wire for bool {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        match reader.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(reader.unknown("boolean", u64::from(other))),
        }
    }
    fn write(&self, writer: &mut Writer) {
        writer.byte(u8::from(*self));
    }
}

impl Wire for String {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.string()
    }
    fn write(&self, writer: &mut Writer) {
        writer.string(self);
    }
}

impl Wire for Bytes {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.bytes()
    }
    fn write(&self, writer: &mut Writer) {
        writer.bytes(self);
    }
    fn annotate(
        reader: &mut Reader,
        name: &str,
        fields: &mut Vec<Field>,
    ) -> Result<(), DecodeError> {
        let start = reader.position;
        let length = reader.length()?;
        let length_name = Field::inner(name, "length");
        fields.push(Field::new(&length_name, start..reader.position, &length));
        // The length was checked.
        let value = reader.position..reader.position + length;
        reader.position = value.end;
        let bytes = reader.bytes.slice(value.clone());
        fields.push(Field::new(name, value, &bytes));
        Ok(())
    }
}

/// A byte that tells whether a value follows.
impl<T: Wire> Wire for Option<T> {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        if bool::read(reader)? {
            T::read(reader).map(Some)
        } else {
            Ok(None)
        }
    }
    fn write(&self, writer: &mut Writer) {
        self.is_some().write(writer);
        if let Some(value) = self {
            value.write(writer);
        }
    }
    fn annotate(
        reader: &mut Reader,
        name: &str,
        fields: &mut Vec<Field>,
    ) -> Result<(), DecodeError> {
        let start = reader.position;
        let is_there = bool::read(reader)?;
        fields.push(Field::new(
            &[name, "?"].concat(),
            start..reader.position,
            &is_there,
        ));
        if is_there {
            T::annotate(reader, name, fields)?;
        }
        Ok(())
    }
}

/// A count, then that many values. Dictionaries are lists of pairs, so that their order survives.
impl<T: Wire> Wire for Vec<T> {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let count = reader.length()?;
        let mut values = Self::with_capacity(count.min(PREALLOCATE));
        for _ in 0..count {
            values.push(reader.nested(T::read)?);
        }
        Ok(values)
    }
    fn write(&self, writer: &mut Writer) {
        writer.length(self.len());
        for value in self {
            value.write(writer);
        }
    }
    fn annotate(
        reader: &mut Reader,
        name: &str,
        fields: &mut Vec<Field>,
    ) -> Result<(), DecodeError> {
        let start = reader.position;
        let count = reader.length()?;
        let counted = Field::inner(name, "count");
        fields.push(Field::new(&counted, start..reader.position, &count));
        for index in 0..count {
            let name = format!("{name}[{index}]");
            reader.nested(|reader| T::annotate(reader, &name, fields))?;
        }
        Ok(())
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok((A::read(reader)?, B::read(reader)?))
    }
    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
        self.1.write(writer);
    }
    fn annotate(
        reader: &mut Reader,
        name: &str,
        fields: &mut Vec<Field>,
    ) -> Result<(), DecodeError> {
        A::annotate(reader, &Field::inner(name, "key"), fields)?;
        B::annotate(reader, &Field::inner(name, "value"), fields)
    }
}
