//! Strings and numbers: one CBOR item each, null if the topic has been set to nothing.

use bytes::Bytes;

use super::cbor::{Cursor, Head, info, major, write_float, write_info, write_integer, write_text};
use super::{DataType, Value, ValueError};

pub(super) fn read_string(bytes: &[u8]) -> Result<Option<String>, ValueError> {
    read_one(bytes, |cursor, head| match head.major {
        major::TEXT => cursor.text(head),
        _ => Err(ValueError::WrongType("a string")),
    })
}

pub(super) fn read_int64(bytes: &[u8]) -> Result<Option<i64>, ValueError> {
    read_one(bytes, |_, head| {
        let number = i64::try_from(head.argument);
        match head.major {
            major::UNSIGNED => number.map_err(|_| ValueError::WrongType("a 64 bit integer")),
            major::NEGATIVE => number
                .map(|number| -1 - number)
                .map_err(|_| ValueError::WrongType("a 64 bit integer")),
            _ => Err(ValueError::WrongType("an integer")),
        }
    })
}

pub(super) fn read_double(bytes: &[u8]) -> Result<Option<f64>, ValueError> {
    read_one(bytes, |_, head| {
        head.float()
            .ok_or(ValueError::WrongType("a floating point number"))
    })
}

/// Reads the one item that the bytes hold; null is `None`.
fn read_one<T>(
    bytes: &[u8],
    read: impl FnOnce(&mut Cursor<'_>, Head) -> Result<T, ValueError>,
) -> Result<Option<T>, ValueError> {
    let mut cursor = Cursor::new(bytes);
    let head = cursor.head()?;
    let value = if head.is_null() {
        None
    } else {
        Some(read(&mut cursor, head)?)
    };
    cursor.finish()?;
    Ok(value)
}

fn write<T>(value: Option<T>, write: impl FnOnce(&mut Vec<u8>, T)) -> Bytes {
    let mut bytes = Vec::new();
    match value {
        Some(value) => write(&mut bytes, value),
        None => write_info(&mut bytes, major::OTHER, info::NULL),
    }
    Bytes::from(bytes)
}

/// A STRING value or null.
impl Value for Option<String> {
    const DATA_TYPE: DataType = DataType::String;

    fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
        read_string(&bytes)
    }

    fn to_bytes(&self) -> Bytes {
        write(self.as_deref(), write_text)
    }
}

/// An INT64 value or null.
impl Value for Option<i64> {
    const DATA_TYPE: DataType = DataType::Int64;

    fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
        read_int64(&bytes)
    }

    fn to_bytes(&self) -> Bytes {
        write(*self, write_integer)
    }
}

/// A DOUBLE value or null. Written with 64 bits always, as the SDK does; fewer are read too.
impl Value for Option<f64> {
    const DATA_TYPE: DataType = DataType::Double;

    fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
        read_double(&bytes)
    }

    fn to_bytes(&self) -> Bytes {
        write(*self, write_float)
    }
}

macro_rules! not_null {
    ($($type:ty),+) => {$(
        /// The same as the `Option` of it, except that null is an error.
        impl Value for $type {
            const DATA_TYPE: DataType = <Option<$type> as Value>::DATA_TYPE;

            fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
                <Option<$type>>::from_bytes(bytes)?.ok_or(ValueError::WrongType("a value other than null"))
            }

            fn to_bytes(&self) -> Bytes {
                Some(self.clone()).to_bytes()
            }
        }
    )+};
}

not_null!(String, i64, f64);

#[cfg(test)]
mod tests {
    use super::*;
    use core::fmt::Debug;

    fn bytes(hex: &str) -> Bytes {
        (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    }

    fn round_trip<T: Value + Debug + PartialEq>(value: T, hex: &str) {
        assert_eq!(value.to_bytes(), bytes(hex));
        assert_eq!(T::from_bytes(bytes(hex)), Ok(value));
    }

    /// The hex is what the SDK's `writeValueToArray` gave for these values.
    #[test]
    fn values_are_written_as_the_sdk_writes_them() {
        round_trip(String::new(), "60");
        round_trip("é".to_owned(), "62c3a9");
        round_trip(None::<String>, "f6");
        round_trip(0i64, "00");
        round_trip(-1i64, "20");
        round_trip(255i64, "18ff");
        round_trip(i64::MAX, "1b7fffffffffffffff");
        round_trip(i64::MIN, "3b7fffffffffffffff");
        round_trip(None::<i64>, "f6");
        round_trip(0f64, "fb0000000000000000");
        round_trip(100f64, "fb4059000000000000");
        round_trip(f64::INFINITY, "fb7ff0000000000000");
        round_trip(None::<f64>, "f6");
    }

    #[test]
    fn other_encodings_of_the_same_values_are_read() {
        assert_eq!(
            String::from_bytes(bytes("7f61616162ff")),
            Ok("ab".to_owned())
        );
        assert_eq!(f64::from_bytes(bytes("f93c00")), Ok(1.0));
        assert_eq!(f64::from_bytes(bytes("fa3fc00000")), Ok(1.5));
    }

    #[test]
    fn other_types_are_errors() {
        assert_eq!(
            String::from_bytes(bytes("01")),
            Err(ValueError::WrongType("a string"))
        );
        assert_eq!(
            String::from_bytes(bytes("f6")),
            Err(ValueError::WrongType("a value other than null"))
        );
        assert_eq!(
            i64::from_bytes(bytes("1bffffffffffffffff")),
            Err(ValueError::WrongType("a 64 bit integer"))
        );
        assert_eq!(i64::from_bytes(bytes("")), Err(ValueError::Truncated));
        assert_eq!(i64::from_bytes(bytes("19ff")), Err(ValueError::Truncated));
        assert_eq!(
            i64::from_bytes(bytes("0000")),
            Err(ValueError::TrailingBytes)
        );
        assert_eq!(
            f64::from_bytes(bytes("00")),
            Err(ValueError::WrongType("a floating point number"))
        );
        assert!(String::from_bytes(bytes("61ff")).is_err());
    }
}
