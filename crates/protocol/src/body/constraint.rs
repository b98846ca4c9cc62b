//! Update constraints: what must hold for an update to be made.
//!
//! Source: the dissector for 15, the SDK for 29.

use bytes::Bytes;
use serde::Serialize;

use crate::codec::wire_enum;
use crate::value::{DataType, Value, ValueError, to_bytes};
use crate::{DecodeError, Reader, Wire, Writer};

wire_enum! {
    /// How a value is compared.
    pub enum ConstraintOperator("constraint operator") {
        /// The bytes are the same.
        Is = 1,
        /// Equal.
        Equal = 2,
        /// Not equal.
        NotEqual = 3,
        /// Greater.
        Greater = 4,
        /// Greater or equal.
        GreaterOrEqual = 5,
        /// Less.
        Less = 6,
        /// Less or equal.
        LessOrEqual = 7,
    }

    /// What kind of value something is compared to.
    pub enum ConstraintValueKind("kind of constraint value") {
        /// Null.
        Null = 0,
        /// A string.
        String = 1,
        /// An integer.
        Int64 = 2,
        /// A floating point number.
        Double = 3,
        /// Bytes; goes with [`ConstraintOperator::Is`].
        Binary = 4,
        /// A boolean.
        Boolean = 7,
    }
}

impl ConstraintValueKind {
    /// The type of the value's bytes; `None` is null or bytes of any type.
    #[must_use]
    pub const fn data_type(self) -> Option<DataType> {
        match self {
            Self::String => Some(DataType::String),
            Self::Int64 => Some(DataType::Int64),
            Self::Double => Some(DataType::Double),
            Self::Null | Self::Binary | Self::Boolean => None,
        }
    }
}

/// The null of texts and numbers.
const NULL: &[u8] = b"\xf6";

/// A comparison with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueComparison {
    /// How to compare. Old versions only know [`ConstraintOperator::Is`].
    pub operator: ConstraintOperator,
    /// With what kind of value.
    pub kind: ConstraintValueKind,
    /// The value, as on the wire.
    pub value: Bytes,
}

impl ValueComparison {
    /// Compares with a text, an integer, a floating point number, or their nulls. Bytes and JSON can only be compared by
    /// [`ConstraintOperator::Is`], which compares the bytes of any value.
    ///
    /// ```
    /// use effusion_protocol::body::{ConstraintOperator, UpdateConstraint, ValueComparison};
    ///
    /// let cheap = ValueComparison::new(ConstraintOperator::Less, &9.99);
    /// let open = ValueComparison::new(ConstraintOperator::Equal, &"open".to_owned());
    /// let constraint = UpdateConstraint::json_at("/price", cheap).and(UpdateConstraint::json_at("/state", open));
    /// ```
    #[must_use]
    pub fn new<V: Value>(operator: ConstraintOperator, value: &V) -> Self {
        let value = value.to_bytes();
        let kind = match V::DATA_TYPE {
            _ if operator == ConstraintOperator::Is => ConstraintValueKind::Binary,
            DataType::String | DataType::Int64 | DataType::Double if value == NULL => {
                ConstraintValueKind::Null
            }
            DataType::String => ConstraintValueKind::String,
            DataType::Int64 => ConstraintValueKind::Int64,
            DataType::Double => ConstraintValueKind::Double,
            DataType::Binary | DataType::Json | DataType::RecordV2 => ConstraintValueKind::Binary,
        };
        Self {
            operator,
            kind,
            value,
        }
    }

    /// The same bytes.
    #[must_use]
    pub const fn is(value: Bytes) -> Self {
        Self {
            operator: ConstraintOperator::Is,
            kind: ConstraintValueKind::Binary,
            value,
        }
    }
}

