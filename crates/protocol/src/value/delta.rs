//! Binary deltas: what changed between two values of a topic.
//!
//! A delta is a sequence of CBOR items: two unsigned integers copy a part of the old value (start, length), a byte
//! string inserts new bytes. The single byte 0xf6 means that nothing changed. Source: the captures
//! (`v59jsonTopics.jsonl`), the LGPL 5.9 client and the SDK's `diff`.

use bytes::Bytes;

use super::ValueError;
use super::cbor::{Cursor, major};

#[cfg(feature = "diff")]
mod diff;
#[cfg(feature = "diff")]
pub use diff::diff;

/// The delta between equal values.
pub const NO_CHANGE: &[u8] = &[0xf6];

/// The largest value that [`apply`] makes, in bytes.
///
/// A small delta can copy the old value many times over; no service takes messages as large as this.
pub const MAX_VALUE: usize = 64 << 20;

/// Why a delta cannot be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// The bytes are not a delta.
    #[error("the delta is not well-formed")]
    Malformed,
    /// The delta copies what the old value does not have: it was made from another value.
    #[error("the delta does not fit the value")]
    OutOfRange,
    /// The new value would be larger than allowed.
    #[error("the new value is too large")]
    TooLarge,
}

/// The new value, of at most [`MAX_VALUE`] bytes.
///
/// # Errors
/// If the delta is malformed or was made from another value.
pub fn apply(old: &Bytes, delta: &[u8]) -> Result<Bytes, DeltaError> {
    apply_within(old, delta, MAX_VALUE)
}

/// The new value, of at most `max` bytes.
///
/// # Errors
/// If the delta is malformed, was made from another value, or makes too large a value.
pub fn apply_within(old: &Bytes, delta: &[u8], max: usize) -> Result<Bytes, DeltaError> {
    if delta == NO_CHANGE {
        return Ok(old.clone());
    }
    let mut new = Vec::new();
    let mut append = |bytes: &[u8]| {
        if bytes.len() > max - new.len() {
            return Err(DeltaError::TooLarge);
        }
        new.extend_from_slice(bytes);
        Ok(())
    };
    let mut cursor = Cursor::new(delta);
    while !cursor.is_at_end() {
        let head = cursor.head()?;
        match head.major {
            major::BYTES => cursor.parts(head, &mut append)?,
            major::UNSIGNED => {
                let start = position(head.argument)?;
                let length = cursor.head()?;
                if length.major != major::UNSIGNED {
                    return Err(DeltaError::Malformed);
                }
                let end = start
                    .checked_add(position(length.argument)?)
                    .ok_or(DeltaError::OutOfRange)?;
                append(old.get(start..end).ok_or(DeltaError::OutOfRange)?)?;
            }
            _ => return Err(DeltaError::Malformed),
        }
    }
    Ok(Bytes::from(new))
}

fn position(number: u64) -> Result<usize, DeltaError> {
    usize::try_from(number).map_err(|_| DeltaError::OutOfRange)
}

impl From<ValueError> for DeltaError {
    /// Whatever is wrong with the CBOR.
    fn from(_: ValueError) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(old: &'static [u8], delta: &[u8]) -> Result<Bytes, DeltaError> {
        apply(&Bytes::from_static(old), delta)
    }

    #[test]
    fn copies_and_inserts_make_the_new_value() {
        let new = applied(b"hello world", b"\x00\x06\x43you\x05\x01");
        assert_eq!(new, Ok(Bytes::from_static(b"hello you ")));
        assert_eq!(applied(b"same", NO_CHANGE), Ok(Bytes::from_static(b"same")));
        assert_eq!(applied(b"gone", b""), Ok(Bytes::new()));
    }

    #[test]
    fn deltas_that_do_not_fit_are_errors() {
        assert_eq!(applied(b"ab", b"\x01\x02"), Err(DeltaError::OutOfRange));
        assert_eq!(applied(b"ab", b"\x03\x00"), Err(DeltaError::OutOfRange));
        let huge = [0x1b, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert_eq!(applied(b"ab", &huge), Err(DeltaError::OutOfRange));
        assert_eq!(applied(b"ab", b"\x00"), Err(DeltaError::Malformed));
        assert_eq!(applied(b"ab", b"\x00\x41x"), Err(DeltaError::Malformed));
        assert_eq!(applied(b"ab", b"\x45x"), Err(DeltaError::Malformed));
        assert_eq!(applied(b"ab", b"\x20\x00"), Err(DeltaError::Malformed));
        assert_eq!(applied(b"ab", b"\xf6\xf6"), Err(DeltaError::Malformed));
    }

    #[test]
    fn a_small_delta_cannot_make_a_huge_value() {
        let old = Bytes::from(vec![0; 1000]);
        let delta = b"\x00\x19\x03\xe8".repeat(5);
        assert_eq!(
            apply_within(&old, &delta, 5000).map(|new| new.len()),
            Ok(5000)
        );
        assert_eq!(apply_within(&old, &delta, 4999), Err(DeltaError::TooLarge));
    }
}
