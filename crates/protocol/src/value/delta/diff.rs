//! Finding what changed: the delta between two values.
//!
//! Long runs that the values share are found by hashing blocks of the old value and looking up every window of the
//! new one, in time that grows with the size of the values only. What lies between two such runs is small as a rule,
//! and compared byte by byte with Myers's algorithm, as long as its quadratic cost stays below a budget.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use minicbor::Encoder;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::NO_CHANGE;

/// Bytes in a block of the old value: shorter runs are left to the comparison byte by byte.
const BLOCK: usize = 16;
/// Values up to this size are compared byte by byte as a whole.
const SMALL: usize = 1024;
/// How much work comparing byte by byte may take, in pairs of bytes.
const BUDGET: usize = 8 << 20;
/// What it takes to begin with it, in the same measure.
const BEGIN: usize = 1 << 10;
/// How many windows of the new value may be looked up in vain: values that have so little in common are not worth more.
const LOOKUPS: usize = 1 << 18;

/// A part of the new value.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// As long a part of the old value.
    Copy { start: usize, length: usize },
    /// Bytes of the new value itself.
    Insert { start: usize, length: usize },
}

/// The delta that makes `new` of `old`, or `None` if it would be no smaller than `new` itself.
///
/// It takes time that grows with the size of the values, a few milliseconds for 100 kB.
#[must_use]
pub fn diff(old: &[u8], new: &[u8]) -> Option<Bytes> {
    if old == new {
        return (new.len() > NO_CHANGE.len()).then(|| Bytes::from_static(NO_CHANGE));
    }
    let mut finder = Finder {
        old,
        new,
        parts: Vec::new(),
        budget: BUDGET,
        lookups: LOOKUPS,
    };
    finder.find();
    let delta = encode(new, &merge(finder.parts));
    (delta.len() < new.len()).then(|| Bytes::from(delta))
}

struct Finder<'v> {
    old: &'v [u8],
    new: &'v [u8],
    parts: Vec<Part>,
    budget: usize,
    lookups: usize,
}

impl Finder<'_> {
    fn find(&mut self) {
        let (old, new) = (self.old, self.new);
        let prefix = common(old.iter(), new.iter());
        let (old_rest, new_rest) = (&old[prefix..], &new[prefix..]);
        let suffix = common(old_rest.iter().rev(), new_rest.iter().rev());
        let (old_end, new_end) = (old.len() - suffix, new.len() - suffix);

        self.copy(0, prefix);
        if old_end - prefix + new_end - prefix <= SMALL {
            self.compare(prefix..old_end, prefix..new_end);
        } else {
            self.find_runs(prefix..old_end, prefix..new_end);
        }
        self.copy(old_end, suffix);
    }

    /// Splits a large range of the new value by the runs that it shares with the old one.
    fn find_runs(&mut self, old_range: Range, new_range: Range) {
        let blocks = unique_blocks(self.old);
        // What is before these is accounted for.
        let (mut old_done, mut new_done) = (old_range.start, new_range.start);
        let mut at = new_range.start;
        let mut hash = RollingHash::default();
        while at + BLOCK <= new_range.end && self.lookups > 0 {
            let straight_on =
                (at == new_done).then(|| self.same_after(old_done, new_done..new_range.end));
            let block = if let Some(skip) = straight_on.flatten() {
                at = new_done + skip;
                old_done + skip
            } else {
                let window = &self.new[at..at + BLOCK];
                let found = blocks.get(&hash.of(self.new, at)).copied().flatten();
                match found.filter(|block| self.old[*block..*block + BLOCK] == *window) {
                    Some(block) => block,
                    None => {
                        self.lookups -= 1;
                        at += 1;
                        continue;
                    }
                }
            };
            // The run may begin before the block, and go on after it.
            let before = common(
                self.old[..block].iter().rev(),
                self.new[new_done..at].iter().rev(),
            );
            let after = common(self.old[block..].iter(), self.new[at..new_range.end].iter());
            let (old_run, new_run) = (block - before, at - before);
            // A part that moved backwards has no counterpart before it.
            let old_gap = old_done.min(old_run)..old_run;
            self.compare(old_gap, new_done..new_run);
            self.copy(old_run, before + after);
            old_done = old_run + before + after;
            new_done = new_run + before + after;
            at = new_done;
        }
        let old_gap = old_done.min(old_range.end)..old_range.end;
        self.compare(old_gap, new_done..new_range.end);
    }

    /// How many bytes to skip in both values until they go on alike: a change that left the length alone is the most
    /// likely one.
    fn same_after(&mut self, old_start: usize, new_range: Range) -> Option<usize> {
        let new = &self.new[new_range];
        let found = (0..4 * BLOCK).find(|skip| {
            let old = self.old.get(old_start + skip..old_start + skip + BLOCK);
            old.is_some() && old == new.get(*skip..skip + BLOCK)
        });
        // Each comparison takes a part of what a lookup takes.
        let compared = found.unwrap_or(4 * BLOCK);
        self.lookups = self.lookups.saturating_sub(compared / 4);
        found
    }

    /// Compares two ranges byte by byte, or gives up and inserts the new one.
    fn compare(&mut self, old_range: Range, new_range: Range) {
        // In the worst case the work is the square of what both ranges have together, and beginning takes some.
        let size = old_range.len().saturating_add(new_range.len());
        let work = size.saturating_mul(size).saturating_add(BEGIN);
        if old_range.is_empty() || new_range.is_empty() || work > self.budget {
            self.insert(new_range.start, new_range.len());
            return;
        }
        self.budget -= work;
        let ops = capture_diff_slices(
            Algorithm::Myers,
            &self.old[old_range.clone()],
            &self.new[new_range.clone()],
        );
        for op in ops {
            match op {
                DiffOp::Equal { old_index, len, .. } => {
                    self.copy(old_range.start + old_index, len);
                }
                DiffOp::Insert {
                    new_index, new_len, ..
                }
                | DiffOp::Replace {
                    new_index, new_len, ..
                } => self.insert(new_range.start + new_index, new_len),
                DiffOp::Delete { .. } => {}
            }
        }
    }

    fn copy(&mut self, start: usize, length: usize) {
        if length > 0 {
            self.parts.push(Part::Copy { start, length });
        }
    }

    fn insert(&mut self, start: usize, length: usize) {
        if length > 0 {
            self.parts.push(Part::Insert { start, length });
        }
    }
}