impl Wire for ValueComparison {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        if reader.version().has_constraint_operators() {
            Ok(Self {
                operator: ConstraintOperator::read(reader)?,
                kind: ConstraintValueKind::read(reader)?,
                value: reader.bytes()?,
            })
        } else {
            reader.bytes().map(Self::is)
        }
    }
    fn write(&self, writer: &mut Writer) {
        if writer.version().has_constraint_operators() {
            self.operator.write(writer);
            self.kind.write(writer);
        }
        writer.bytes(&self.value);
    }
}

/// What must hold for an update to be made.
///
/// ```
/// use effusion_protocol::body::UpdateConstraint;
///
/// // The topic is not there, or has this value.
/// let constraint = UpdateConstraint::NoTopic.or(UpdateConstraint::value_is("closed")?);
/// # Ok::<(), effusion_protocol::value::ValueError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateConstraint {
    /// Nothing.
    Unconstrained,
    /// All of these.
    Conjunction(Vec<UpdateConstraint>),
    /// The topic's value compares so.
    Value(ValueComparison),
    /// The topic has no value.
    NoValue,
    /// The session holds a lock.
    Locked {
        /// The lock's name.
        name: String,
        /// The acquisition's sequence.
        sequence: u64,
    },
    /// There is no topic.
    NoTopic,
    /// The topic's JSON value compares so at these pointers, and has nothing at those.
    PartialJson {
        /// JSON pointers, and how what is there compares.
        with: Vec<(String, ValueComparison)>,
        /// JSON pointers with nothing there.
        without: Vec<String>,
    },
    /// At least one of these. Old versions do not have it.
    Disjunction(Vec<UpdateConstraint>),
}

impl UpdateConstraint {
    /// The topic has exactly this value, byte by byte.
    ///
    /// # Errors
    /// If the value has no form on the wire: see [`to_bytes`].
    ///
    /// ```
    /// use effusion_protocol::body::UpdateConstraint;
    ///
    /// let unchanged = UpdateConstraint::value_is(&["Ann", "Bob"])?;
    /// # Ok::<(), effusion_protocol::value::ValueError>(())
    /// ```
    pub fn value_is<T: Serialize + ?Sized>(value: &T) -> Result<Self, ValueError> {
        let (_, value) = to_bytes(value)?;
        Ok(Self::Value(ValueComparison::is(value)))
    }

    /// What a JSON pointer (RFC 6901) leads to in the topic's value compares so.
    ///
    /// ```
    /// use effusion_protocol::body::{ConstraintOperator, UpdateConstraint, ValueComparison};
    ///
    /// let second = ValueComparison::new(ConstraintOperator::Equal, &2i64);
    /// let constraint = UpdateConstraint::json_at("/version", second);
    /// ```
    #[must_use]
    pub fn json_at(pointer: &str, comparison: ValueComparison) -> Self {
        Self::PartialJson {
            with: vec![(pointer.to_owned(), comparison)],
            without: Vec::new(),
        }
    }

    /// The topic's value is JSON in which a pointer (RFC 6901) leads to nothing.
    ///
    /// ```
    /// use effusion_protocol::body::UpdateConstraint;
    ///
    /// let constraint = UpdateConstraint::json_without("/sold");
    /// ```
    #[must_use]
    pub fn json_without(pointer: &str) -> Self {
        Self::PartialJson {
            with: Vec::new(),
            without: vec![pointer.to_owned()],
        }
    }

    /// Both hold.
    ///
    /// ```
    /// use effusion_protocol::body::UpdateConstraint;
    ///
    /// let constraint = UpdateConstraint::json_without("/sold").and(UpdateConstraint::json_without("/hidden"));
    /// ```
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut all = match self {
            Self::Conjunction(all) => all,
            one => vec![one],
        };
        all.push(other);
        Self::Conjunction(all)
    }

    /// At least one of both holds. Services before 6.10 do not have it.
    ///
    /// ```
    /// use effusion_protocol::body::UpdateConstraint;
    ///
    /// let constraint = UpdateConstraint::NoTopic.or(UpdateConstraint::NoValue);
    /// ```
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut any = match self {
            Self::Disjunction(any) => any,
            one => vec![one],
        };
        any.push(other);
        Self::Disjunction(any)
    }
}

