//! Completion of names, emoji and commands at the caret.

use crate::features::timeline::prose::ends_in_code;
use crate::i18n::letters::{is_letter, lower};

/// What can be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `@name`
    Name,
    /// `:emoji:`
    Emoji,
    /// `/command`
    Command,
}

/// An incomplete word at the caret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it stands for.
    pub kind: Kind,
    /// Its text, without the sign.
    pub query: String,
    /// Where its sign stands, as a byte offset.
    pub from: usize,
}

/// The longest query, in bytes.
const MAX_QUERY: usize = 40;

/// In texts of more bytes nothing is completed.
pub const MAX_TEXT: usize = 64 * 1024;

/// The incomplete word right before the caret, which is a byte offset. Code and addresses have none.
pub fn token(text: &str, caret: usize) -> Option<Token> {
    let before = text.get(..caret).filter(|_| text.len() <= MAX_TEXT)?;
    if let Some(query) = before.strip_prefix('/')
        && !query.contains(|c: char| c.is_whitespace() || c == '/')
    {
        return Some(Token {
            kind: Kind::Command,
            query: query.to_owned(),
            from: 0,
        });
    }
    let from = before.rfind(['@', ':', '\n'])?;
    let (sign, query) = (before.as_bytes().get(from)?, before.get(from + 1..)?);
    let context = before.get(..from)?;
    let last = context.chars().next_back();
    if last.is_some_and(is_letter) || query.len() > MAX_QUERY {
        return None;
    }
    let kind = match sign {
        // Names can contain spaces, but do not begin with one.
        b'@' if !query.starts_with(' ') => Kind::Name,
        // A second colon is a part of a path, and after a quotation mark one is a part of data.
        b':' if query.len() > 1
            && !last.is_some_and(|c| ":\"'`“”„‘’«»".contains(c))
            && query
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-')) =>
        {
            Kind::Emoji
        }
        _ => return None,
    };
    (!is_in_address(context) && !ends_in_code(context)).then(|| Token {
        kind,
        query: query.to_owned(),
        from,
    })
}

/// Whether what follows would be a part of an address.
fn is_in_address(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next();
    let holds = |sign| word.is_some_and(|word| word.contains(sign));
    ["://", "www.", "mailto:"].into_iter().any(holds)
}

/// The name of an emoji whose second colon was typed right before the caret.
pub fn named_emoji(text: &str, caret: usize) -> Option<Token> {
    let before = text.get(..caret)?.strip_suffix(':')?;
    token(before, before.len()).filter(|token| token.kind == Kind::Emoji)
}

/// Whether a replacement that arrives late still fits: `then` is the text that stood before the caret, and the caret has not
/// gone back behind it.
pub fn is_still_there(then: &str, text: &str, caret: usize) -> bool {
    caret >= then.len() && text.starts_with(then)
}

/// The names that match, those that begin with the query before those in which a later word does.
pub fn names_like(names: &[String], query: &str, most: usize) -> Vec<String> {
    let query = lower(query);
    let begins = |name: &&String| lower(name).starts_with(&query);
    let (first, others): (Vec<_>, Vec<_>) = names.iter().partition(begins);
    let fits = |word: &str| word.starts_with(&query);
    let later = others
        .into_iter()
        .filter(|it| lower(it).split(' ').any(fits));
    first.into_iter().chain(later).take(most).cloned().collect()
}

/// The byte offset that corresponds to a number of UTF-16 code units, which browsers count in.
pub fn byte_of(text: &str, units: usize) -> usize {
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if seen >= units {
            return at;
        }
        seen += c.len_utf16();
    }
    text.len()
}

