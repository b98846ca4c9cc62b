//! Letters of every script, and their case.
//!
//! In a browser these ask the browser: it has the tables of Unicode, which need not be fetched with the page.

use std::iter;

/// A text in small letters.
pub fn lower(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        here::lower(text)
    }
}

/// Whether two characters are the same one, whatever their case.
pub fn same(a: char, b: char) -> bool {
    if a.is_ascii() && b.is_ascii() {
        a.eq_ignore_ascii_case(&b)
    } else {
        a == b || lower(a.encode_utf8(&mut [0; 4])) == lower(b.encode_utf8(&mut [0; 4]))
    }
}

/// Whether it is a letter or a digit, so that it belongs to a word.
pub fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        here::is_letter(c)
    }
}

/// Whether a text is written from the right, as its first letter is. Not more than its beginning is looked at.
pub fn is_right_to_left(text: &str) -> bool {
    /// A text that begins with more other characters has no letters.
    const MAX_CHARS: usize = 1_000;
    let is_of_right = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}');
    let mut begin = text.chars().take(MAX_CHARS);
    let first = begin.find(|c| c.is_ascii_alphabetic() || !c.is_ascii() && is_letter(*c));
    first.is_some_and(is_of_right)
}

/// The beginning of a text, of so many characters as readers count them: what is drawn as one is not cut.
pub fn first_graphemes(text: &str, count: usize) -> &str {
    if text.len() <= count {
        return text;
    }
    text.get(..here::end_of_graphemes(text, count))
        .unwrap_or(text)
}

/// The end of a text, of so many characters as readers count them.
pub fn last_graphemes(text: &str, count: usize) -> &str {
    /// No more bytes than this are looked at for a character.
    const MAX_BYTES: usize = 64;
    let mut from = text.len().saturating_sub(count.saturating_mul(MAX_BYTES));
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let starts = iter::successors(text.get(from..), |rest| {
        rest.get(here::end_of_graphemes(rest, 1).max(1)..)
    });
    let starts: Vec<&str> = starts.take_while(|rest| !rest.is_empty()).collect();
    let start = starts.len().checked_sub(count);
    start.map_or(text, |start| starts.get(start).copied().unwrap_or_default())
}

#[cfg(not(target_arch = "wasm32"))]
mod here {
    use unicode_segmentation::UnicodeSegmentation;

    pub fn end_of_graphemes(text: &str, count: usize) -> usize {
        let mut starts = text.grapheme_indices(true);
        starts.nth(count).map_or(text.len(), |(start, _)| start)
    }

    pub fn lower(text: &str) -> String {
        text.to_lowercase()
    }

    pub fn is_letter(c: char) -> bool {
        c.is_alphanumeric()
    }
}

#[cfg(target_arch = "wasm32")]
mod here {
    use js_sys::{JsString, RegExp};

    /// What is drawn as one, nearly as Unicode has it: flags, and a character with all that joins it. Browsers have had these
    /// properties for long, and a segmenter only lately.
    const GRAPHEMES: &str = r"(?:\r\n|\p{RI}\p{RI}|[\u1100-\u115f]+[\u1160-\u11a7]*[\u11a8-\u11ff]*|.(?:[\p{M}\u200c\p{EMod}\u{e0020}-\u{e007f}]|\u200d\p{ExtPict})*)";

    pub fn end_of_graphemes(text: &str, count: usize) -> usize {
        let pattern = ["^", GRAPHEMES, "{0,", &count.to_string(), "}"].concat();
        let found = RegExp::new(&pattern, "su").exec(text);
        let begin = found.and_then(|found| found.get(0).as_string());
        begin.map_or(text.len(), |begin| begin.len())
    }

    pub fn lower(text: &str) -> String {
        JsString::from(text).to_lower_case().into()
    }

    pub fn is_letter(c: char) -> bool {
        // Browsers compile an expression once.
        let letter = RegExp::new(r"[\p{Alphabetic}\p{N}]", "u");
        letter.exec(c.encode_utf8(&mut [0; 4])).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_tell_letters_apart() {
        for (a, b) in [('a', 'A'), ('ö', 'Ö'), ('я', 'Я'), ('1', '1'), ('日', '日')] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [('a', 'b'), ('a', 'ä'), ('[', '{'), ('@', '`')] {
            assert!(!same(a, b), "{a} {b}");
        }
        assert_eq!(lower("ÖZIL Ann"), "özil ann");
    }

    #[test]
    fn the_first_letter_says_which_way_a_text_is_written() {
        for (text, from_right) in [
            ("hello שלום", false),
            ("12, «سلام» hello", true),
            ("… שלום", true),
            ("日本", false),
            ("", false),
        ] {
            assert_eq!(is_right_to_left(text), from_right, "{text}");
        }
    }

    #[test]
    fn what_is_drawn_as_one_is_one() {
        assert_eq!(first_graphemes("abc", 2), "ab");
        assert_eq!(first_graphemes("e\u{301}👍🏽x", 2), "e\u{301}👍🏽");
        assert_eq!(first_graphemes("", 2), "");
        assert_eq!(last_graphemes("xe\u{301}👍🏽", 2), "e\u{301}👍🏽");
        assert_eq!(last_graphemes("ab", 3), "ab");
        assert_eq!(last_graphemes("ab", 0), "");
        assert_eq!(first_graphemes("🇩🇪🇫🇷", 1), "🇩🇪");
    }

    #[test]
    fn every_script_has_letters() {
        for c in ['a', 'Z', '5', 'ß', 'я', '日', 'ع', '५'] {
            assert!(is_letter(c), "{c}");
        }
        for c in ['_', ' ', '@', '，', '…', '😀', '\u{a0}'] {
            assert!(!is_letter(c), "{c}");
        }
    }
}