impl Wire for UpdateConstraint {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(match u8::read(reader)? {
            0 => Self::Unconstrained,
            1 if reader.version().has_constraint_operators() => {
                let (first, second) = read_pair(reader)?;
                Self::Conjunction(join(first, second, |it| match it {
                    Self::Conjunction(list) => Ok(list),
                    other => Err(other),
                }))
            }
            1 => Self::Conjunction(Vec::read(reader)?),
            2 => Self::Value(ValueComparison::read(reader)?),
            3 => Self::NoValue,
            4 => Self::Locked {
                name: reader.string()?,
                sequence: reader.varint64()?,
            },
            5 => Self::NoTopic,
            6 => Self::PartialJson {
                with: Vec::read(reader)?,
                without: Vec::read(reader)?,
            },
            7 => {
                let (first, second) = read_pair(reader)?;
                Self::Disjunction(join(first, second, |it| match it {
                    Self::Disjunction(list) => Ok(list),
                    other => Err(other),
                }))
            }
            other => return Err(reader.unknown("update constraint", u64::from(other))),
        })
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Unconstrained => writer.byte(0),
            Self::Conjunction(list) if writer.version().has_constraint_operators() => {
                write_pairs(writer, 1, list);
            }
            Self::Conjunction(list) => {
                writer.byte(1);
                list.write(writer);
            }
            Self::Value(comparison) => {
                writer.byte(2);
                comparison.write(writer);
            }
            Self::NoValue => writer.byte(3),
            Self::Locked { name, sequence } => {
                writer.byte(4);
                writer.string(name);
                writer.varint64(*sequence);
            }
            Self::NoTopic => writer.byte(5),
            Self::PartialJson { with, without } => {
                writer.byte(6);
                with.write(writer);
                without.write(writer);
            }
            Self::Disjunction(list) => write_pairs(writer, 7, list),
        }
    }
}

fn read_pair(reader: &mut Reader) -> Result<(UpdateConstraint, UpdateConstraint), DecodeError> {
    let first = reader.nested(UpdateConstraint::read)?;
    let second = reader.nested(UpdateConstraint::read)?;
    Ok((first, second))
}

/// Version 29 joins in pairs, nested to the left: `((a and b) and c)` is one list here.
fn join(
    first: UpdateConstraint,
    second: UpdateConstraint,
    as_list: impl FnOnce(UpdateConstraint) -> Result<Vec<UpdateConstraint>, UpdateConstraint>,
) -> Vec<UpdateConstraint> {
    let mut list = as_list(first).unwrap_or_else(|first| vec![first]);
    list.push(second);
    list
}

