//! The rules that moderators keep, as they are written down in a topic.

use std::ops::Range;

use effusion_protocol::value::Json;
use regex_lite::{Regex, RegexBuilder};

use super::words::{Folded, Word};

/// What a pattern may compile to, in bytes: whoever writes rules may be in error, too.
const PATTERN_LIMIT: usize = 1 << 16;

/// What is not wanted, and what comes of it: the value of the topic [`crate::MODERATION_RULES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Words: `word`, `word*`, `*word` or `*word*`, found whatever their case, spacing and look-alike letters.
    pub words: Vec<String>,
    /// Regular expressions, which are matched against the text as it was written, whatever its case.
    pub patterns: Vec<String>,
    /// What stands in the place of each character of what was found.
    pub bleep: char,
    /// Whether the author is told in a direct message.
    pub warn: bool,
    /// After how many strikes the right to write in the room is withdrawn; 0 for never.
    pub mute_after: u32,
    /// After how many strikes the author is removed from the room; 0 for never.
    pub remove_after: u32,
    /// After how many strikes the principal is locked; 0 for never.
    pub lock_after: u32,
    /// For how many minutes a strike counts.
    pub strikes_last: u32,
    /// For how many minutes somebody is muted or removed; 0 for until it is undone.
    pub mute_lasts: u32,
    /// Principals that no rule holds for.
    pub exempt: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            words: Vec::new(),
            patterns: Vec::new(),
            bleep: '█',
            warn: true,
            mute_after: 3,
            remove_after: 5,
            lock_after: 0,
            strikes_last: 60,
            mute_lasts: 15,
            exempt: Vec::new(),
        }
    }
}

/// Why rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesError {
    /// An entry of the word list without a letter.
    EmptyWord(String),
    /// A pattern that is no regular expression, or too large a one, and why.
    Pattern(String, String),
}

impl Rules {
    /// Writes the topic's value.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let texts = |texts: &[String]| {
            Json::array(&texts.iter().map(|t| Json::text(t)).collect::<Vec<_>>())
        };
        let number = |number: u32| Json::integer(number.into());
        Json::object(&[
            ("words", texts(&self.words)),
            ("patterns", texts(&self.patterns)),
            ("bleep", Json::text(self.bleep.encode_utf8(&mut [0; 4]))),
            ("warn", Json::boolean(self.warn)),
            ("mute_after", number(self.mute_after)),
            ("remove_after", number(self.remove_after)),
            ("lock_after", number(self.lock_after)),
            ("strikes_last", number(self.strikes_last)),
            ("mute_lasts", number(self.mute_lasts)),
            ("exempt", texts(&self.exempt)),
        ])
    }

    /// Reads the topic's value. Members that are missing are as in [`Rules::default`]. `None` if it is no object.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        json.names()?;
        let usual = Self::default();
        let texts = |name: &str, usual: Vec<String>| {
            let items = json.member(name).and_then(|items| items.items());
            items.map_or(usual, |items| {
                items.iter().filter_map(Json::as_text).collect()
            })
        };
        let number = |name: &str, usual: u32| {
            let number = json.member(name).and_then(|number| number.as_number());
            number.map_or(usual, |number| number as u32)
        };
        let bleep = json.member("bleep").and_then(|bleep| bleep.as_text());
        Some(Self {
            words: texts("words", usual.words),
            patterns: texts("patterns", usual.patterns),
            bleep: bleep
                .and_then(|bleep| bleep.chars().next())
                .unwrap_or(usual.bleep),
            warn: json
                .member("warn")
                .and_then(|warn| warn.as_bool())
                .unwrap_or(usual.warn),
            mute_after: number("mute_after", usual.mute_after),
            remove_after: number("remove_after", usual.remove_after),
            lock_after: number("lock_after", usual.lock_after),
            strikes_last: number("strikes_last", usual.strikes_last),
            mute_lasts: number("mute_lasts", usual.mute_lasts),
            exempt: texts("exempt", usual.exempt),
        })
    }

    /// What comes next for somebody who has so many strikes, as a sentence.
    #[must_use]
    pub fn what_follows(&self, strikes: u32) -> String {
        let lasts = match self.mute_lasts {
            0 => String::new(),
            1 => " for 1 minute".to_owned(),
            minutes => format!(" for {minutes} minutes"),
        };
        // The hardest comes last, which counts where two are due at once.
        let steps = [
            (self.mute_after, format!("you can’t write there{lasts}")),
            (
                self.remove_after,
                format!("you are removed from the room{lasts}"),
            ),
            (self.lock_after, "your account is locked".to_owned()),
        ];
        let next = steps
            .into_iter()
            .rev()
            .filter(|(after, _)| *after > strikes)
            .min_by_key(|(after, _)| *after);
        match next {
            Some((after, what)) => format!("This is strike {strikes}; with strike {after} {what}."),
            None => format!("This is strike {strikes}."),
        }
    }

    /// Makes the rules ready to be applied.
    ///
    /// # Errors
    /// The first entry that cannot be used, see [`RulesError`].
    pub fn filter(&self) -> Result<Filter, RulesError> {
        let word = |entry: &String| {
            Word::parse(entry)
                .map(|word| (entry.clone(), word))
                .ok_or_else(|| RulesError::EmptyWord(entry.clone()))
        };
        let pattern = |pattern: &String| {
            RegexBuilder::new(pattern)
                .case_insensitive(true)
                .size_limit(PATTERN_LIMIT)
                .build()
                .map(|regex| (pattern.clone(), regex))
                .map_err(|error| RulesError::Pattern(pattern.clone(), error.to_string()))
        };
        Ok(Filter {
            words: self.words.iter().map(word).collect::<Result<_, _>>()?,
            patterns: self
                .patterns
                .iter()
                .map(pattern)
                .collect::<Result<_, _>>()?,
            bleep: self.bleep,
        })
    }
}

