//! JSON values, which travel as CBOR (RFC 8949).

use bytes::Bytes;
use core::fmt;
use core::ops::Range;
use serde_json::{Map, Number, Value as Tree};
use std::collections::BTreeMap;

use super::cbor::{Cursor, Head, info, major, write_float, write_info, write_integer, write_text};
use super::{DataType, Value, ValueError};

/// A JSON value, kept as the CBOR that it travels as.
///
/// ```
/// use effusion_protocol::value::Json;
///
/// let message = Json::from(serde_json::json!({ "text": "hello", "to": ["Ann", "Bob"] }));
/// assert_eq!(message.to_text()?, r#"{"text":"hello","to":["Ann","Bob"]}"#);
/// assert_eq!(message.member("text").and_then(|text| text.as_text()).as_deref(), Some("hello"));
/// assert_eq!(message.to_tree()?["to"][1], "Bob");
/// # Ok::<(), effusion_protocol::value::ValueError>(())
/// ```
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
        let mut bytes = Vec::new();
        write(&mut bytes, tree);
        Self(Bytes::from(bytes))
    }

    /// Reads the CBOR as a tree.
    ///
    /// Undefined and numbers that JSON does not have (NaN, infinity) become null; integers beyond 64 bits become
    /// floating point numbers; tags other than those of big numbers are passed over; of two members of one name
    /// the last counts; a key that is an integer becomes text, as in the SDK.
    ///
    /// # Errors
    /// If the bytes are not CBOR, not one value, nest too deep, or hold what JSON has no form for.
    pub fn to_tree(&self) -> Result<Tree, ValueError> {
        read_all(&self.0)
    }

    /// A string.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self(text.to_owned().to_bytes())
    }

    /// An integer.
    #[must_use]
    pub fn integer(number: i64) -> Self {
        Self(number.to_bytes())
    }

    /// An object with these members, in this order.
    ///
    /// A page that makes and reads its values member by member does without the code for trees.
    ///
    /// ```
    /// use effusion_protocol::value::Json;
    ///
    /// let message = Json::object(&[("name", Json::text("Ann")), ("age", Json::integer(7))]);
    /// assert_eq!(message.member("name").and_then(|name| name.as_text()).as_deref(), Some("Ann"));
    /// assert_eq!(message.member("age").and_then(|age| age.as_number()), Some(7.0));
    /// assert_eq!(message.member("size"), None);
    /// ```
    #[must_use]
    pub fn object(members: &[(&str, Self)]) -> Self {
        let mut bytes = Vec::new();
        write_info(&mut bytes, major::MAP, info::INDEFINITE);
        for (name, value) in members {
            write_text(&mut bytes, name);
            bytes.extend_from_slice(&value.0);
        }
        write_info(&mut bytes, major::OTHER, info::INDEFINITE);
        Self(Bytes::from(bytes))
    }

    /// True or false.
    #[must_use]
    pub fn boolean(value: bool) -> Self {
        Self(Bytes::from_static(if value { b"\xf5" } else { b"\xf4" }))
    }

    /// An array of these values.
    ///
    /// ```
    /// use effusion_protocol::value::Json;
    ///
    /// let array = Json::array(&[Json::text("a"), Json::boolean(true)]);
    /// let items = array.items().unwrap_or_default();
    /// assert_eq!(items[0].as_text().as_deref(), Some("a"));
    /// assert_eq!(items[1].as_bool(), Some(true));
    /// assert_eq!(items.len(), 2);
    /// ```
    #[must_use]
    pub fn array(items: &[Self]) -> Self {
        let mut bytes = Vec::new();
        write_info(&mut bytes, major::ARRAY, info::INDEFINITE);
        for item in items {
            bytes.extend_from_slice(&item.0);
        }
        write_info(&mut bytes, major::OTHER, info::INDEFINITE);
        Self(Bytes::from(bytes))
    }

    /// The values of an array. `None` if this is no well-formed one.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Self>> {
        let mut cursor = Cursor::new(&self.0);
        let mut head = cursor.head().ok()?;
        if head.major != major::ARRAY {
            return None;
        }
        let mut items = Vec::new();
        while has_next(&mut cursor, &mut head).ok()? {
            let start = self.0.len() - cursor.remaining();
            skip(&mut cursor, 0).ok()?;
            items.push(Self(self.0.slice(start..self.0.len() - cursor.remaining())));
        }
        cursor.finish().ok()?;
        Some(items)
    }

    /// The names of an object's members, in their order. `None` if this is no well-formed object.
    #[must_use]
    pub fn names(&self) -> Option<Vec<String>> {
        Some(self.members()?.into_iter().map(|(name, _)| name).collect())
    }

    /// An object's members, in their order; of several of one name the last counts. `None` if this is no well-formed object.
    ///
    /// Faster than calling [`Json::member`] for each of many members.
    #[must_use]
    pub fn members(&self) -> Option<Vec<(String, Self)>> {
        let mut cursor = Cursor::new(&self.0);
        let mut head = cursor.head().ok()?;
        if head.major != major::MAP {
            return None;
        }
        let mut members = Vec::new();
        while has_next(&mut cursor, &mut head).ok()? {
            let key = read_key(&mut cursor).ok()?;
            let start = self.0.len() - cursor.remaining();
            skip(&mut cursor, 0).ok()?;
            let end = self.0.len() - cursor.remaining();
            members.push((key, Self(self.0.slice(start..end))));
        }
        cursor.finish().ok()?;
        Some(members)
    }

    /// The truth value, if this is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match &self.0[..] {
            b"\xf5" => Some(true),
            b"\xf4" => Some(false),
            _ => None,
        }
    }

    /// The member of this name; of several, the last. `None` if there is none, or if this is no well-formed object.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<Self> {
        let mut cursor = Cursor::new(&self.0);
        let mut head = cursor.head().ok()?;
        if head.major != major::MAP {
            return None;
        }
        let mut found = None;
        while has_next(&mut cursor, &mut head).ok()? {
            let key = read_key(&mut cursor).ok()?;
            let start = self.0.len() - cursor.remaining();
            skip(&mut cursor, 0).ok()?;
            if key == name {
                found = Some(start..self.0.len() - cursor.remaining());
            }
        }
        cursor.finish().ok()?;
        found.map(|range| Self(self.0.slice(range)))
    }

    /// What JSON pointers (RFC 6901) lead to: those that lead to something, with the CBOR there. All are looked for in one
    /// walk, and nothing is copied: the time grows with the length of the value and of the pointers, and no more.
    ///
    /// ```
    /// use effusion_protocol::value::Json;
    ///
    /// let json = Json::from_text(r#"{"a": [1, {"b": "x"}]}"#)?;
    /// let found = json.find(["/a/0", "/a/1/b", "/c"]);
    /// assert_eq!(found["/a/0"].as_number(), Some(1.0));
    /// assert_eq!(found["/a/1/b"].as_text().as_deref(), Some("x"));
    /// assert!(!found.contains_key("/c"));
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn find<'p>(&self, pointers: impl IntoIterator<Item = &'p str>) -> BTreeMap<&'p str, Self> {
        let mut places = Places::default();
        for pointer in pointers {
            places.add(pointer);
        }
        let mut found = BTreeMap::new();
        let mut cursor = Cursor::new(&self.0);
        if places
            .find(&mut cursor, self.0.len(), &mut found, 0)
            .is_err()
        {
            // A value that cannot be read to its end has nothing anywhere.
            return BTreeMap::new();
        }
        found
            .into_iter()
            .map(|(pointer, range)| (pointer, Self(self.0.slice(range))))
            .collect()
    }

    /// Whether the value is an array or an object.
    #[must_use]
    pub fn is_composite(&self) -> bool {
        let mut cursor = Cursor::new(&self.0);
        loop {
            match cursor.head() {
                // Tags come before the item that they are about.
                Ok(head) if head.major == major::TAG => {}
                Ok(head) => return matches!(head.major, major::ARRAY | major::MAP),
                Err(_) => return false,
            }
        }
    }

    /// Whether the CBOR is what [`Json::from_tree`] makes of the same value, so that another value has other bytes. Nothing
    /// is copied.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        is_canonical(&self.0)
    }

    /// The text, if this is a string.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        String::from_bytes(self.0.clone()).ok()
    }

    /// The number, if this is one; an integer beyond 2^53 as the nearest that a floating point number can be.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        let mut cursor = Cursor::new(&self.0);
        let head = cursor.head().ok()?;
        cursor.finish().ok()?;
        match head.major {
            major::UNSIGNED => Some(head.argument as f64),
            major::NEGATIVE => Some(-1.0 - head.argument as f64),
            _ => head.float(),
        }
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

