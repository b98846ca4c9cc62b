//! The part of CBOR (RFC 8949) that values and deltas are made of.
//!
//! Written by hand because it is part of every page: a general CBOR crate takes three times as much code.

use super::ValueError;

/// Bits of an item's first byte that hold its kind.
pub(super) mod major {
    pub(in super::super) const UNSIGNED: u8 = 0;
    pub(in super::super) const NEGATIVE: u8 = 1;
    pub(in super::super) const BYTES: u8 = 2;
    pub(in super::super) const TEXT: u8 = 3;
    pub(in super::super) const ARRAY: u8 = 4;
    pub(in super::super) const MAP: u8 = 5;
    pub(in super::super) const TAG: u8 = 6;
    pub(in super::super) const OTHER: u8 = 7;
}

/// Values of [`Head::info`] for items of [`major::OTHER`], and of all kinds.
pub(super) mod info {
    pub(in super::super) const FALSE: u8 = 20;
    pub(in super::super) const TRUE: u8 = 21;
    pub(in super::super) const NULL: u8 = 22;
    pub(in super::super) const UNDEFINED: u8 = 23;
    pub(in super::super) const HALF: u8 = 25;
    pub(in super::super) const SINGLE: u8 = 26;
    pub(in super::super) const DOUBLE: u8 = 27;
    /// Of indefinite length, or the end of such an item.
    pub(in super::super) const INDEFINITE: u8 = 31;
}

/// What an item begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Its kind: see [`major`].
    pub(super) major: u8,
    /// How its argument is written: see [`info`].
    pub(super) info: u8,
    /// A number, a length or the bits of a floating point number; 0 for an indefinite length.
    pub(super) argument: u64,
}

impl Head {
    /// What ends an item of indefinite length.
    pub(super) const BREAK: Self = Self {
        major: major::OTHER,
        info: info::INDEFINITE,
        argument: 0,
    };

    pub(super) const fn is_indefinite(self) -> bool {
        self.info == info::INDEFINITE
    }

    pub(super) const fn is_null(self) -> bool {
        self.major == major::OTHER && self.info == info::NULL
    }

    /// The floating point number, if it is one.
    pub(super) fn float(self) -> Option<f64> {
        if self.major != major::OTHER {
            return None;
        }
        match self.info {
            info::DOUBLE => Some(f64::from_bits(self.argument)),
            info::SINGLE => Some(f64::from(f32::from_bits(self.argument as u32))),
            info::HALF => Some(half(self.argument)),
            _ => None,
        }
    }
}

