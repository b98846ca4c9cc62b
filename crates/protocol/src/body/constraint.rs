//! Update constraints: what must hold for an update to be made.
//!
//! Source: the dissector for 15, the SDK for 29.

use bytes::Bytes;

use crate::codec::wire_enum;
use crate::value::DataType;
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
        let any = UpdateConstraint::Disjunction(vec![all, UpdateConstraint::NoTopic]);
        check(29, &any, "07 01 01 05 03 04 01 4c 07 05");
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
