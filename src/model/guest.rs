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
#[must_use]
pub fn guest_name(random: f64) -> String {
    let pick = (random * 256.0) as usize;
    let first = FIRST[(pick / LAST.len()).min(FIRST.len() - 1)];
    [first, " ", LAST[pick % LAST.len()]].concat()
}

/// A hue in degrees that stays with a name, for its colour and avatar.
#[must_use]
pub fn hue(name: &str) -> u32 {
    // FNV-1a: spreads names that differ in one letter.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash >> 8) % 360
}

/// Up to two characters that stand for a name in its avatar, as they are in the name.
#[must_use]
pub fn initials(name: &str) -> String {
    let first = |word: &str| {
        word.chars()
            .find(|c| !c.is_ascii() || c.is_ascii_alphanumeric())
    };
    let mut words = name.split_whitespace().filter_map(first);
    let first = words.next();
    first.into_iter().chain(words.next_back()).collect()
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

    #[test]
    fn avatars_have_initials_and_colours_that_stay() {
        assert_eq!(initials("ada king lovelace"), "al");
        assert_eq!(initials("Zoë"), "Z");
        assert_eq!(initials("  \"(bob)\" é!"), "bé");
        assert_eq!(initials("!?"), "");
        assert_eq!(hue("ada"), hue("ada"));
        assert_ne!(hue("ada"), hue("adb"));
        assert!(hue("") < 360);
    }
}