/// A 16 bit floating point number (RFC 8949, appendix D).
fn half(bits: u64) -> f64 {
    let (exponent, fraction) = (bits >> 10 & 0x1f, bits & 0x3ff);
    let magnitude = match exponent {
        // 2 to the power of -24.
        0 => fraction as f64 * f64::from_bits((1023 - 24) << 52),
        31 => f64::from_bits(0x7ff << 52 | fraction << 42),
        _ => f64::from_bits((exponent + 1023 - 15) << 52 | fraction << 42),
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// A cursor over CBOR.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'b> {
    rest: &'b [u8],
}

impl<'b> Cursor<'b> {
    pub(super) const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub(super) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Fails unless everything was read.
    pub(super) const fn finish(&self) -> Result<(), ValueError> {
        if self.is_at_end() {
            Ok(())
        } else {
            Err(ValueError::TrailingBytes)
        }
    }

    /// This many bytes, unchanged.
    pub(super) fn take(&mut self, count: u64) -> Result<&'b [u8], ValueError> {
        let count = usize::try_from(count).map_err(|_| ValueError::Truncated)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(ValueError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// What the next item begins with.
    pub(super) fn head(&mut self) -> Result<Head, ValueError> {
        let (first, rest) = self.rest.split_first().ok_or(ValueError::Truncated)?;
        self.rest = rest;
        let (major, info) = (first >> 5, first & 0x1f);
        let argument = match info {
            0..24 => u64::from(info),
            24..28 => self
                .take(1 << (info - 24))?
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
            info::INDEFINITE
                if !matches!(major, major::UNSIGNED | major::NEGATIVE | major::TAG) =>
            {
                0
            }
            _ => return Err(ValueError::Malformed),
        };
        Ok(Head {
            major,
            info,
            argument,
        })
    }

    /// Whether the next item ends one of indefinite length; if so, it is taken.
    pub(super) fn take_break(&mut self) -> Result<bool, ValueError> {
        let mut ahead = self.clone();
        let ends = ahead.head()? == Head::BREAK;
        if ends {
            *self = ahead;
        }
        Ok(ends)
    }

    /// Hands on the bytes of a text or a byte string whose head was read, in one part or several.
    pub(super) fn parts<E: From<ValueError>>(
        &mut self,
        head: Head,
        mut part: impl FnMut(&'b [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if !head.is_indefinite() {
            return part(self.take(head.argument)?);
        }
        while !self.take_break()? {
            let inner = self.head()?;
            if inner.major != head.major || inner.is_indefinite() {
                return Err(ValueError::Malformed.into());
            }
            part(self.take(inner.argument)?)?;
        }
        Ok(())
    }

    /// The text whose head was read.
    pub(super) fn text(&mut self, head: Head) -> Result<String, ValueError> {
        let mut text = String::new();
        self.parts(head, |part| {
            // Each part is UTF-8 by itself.
            text.push_str(core::str::from_utf8(part).map_err(|_| ValueError::Malformed)?);
            Ok::<_, ValueError>(())
        })?;
        Ok(text)
    }
}

/// Writes what an item begins with, as short as can be.
pub(super) fn write_head(bytes: &mut Vec<u8>, major: u8, argument: u64) {
    let all = argument.to_be_bytes();
    let (info, skip) = match argument {
        0..24 => (argument as u8, 8),
        24..=0xff => (24, 7),
        0x100..=0xffff => (25, 6),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 0),
    };
    bytes.push(major << 5 | info);
    bytes.extend(all.iter().skip(skip));
}

/// Writes the head of an item of [`major::OTHER`] or of indefinite length.
pub(super) fn write_info(bytes: &mut Vec<u8>, major: u8, info: u8) {
    bytes.push(major << 5 | info);
}

pub(super) fn write_integer(bytes: &mut Vec<u8>, number: i64) {
    if number < 0 {
        write_head(bytes, major::NEGATIVE, !number.cast_unsigned());
    } else {
        write_head(bytes, major::UNSIGNED, number.cast_unsigned());
    }
}

pub(super) fn write_float(bytes: &mut Vec<u8>, number: f64) {
    write_info(bytes, major::OTHER, info::DOUBLE);
    bytes.extend(number.to_be_bytes());
}

pub(super) fn write_text(bytes: &mut Vec<u8>, text: &str) {
    write_head(bytes, major::TEXT, text.len() as u64);
    bytes.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use minicbor::{Decoder, Encoder};
    use proptest::prelude::*;

    /// What the CBOR crate writes for an item.
    fn written(write: impl FnOnce(&mut Encoder<Vec<u8>>)) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        write(&mut encoder);
        encoder.into_writer()
    }

    fn head(bytes: &[u8]) -> Head {
        Cursor::new(bytes).head().unwrap()
    }

    proptest! {
        /// Ours and the CBOR crate's bytes are the same, and each reads the other's.
        #[test]
        fn items_are_those_of_the_cbor_crate(
            integer: i64,
            unsigned: u64,
            small in 0u64..70_000,
            float: f64,
            single: f32,
            text: String,
        ) {
            for integer in [integer, integer >> 32, integer >> 48, integer >> 56] {
                let mut bytes = Vec::new();
                write_integer(&mut bytes, integer);
                prop_assert_eq!(&bytes, &written(|encoder| { encoder.i64(integer).unwrap(); }));
                prop_assert_eq!(Decoder::new(&bytes).i64().unwrap(), integer);
            }
            for number in [unsigned, small] {
                let bytes = written(|encoder| { encoder.u64(number).unwrap(); });
                prop_assert_eq!(head(&bytes), Head { major: major::UNSIGNED, info: head(&bytes).info, argument: number });
                let bytes = written(|encoder| { encoder.bytes_len(number).unwrap(); });
                prop_assert_eq!((head(&bytes).major, head(&bytes).argument), (major::BYTES, number));
            }
            let mut bytes = Vec::new();
            write_float(&mut bytes, float);
            prop_assert_eq!(&bytes, &written(|encoder| { encoder.f64(float).unwrap(); }));
            prop_assert_eq!(head(&bytes).float().map(f64::to_bits), Some(float.to_bits()));
            let bytes = written(|encoder| { encoder.f32(single).unwrap(); });
            prop_assert_eq!(head(&bytes).float().map(f64::to_bits), Some(f64::from(single).to_bits()));
            let mut bytes = Vec::new();
            write_text(&mut bytes, &text);
            prop_assert_eq!(&bytes, &written(|encoder| { encoder.str(&text).unwrap(); }));
            let mut cursor = Cursor::new(&bytes);
            let head = cursor.head().unwrap();
            prop_assert_eq!(cursor.text(head), Ok(text));
            prop_assert_eq!(cursor.finish(), Ok(()));
        }
    }

    #[test]
    fn half_floats_are_what_the_standard_says() {
        // RFC 8949, appendix A.
        for (bits, number) in [
            (0x0000u16, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0x3e00, 1.5),
            (0x7bff, 65504.0),
            (0x0001, 5.960464477539063e-8),
            (0x0400, 0.00006103515625),
            (0xc400, -4.0),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(
                half(u64::from(bits)).to_bits(),
                f64::to_bits(number),
                "{bits:x}"
            );
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn what_is_no_item_is_an_error() {
        for malformed in [&[0x1c][..], &[0x1f], &[0x3f], &[0xdf], &[0xfe]] {
            assert_eq!(Cursor::new(malformed).head(), Err(ValueError::Malformed));
        }
        for truncated in [&[][..], &[0x18], &[0x1b, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(Cursor::new(truncated).head(), Err(ValueError::Truncated));
        }
        // A text in parts must be of texts, whole ones.
        for bytes in [
            &[0x7f, 0x41, 0x61, 0xff][..],
            &[0x7f, 0x7f, 0xff, 0xff],
            &[0x7f, 0x61, 0xff, 0xff],
        ] {
            let mut cursor = Cursor::new(bytes);
            let head = cursor.head().unwrap();
            assert_eq!(cursor.text(head), Err(ValueError::Malformed));
        }
    }
}
