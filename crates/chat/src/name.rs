//! What can be the name of somebody, and what cannot be seen in one.

/// The longest name that is taken, in Unicode's characters.
pub const MAX_NAME_LENGTH: usize = 64;

/// No name has more words.
const MAX_WORDS: usize = 5;

/// Whether a character cannot be seen, or changes how others are seen.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || c != ' ' && c.is_whitespace()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}'
        )
}

/// Whether a text reads as a name alone: nothing in it is hidden but what joins letters and pictures, and it is neither a sentence,
/// nor an address, nor markup.
pub(crate) fn reads_as_name(text: &str) -> bool {
    let is_blank_odd = text.is_empty() || text != text.trim() || text.contains("  ");
    let is_ascii = !text.contains(|c: char| !c.is_ascii() && !is_hidden(c));
    let joins = |c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0f}') && !is_ascii;
    let is_odd = |c: char| is_hidden(c) && !joins(c) || "*`|".contains(c);
    let words = text.split(' ');
    // `Dr.` and `J.` are parts of names.
    let is_short = |word: &str| word.ends_with('.') && word.chars().count() <= 3;
    let ends_clause = |word: &str| {
        word.ends_with(['.', '!', '?', ',', ';', ':', '…', '。', '，']) && !is_short(word)
    };
    let before_last = words.clone().count().saturating_sub(1);
    !is_blank_odd
        && before_last < MAX_WORDS
        && text.chars().count() <= MAX_NAME_LENGTH
        && !text.contains(is_odd)
        && !["://", "](", "~~", "__"]
            .iter()
            .any(|sign| text.contains(sign))
        && !words.take(before_last).any(ends_clause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_and_markup_are_no_names() {
        for name in [
            "Ann",
            "Ann Lee",
            "Dr. J. Strange",
            "snake_case",
            "李小龙",
            "ann@example.com",
            "Bob (work)",
            "O’Neil",
            "Yahoo!",
            "👩\u{200d}🚀",
            "می\u{200c}خواهم",
            "Ludwig van der Rohe",
            "Ann <3",
            "Dwayne “The Rock”",
        ] {
            assert!(reads_as_name(name), "{name}");
        }
        for other in [
            "",
            " ",
            "Ann ",
            "Ann  Lee",
            "Your account ends, Bob",
            "Write to Eve: Bob",
            "Help. Bob",
            "Ann\nBob",
            "**Ann**",
            "An\u{200b}n",
            "\u{202e}nnA",
            "An\u{200d}n",
            "https://evil.example",
            "[Ann](b)",
            "one two three four five six",
        ] {
            assert!(!reads_as_name(other), "{other}");
        }
        assert!(!reads_as_name(&"a".repeat(MAX_NAME_LENGTH + 1)));
    }
}
