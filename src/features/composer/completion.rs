//! Completion of names, emoji and commands at the caret.

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

/// The incomplete word right before the caret, which is a byte offset.
pub fn token(text: &str, caret: usize) -> Option<Token> {
    let before = text.get(..caret)?;
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
    let within = before
        .get(..from)
        .and_then(|before| before.chars().next_back())
        .is_some_and(is_letter);
    if within || query.len() > MAX_QUERY {
        return None;
    }
    let kind = match sign {
        // Names can contain spaces, but do not begin with one.
        b'@' if !query.starts_with(' ') => Kind::Name,
        b':' if query.len() > 1
            && query
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'-')) =>
        {
            Kind::Emoji
        }
        _ => return None,
    };
    Some(Token {
        kind,
        query: query.to_owned(),
        from,
    })
}

/// The name of an emoji whose second colon was typed right before the caret.
pub fn named_emoji(text: &str, caret: usize) -> Option<Token> {
    let before = text.get(..caret)?.strip_suffix(':')?;
    token(before, before.len()).filter(|token| token.kind == Kind::Emoji)
}

/// Replaces the text from `from` up to the caret. Returns the text and the caret, as a byte offset.
pub fn complete(text: &str, from: usize, caret: usize, with: &str) -> (String, usize) {
    let (Some(before), Some(after)) = (text.get(..from), text.get(caret..)) else {
        return (text.to_owned(), text.len());
    };
    let caret = before.len() + with.len();
    ([before, with, after].concat(), caret)
}

/// [`complete`] for a replacement that arrives later, when more may have been typed: `then` is the text that stood before the
/// caret, and `from` where the incomplete word began. `None` if that text has changed.
pub fn complete_late(
    then: &str,
    from: usize,
    text: &str,
    caret: usize,
    with: &str,
) -> Option<(String, usize)> {
    let further = caret.checked_sub(then.len())?;
    if from > then.len() || !text.starts_with(then) {
        return None;
    }
    let (text, end) = complete(text, from, then.len(), with);
    Some((text, end + further))
}

/// The names that match, those that begin with the query before those in which a later word does.
pub fn names_like(names: &[String], query: &str, most: usize) -> Vec<String> {
    let query = lower(query);
    let mut found = Vec::new();
    for later in [false, true] {
        for name in names {
            let lower = lower(name);
            let begins = lower.starts_with(&query);
            let fits = if later {
                !begins && lower.split(' ').any(|word| word.starts_with(&query))
            } else {
                begins
            };
            if fits && found.len() < most {
                found.push(name.clone());
            }
        }
    }
    found
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
    fn what_is_begun_is_completed_where_it_stands() {
        let text = "hé @an, see";
        let caret = "hé @an".len();
        let token = token(text, caret).map(|token| token.from);
        assert_eq!(token, Some(4));
        assert_eq!(
            complete(text, 4, caret, "@Ann "),
            ("hé @Ann , see".to_owned(), 9)
        );
        assert_eq!(
            named_emoji("a :smile:", 9).map(|token| (token.from, token.query)),
            Some((2, "smile".to_owned()))
        );
        assert_eq!(named_emoji("a ::", 4), None);
    }

    #[test]
    fn what_is_known_late_leaves_what_was_written_since() {
        let late = |text: &str, caret| complete_late("é :ok:", 3, text, caret, "👌");
        assert_eq!(late("é :ok:", 7), Some(("é 👌".to_owned(), 7)));
        assert_eq!(late("é :ok:, and", 12), Some(("é 👌, and".to_owned(), 12)));
        assert_eq!(late("é :ok:, and", 9), Some(("é 👌, and".to_owned(), 9)));
        assert_eq!(late("é :o", 5), None, "it was taken back");
        assert_eq!(late("", 0), None, "it was sent");
        assert_eq!(late("é :ok: x", 2), None, "the caret is elsewhere");
        assert_eq!(complete_late("a", 2, "ab", 2, "x"), None);
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