/// One constraint is itself, none is no constraint.
fn write_pairs(writer: &mut Writer, kind: u8, list: &[UpdateConstraint]) {
    for _ in 1..list.len() {
        writer.byte(kind);
    }
    for constraint in list {
        constraint.write(writer);
    }
    if list.is_empty() {
        writer.byte(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ProtocolVersion, decode, encode};

    fn check(version: u8, constraint: &UpdateConstraint, hex: &str) {
        let version = ProtocolVersion::new(version).unwrap();
        let hex: String = hex.split_whitespace().collect();
        let bytes: Bytes = (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        assert_eq!(encode(constraint, version), bytes);
        assert_eq!(decode(bytes, version).as_ref(), Ok(constraint));
    }

    fn compare(
        operator: ConstraintOperator,
        kind: ConstraintValueKind,
        hex: &[u8],
    ) -> ValueComparison {
        ValueComparison {
            operator,
            kind,
            value: Bytes::copy_from_slice(hex),
        }
    }

    /// The hex is what the SDK sent for these constraints.
    #[test]
    fn constraints_are_written_as_the_sdk_writes_them() {
        use ConstraintOperator::{Equal, Greater};
        use ConstraintValueKind::{Double, Int64, String};
        let is = ValueComparison::is(Bytes::from_static(&[0xbf, 0x61, 0x61, 0x02, 0xff]));
        check(29, &UpdateConstraint::Value(is), "02 01 04 05 bf616102ff");
        let greater = UpdateConstraint::Value(compare(Greater, Int64, &[5]));
        check(29, &greater, "02 04 02 01 05");
        let built = UpdateConstraint::Value(ValueComparison::new(Greater, &5i64));
        assert_eq!(built, greater);
        let lock = UpdateConstraint::Locked {
            name: "L".to_owned(),
            sequence: 7,
        };
        check(29, &lock, "04 01 4c 07");
        let json = UpdateConstraint::PartialJson {
            with: vec![
                ("/a".to_owned(), compare(Equal, String, b"as")),
                (
                    "/b".to_owned(),
                    compare(Greater, Double, &[0xfb, 0x40, 0x14, 0, 0, 0, 0, 0, 0]),
                ),
            ],
            without: vec!["/c".to_owned()],
        };
        check(
            29,
            &json,
            "06 02 02 2f61 02 01 02 6173 02 2f62 04 03 09 fb4014000000000000 01 02 2f63",
        );
        let all = UpdateConstraint::Conjunction(vec![
            UpdateConstraint::NoTopic,
            UpdateConstraint::NoValue,
            lock.clone(),
        ]);
        check(29, &all, "01 01 05 03 04 01 4c 07");
        check(15, &all, "01 03 05 03 04 01 4c 07");
        let built = UpdateConstraint::NoTopic
            .and(UpdateConstraint::NoValue)
            .and(lock.clone());
        assert_eq!(built, all);
        let any = all.or(UpdateConstraint::NoTopic);
        check(29, &any, "07 01 01 05 03 04 01 4c 07 05");
    }

    /// The hex is what the SDK sent: `docs/protocol.md`, 6.2.
    #[test]
    fn comparisons_are_built_as_the_sdk_writes_them() {
        use ConstraintOperator::{Equal, Greater, Is};
        let value = |comparison| UpdateConstraint::Value(comparison);
        let text = ValueComparison::new(Equal, &"s".to_owned());
        check(29, &value(text), "02 02 01 02 6173");
        let number = ValueComparison::new(Equal, &5.0);
        check(29, &value(number), "02 02 03 09 fb4014000000000000");
        let null = ValueComparison::new(Equal, &None::<i64>);
        assert_eq!(
            (null.kind, &null.value[..]),
            (ConstraintValueKind::Null, NULL)
        );
        let bytes = ValueComparison::new(Is, &5i64);
        assert_eq!(bytes.kind, ConstraintValueKind::Binary);
        let json = crate::value::Json::object(&[("a", crate::value::Json::integer(2))]);
        check(
            29,
            &UpdateConstraint::value_is(&json).unwrap(),
            "02 01 04 05 bf616102ff",
        );
        let greater = ValueComparison::new(Greater, &1i64);
        let both = UpdateConstraint::json_at("/a", greater);
        check(29, &both, "06 01 02 2f61 04 02 01 01 00");
        check(
            29,
            &UpdateConstraint::json_without("/a"),
            "06 00 01 02 2f61",
        );
    }

    #[test]
    fn old_versions_compare_bytes_only() {
        let is = UpdateConstraint::Value(ValueComparison::is(Bytes::from_static(b"x")));
        check(15, &is, "02 01 78");
        let json = UpdateConstraint::PartialJson {
            with: vec![(
                "/a".to_owned(),
                ValueComparison::is(Bytes::from_static(b"x")),
            )],
            without: vec!["/b".to_owned()],
        };
        check(15, &json, "06 01 02 2f61 01 78 01 02 2f62");
    }

    #[test]
    fn endless_nesting_is_refused() {
        for byte in [1, 7] {
            let bytes = Bytes::from(vec![byte; 100_000]);
            assert!(decode::<UpdateConstraint>(bytes, ProtocolVersion::NEWEST).is_err());
        }
    }
}
