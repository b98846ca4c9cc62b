//! Finding words in messages.

use std::ops::Range;

use crate::i18n::letters::{first_graphemes, last_graphemes};

/// Words to search for, ignoring case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle {
    folded: Vec<char>,
}

impl Needle {
    /// The words that were typed; `None` if there are none.
    pub fn new(typed: &str) -> Option<Self> {
        let folded: Vec<char> = typed.trim().chars().flat_map(char::to_lowercase).collect();
        (!folded.is_empty()).then_some(Self { folded })
    }

    /// Whether a text contains the words.
    pub fn is_in(&self, text: &str) -> bool {
        self.find(text, 0).is_some()
    }

    /// Where a text contains the words, as byte ranges.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let first = self.find(text, 0);
        std::iter::successors(first, |found| self.find(text, found.end)).collect()
    }

    /// The same in UTF-16 code units, which browsers count in.
    pub fn places_in_utf16(&self, text: &str) -> Vec<Range<u32>> {
        let units = |end: usize| {
            text.get(..end)
                .map_or(0, |it| it.encode_utf16().count() as u32)
        };
        let places = self.places(text).into_iter();
        places
            .map(|place| units(place.start)..units(place.end))
            .collect()
    }

    /// Where the words stand next, from here on.
    fn find(&self, text: &str, from: usize) -> Option<Range<usize>> {
        let mut places = text.get(from..)?.char_indices();
        places.find_map(|(at, _)| {
            let start = from + at;
            let length = self.length_in(text.get(start..)?)?;
            Some(start..start + length)
        })
    }

    /// How many bytes the words take, if the text starts with them.
    fn length_in(&self, text: &str) -> Option<usize> {
        let mut wanted = self.folded.iter();
        for (at, char) in text.char_indices() {
            for folded in char.to_lowercase() {
                match wanted.next() {
                    Some(wanted) if *wanted == folded => {}
                    // It ended with the character before, or within this one.
                    None => break,
                    Some(_) => return None,
                }
            }
            if wanted.as_slice().is_empty() {
                return Some(at + char.len_utf8());
            }
        }
        None
    }
}

/// An excerpt around a match, in three parts: before it, the match, and after it.
pub fn excerpt(text: &str, place: &Range<usize>) -> (String, String, String) {
    const BEFORE: usize = 30;
    const AFTER: usize = 80;
    let before = text.get(..place.start).unwrap_or_default();
    let found = text.get(place.clone()).unwrap_or_default();
    let after = text.get(place.end..).unwrap_or_default();
    let mut rest = last_graphemes(before, BEFORE);
    let cut = before.len() - rest.len();
    let mut start = String::new();
    if cut > 0 {
        start.push('…');
        // What ended the sentence that was left out is no beginning.
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ".,;:!?…".contains(c));
    }
    start.push_str(rest);
    let end = first_graphemes(after, AFTER);
    let more = if end.len() < after.len() { "…" } else { "" };
    (start, found.to_owned(), [end, more].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, typed: &str) -> Vec<Range<usize>> {
        Needle::new(typed).map_or_else(Vec::new, |needle| needle.places(text))
    }

    /// Where each place begins and ends.
    fn places(text: &str, typed: &str) -> Vec<(usize, usize)> {
        let found = found(text, typed);
        found.iter().map(|place| (place.start, place.end)).collect()
    }

    #[test]
    fn words_are_found_whatever_their_case() {
        let three = [(0, 3), (5, 8), (13, 16)];
        assert_eq!(places("Tea, tea and TEA", "tEa"), three);
        assert_eq!(places("aaaa", "aa"), [(0, 2), (2, 4)]);
        assert_eq!(places("ÄÖÜ straße", "äö"), [(0, 4)]);
        assert_eq!(places("two  words", "o  w"), [(2, 6)]);
        assert!(places("abc", "  ").is_empty());
        assert!(places("ab", "abc").is_empty());
        // One letter that becomes two when it is small.
        assert_eq!(places("x İ y", "i\u{307}"), [(2, 4)]);
        assert!(Needle::new("y").is_some_and(|it| it.is_in("xyz") && !it.is_in("xz")));
    }

    #[test]
    fn browsers_count_otherwise() {
        let needle = Needle::new("b").unwrap();
        assert_eq!(needle.places_in_utf16("😀éb B"), [3..4, 5..6]);
    }

    #[test]
    fn excerpts_have_some_words_around() {
        let text = format!("{}needle{}", "é".repeat(50), "x".repeat(100));
        let place = found(&text, "needle").remove(0);
        let (before, needle, after) = excerpt(&text, &place);
        assert_eq!(before, format!("…{}", "é".repeat(30)));
        assert_eq!(needle, "needle");
        assert_eq!(after, format!("{}…", "x".repeat(80)));
        let family = "👩‍👩‍👧‍👦";
        let text = [&family.repeat(40), "needle", &family.repeat(90)].concat();
        let place = found(&text, "needle").remove(0);
        let (before, _, after) = excerpt(&text, &place);
        assert_eq!(before, format!("…{}", family.repeat(30)));
        assert_eq!(after, format!("{}…", family.repeat(80)));
        let short = excerpt("a needle b", &(2..8));
        assert_eq!(short, ("a ".into(), "needle".into(), " b".into()));
        let sentence = format!("Before. {}needle", "y".repeat(28));
        let (before, ..) = excerpt(&sentence, &(36..42));
        assert_eq!(before, format!("…{}", "y".repeat(28)));
    }
}
