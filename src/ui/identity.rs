//! What stands for somebody where a name is too long, and stays with the name.

/// A hue in degrees that stays with a name, for its colour and avatar.
pub fn hue(name: &str) -> u32 {
    // FNV-1a: spreads names that differ in one letter.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash >> 8) % 360
}

/// Up to two characters that stand for a name in its avatar, as they are in the name.
pub fn initials(name: &str) -> String {
    let first = |word: &str| {
        word.chars()
            .find(|c| !c.is_ascii() || c.is_ascii_alphanumeric())
    };
    let mut words = name.split_whitespace().filter_map(first);
    let first = words.next();
    first.into_iter().chain(words.next_back()).collect()
}

/// A name in a sentence: one that is written from the other side moves nothing beside it.
pub fn isolate(name: &str) -> String {
    ["\u{2068}", name, "\u{2069}"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

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
