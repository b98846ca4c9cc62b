//! Names that look alike.

use unicode_security::confusable_detection;

/// What a text looks like: those that can be taken for each other have the same skeleton (UTS 39, section 4).
#[must_use]
pub fn skeleton(text: &str) -> String {
    confusable_detection::skeleton(text).collect()
}

#[cfg(test)]
mod tests {
    use super::skeleton;

    #[test]
    fn letters_of_other_alphabets_look_like_latin_ones() {
        for name in ["Вob", "B\u{43e}b", "𝐁𝐨𝐛", "Ｂｏｂ"] {
            assert_eq!(skeleton(name), skeleton("Bob"), "{name}");
        }
        assert_ne!(skeleton("Боб"), skeleton("Bob"));
        assert_ne!(skeleton("Zoë"), skeleton("Zoe"));
    }
}
