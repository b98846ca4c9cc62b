//! Names in a text, after an `@`.

use std::cmp::Reverse;
use std::ops::Range;

use super::prose::literal_parts;
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
    let mut found: Vec<Mention> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let (before, rest) = (&text[..at], &text[at + 1..]);
        // An address of electronic mail names nobody, and a name may have this sign in it.
        let is_in_word = before.chars().next_back().is_some_and(is_letter);
        if is_in_word || found.last().is_some_and(|last| at < last.at.end) {
            continue;
        }
        let fitting = (names.iter().enumerate())
            .filter_map(|(place, name)| Some((begins_with(rest, name)?, Reverse(place))));
        if let Some((length, Reverse(name))) = fitting.max() {
            found.push(Mention {
                at: at..at + 1 + length,
                name,
            });
        }
    }
    found
}

/// Whether a text mentions the first of these names, as it is drawn: not in code, an address or a link, and not where another
/// of the names is longer.
pub fn is_mentioned(names: &[String], text: &str) -> bool {
    if !text.contains('@') {
        return false;
    }
    let found = mentions(text, names);
    let mut own = found.iter().filter(|mention| mention.name == 0).peekable();
    if own.peek().is_none() {
        return false;
    }
    let literal = literal_parts(text);
    own.any(|mention| {
        let is_in = |part: &Range<usize>| part.contains(&mention.at.start);
        !literal.iter().any(is_in)
    })
}

/// How many bytes of the text a name at its beginning takes, if it stands there as a word.
fn begins_with(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.chars();
    let mut wanted = name.chars();
    let fits = wanted.all(|wanted| rest.next().is_some_and(|c| same(c, wanted)));
    let length = text.len() - rest.as_str().len();
    let ends = !rest.next().is_some_and(|c| is_letter(c) || c == '_');
    (fits && ends && length > 0).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::timeline::items::tests::Dice;
    use crate::features::timeline::markdown::{Node, parse};

    fn found(text: &str) -> Vec<&str> {
        let names = ["Ann", "Ann Lee", "Özil", ""].map(str::to_owned);
        mentions(text, &names)
            .into_iter()
            .map(|mention| &text[mention.at])
            .collect()
    }

    #[test]
    fn names_are_found() {
        let three = ["@Ann", "@ann lee", "@ÖZIL"];
        assert_eq!(found("@Ann, @ann lee and @ÖZIL!"), three);
        assert_eq!(found("(@Ann)@@Ann"), ["@Ann", "@Ann"]);
    }

    fn named(name: &str, text: &str) -> bool {
        is_mentioned(&[name.to_owned()], text)
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
            assert!(named("Ann", text), "{text}");
        }
        for text in [
            "Ann",
            "@Anna",
            "@An",
            "@ Ann",
            "me@ann.example",
            "mail@ann",
            "@bob",
            "@",
            "",
        ] {
            assert!(found(text).is_empty(), "{text}");
            assert!(!named("Ann", text), "{text}");
        }
        assert!(named("Swift Otter", "so @Swift Otter: yes"));
        assert!(named("Jürgen", "@JÜRGEN?"));
        assert!(!named("", "@"));
    }

    #[test]
    fn a_mention_is_what_is_drawn_as_one() {
        let names = ["Ann", "Ann Lee", "Bob"].map(str::to_owned);
        let drawn = |text: &str| {
            fn own(nodes: &[Node]) -> bool {
                nodes.iter().any(|node| match node {
                    Node::Mention { own, .. } => *own,
                    Node::Group(_, children) | Node::Link { children, .. } => own(children),
                    _ => false,
                })
            }
            own(&parse(text, &names))
        };
        for (text, mentioned) in [
            ("`@Ann`", false),
            ("`` ` @Ann ``", false),
            ("`@Ann", true),
            ("```\n@Ann\n```", false),
            ("```\n@Ann", false),
            ("~~~ @Ann\n~~~", false),
            ("> ```\n> @Ann\n> ```\n@Bob", false),
            ("https://a.example/@Ann", false),
            ("<https://a.example/@Ann>", false),
            ("<mailto:@Ann@b.example>", false),
            ("[x](https://a.example/@Ann)", false),
            ("[@Ann](https://a.example)", false),
            ("@Ann Lee", false),
            ("@Ann Lee and @Ann", true),
            ("**@Ann**", true),
            ("> @Ann", true),
            ("- *@Ann*, https://a.example", true),
            ("[@Ann] (x)", true),
            ("`a` @Ann `b`", true),
            ("\\`@Ann\\`", true),
            ("```\na\n```\n@Ann", true),
        ] {
            assert_eq!(drawn(text), mentioned, "drawn: {text}");
            assert_eq!(is_mentioned(&names, text), mentioned, "{text}");
        }
        // And in whatever people write: texts made of such parts, by a fixed order of chance.
        let parts =
            "@Ann;@Bob; ;\n;`;``;```\n;*;**;_;[;](;);x;https://a.example/;> ;- ;(;\\;\n\n;~~";
        let parts: Vec<_> = parts.split(';').collect();
        let mut dice = Dice(7);
        let mut differ = Vec::new();
        for _ in 0..4_000 {
            let text: String = (0..9).map(|_| parts[dice.below(parts.len())]).collect();
            if drawn(&text) != is_mentioned(&names, &text) {
                differ.push(text);
            }
        }
        assert!(
            differ.len() <= MAX_DIFFERENT,
            "{} {differ:#?}",
            differ.len()
        );
    }

    /// Of that many texts of chance, so many may be read otherwise: nobody writes such.
    const MAX_DIFFERENT: usize = 20;
}
