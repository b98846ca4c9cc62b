//! Names in a text, after an `@`.

use std::ops::Range;

use crate::i18n::letters::{is_letter, same};

/// A name in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Where it stands, with its `@`, in bytes.
    pub at: Range<usize>,
    /// Which of the names it is.
    pub name: usize,
}

/// The names that stand in a text after an `@`, whatever their case. Where several fit, the longest one counts.
pub fn mentions(text: &str, names: &[String]) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find('@')) {
        let at = from + at;
        from = at + 1;
        // An address of electronic mail names nobody.
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        if before.is_some_and(is_letter) {
            continue;
        }
        let Some(rest) = text.get(from..) else { break };
        let mut best: Option<(usize, usize)> = None;
        for (place, name) in names.iter().enumerate() {
            if let Some(length) = begins_with(rest, name)
                && best.is_none_or(|(longest, _)| longest < length)
            {
                best = Some((length, place));
            }
        }
        if let Some((length, name)) = best {
            found.push(Mention {
                at: at..from + length,
                name,
            });
            from += length;
        }
    }
    found
}

/// Whether a text names somebody: `@` and the name, whatever the case, and no more letters after it.
pub fn is_mentioned(name: &str, text: &str) -> bool {
    text.contains('@') && !mentions(text, &[name.to_owned()]).is_empty()
}

/// How many bytes of the text a name at its beginning takes, if it stands there as a word.
fn begins_with(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.chars();
    let mut length = 0;
    for wanted in name.chars() {
        let c = rest.next()?;
        if !same(c, wanted) {
            return None;
        }
        length += c.len_utf8();
    }
    let ends = !rest.next().is_some_and(|c| is_letter(c) || c == '_');
    (ends && length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let names = ["Ann", "Ann Lee", "Özil", ""].map(str::to_owned);
        mentions(text, &names)
            .into_iter()
            .map(|mention| &text[mention.at])
            .collect()
    }

    #[test]
    fn names_are_found() {
        assert_eq!(
            found("@Ann, @ann lee and @ÖZIL!"),
            ["@Ann", "@ann lee", "@ÖZIL"]
        );
        assert_eq!(found("(@Ann)@@Ann"), ["@Ann", "@Ann"]);
    }

    #[test]
    fn what_only_looks_like_a_name_is_not() {
        for text in ["@Anna", "me@ann.example", "@ Ann", "@", "Ann", "@bob"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_mention_is_an_at_and_the_whole_name() {
        for text in [
            "@Ann",
            "hi @ann!",
            "(@ANN)",
            "x@y @ann",
            "@ann, look",
            "@@ann",
        ] {
            assert!(is_mentioned("Ann", text), "{text}");
        }
        for text in ["Ann", "@Anna", "mail@ann", "@An", "", "@"] {
            assert!(!is_mentioned("Ann", text), "{text}");
        }
        assert!(is_mentioned("Swift Otter", "so @Swift Otter: yes"));
        assert!(is_mentioned("Jürgen", "@JÜRGEN?"));
        assert!(!is_mentioned("", "@"));
    }
}
