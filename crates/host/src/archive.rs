//! All records as one file, to take them to another browser or to keep a copy.
//!
//! A line that says what it is, then each record: the length of its key and the key, the length of its value and the value, the
//! lengths as four bytes each, the highest first.

use bytes::{Buf as _, Bytes};

/// What the file begins with. The number is that of the records' schema.
const HEAD: &[u8] = b"Effusion service 1\n";

/// Why a file is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It is something else, or of a newer version.
    #[error("the file is no copy of a service, or of a newer version of this page")]
    NotOurs,
    /// It ends in the middle.
    #[error("the file is cut off")]
    CutOff,
    /// A key is not UTF-8.
    #[error("the file is damaged")]
    Damaged,
    /// A record is too large for it.
    #[error("a record is too large for a file")]
    TooLarge,
}

/// Writes a file.
#[derive(Debug)]
pub struct Writer(Vec<u8>);

impl Default for Writer {
    fn default() -> Self {
        Self(HEAD.to_vec())
    }
}

impl Writer {
    /// Adds a record.
    ///
    /// # Errors
    /// If it is of 4 GiB or more.
    pub fn add(&mut self, key: &str, value: &[u8]) -> Result<(), ArchiveError> {
        for part in [key.as_bytes(), value] {
            let length = u32::try_from(part.len()).map_err(|_| ArchiveError::TooLarge)?;
            self.0.extend(length.to_be_bytes());
            self.0.extend(part);
        }
        Ok(())
    }

    /// The file.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a file: its records, in the order in which they were written. After the first error there is nothing more.
///
/// # Errors
/// If it does not begin as such a file does.
pub fn read(
    file: Bytes,
) -> Result<impl Iterator<Item = Result<(String, Bytes), ArchiveError>>, ArchiveError> {
    if !file.starts_with(HEAD) {
        return Err(ArchiveError::NotOurs);
    }
    let mut rest = file.slice(HEAD.len()..);
    Ok(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let record = record(&mut rest);
        if record.is_err() {
            rest.clear();
        }
        Some(record)
    }))
}

fn record(rest: &mut Bytes) -> Result<(String, Bytes), ArchiveError> {
    let mut part = || {
        let length = rest.try_get_u32().map_err(|_| ArchiveError::CutOff)? as usize;
        if rest.len() < length {
            return Err(ArchiveError::CutOff);
        }
        Ok(rest.split_to(length))
    };
    let (key, value) = (part()?, part()?);
    let key = String::from_utf8(key.to_vec()).map_err(|_| ArchiveError::Damaged)?;
    Ok((key, value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(records: &[(String, Vec<u8>)]) -> Bytes {
        let mut writer = Writer::default();
        for (key, value) in records {
            writer.add(key, value).unwrap();
        }
        writer.finish().into()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_nothing_else_is(
            records in prop::collection::vec((".{0,9}", prop::collection::vec(any::<u8>(), 0..9)), 1..5),
            cut in any::<prop::sample::Index>(),
        ) {
            let file = written(&records);
            let read_back: Vec<_> = read(file.clone()).unwrap().map(Result::unwrap)
                .map(|(key, value)| (key, value.to_vec())).collect();
            prop_assert_eq!(&read_back, &records);
            let cut = file.slice(..cut.index(file.len()));
            if let Ok(rest) = read(cut) {
                let rest: Vec<_> = rest.collect();
                prop_assert!(rest.len() < records.len() || rest.iter().any(Result::is_err));
            }
        }

        #[test]
        fn no_file_makes_it_panic(junk in prop::collection::vec(any::<u8>(), 0..64)) {
            let file = [HEAD, junk.as_slice()].concat();
            let records = read(file.into()).unwrap();
            prop_assert!(records.count() <= junk.len());
            prop_assert!(read(junk.into()).is_err());
        }
    }
}
