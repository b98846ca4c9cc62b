//! Reading and writing the primitives that every message is made of.
//!
//! Integers are varints: seven bits a byte, the least significant group first, the high bit is set if more follow.
//! Strings and byte arrays carry their length as a varint. Source: the captures and the LGPL 5.9 client's codec.

mod annotate;
mod macros;
mod primitives;

pub use annotate::{About, Field, annotate_message};
pub(crate) use macros::{wire_enum, wire_struct, wire_union};

use bytes::Bytes;
use core::fmt::{self, Debug};

use crate::ProtocolVersion;

/// How deep types may nest (update constraints do) before the input is refused.
const MAX_DEPTH: u32 = 32;

/// What was wrong with the bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// The bytes ended inside a value.
    #[error("the message ends too early")]
    Truncated,
    /// A varint had more bytes than its type allows, or bits beyond it.
    #[error("a number does not fit its type")]
    NumberTooLarge,
    /// A varint was written with more bytes than it needs.
    #[error("a number is written with more bytes than it needs")]
    NonCanonicalNumber,
    /// A length exceeds what is left of the message.
    #[error("a length of {0} is more than what is left of the message")]
    LengthTooLarge(u64),
    /// A string was not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// A value that has no meaning in its place.
    #[error("{value} is not a known {what}")]
    Unknown {
        /// What was being read.
        what: &'static str,
        /// The number that was read.
        value: u64,
    },
    /// Values nest deeper than any real message does.
    #[error("values nest too deep")]
    TooDeep,
    /// The value was complete, but bytes were left over.
    #[error("{0} bytes are left over")]
    TrailingBytes(usize),
    /// The content breaks a rule of its type.
    #[error("{0}")]
    Invalid(&'static str),
}

/// Bytes that violate the protocol, and their position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What was wrong.
    pub kind: DecodeErrorKind,
    /// How many bytes into the message.
    pub offset: usize,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {})", self.kind, self.offset)
    }
}

impl core::error::Error for DecodeError {}

/// A cursor over the bytes of one message.
///
/// It shares the message's buffer: byte arrays that it hands out are slices of it, not copies.
#[derive(Debug)]
pub struct Reader {
    bytes: Bytes,
    position: usize,
    depth: u32,
    version: ProtocolVersion,
}

impl Reader {
    /// A reader at the start of `bytes`, which were written in `version`.
    #[must_use]
    pub const fn new(bytes: Bytes, version: ProtocolVersion) -> Self {
        Self {
            bytes,
            position: 0,
            depth: 0,
            version,
        }
    }

    /// The version that the bytes were written in.
    #[must_use]
    pub const fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.position
    }

    /// An error of this kind at the present position.
    #[must_use]
    pub const fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError {
            kind,
            offset: self.position,
        }
    }

    /// An error for a number that has no meaning as a `what`.
    #[must_use]
    pub const fn unknown(&self, what: &'static str, value: u64) -> DecodeError {
        self.error(DecodeErrorKind::Unknown { what, value })
    }

    /// One raw byte.
    ///
    /// # Errors
    /// [`DecodeErrorKind::Truncated`] at the end.
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self
            .bytes
            .get(self.position)
            .ok_or_else(|| self.error(DecodeErrorKind::Truncated))?;
        self.position += 1;
        Ok(byte)
    }

    /// Exactly `count` raw bytes, with no length before them.
    ///
    /// # Errors
    /// [`DecodeErrorKind::Truncated`] if fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let end = self
            .position
            .checked_add(N)
            .ok_or_else(|| self.error(DecodeErrorKind::Truncated))?;
        let slice = self
            .bytes
            .get(self.position..end)
            .ok_or_else(|| self.error(DecodeErrorKind::Truncated))?;
        let array =
            <[u8; N]>::try_from(slice).map_err(|_| self.error(DecodeErrorKind::Truncated))?;
        self.position = end;
        Ok(array)
    }

    /// All that is left, with no length before it.
    #[must_use]
    pub fn rest(&mut self) -> Bytes {
        let rest = self.bytes.slice(self.position..);
        self.position = self.bytes.len();
        rest
    }

    /// A varint of at most 64 bits.
    ///
    /// # Errors
    /// If it is cut off, too large, or longer than it needs to be.
    pub fn varint64(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        let mut shift = 0;
        loop {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(self.error(DecodeErrorKind::NumberTooLarge));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(self.error(DecodeErrorKind::NonCanonicalNumber));
                }
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                return Err(self.error(DecodeErrorKind::NumberTooLarge));
            }
        }
    }

    /// A varint of at most 32 bits.
    ///
    /// # Errors
    /// As [`Reader::varint64`].
    pub fn varint32(&mut self) -> Result<u32, DecodeError> {
        let value = self.varint64()?;
        u32::try_from(value).map_err(|_| self.error(DecodeErrorKind::NumberTooLarge))
    }

    /// A length that what is left of the message can satisfy, at least one byte an item.
    ///
    /// # Errors
    /// [`DecodeErrorKind::LengthTooLarge`] before anything is allocated.
    pub fn length(&mut self) -> Result<usize, DecodeError> {
        let length = self.varint64()?;
        match usize::try_from(length) {
            Ok(length) if length <= self.remaining() => Ok(length),
            _ => Err(self.error(DecodeErrorKind::LengthTooLarge(length))),
        }
    }

    /// A byte array with its length before it.
    ///
    /// # Errors
    /// If the length is wrong.
    pub fn bytes(&mut self) -> Result<Bytes, DecodeError> {
        let length = self.length()?;
        let bytes = self.bytes.slice(self.position..self.position + length);
        self.position += length;
        Ok(bytes)
    }

    /// A string with its length before it.
    ///
    /// # Errors
    /// If the length is wrong or the bytes are not UTF-8.
    pub fn string(&mut self) -> Result<String, DecodeError> {
        let bytes = self.bytes()?;
        match core::str::from_utf8(&bytes) {
            Ok(string) => Ok(string.to_owned()),
            Err(_) => Err(self.error(DecodeErrorKind::NotUtf8)),
        }
    }

    /// Runs `read` one level deeper, and refuses input that nests without end.
    ///
    /// # Errors
    /// [`DecodeErrorKind::TooDeep`], or what `read` returns.
    pub fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error(DecodeErrorKind::TooDeep));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Fails unless everything was read.
    ///
    /// # Errors
    /// [`DecodeErrorKind::TrailingBytes`].
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.error(DecodeErrorKind::TrailingBytes(left))),
        }
    }
}