/// Rules, ready to be applied to texts.
#[derive(Clone, Debug)]
pub struct Filter {
    words: Vec<(String, Word)>,
    patterns: Vec<(String, Regex)>,
    bleep: char,
}

/// A text as it may be shown, and why it is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bleeped {
    /// The text with each character of what was found replaced.
    pub text: String,
    /// The entries that were found: words and patterns of the rules.
    pub found: Vec<String>,
}

impl Filter {
    /// Looks for what is not wanted. `None` if there is nothing of it.
    #[must_use]
    pub fn check(&self, text: &str) -> Option<Bleeped> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut found = Vec::new();
        let folded = if self.words.is_empty() {
            None
        } else {
            Some(Folded::of(text))
        };
        for (entry, word) in &self.words {
            let places = folded
                .as_ref()
                .map_or_else(Vec::new, |folded| word.find(folded));
            if !places.is_empty() {
                found.push(entry.clone());
                ranges.extend(places);
            }
        }
        for (pattern, regex) in &self.patterns {
            let before = ranges.len();
            // A pattern that matches nothing at all matches everywhere.
            let places = regex.find_iter(text).map(|found| found.range());
            ranges.extend(places.filter(|range| !range.is_empty()));
            if ranges.len() > before {
                found.push(pattern.clone());
            }
        }
        if ranges.is_empty() {
            return None;
        }
        ranges.sort_unstable_by_key(|range| range.start);
        let mut ranges = ranges.into_iter().peekable();
        // The end of what is hidden, of all ranges that begin at the character or before it.
        let mut end = 0;
        let text = text
            .char_indices()
            .map(|(place, c)| {
                while let Some(range) = ranges.next_if(|range| range.start <= place) {
                    end = end.max(range.end);
                }
                if place < end && !c.is_whitespace() {
                    self.bleep
                } else {
                    c
                }
            })
            .collect();
        Some(Bleeped { text, found })
    }
}

json_value!(Rules, "rules of moderation");

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    #[test]
    fn a_warning_names_what_follows() {
        let rules = Rules {
            mute_after: 2,
            remove_after: 3,
            lock_after: 3,
            mute_lasts: 15,
            ..Rules::default()
        };
        assert_eq!(
            rules.what_follows(1),
            "This is strike 1; with strike 2 you can’t write there for 15 minutes."
        );
        assert_eq!(
            rules.what_follows(2),
            "This is strike 2; with strike 3 your account is locked."
        );
        assert_eq!(rules.what_follows(3), "This is strike 3.");
        let never = Rules {
            mute_after: 0,
            remove_after: 0,
            lock_after: 0,
            ..Rules::default()
        };
        assert_eq!(never.what_follows(1), "This is strike 1.");
    }

    fn rules() -> Rules {
        Rules {
            words: vec!["heck".to_owned(), "darn*".to_owned()],
            patterns: vec![r"\b\d{4}-\d{4}\b".to_owned()],
            bleep: '*',
            exempt: vec!["boss".to_owned()],
            ..Rules::default()
        }
    }

    #[test]
    fn rules_survive_the_wire() {
        assert_eq!(Rules::from_json(&rules().to_json()), Some(rules()));
        assert_eq!(Rules::from_json(&Json::object(&[])), Some(Rules::default()));
        assert_eq!(Rules::from_json(&Json::text("x")), None);
    }

    #[test]
    fn what_is_not_wanted_is_bleeped_and_named() {
        let filter = rules().filter().unwrap();
        let bleeped = filter.check("What the h e c k, darned 1234-5678!").unwrap();
        assert_eq!(bleeped.text, "What the * * * *, ****** *********!");
        assert_eq!(bleeped.found, ["heck", "darn*", r"\b\d{4}-\d{4}\b"]);
        assert_eq!(filter.check("check this"), None);
        assert_eq!(filter.check(""), None);
    }

    #[test]
    fn rules_that_cannot_be_used_say_which() {
        let mut bad = rules();
        bad.words.push("**".to_owned());
        assert_eq!(
            bad.filter().unwrap_err(),
            RulesError::EmptyWord("**".to_owned())
        );
        let mut bad = rules();
        bad.patterns = vec!["(".to_owned()];
        assert!(matches!(bad.filter(), Err(RulesError::Pattern(p, _)) if p == "("));
        bad.patterns = vec![r"(((\w{99}){99}){99}){99}".to_owned()];
        assert!(matches!(bad.filter(), Err(RulesError::Pattern(..))));
        bad.patterns = vec!["x*".to_owned()];
        assert_eq!(bad.filter().unwrap().check("abc"), None);
    }
}