/// The number of UTF-16 code units before a byte offset.
pub fn units_of(text: &str, byte: usize) -> usize {
    let before = text.char_indices().take_while(|(at, _)| *at < byte);
    before.map(|(_, c)| c.len_utf16()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(text: &str) -> Option<(Kind, String)> {
        token(text, text.len()).map(|token| (token.kind, token.query))
    }

    #[test]
    fn beginnings_are_seen() {
        for (text, kind, query) in [
            ("@", Kind::Name, ""),
            ("hi @an", Kind::Name, "an"),
            ("(@Calm Ot", Kind::Name, "Calm Ot"),
            ("x\n@b", Kind::Name, "b"),
            (":sm", Kind::Emoji, "sm"),
            ("ok :+1", Kind::Emoji, "+1"),
            ("/", Kind::Command, ""),
            ("/he", Kind::Command, "he"),
        ] {
            assert_eq!(begun(text), Some((kind, query.to_owned())), "{text}");
        }
    }

    #[test]
    fn other_things_are_none() {
        for text in [
            "", "hello", "me@ann", "@ x", "@a\nb", "10:30", ":)", ":s", "a:bc", "//x", "/help me",
            "so: yes", " /x",
        ] {
            assert_eq!(begun(text), None, "{text}");
        }
        let long = ["@", &"x".repeat(41)].concat();
        assert_eq!(begun(&long), None);
        assert_eq!(token("é@", 1), None, "inside of a character");
    }

    #[test]
    fn what_is_begun_is_found_where_it_stands() {
        let text = "hé @an, see";
        let from = token(text, "hé @an".len()).map(|token| token.from);
        assert_eq!(from, Some(4));
        let smile = named_emoji("a :smile:", 9).unwrap();
        assert_eq!((smile.from, smile.query.as_str()), (2, "smile"));
        assert_eq!(named_emoji("a ::", 4), None);
    }

    #[test]
    fn code_addresses_and_data_stay_as_they_are_typed() {
        for before in [
            "`a ",
            "x ``a` b ",
            "two\nlines `of ",
            "```\n",
            "```rust\nlet a = ",
            "~~~~\n~~~\n",
            "https://a.example/",
            "(https://a.example/x?y=",
            "www.example/-",
            "mailto:-",
        ] {
            for word in [":smile:", ":smi", "@an"] {
                let text = [before, word].concat();
                assert_eq!(begun(&text), None, "{text}");
                assert_eq!(named_emoji(&text, text.len()), None, "{text}");
            }
        }
        for text in [
            "std::vec:",
            "a ::smile:",
            "{\"a\":true:",
            "':smile:",
            "“:smile:",
        ] {
            assert_eq!(named_emoji(text, text.len()), None, "{text}");
        }
        for before in [
            "`a` ",
            "```\na\n```\n",
            "`` ` `` ",
            "`a\n\nb ",
            "https://a.example ",
        ] {
            let text = [before, ":smile:"].concat();
            assert!(named_emoji(&text, text.len()).is_some(), "{text}");
        }
        let long = ["x ".repeat(MAX_TEXT / 2).as_str(), "@an"].concat();
        assert_eq!(begun(&long), None);
    }

    #[test]
    fn what_is_known_late_leaves_what_was_written_since() {
        let fits = |text: &str, caret| is_still_there("é :ok:", text, caret);
        assert!(fits("é :ok:", 7) && fits("é :ok:, and", 12) && fits("é :ok:, and", 9));
        assert!(!fits("é :o", 5), "it was taken back");
        assert!(!fits("", 0), "it was sent");
        assert!(!fits("é :ok: x", 2), "the caret is elsewhere");
    }

    #[test]
    fn browsers_count_otherwise() {
        let text = "a😀é";
        for (units, byte) in [(0, 0), (1, 1), (3, 5), (4, 7), (9, 7)] {
            assert_eq!(byte_of(text, units), byte);
        }
        for (byte, units) in [(0, 0), (1, 1), (5, 3), (7, 4)] {
            assert_eq!(units_of(text, byte), units);
        }
    }

    #[test]
    fn names_are_found_by_any_of_their_words() {
        let names = ["Calm Otter", "Otto", "ann"].map(str::to_owned);
        assert_eq!(names_like(&names, "ot", 5), ["Otto", "Calm Otter"]);
        assert_eq!(names_like(&names, "calm o", 5), ["Calm Otter"]);
        assert_eq!(names_like(&names, "", 2).len(), 2);
    }
}
