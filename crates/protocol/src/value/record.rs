//! RECORD_V2 values: records of fields of text.

use bytes::Bytes;

use super::{DataType, Value, ValueError};

/// Ends every field of a record but the last.
const FIELD_SEPARATOR: char = '\u{2}';
/// Ends every record but the last.
const RECORD_SEPARATOR: char = '\u{1}';
/// Stands for a record with one empty field, to distinguish it from a record without fields.
const EMPTY_FIELD: &str = "\u{5}";

/// Stands for a single record without fields, to distinguish it from a value without records.
const EMPTY_RECORD: &str = "\u{4}";

/// A list of records, each a list of fields; the topic's schema defines what the fields mean.
///
/// Source: what the SDK's `recordv2()` wrote for values with empty fields and records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordV2 {
    /// The records.
    pub records: Vec<Vec<String>>,
}

impl Value for RecordV2 {
    const DATA_TYPE: DataType = DataType::RecordV2;

    fn from_bytes(bytes: Bytes) -> Result<Self, ValueError> {
        let text = core::str::from_utf8(&bytes).map_err(|_| ValueError::WrongType("text"))?;
        match text {
            "" => return Ok(Self::default()),
            EMPTY_RECORD => {
                return Ok(Self {
                    records: vec![Vec::new()],
                });
            }
            _ => {}
        }
        let records = text
            .split(RECORD_SEPARATOR)
            .map(|record| match record {
                "" => Vec::new(),
                EMPTY_FIELD => vec![String::new()],
                fields => fields.split(FIELD_SEPARATOR).map(str::to_owned).collect(),
            })
            .collect();
        Ok(Self { records })
    }

    fn to_bytes(&self) -> Bytes {
        if matches!(self.records.as_slice(), [only] if only.is_empty()) {
            return Bytes::from_static(EMPTY_RECORD.as_bytes());
        }
        let mut text = String::new();
        for (index, record) in self.records.iter().enumerate() {
            if index > 0 {
                text.push(RECORD_SEPARATOR);
            }
            match record.as_slice() {
                [only] if only.is_empty() => text.push_str(EMPTY_FIELD),
                fields => {
                    for (index, field) in fields.iter().enumerate() {
                        if index > 0 {
                            text.push(FIELD_SEPARATOR);
                        }
                        text.push_str(field);
                    }
                }
            }
        }
        Bytes::from(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(records: &[&[&str]]) -> RecordV2 {
        RecordV2 {
            records: records
                .iter()
                .map(|record| record.iter().map(|field| (*field).to_owned()).collect())
                .collect(),
        }
    }

    /// The bytes are what the SDK wrote for these records.
    #[test]
    fn records_are_written_as_the_sdk_writes_them() {
        for (value, bytes) in [
            (records(&[&["1", ""], &[""]]), &b"1\x02\x01\x05"[..]),
            (records(&[&["", ""]]), b"\x02"),
            (
                records(&[&["a", "", "c"], &[""], &[]]),
                b"a\x02\x02c\x01\x05\x01",
            ),
            (records(&[]), b""),
            (records(&[&[]]), b"\x04"),
            (records(&[&[], &[]]), b"\x01"),
            (records(&[&["a"], &[], &["b"]]), b"a\x01\x01b"),
        ] {
            assert_eq!(value.to_bytes().as_ref(), bytes);
            assert_eq!(
                RecordV2::from_bytes(Bytes::copy_from_slice(bytes)),
                Ok(value)
            );
        }
    }
}