/// Buffers from this size on give back what they do not need, in bytes.
const LARGE: usize = 64 * 1024;

/// A buffer that a message is written to.
#[derive(Debug)]
pub struct Writer {
    buffer: Vec<u8>,
    version: ProtocolVersion,
}

impl Writer {
    /// An empty buffer for a message of `version`.
    #[must_use]
    pub const fn new(version: ProtocolVersion) -> Self {
        Self {
            buffer: Vec::new(),
            version,
        }
    }

    /// The version to write in.
    #[must_use]
    pub const fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// How many bytes are written.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.buffer.len()
    }

    /// One raw byte.
    pub fn byte(&mut self, byte: u8) {
        self.buffer.push(byte);
    }

    /// Raw bytes with no length before them.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// A varint.
    pub fn varint64(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.buffer.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.buffer.push(value as u8);
    }

    /// A length as a varint.
    pub fn length(&mut self, length: usize) {
        self.varint64(length as u64);
    }

    /// A byte array with its length before it.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.raw(bytes);
    }

    /// A string with its length before it.
    pub fn string(&mut self, string: &str) {
        self.bytes(string.as_bytes());
    }

    /// What was written.
    #[must_use]
    pub fn finish(mut self) -> Bytes {
        // A long message may wait for its reader: it is not to keep the room for as much again.
        if self.buffer.capacity() > LARGE {
            self.buffer.shrink_to_fit();
        }
        Bytes::from(self.buffer)
    }
}

/// A type with one form on the wire for each version.
///
/// `read` of what `write` wrote gives the same value, and `write` of what `read` read gives the same bytes.
pub trait Wire: Sized + Debug {
    /// Reads one value.
    ///
    /// # Errors
    /// If the bytes are not such a value.
    fn read(reader: &mut Reader) -> Result<Self, DecodeError>;

    /// Writes one value.
    fn write(&self, writer: &mut Writer);

    /// Reads one value, and notes which bytes are which of its fields: what has no fields is one itself.
    ///
    /// # Errors
    /// If the bytes are not such a value. What was read until then is noted.
    fn annotate(
        reader: &mut Reader,
        name: &str,
        fields: &mut Vec<Field>,
    ) -> Result<(), DecodeError> {
        let start = reader.position;
        let value = Self::read(reader)?;
        fields.push(Field::new(name, start..reader.position, &value));
        Ok(())
    }
}

/// Reads a value that is the whole of `bytes`.
///
/// # Errors
/// If the bytes are not such a value, or more than one.
pub fn decode<T: Wire>(bytes: Bytes, version: ProtocolVersion) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes, version);
    let value = T::read(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// The bytes of a value.
pub fn encode<T: Wire>(value: &T, version: ProtocolVersion) -> Bytes {
    let mut writer = Writer::new(version);
    value.write(&mut writer);
    writer.finish()
}

/// Appends the bytes of a value.
pub fn encode_into<T: Wire>(value: &T, writer: &mut Writer) {
    value.write(writer);
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: ProtocolVersion = ProtocolVersion::NEWEST;

    fn round_trip<T: Wire + PartialEq + fmt::Debug>(value: T, hex: &[u8]) {
        assert_eq!(encode(&value, V).as_ref(), hex);
        assert_eq!(decode::<T>(Bytes::copy_from_slice(hex), V), Ok(value));
    }

    #[test]
    fn numbers_take_as_many_bytes_as_they_need() {
        round_trip(0u64, &[0]);
        round_trip(127u64, &[0x7f]);
        round_trip(128u64, &[0x80, 1]);
        round_trip(9006u32, &[0xae, 0x46]);
        round_trip(-1i32, &[0xff, 0xff, 0xff, 0xff, 0x0f]);
        round_trip(
            -1i64,
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        );
        round_trip(200u8, &[0xc8, 1]);
    }

    #[test]
    fn numbers_out_of_range_are_errors() {
        let eleven = Bytes::from_static(&[0xff; 11]);
        assert_eq!(
            decode::<u64>(eleven, V).unwrap_err().kind,
            DecodeErrorKind::NumberTooLarge
        );
        let wide = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
        assert_eq!(
            decode::<u32>(wide, V).unwrap_err().kind,
            DecodeErrorKind::NumberTooLarge
        );
        let long = Bytes::from_static(&[0x80, 0x00]);
        assert_eq!(
            decode::<u64>(long, V).unwrap_err().kind,
            DecodeErrorKind::NonCanonicalNumber
        );
    }

    #[test]
    fn a_length_beyond_the_message_is_refused_before_allocating() {
        let bytes = Bytes::from_static(&[0xff, 0xff, 0xff, 0xff, 0x0f, b'x']);
        let error = decode::<String>(bytes.clone(), V).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::LengthTooLarge(0xffff_ffff));
        assert!(decode::<Vec<String>>(bytes, V).is_err());
    }

    #[test]
    fn left_over_bytes_are_an_error() {
        let error = decode::<u8>(Bytes::from_static(&[1, 2]), V).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::TrailingBytes(1));
    }
}
