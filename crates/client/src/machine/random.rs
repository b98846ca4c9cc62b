//! Random numbers from a seed, and the waits between attempts that they spread.

/// The generator `SplitMix64`: tiny, and good enough to keep clients from knocking all at once.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// How long to wait before attempt number `attempt` (from 0): between half and all of `first` doubled `attempt`
    /// times, but never more than `longest`. All in milliseconds.
    pub(super) fn delay(&mut self, attempt: u32, first: u64, longest: u64) -> u64 {
        let factor = 1u64.checked_shl(attempt.min(32)).unwrap_or(u64::MAX);
        let whole = first.saturating_mul(factor).min(longest);
        let half = whole / 2;
        half + self.next() % (whole - half + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_limit_and_differ_by_seed() {
        let mut one = Random::new(1);
        let delays: Vec<u64> = (0..100).map(|n| one.delay(n, 200, 15_000)).collect();
        for (attempt, delay) in delays.iter().enumerate() {
            let whole = 200u64.saturating_mul(1 << attempt.min(20)).min(15_000);
            assert!(*delay >= whole / 2 && *delay <= whole, "{attempt}: {delay}");
        }
        let mut two = Random::new(2);
        assert!((0..100).any(|n| two.delay(n, 200, 15_000) != delays[n as usize]));
        assert_eq!(Random::new(1).delay(0, 0, 0), 0);
    }
}