impl From<Tree> for Json {
    fn from(tree: Tree) -> Self {
        Self::from_tree(&tree)
    }
}

impl TryFrom<Json> for Tree {
    type Error = ValueError;

    fn try_from(json: Json) -> Result<Self, ValueError> {
        json.to_tree()
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

fn write(bytes: &mut Vec<u8>, tree: &Tree) {
    match tree {
        Tree::Null => write_info(bytes, major::OTHER, info::NULL),
        Tree::Bool(false) => write_info(bytes, major::OTHER, info::FALSE),
        Tree::Bool(true) => write_info(bytes, major::OTHER, info::TRUE),
        Tree::Number(number) => write_number(bytes, number),
        Tree::String(text) => write_text(bytes, text),
        Tree::Array(items) => {
            write_info(bytes, major::ARRAY, info::INDEFINITE);
            for item in items {
                write(bytes, item);
            }
            write_info(bytes, major::OTHER, info::INDEFINITE);
        }
        Tree::Object(members) => {
            write_info(bytes, major::MAP, info::INDEFINITE);
            for (name, value) in members {
                write_text(bytes, name);
                write(bytes, value);
            }
            write_info(bytes, major::OTHER, info::INDEFINITE);
        }
    }
}

/// 2^53: up to here every integer is a floating point number too.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Whether a number is written as an integer.
pub(super) fn is_integer(float: f64) -> bool {
    let minus_zero = float == 0.0 && float.is_sign_negative();
    float.abs() <= EXACT && float.trunc() == float && !minus_zero
}

fn write_number(bytes: &mut Vec<u8>, number: &Number) {
    if let Some(integer) = number.as_i64() {
        return write_integer(bytes, integer);
    }
    let float = number.as_f64().unwrap_or_default();
    if is_integer(float) {
        write_integer(bytes, float as i64);
    } else {
        write_float(bytes, float);
    }
}

/// Whether the bytes are one JSON value. Nothing is made of it: a tree of many small items takes far more memory than
/// their bytes.
pub(super) fn validate(bytes: &[u8]) -> Result<(), ValueError> {
    let mut cursor = Cursor::new(bytes);
    check(&mut cursor, 0)?;
    cursor.finish()
}

/// As [`read`], without the tree.
fn check(cursor: &mut Cursor<'_>, depth: usize) -> Result<(), ValueError> {
    if depth > Json::MAX_DEPTH {
        return Err(ValueError::TooDeep);
    }
    let mut head = cursor.head()?;
    match head.major {
        major::UNSIGNED | major::NEGATIVE => Ok(()),
        major::TEXT => check_text(cursor, head),
        major::ARRAY => {
            while has_next(cursor, &mut head)? {
                check(cursor, depth + 1)?;
            }
            Ok(())
        }
        major::MAP => {
            while has_next(cursor, &mut head)? {
                let key = cursor.head()?;
                match key.major {
                    major::TEXT => check_text(cursor, key)?,
                    major::UNSIGNED => {}
                    major::NEGATIVE if i64::try_from(key.argument).is_ok() => {}
                    major::NEGATIVE => return Err(ValueError::NotJson("a key beyond 64 bits")),
                    _ => return Err(ValueError::NotJson("a key that is not text")),
                }
                check(cursor, depth + 1)?;
            }
            Ok(())
        }
        major::TAG if matches!(head.argument, 2 | 3) => {
            read_tagged(cursor, head, depth).map(|_| ())
        }
        major::TAG => check(cursor, depth + 1),
        major::BYTES => Err(ValueError::NotJson("bytes")),
        _ => match head.info {
            info::FALSE
            | info::TRUE
            | info::NULL
            | info::UNDEFINED
            | info::HALF
            | info::SINGLE
            | info::DOUBLE => Ok(()),
            info::INDEFINITE => Err(ValueError::Malformed),
            _ => Err(ValueError::NotJson("a simple value")),
        },
    }
}

fn check_text(cursor: &mut Cursor<'_>, head: Head) -> Result<(), ValueError> {
    cursor.parts(head, |part| match core::str::from_utf8(part) {
        Ok(_) => Ok(()),
        Err(_) => Err(ValueError::Malformed),
    })
}

/// Whether CBOR that is one JSON value is written as [`write()`] would write it, whatever the order of members.
fn is_canonical(bytes: &[u8]) -> bool {
    let mut cursor = Cursor::new(bytes);
    is_item_canonical(&mut cursor, 0).unwrap_or(false) && cursor.is_at_end()
}

fn is_item_canonical(cursor: &mut Cursor<'_>, depth: usize) -> Result<bool, ValueError> {
    if depth > Json::MAX_DEPTH {
        return Ok(false);
    }
    let before = cursor.remaining();
    let mut head = cursor.head()?;
    let is_shortest = before - cursor.remaining() == head_length(head.argument);
    match head.major {
        major::UNSIGNED | major::NEGATIVE => {
            Ok(is_shortest && i64::try_from(head.argument).is_ok())
        }
        major::TEXT if !head.is_indefinite() => {
            cursor.take(head.argument)?;
            Ok(is_shortest)
        }
        major::ARRAY | major::MAP if head.is_indefinite() => {
            while has_next(cursor, &mut head)? {
                if head.major == major::MAP {
                    // A key that is not a text would become one.
                    let is_text = cursor.clone().head()?.major == major::TEXT;
                    if !is_text || !is_item_canonical(cursor, depth + 1)? {
                        return Ok(false);
                    }
                }
                if !is_item_canonical(cursor, depth + 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        major::OTHER => Ok(match head.info {
            info::FALSE | info::TRUE | info::NULL => true,
            info::DOUBLE => head
                .float()
                .is_some_and(|number| number.is_finite() && !is_integer(number)),
            _ => false,
        }),
        _ => Ok(false),
    }
}

/// How many bytes the head of an item with this argument has at least.
const fn head_length(argument: u64) -> usize {
    match argument {
        0..24 => 1,
        24..=0xff => 2,
        0x100..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// What pointers (RFC 6901) lead to, as places to look for in one walk through a value.
#[derive(Default)]
struct Places<'p> {
    /// The pointers that end here.
    here: Vec<&'p str>,
    members: BTreeMap<String, Self>,
}

impl<'p> Places<'p> {
    fn add(&mut self, pointer: &'p str) {
        let mut place = self;
        if let Some(rest) = pointer.strip_prefix('/') {
            for part in rest.split('/') {
                let name = part.replace("~1", "/").replace("~0", "~");
                place = place.members.entry(name).or_default();
            }
        } else if !pointer.is_empty() {
            return;
        }
        place.here.push(pointer);
    }

    /// Forgets what was found in an earlier member of the same name.
    fn forget(&self, found: &mut BTreeMap<&'p str, Range<usize>>) {
        for pointer in &self.here {
            found.remove(pointer);
        }
        for member in self.members.values() {
            member.forget(found);
        }
    }

    fn find(
        &self,
        cursor: &mut Cursor<'_>,
        length: usize,
        found: &mut BTreeMap<&'p str, Range<usize>>,
        depth: usize,
    ) -> Result<(), ValueError> {
        if depth > Json::MAX_DEPTH {
            return Err(ValueError::TooDeep);
        }
        let start = length - cursor.remaining();
        if self.members.is_empty() {
            skip(cursor, depth)?;
        } else {
            self.find_in(cursor, length, found, depth)?;
        }
        let range = start..length - cursor.remaining();
        found.extend(self.here.iter().map(|pointer| (*pointer, range.clone())));
        Ok(())
    }

    fn find_in(
        &self,
        cursor: &mut Cursor<'_>,
        length: usize,
        found: &mut BTreeMap<&'p str, Range<usize>>,
        depth: usize,
    ) -> Result<(), ValueError> {
        let mut ahead = cursor.clone();
        let mut head = ahead.head()?;
        match head.major {
            major::ARRAY => {
                *cursor = ahead;
                let wanted: BTreeMap<usize, &Self> = self
                    .members
                    .iter()
                    .filter_map(|(name, member)| Some((index(name)?, member)))
                    .collect();
                let mut next = 0;
                while has_next(cursor, &mut head)? {
                    match wanted.get(&next) {
                        Some(member) => member.find(cursor, length, found, depth + 1)?,
                        None => skip(cursor, depth + 1)?,
                    }
                    next += 1;
                }
                Ok(())
            }
            major::MAP => {
                *cursor = ahead;
                while has_next(cursor, &mut head)? {
                    let key = read_key(cursor)?;
                    match self.members.get(&key) {
                        Some(member) => {
                            member.forget(found);
                            member.find(cursor, length, found, depth + 1)?;
                        }
                        None => skip(cursor, depth + 1)?,
                    }
                }
                Ok(())
            }
            major::TAG if !matches!(head.argument, 2 | 3) => {
                *cursor = ahead;
                self.find_in(cursor, length, found, depth + 1)
            }
            _ => skip(cursor, depth),
        }
    }
}

/// The index of an array that part of a pointer means.
fn index(part: &str) -> Option<usize> {
    let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
    let is_padded = part.len() > 1 && part.starts_with('0');
    part.parse().ok().filter(|_| is_number && !is_padded)
}

fn read_all(bytes: &[u8]) -> Result<Tree, ValueError> {
    let mut cursor = Cursor::new(bytes);
    let tree = read(&mut cursor, 0)?;
    cursor.finish()?;
    Ok(tree)
}

/// Counts down the items of a definite length, or looks for the end of an indefinite one.
pub(super) fn has_next(cursor: &mut Cursor<'_>, head: &mut Head) -> Result<bool, ValueError> {
    if head.is_indefinite() {
        return Ok(!cursor.take_break()?);
    }
    let more = head.argument > 0;
    head.argument = head.argument.saturating_sub(1);
    Ok(more)
}

fn read(cursor: &mut Cursor<'_>, depth: usize) -> Result<Tree, ValueError> {
    if depth > Json::MAX_DEPTH {
        return Err(ValueError::TooDeep);
    }
    let mut head = cursor.head()?;
    Ok(match head.major {
        major::UNSIGNED => head.argument.into(),
        major::NEGATIVE => negative(head.argument),
        major::TEXT => Tree::String(cursor.text(head)?),
        major::ARRAY => {
            let mut items = Vec::new();
            while has_next(cursor, &mut head)? {
                items.push(read(cursor, depth + 1)?);
            }
            Tree::Array(items)
        }
        major::MAP => {
            let mut members = Map::new();
            while has_next(cursor, &mut head)? {
                let key = read_key(cursor)?;
                members.insert(key, read(cursor, depth + 1)?);
            }
            Tree::Object(members)
        }
        major::TAG => read_tagged(cursor, head, depth)?,
        major::BYTES => return Err(ValueError::NotJson("bytes")),
        _ => match (head.info, head.float()) {
            (_, Some(number)) => float(number),
            (info::FALSE, _) => Tree::Bool(false),
            (info::TRUE, _) => Tree::Bool(true),
            (info::NULL | info::UNDEFINED, _) => Tree::Null,
            (info::INDEFINITE, _) => return Err(ValueError::Malformed),
            _ => return Err(ValueError::NotJson("a simple value")),
        },
    })
}

/// Passes over one item.
pub(super) fn skip(cursor: &mut Cursor<'_>, depth: usize) -> Result<(), ValueError> {
    if depth > Json::MAX_DEPTH {
        return Err(ValueError::TooDeep);
    }
    let mut head = cursor.head()?;
    match head.major {
        major::BYTES | major::TEXT => cursor.parts(head, |_| Ok::<_, ValueError>(())),
        major::ARRAY | major::MAP => {
            while has_next(cursor, &mut head)? {
                if head.major == major::MAP {
                    skip(cursor, depth + 1)?;
                }
                skip(cursor, depth + 1)?;
            }
            Ok(())
        }
        major::TAG => skip(cursor, depth + 1),
        _ if head == Head::BREAK => Err(ValueError::Malformed),
        _ => Ok(()),
    }
}

pub(super) fn read_key(cursor: &mut Cursor<'_>) -> Result<String, ValueError> {
    let head = cursor.head()?;
    match head.major {
        major::TEXT => cursor.text(head),
        major::UNSIGNED => Ok(head.argument.to_string()),
        major::NEGATIVE => match negative(head.argument).as_i64() {
            Some(number) => Ok(number.to_string()),
            None => Err(ValueError::NotJson("a key beyond 64 bits")),
        },
        _ => Err(ValueError::NotJson("a key that is not text")),
    }
}

/// The integer -1 - `argument`.
fn negative(argument: u64) -> Tree {
    match i64::try_from(argument) {
        Ok(number) => (-1 - number).into(),
        Err(_) => float(-1.0 - argument as f64),
    }
}

fn float(number: f64) -> Tree {
    Number::from_f64(number).map_or(Tree::Null, Tree::Number)
}

/// Big integers (tags 2 and 3), which other CBOR writers make of numbers beyond 64 bits; other tags add nothing.
pub(super) fn read_tagged(
    cursor: &mut Cursor<'_>,
    tag: Head,
    depth: usize,
) -> Result<Tree, ValueError> {
    if !matches!(tag.argument, 2 | 3) {
        return read(cursor, depth + 1);
    }
    let head = cursor.head()?;
    if head.major != major::BYTES || head.is_indefinite() {
        return Err(ValueError::NotJson("a big number that is not bytes"));
    }
    let bytes = cursor.take(head.argument)?;
    let positive = tag.argument == 2;
    let significant = bytes.iter().skip_while(|byte| **byte == 0);
    if significant.clone().count() <= 8 {
        let number = significant.fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        return Ok(if positive {
            number.into()
        } else {
            negative(number)
        });
    }
    let number = significant.fold(0f64, |number, byte| number * 256.0 + f64::from(*byte));
    Ok(float(if positive { number } else { -1.0 - number }))
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
    fn members_are_found_without_a_tree() {
        let value = json!({"a": [1, {"b": null}, "x"], "text": "hällo", "n": -7, "f": 1.5, "o": {"text": "in"}});
        let json = Json::from_tree(&value);
        for (name, expected) in value.as_object().unwrap() {
            assert_eq!(json.member(name).unwrap().to_tree().as_ref(), Ok(expected));
        }
        assert_eq!(
            json.member("text").unwrap().as_text().as_deref(),
            Some("hällo")
        );
        assert_eq!(json.member("n").unwrap().as_number(), Some(-7.0));
        assert_eq!(json.member("f").unwrap().as_number(), Some(1.5));
        assert_eq!(json.member("text").unwrap().as_number(), None);
        assert_eq!(json.member("n").unwrap().as_text(), None);
        assert_eq!(json.member("b"), None);
        assert_eq!(json.member("a").unwrap().member("b"), None);
        // Any form of CBOR; of two members of a name the last counts; text in parts; other things passed over.
        let other = Json::from_cbor(bytes(
            "a5 6161 01 6161 7f61786179ff 05 c11a00000000 6162 5f4101ff 6163 9f81a0ff"
                .replace(' ', "")
                .as_str(),
        ));
        assert_eq!(other.member("a").unwrap().as_text().as_deref(), Some("xy"));
        assert_eq!(other.member("5").unwrap().as_number(), None);
        let whole = json.as_cbor();
        for end in 0..whole.len() {
            assert_eq!(
                Json::from_cbor(whole.slice(..end)).member("text"),
                None,
                "{end}"
            );
        }
        assert_eq!(Json::from_cbor(bytes("bf6161ffff")).member("a"), None);
        assert_eq!(
            Json::object(&[("t", Json::text("é")), ("i", Json::integer(-1))]).to_tree(),
            Ok(json!({"t": "é", "i": -1}))
        );
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
