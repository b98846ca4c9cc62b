//! JSON values, which travel as CBOR (RFC 8949).

use bytes::Bytes;
use core::fmt;
use minicbor::data::Type;
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Number, Value as Tree};

use super::{DataType, Value, ValueError};

/// A JSON value, kept as the CBOR that it travels as.
///
/// Taking one from the wire costs nothing: the bytes are looked at when [`Json::to_tree`] asks for them. Equality is
/// that of the bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Bytes);

impl Json {
    /// How deep arrays and objects may nest: as deep as `serde_json` reads text.
    pub const MAX_DEPTH: usize = 127;

    /// The value with these CBOR bytes, which are not checked: see [`Json::to_tree`] and [`DataType::validate`].
    #[must_use]
    pub const fn from_cbor(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The CBOR bytes.
    #[must_use]
    pub const fn as_cbor(&self) -> &Bytes {
        &self.0
    }

    /// Writes a tree as CBOR in the SDK's way: objects and arrays of indefinite length, and numbers without a
    /// fraction as integers.
    ///
    /// Integers above `i64::MAX` become floating point numbers, because the SDK reads them as negative ones.
    #[must_use]
    pub fn from_tree(tree: &Tree) -> Self {
        let mut encoder = Encoder::new(Vec::new());
        // Writing to memory does not fail.
        let _infallible = write(&mut encoder, tree);
        Self(Bytes::from(encoder.into_writer()))
    }

    /// Reads the CBOR as a tree.
    ///
    /// Undefined and numbers that JSON does not have (NaN, infinity) become null; integers beyond 64 bits become
    /// floating point numbers; tags other than those of big numbers are passed over; of two members of one name
    /// the last counts; a key that is a number becomes text, as the SDK has it.
    ///
    /// # Errors
    /// If the bytes are not CBOR, not one value, nest too deep, or hold what JSON has no form for.
    pub fn to_tree(&self) -> Result<Tree, ValueError> {
        let mut decoder = Decoder::new(&self.0);
        let tree = read(&mut decoder, 0)?;
        finish(&decoder)?;
        Ok(tree)
    }

    /// Reads JSON text.
    ///
    /// # Errors
    /// If the text is not JSON.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        Ok(Self::from_tree(&serde_json::from_str(text)?))
    }

    /// The value as JSON text.
    ///
    /// # Errors
    /// As [`Json::to_tree`].
    pub fn to_text(&self) -> Result<String, ValueError> {
        Ok(self.to_tree()?.to_string())
    }
}

impl Value for Json {
    const DATA_TYPE: DataType = DataType::Json;

    fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
        Ok(Self(bytes))
    }

    fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }
}

impl From<&Tree> for Json {
    fn from(tree: &Tree) -> Self {
        Self::from_tree(tree)
    }
}

impl TryFrom<&Json> for Tree {
    type Error = ValueError;

    fn try_from(json: &Json) -> Result<Self, ValueError> {
        json.to_tree()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_tree() {
            Ok(tree) => write!(f, "Json({tree})"),
            Err(_) => f.debug_tuple("Json").field(&self.0).finish(),
        }
    }
}

fn write(
    encoder: &mut Encoder<Vec<u8>>,
    tree: &Tree,
) -> Result<(), minicbor::encode::Error<core::convert::Infallible>> {
    match tree {
        Tree::Null => encoder.null()?,
        Tree::Bool(value) => encoder.bool(*value)?,
        Tree::Number(number) => write_number(encoder, number)?,
        Tree::String(text) => encoder.str(text)?,
        Tree::Array(items) => {
            encoder.begin_array()?;
            for item in items {
                write(encoder, item)?;
            }
            encoder.end()?
        }
        Tree::Object(members) => {
            encoder.begin_map()?;
            for (name, value) in members {
                encoder.str(name)?;
                write(encoder, value)?;
            }
            encoder.end()?
        }
    };
    Ok(())
}

/// 2^53: up to here every integer is a floating point number too.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn write_number<'e>(
    encoder: &'e mut Encoder<Vec<u8>>,
    number: &Number,
) -> Result<&'e mut Encoder<Vec<u8>>, minicbor::encode::Error<core::convert::Infallible>> {
    if let Some(integer) = number.as_i64() {
        return encoder.i64(integer);
    }
    let float = number.as_f64().unwrap_or_default();
    let minus_zero = float == 0.0 && float.is_sign_negative();
    if float.abs() <= EXACT && float % 1.0 == 0.0 && !minus_zero {
        encoder.i64(float as i64)
    } else {
        encoder.f64(float)
    }
}

/// Whether the bytes are one JSON value.
pub(super) fn validate(bytes: &[u8]) -> Result<(), ValueError> {
    let mut decoder = Decoder::new(bytes);
    read(&mut decoder, 0)?;
    finish(&decoder)
}

fn finish(decoder: &Decoder<'_>) -> Result<(), ValueError> {
    if decoder.position() == decoder.input().len() {
        Ok(())
    } else {
        Err(ValueError::TrailingBytes)
    }
}