type Range = core::ops::Range<usize>;

/// How many items both begin with.
fn common<'b>(one: impl Iterator<Item = &'b u8>, other: impl Iterator<Item = &'b u8>) -> usize {
    one.zip(other).take_while(|(a, b)| a == b).count()
}

/// Where each block of the old value starts, by its hash; `None` for those that are there more than once, since
/// it is undefined which of them is meant.
fn unique_blocks(old: &[u8]) -> HashMap<u64, Option<usize>> {
    let mut blocks = HashMap::with_capacity(old.len() / BLOCK);
    for (index, block) in old.chunks_exact(BLOCK).enumerate() {
        let start = index * BLOCK;
        match blocks.entry(RollingHash::default().of(block, 0)) {
            Entry::Vacant(entry) => {
                entry.insert(Some(start));
            }
            Entry::Occupied(mut entry) => {
                entry.insert(None);
            }
        }
    }
    blocks
}

/// The hash of a window of [`BLOCK`] bytes, which is cheap to find for the next window.
#[derive(Default)]
struct RollingHash {
    /// The window that `value` is of.
    at: Option<usize>,
    value: u64,
}

/// Any odd number with bits all over does.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

impl RollingHash {
    fn of(&mut self, bytes: &[u8], at: usize) -> u64 {
        self.value = match self.at {
            Some(previous) if previous == at => self.value,
            Some(previous) if previous + 1 == at => {
                let leaves = u64::from(bytes[previous]) + 1;
                let enters = u64::from(bytes[at + BLOCK - 1]) + 1;
                self.value
                    .wrapping_sub(leaves.wrapping_mul(LEAVING))
                    .wrapping_mul(FACTOR)
                    .wrapping_add(enters)
            }
            _ => bytes[at..at + BLOCK].iter().fold(0, |hash: u64, byte| {
                hash.wrapping_mul(FACTOR).wrapping_add(u64::from(*byte) + 1)
            }),
        };
        self.at = Some(at);
        self.value
    }
}

/// What the first byte of a window was multiplied by when the last was added.
const LEAVING: u64 = FACTOR.wrapping_pow(BLOCK as u32 - 1);

/// Joins neighbours, and turns copies that cost more than they save into inserts.
fn merge(parts: Vec<Part>) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::with_capacity(parts.len());
    let mut new_position = 0;
    for part in parts {
        let here = new_position;
        let part = match part {
            Part::Copy { start, length } => {
                new_position += length;
                // Written as a copy, or as bytes at the end of the insert before it.
                let after_insert = matches!(merged.last(), Some(Part::Insert { .. }));
                let as_copy = cost(start) + cost(length);
                if length < as_copy || (after_insert && length <= as_copy) {
                    Part::Insert {
                        start: here,
                        length,
                    }
                } else {
                    part
                }
            }
            Part::Insert { length, .. } => {
                new_position += length;
                part
            }
        };
        match (merged.last_mut(), part) {
            (Some(Part::Insert { length, .. }), Part::Insert { length: more, .. }) => {
                *length += more;
            }
            (
                Some(Part::Copy { start, length }),
                Part::Copy {
                    start: next,
                    length: more,
                },
            ) if *start + *length == next => *length += more,
            _ => merged.push(part),
        }
    }
    merged
}

/// How many bytes an unsigned integer takes in CBOR.
const fn cost(number: usize) -> usize {
    match number as u64 {
        0..24 => 1,
        24..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x1_0000_0000 => 5,
        _ => 9,
    }
}

