//! All records as one file, to take them to another browser or to keep a copy.
//!
//! A line that says what it is; how many bytes the records take, as eight bytes; the BLAKE2b-256 of these eight and the records; the
//! records. Each has the length of its key and the key, the length of its value and the value, the lengths as four bytes. All numbers
//! have their highest byte first. Earlier files, whose line ends in 1, have nothing between the line and the records.

use blake2::{Blake2b256, Digest as _};
use bytes::{Buf as _, Bytes};

/// What the file begins with.
const HEAD: &[u8] = b"Effusion service 2\n";
/// What it began with when it had no checksum.
const UNCHECKED_HEAD: &[u8] = b"Effusion service 1\n";
const LENGTH: usize = size_of::<u64>();
const CHECKSUM: usize = 32;

/// Why a file is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// It is something else, or of a newer version.
    #[error("the file is no export of a service, or of a newer version of this page")]
    NotOurs,
    /// Something in it was changed, or is missing.
    #[error("the file is damaged or incomplete")]
    Damaged,
    /// All of it is there, and more.
    #[error("the file has bytes after its end")]
    Excess,
    /// A record is too large for it.
    #[error("a record is too large for a file")]
    TooLarge,
}

/// Writes a file.
#[derive(Debug)]
pub struct Writer(Vec<u8>);

impl Default for Writer {
    fn default() -> Self {
        Self([HEAD, &[0; LENGTH + CHECKSUM]].concat())
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
    pub fn finish(mut self) -> Vec<u8> {
        let (head, records) = self.0.split_at_mut(HEAD.len() + LENGTH + CHECKSUM);
        let length = (records.len() as u64).to_be_bytes();
        let checked = [&length[..], &checksum(length, records)].concat();
        head[HEAD.len()..].copy_from_slice(&checked);
        self.0
    }
}

fn checksum(length: [u8; LENGTH], records: &[u8]) -> [u8; CHECKSUM] {
    let hash = Blake2b256::new().chain_update(length).chain_update(records);
    hash.finalize().into()
}

/// Reads a file: its records, in the order in which they were written. After the first error there is nothing more.
///
/// # Errors
/// If it is none, or not as it was written.
pub fn read(
    mut file: Bytes,
) -> Result<impl Iterator<Item = Result<(String, Bytes), ArchiveError>>, ArchiveError> {
    let is_checked = file.starts_with(HEAD);
    if !is_checked && !file.starts_with(UNCHECKED_HEAD) {
        return Err(ArchiveError::NotOurs);
    }
    file.advance(HEAD.len());
    let mut rest = if is_checked { checked(file)? } else { file };
    Ok(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let record = record(&mut rest);
        if record.is_none() {
            rest.clear();
        }
        Some(record.ok_or(ArchiveError::Damaged))
    }))
}

/// The records behind their length and checksum, if they are what was written.
fn checked(mut rest: Bytes) -> Result<Bytes, ArchiveError> {
    let length = rest.try_get_u64().map_err(|_| ArchiveError::Damaged)?;
    if rest.len() < CHECKSUM {
        return Err(ArchiveError::Damaged);
    }
    let expected = rest.split_to(CHECKSUM);
    let end = usize::try_from(length)
        .ok()
        .filter(|end| *end <= rest.len());
    let excess = rest.split_off(end.ok_or(ArchiveError::Damaged)?);
    if checksum(length.to_be_bytes(), &rest) != *expected {
        return Err(ArchiveError::Damaged);
    }
    excess
        .is_empty()
        .then_some(rest)
        .ok_or(ArchiveError::Excess)
}

fn record(rest: &mut Bytes) -> Option<(String, Bytes)> {
    let mut part = || {
        let length = rest.try_get_u32().ok()? as usize;
        (length <= rest.len()).then(|| rest.split_to(length))
    };
    let (key, value) = (part()?, part()?);
    Some((String::from_utf8(key.to_vec()).ok()?, value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Records = Vec<(String, Vec<u8>)>;

    fn written(records: &Records) -> Bytes {
        let mut writer = Writer::default();
        for (key, value) in records {
            writer.add(key, value).unwrap();
        }
        writer.finish().into()
    }

    fn read_back(file: impl Into<Bytes>) -> Result<Records, ArchiveError> {
        let records = read(file.into())?.map(|it| it.map(|(key, value)| (key, value.to_vec())));
        records.collect()
    }

    /// The file as it was written when there were no checksums.
    fn unchecked(file: &Bytes) -> Bytes {
        let records = &file[HEAD.len() + LENGTH + CHECKSUM..];
        [UNCHECKED_HEAD, records].concat().into()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_and_nothing_else_is(
            records in prop::collection::vec((".{0,9}", prop::collection::vec(any::<u8>(), 0..9)), 1..5),
            place in any::<prop::sample::Index>(),
            other in 1u8..,
        ) {
            let file = written(&records);
            prop_assert_eq!(read_back(file.clone()), Ok(records.clone()));

            let place = place.index(file.len());
            let wrong = if place < HEAD.len() { ArchiveError::NotOurs } else { ArchiveError::Damaged };
            prop_assert_eq!(read_back(file.slice(..place)), Err(wrong), "cut off");
            let mut changed = file.to_vec();
            changed[place] ^= other;
            // Another digit can make it a file without a checksum.
            if !changed.starts_with(UNCHECKED_HEAD) {
                prop_assert_eq!(read_back(changed), Err(wrong), "one byte is another one");
            }
            let longer = [&file, &[other, other][..]].concat();
            prop_assert_eq!(read_back(longer), Err(ArchiveError::Excess));

            let old = unchecked(&file);
            prop_assert_eq!(read_back(old.clone()), Ok(records.clone()));
            let cut = old.slice(..place.min(old.len() - 1));
            prop_assert!(read_back(cut).map_or(true, |some| some.len() < records.len()));
            prop_assert_eq!(read_back([&old, &[other, other][..]].concat()), Err(ArchiveError::Damaged));
        }

        #[test]
        fn no_file_makes_it_panic(junk in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(read_back([HEAD, &junk].concat()).is_err());
            let records = read([UNCHECKED_HEAD, &junk].concat().into()).unwrap();
            prop_assert!(records.count() <= junk.len());
            prop_assert_eq!(read_back(junk), Err(ArchiveError::NotOurs));
        }
    }
}
