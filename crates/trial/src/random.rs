//! Chance by a seed, so that a failure can be run again.

/// The generator `SplitMix64`.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The same seed gives the same numbers.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator of its own for one part of what this one decides about.
    pub const fn part(&self, number: u64) -> Self {
        Self(
            self.0
                .wrapping_add(number.wrapping_mul(0xd134_2543_de82_ef95)),
        )
    }

    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `start` up to, but not including, `end`.
    pub const fn between(&mut self, start: u64, end: u64) -> u64 {
        start + self.next() % if end > start { end - start } else { 1 }
    }

    /// Once in so many times.
    pub const fn once_in(&mut self, times: u64) -> bool {
        self.between(0, times) == 0
    }

    /// One of them; the first of none is the default.
    pub fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let index = self.between(0, from.len() as u64);
        usize::try_from(index)
            .ok()
            .and_then(|index| from.get(index))
            .copied()
            .unwrap_or_default()
    }
}