fn encode(new: &[u8], parts: &[Part]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    for part in parts {
        // Writing to memory does not fail.
        let _infallible = match *part {
            Part::Copy { start, length } => encoder
                .u64(start as u64)
                .and_then(|encoder| encoder.u64(length as u64)),
            Part::Insert { start, length } => encoder.bytes(&new[start..start + length]),
        };
    }
    encoder.into_writer()
}

#[cfg(test)]
mod tests {
    use super::super::apply;
    use super::*;

    fn check(old: &[u8], new: &[u8]) -> usize {
        let Some(delta) = diff(old, new) else {
            return new.len();
        };
        assert!(delta.len() < new.len());
        let applied = apply(&Bytes::copy_from_slice(old), &delta).unwrap();
        assert!(applied == new, "{old:?} {new:?} {delta:?}");
        delta.len()
    }

    /// Bytes without a pattern.
    fn noise(count: usize, mut seed: u64) -> Vec<u8> {
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 24) as u8
        };
        (0..count).map(|_| next()).collect()
    }

    fn records(count: usize) -> Vec<u8> {
        (0..count)
            .flat_map(|i| {
                format!("{{id:{i},text:'message {}',on:true}},", i * 7919 % 1000).into_bytes()
            })
            .collect()
    }

    /// Megabytes that have nothing in common are given up soon; those that have are not.
    #[test]
    fn so_much_is_looked_up_in_vain() {
        let (old, new) = (noise(1 << 20, 1), noise(1 << 20, 2));
        let mut finder = Finder {
            old: &old,
            new: &new,
            parts: Vec::new(),
            budget: BUDGET,
            lookups: LOOKUPS,
        };
        finder.find();
        assert_eq!(finder.lookups, 0);
        assert!(matches!(finder.parts[..], [Part::Insert { .. }]));
        let mut new = old.clone();
        new.splice(9..12, *b"one");
        new.splice(500_000..500_000, *b"another");
        new.splice(1_000_000..1_000_300, *b"the last");
        assert!(check(&old, &new) < 200);
    }

    /// What both end with is accounted for, and no run may begin in it: the fuzzer found one that did.
    #[test]
    fn a_run_ends_where_the_common_end_begins() {
        let (middle, end) = (
            noise(SMALL, 1),
            [b"b".as_slice(), &[b'a'; 4 * BLOCK]].concat(),
        );
        let old = [b"x", &middle[..], &[b'x'; BLOCK + 1], &end].concat();
        let new = [b"y", &middle[..], &[b'y'; BLOCK + 2], &end].concat();
        assert!(check(&old, &new) < 40);
        assert!(check(&new, &old) < 40);
    }

    #[test]
    fn equal_values_make_the_shortest_delta() {
        assert_eq!(diff(b"same", b"same").as_deref(), Some(NO_CHANGE));
        assert_eq!(diff(b"x", b"x"), None);
        assert_eq!(diff(b"", b""), None);
    }

    #[test]
    fn values_with_nothing_in_common_make_none() {
        assert_eq!(diff(b"abc", b"xyz"), None);
        assert_eq!(diff(b"", b"xyz"), None);
        assert_eq!(diff(b"abc", b""), None);
        assert_eq!(diff(&noise(1000, 1), &noise(1000, 2)), None);
    }

    #[test]
    fn a_change_costs_little_wherever_it_is() {
        let old = records(4);
        for at in 0..old.len() {
            let mut new = old.clone();
            new[at] ^= 1;
            assert!(check(&old, &new) <= 11, "changed at {at}");
            let mut longer = old.clone();
            longer.insert(at, b'!');
            assert!(check(&old, &longer) <= 11, "inserted at {at}");
            let mut shorter = old.clone();
            shorter.remove(at);
            assert!(check(&old, &shorter) <= 11, "removed at {at}");
        }
    }

    #[test]
    fn large_values_with_small_changes_make_small_deltas() {
        let old = records(20_000);
        let mut new = old.clone();
        for at in (0..new.len()).step_by(10_007) {
            new[at] ^= 1;
        }
        let changes = new.len() / 10_007;
        assert!(check(&old, &new) < changes * 20);
        let moved = [&old[old.len() / 3..], &old[..old.len() / 3]].concat();
        assert!(check(&old, &moved) < 100);
        let grown = [&old[..], b"more", &old[..]].concat();
        assert!(check(&old, &grown) < 100);
    }

    #[test]
    fn large_values_with_nothing_in_common_take_no_long_time() {
        let (old, new) = (noise(1 << 20, 1), noise(1 << 20, 2));
        assert_eq!(diff(&old, &new), None);
        assert_eq!(check(&vec![0; 1 << 20], &vec![1; 1 << 20]), 1 << 20);
        check(&vec![0; 1 << 20], &vec![0; 1 << 19]);
        let every_other = records(20_000)
            .iter()
            .enumerate()
            .map(|(i, byte)| if i % 8 == 0 { 0 } else { *byte })
            .collect::<Vec<_>>();
        check(&records(20_000), &every_other);
    }
}
