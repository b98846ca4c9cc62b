//! Texts as a reader hears them: look-alike letters, case, accents, digits in place of letters and what is invisible folded away.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::confusable_detection::skeleton;

/// One letter of a folded text, and where it stands in the text as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// The folded letter.
    pub letter: char,
    /// The first byte of the character that it comes from.
    pub start: usize,
    /// The byte after that character and the marks on it.
    pub end: usize,
    /// What stands between the letter before and this one.
    pub before: Gap,
}

/// What stands between two letters, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// Nothing, or nothing that can be seen.
    None,
    /// Punctuation, as in `a.b` or `a*b`.
    Punctuation,
    /// A space, or the beginning.
    Space,
}

/// Folds a text.
pub(super) fn fold(text: &str) -> Vec<Letter> {
    let mut letters: Vec<Letter> = Vec::new();
    let mut before = Gap::Space;
    for (start, c) in text.char_indices() {
        let end = start + c.len_utf8();
        if c.is_whitespace() {
            before = Gap::Space;
        } else if is_combining_mark(c) || is_invisible(c) {
            // A mark belongs to its letter.
            if let Some(last) = letters.last_mut().filter(|_| before == Gap::None) {
                last.end = end;
            }
        } else {
            // `!` stands for a letter in the middle of a word, and for itself at its end.
            let follows = text[end..].chars().find(|c| !is_invisible(*c));
            let folded = fold_char(c, follows.is_some_and(char::is_alphanumeric));
            if folded.is_empty() {
                before = before.max(Gap::Punctuation);
            }
            for letter in folded.chars() {
                letters.push(Letter {
                    letter,
                    start,
                    end,
                    before,
                });
                before = Gap::None;
            }
        }
    }
    letters
}

/// The letters that a character is read as, `within` a word or at its end; none for what is no letter.
fn fold_char(c: char, within: bool) -> String {
    let read_as = match c {
        '!' | '|' | '+' if !within => return String::new(),
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        '9' => 'g',
        c => c,
    };
    if !read_as.is_alphanumeric() {
        return String::new(); // A dash looks like a letter of other alphabets.
    }
    // What looks alike is one letter, whatever its alphabet; then case, accents and forms go.
    let plain = |text: &str| -> String {
        text.nfkd()
            .filter(|c| !is_combining_mark(*c))
            .flat_map(char::to_lowercase)
            .collect()
    };
    let text = plain(read_as.encode_utf8(&mut [0; 4]));
    let skeleton: String = skeleton(&text).collect();
    let mut letters = plain(&skeleton);
    letters.retain(char::is_alphanumeric);
    // The tables read `l` for `i` and `I` alike: here both are `i`, as digits are.
    letters.replace('l', "i")
}

/// Characters that are there without being seen.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        fold(text).iter().map(|letter| letter.letter).collect()
    }

    #[test]
    fn what_reads_alike_folds_alike() {
        for alike in [
            "HEAD",
            "h3ad",
            "ｈｅａｄ",
            "hé\u{301}ad",
            "һеаd",
            "h\u{200b}e\u{ad}a d",
            "h.e.a.d",
            "𝕙𝕖𝕒𝕕",
        ] {
            assert_eq!(read(alike), "head", "{alike}");
        }
        assert_eq!(read("Pill"), read("p1!l"));
        assert_eq!(read("日本"), "日本");
        assert_eq!(read("…—()"), "");
    }

    #[test]
    fn letters_know_where_they_stand() {
        let text = "a e\u{301}!c.b";
        let places: Vec<_> = fold(text)
            .iter()
            .map(|l| (&text[l.start..l.end], l.before))
            .collect();
        assert_eq!(
            places,
            [
                ("a", Gap::Space),
                ("e\u{301}", Gap::Space),
                ("!", Gap::None),
                ("c", Gap::None),
                ("b", Gap::Punctuation)
            ]
        );
    }
}
