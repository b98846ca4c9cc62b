//! The rules of moderation as they are being edited.

use effusion_chat::moderation::{Rules, RulesError};

/// The rules, with their lists as texts of a line for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RulesDraft {
    /// The words.
    pub words: String,
    /// The patterns.
    pub patterns: String,
    /// The rest.
    pub rules: Rules,
}

/// A line that is no regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyPattern {
    /// The number of the line, from one.
    pub line: usize,
    /// What stands there.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
    /// Where the line begins in the text, in UTF-16 code units as a text box counts.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
}

impl From<&Rules> for RulesDraft {
    fn from(rules: &Rules) -> Self {
        Self {
            words: rules.words.join("\n"),
            patterns: rules.patterns.join("\n"),
            rules: rules.clone(),
        }
    }
}

impl RulesDraft {
    /// The rules that are written here.
    pub fn rules(&self) -> Rules {
        Rules {
            words: lines(&self.words),
            patterns: lines(&self.patterns),
            ..self.rules.clone()
        }
    }

    /// The first pattern that cannot be used.
    pub fn faulty_pattern(&self) -> Option<FaultyPattern> {
        let mut start = 0;
        for (place, line) in self.patterns.split('\n').enumerate() {
            let units = line.encode_utf16().count() as u32;
            let alone = Rules {
                patterns: lines(line),
                ..Rules::default()
            };
            if let Err(RulesError::Pattern(pattern, reason)) = alone.filter() {
                return Some(FaultyPattern {
                    line: place + 1,
                    pattern,
                    reason,
                    start,
                    end: start + units,
                });
            }
            start += units + 1;
        }
        None
    }
}

fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_pattern_is_told_by_its_line() {
        let draft = RulesDraft {
            patterns: "a+\n\n  😀(b \nc".to_owned(),
            ..RulesDraft::default()
        };
        let fault = draft.faulty_pattern().unwrap();
        assert_eq!((fault.line, fault.pattern.as_str()), (3, "😀(b"));
        assert_eq!((fault.start, fault.end), (4, 11));
        assert!(!fault.reason.is_empty());
        let right = RulesDraft {
            patterns: "a+\n".to_owned(),
            ..RulesDraft::default()
        };
        assert_eq!(right.faulty_pattern(), None);
    }

    #[test]
    fn each_line_is_one() {
        let rules = Rules {
            words: vec!["heck".to_owned(), "darn*".to_owned()],
            mute_after: 3,
            ..Rules::default()
        };
        let mut draft = RulesDraft::from(&rules);
        assert_eq!(draft.words, "heck\ndarn*");
        assert_eq!(draft.rules(), rules);
        draft.patterns = " a+ \n\n\tb\n".to_owned();
        assert_eq!(draft.rules().patterns, ["a+", "b"]);
        assert_eq!(draft.rules().mute_after, 3);
    }
}