/// The type of the next item.
fn peek(decoder: &Decoder<'_>) -> Result<Type, ValueError> {
    decoder.datatype().map_err(|_| ValueError::Truncated)
}

/// Whether the next item ends an array or object of indefinite length; if so, it is taken.
fn take_break(decoder: &mut Decoder<'_>) -> Result<bool, ValueError> {
    let ends = peek(decoder)? == Type::Break;
    if ends {
        decoder.set_position(decoder.position() + 1);
    }
    Ok(ends)
}

/// Counts down the items of a definite length, or looks for the end of an indefinite one.
fn has_next(decoder: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, ValueError> {
    match left {
        None => Ok(!take_break(decoder)?),
        Some(0) => Ok(false),
        Some(count) => {
            *count -= 1;
            Ok(true)
        }
    }
}

fn read(decoder: &mut Decoder<'_>, depth: usize) -> Result<Tree, ValueError> {
    if depth > Json::MAX_DEPTH {
        return Err(ValueError::TooDeep);
    }
    Ok(match peek(decoder)? {
        Type::Null | Type::Undefined => {
            decoder.set_position(decoder.position() + 1);
            Tree::Null
        }
        Type::Bool => decoder.bool().map_err(|_| ValueError::Truncated)?.into(),
        Type::String | Type::StringIndef => Tree::String(read_text(decoder)?),
        kind @ (Type::F16 | Type::F32 | Type::F64) => float(read_float(decoder, kind)?),
        kind if is_integer(kind) => read_integer(decoder)?,
        Type::Array | Type::ArrayIndef => {
            let mut left = decoder.array().map_err(|_| ValueError::Truncated)?;
            let mut items = Vec::new();
            while has_next(decoder, &mut left)? {
                items.push(read(decoder, depth + 1)?);
            }
            Tree::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let mut left = decoder.map().map_err(|_| ValueError::Truncated)?;
            let mut members = Map::new();
            while has_next(decoder, &mut left)? {
                let key = match read(decoder, depth + 1)? {
                    Tree::String(text) => text,
                    Tree::Number(number) => number.to_string(),
                    _ => return Err(ValueError::NotJson("a key that is not text")),
                };
                members.insert(key, read(decoder, depth + 1)?);
            }
            Tree::Object(members)
        }
        Type::Tag => read_tagged(decoder, depth)?,
        Type::Bytes | Type::BytesIndef => return Err(ValueError::NotJson("bytes")),
        Type::Simple => return Err(ValueError::NotJson("a simple value")),
        _ => return Err(ValueError::Malformed),
    })
}

const fn is_integer(kind: Type) -> bool {
    matches!(
        kind,
        Type::U8
            | Type::U16
            | Type::U32
            | Type::U64
            | Type::I8
            | Type::I16
            | Type::I32
            | Type::I64
            | Type::Int
    )
}

fn read_integer(decoder: &mut Decoder<'_>) -> Result<Tree, ValueError> {
    let number = i128::from(decoder.int().map_err(|_| ValueError::Truncated)?);
    Ok(integer(number))
}

fn integer(number: i128) -> Tree {
    if let Ok(number) = i64::try_from(number) {
        number.into()
    } else if let Ok(number) = u64::try_from(number) {
        number.into()
    } else {
        float(number as f64)
    }
}

fn float(number: f64) -> Tree {
    Number::from_f64(number).map_or(Tree::Null, Tree::Number)
}

/// Big integers (tags 2 and 3), which other CBOR writers make of numbers beyond 64 bits; other tags add nothing.
fn read_tagged(decoder: &mut Decoder<'_>, depth: usize) -> Result<Tree, ValueError> {
    let tag = decoder.tag().map_err(|_| ValueError::Truncated)?.as_u64();
    if !matches!(tag, 2 | 3) {
        return read(decoder, depth + 1);
    }
    let bytes = decoder
        .bytes()
        .map_err(|_| ValueError::NotJson("a big number that is not bytes"))?;
    let significant = bytes.iter().skip_while(|byte| **byte == 0);
    // 15 bytes fit a signed integer of 128 bits.
    if significant.clone().count() <= 15 {
        let number = significant.fold(0i128, |number, byte| number << 8 | i128::from(*byte));
        return Ok(integer(if tag == 2 { number } else { -1 - number }));
    }
    let number = significant.fold(0f64, |number, byte| number * 256.0 + f64::from(*byte));
    Ok(float(if tag == 2 { number } else { -1.0 - number }))
}

pub(super) fn read_text(decoder: &mut Decoder<'_>) -> Result<String, ValueError> {
    let mut text = String::new();
    for part in decoder.str_iter().map_err(|_| ValueError::Truncated)? {
        text.push_str(part.map_err(|_| ValueError::Malformed)?);
    }
    Ok(text)
}

pub(super) fn read_float(decoder: &mut Decoder<'_>, kind: Type) -> Result<f64, ValueError> {
    match kind {
        Type::F64 => decoder.f64(),
        Type::F32 => decoder.f32().map(f64::from),
        _ => return read_half(decoder),
    }
    .map_err(|_| ValueError::Truncated)
}

/// A 16 bit floating point number (RFC 8949, appendix D).
fn read_half(decoder: &mut Decoder<'_>) -> Result<f64, ValueError> {
    let start = decoder.position();
    let bits = match decoder.input().get(start + 1..start + 3) {
        Some(&[high, low]) => u16::from_be_bytes([high, low]),
        _ => return Err(ValueError::Truncated),
    };
    decoder.set_position(start + 3);
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    let magnitude = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (fraction + 1024.0) * 2f64.powi(exponent - 25),
    };
    Ok(if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bytes(hex: &str) -> Bytes {
        (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    }

    fn tree(hex: &str) -> Result<Tree, ValueError> {
        Json::from_cbor(bytes(hex)).to_tree()
    }

    /// The hex is what the SDK's `json().from(…)` gave.
    #[test]
    fn json_is_written_as_the_sdk_writes_it() {
        for (value, hex) in [
            (
                json!({"a": [1, 2, {}], "b": []}),
                "bf61619f0102bfffff61629fffff",
            ),
            (json!(-1), "20"),
            (json!(255), "18ff"),
            (json!(4_294_967_296i64), "1b0000000100000000"),
            (json!(-9_007_199_254_740_991i64), "3b001ffffffffffffe"),
            (json!(1.5), "fb3ff8000000000000"),
            (json!(1.0), "01"),
            (json!(1e15), "1b00038d7ea4c68000"),
            (json!(0.1), "fb3fb999999999999a"),
            (json!(null), "f6"),
            (json!(true), "f5"),
            (json!("é"), "62c3a9"),
        ] {
            assert_eq!(Json::from_tree(&value).as_cbor(), &bytes(hex), "{value}");
            let back = tree(hex).unwrap();
            assert_eq!(back.as_f64(), value.as_f64());
            assert!(value.is_number() || back == value, "{back}");
        }
    }

    #[test]
    fn integers_that_the_sdk_would_misread_are_written_as_floats() {
        assert_eq!(
            Json::from_tree(&json!(u64::MAX)).as_cbor(),
            &bytes("fb43f0000000000000")
        );
        assert_eq!(
            Json::from_tree(&json!(-0.0)).as_cbor(),
            &bytes("fb8000000000000000")
        );
    }

    #[test]
    fn every_form_of_cbor_that_json_has_is_read() {
        assert_eq!(
            tree("a2616101616282f4f5"),
            Ok(json!({"a": 1, "b": [false, true]}))
        );
        assert_eq!(tree("7f61616162ff"), Ok(json!("ab")));
        assert_eq!(tree("f7"), Ok(json!(null)));
        assert_eq!(tree("f97e00"), Ok(json!(null)));
        assert_eq!(tree("f93c00"), Ok(json!(1.0)));
        assert_eq!(tree("f9c400"), Ok(json!(-4.0)));
        assert_eq!(tree("f90001"), Ok(json!(5.960464477539063e-8)));
        assert_eq!(tree("fa3fc00000"), Ok(json!(1.5)));
        assert_eq!(tree("1bffffffffffffffff"), Ok(json!(u64::MAX)));
        assert_eq!(
            tree("3bffffffffffffffff"),
            Ok(json!(-1.8446744073709552e19))
        );
        assert_eq!(
            tree("c249010000000000000000"),
            Ok(json!(1.8446744073709552e19))
        );
        assert_eq!(tree("c34100"), Ok(json!(-1)));
        assert_eq!(tree("c11a514b67b0"), Ok(json!(1_363_896_240)));
        assert_eq!(tree("a10102"), Ok(json!({"1": 2})));
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        assert_eq!(tree(""), Err(ValueError::Truncated));
        assert_eq!(tree("bf6161"), Err(ValueError::Truncated));
        assert_eq!(tree("9bffffffffffffffff"), Err(ValueError::Truncated));
        assert_eq!(tree("0000"), Err(ValueError::TrailingBytes));
        assert_eq!(tree("4101"), Err(ValueError::NotJson("bytes")));
        assert_eq!(
            tree("a18002"),
            Err(ValueError::NotJson("a key that is not text"))
        );
        assert!(tree("ff").is_err());
        assert!(tree("1c").is_err());
        assert!(tree("61ff").is_err());
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth: usize| {
            let mut bytes = vec![0x81; depth];
            bytes.push(0x80);
            Json::from_cbor(Bytes::from(bytes)).to_tree()
        };
        assert!(nested(Json::MAX_DEPTH).is_ok());
        assert_eq!(nested(Json::MAX_DEPTH + 1), Err(ValueError::TooDeep));
        assert_eq!(
            Json::from_cbor(Bytes::from(vec![0xc1; 100_000])).to_tree(),
            Err(ValueError::TooDeep)
        );
    }
}
