//! How long messages took: counts by time, in steps of three per cent or less.

/// Steps in each doubling.
const STEPS: u64 = 32;
/// Doublings: up to an hour in microseconds.
const DOUBLINGS: usize = 32;

/// Counts of microseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; DOUBLINGS * 32],
            total: 0,
        }
    }
}

/// The place of a value, and of the values that count as the same.
const fn place(value: u64) -> u64 {
    if value < STEPS {
        return value;
    }
    let doubling = (value / STEPS).ilog2() as u64;
    (doubling + 1) * STEPS + (value >> doubling) - STEPS
}

/// The smallest value of a place.
const fn value(place: u64) -> u64 {
    if place < STEPS {
        return place;
    }
    let doubling = place / STEPS - 1;
    (STEPS + place % STEPS) << doubling
}

impl Histogram {
    pub fn add(&mut self, microseconds: u64) {
        let last = self.counts.len() - 1;
        let place = usize::try_from(place(microseconds)).map_or(last, |place| place.min(last));
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
            self.total += 1;
        }
    }

    /// The microseconds that so many in a thousand took at most; `None` if there are none at all.
    pub fn permille(&self, permille: u64) -> Option<u64> {
        let wanted = (self.total * permille).div_ceil(1000).max(1);
        let mut sum = 0;
        for (place, count) in (0..).zip(&self.counts) {
            sum += count;
            if sum >= wanted {
                return Some(value(place));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_with_little_error() {
        for number in [0, 1, 31, 32, 33, 63, 64, 1_000, 123_456, 9_999_999] {
            let counted = value(place(number));
            assert!(counted <= number, "{number} {counted}");
            assert!(number - counted <= number / 31, "{number} {counted}");
        }
    }

    #[test]
    fn the_slowest_are_found() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.permille(500), None);
        for _ in 0..990 {
            histogram.add(10);
        }
        for _ in 0..10 {
            histogram.add(20);
        }
        histogram.add(u64::MAX);
        assert_eq!(histogram.total, 1001);
        assert_eq!(histogram.permille(500), Some(10));
        assert_eq!(histogram.permille(990), Some(20));
        assert!(histogram.permille(1000) > Some(1_000_000));
    }
}
