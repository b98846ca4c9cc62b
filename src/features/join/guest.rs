//! Readable names for people who have not chosen one, so that two windows can be told apart.

const FIRST: [&str; 16] = [
    "Amber", "Brisk", "Calm", "Clever", "Dapper", "Eager", "Gentle", "Happy", "Jolly", "Lucky",
    "Mellow", "Nimble", "Quiet", "Sunny", "Swift", "Witty",
];
const LAST: [&str; 16] = [
    "Badger", "Crane", "Dolphin", "Falcon", "Finch", "Fox", "Heron", "Ibis", "Lynx", "Marten",
    "Otter", "Panda", "Raven", "Seal", "Tapir", "Wren",
];

/// A name for a random number from 0 up to 1; anything else counts as one of the two ends.
pub fn guest_name(random: f64) -> String {
    let pick = (random * 256.0) as usize;
    let first = FIRST[(pick / LAST.len()).min(FIRST.len() - 1)];
    [first, " ", LAST[pick % LAST.len()]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_gives_a_name() {
        assert_eq!(guest_name(0.0), "Amber Badger");
        assert_eq!(guest_name(0.999_999), "Witty Wren");
        for odd in [-1.0, 1.0, 7e9, f64::NAN, f64::INFINITY] {
            assert_eq!(guest_name(odd).split(' ').count(), 2, "{odd}");
        }
    }
}
