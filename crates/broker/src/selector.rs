//! Topic selectors: which paths an expression means.
//!
//! Source: the API documentation of `TopicSelectors`. Patterns are Rust regular expressions, which lack Java's
//! look-around and back-references; in return their time is bounded by the length of the path.

use regex::{Regex, RegexBuilder};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

/// Compiled patterns larger than this, in bytes, are refused: clients choose them, the service keeps them.
const MAX_PATTERN_MEMORY: usize = 128 * 1024;
/// How much a pattern may remember of its matching, in bytes; with less it is only slower.
const MAX_PATTERN_CACHE: usize = 64 * 1024;
/// The most regular expressions in a selector.
const MAX_REGEXES: usize = 32;
/// How many paths a regular expression counts as where selections are limited.
const REGEX_WEIGHT: usize = 10;
/// The longest expression.
const MAX_EXPRESSION: usize = 16 * 1024;
/// The most expressions in a set.
const MAX_SET: usize = 1_000;
/// What stands between the expressions of a set.
const SET_SEPARATOR: &str = "////";

/// Why text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SelectorError {
    #[error("a topic selector cannot be empty")]
    Empty,
    #[error("a topic selector cannot start with {0:?}")]
    Prefix(char),
    #[error("{0:?} is not a topic path")]
    Path(String),
    #[error("{0:?} is not a regular expression that the service accepts")]
    Pattern(String),
    #[error("the topic selector is too long")]
    TooLong,
}

/// A selector, ready to be matched.
#[derive(Debug)]
pub(crate) struct Selector {
    expression: String,
    any_of: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    kind: Kind,
    reach: Reach,
    /// The path that every match is at or below; empty for the whole tree.
    prefix: String,
}

#[derive(Debug)]
enum Kind {
    Path,
    Split(Vec<Part>),
    Full(Regex),
}

#[derive(Debug)]
enum Part {
    Any,
    Literal(String),
    Matching(Regex),
}

/// What a trailing slash or two make of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Matches,
    Descendants,
    MatchesAndDescendants,
}

impl Selector {
    pub(crate) fn parse(expression: &str) -> Result<Self, SelectorError> {
        if expression.len() > MAX_EXPRESSION {
            return Err(SelectorError::TooLong);
        }
        let any_of = match expression.strip_prefix('#') {
            None => vec![Pattern::parse(expression)?],
            Some(set) => {
                let parts: Vec<&str> = split_set(set);
                if parts.len() > MAX_SET {
                    return Err(SelectorError::TooLong);
                }
                let mut any_of = Vec::with_capacity(parts.len());
                let mut regexes = 0;
                for part in parts {
                    let pattern = Pattern::parse(part)?;
                    regexes += pattern.regexes();
                    if regexes > MAX_REGEXES {
                        return Err(SelectorError::TooLong);
                    }
                    any_of.push(pattern);
                }
                any_of
            }
        };
        Ok(Self {
            expression: expression.to_owned(),
            any_of,
        })
    }

    fn regexes(&self) -> usize {
        self.any_of.iter().map(Pattern::regexes).sum()
    }

    /// How much memory the selector takes up, in paths.
    pub(crate) fn weight(&self) -> usize {
        self.any_of.len() + REGEX_WEIGHT * self.regexes()
    }

    pub(crate) fn expression(&self) -> &str {
        &self.expression
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        self.any_of.iter().any(|pattern| pattern.matches(path))
    }

    /// The branches that all matches are in: no other path can match.
    pub(crate) fn prefixes(&self) -> BTreeSet<&str> {
        self.any_of
            .iter()
            .map(|pattern| pattern.prefix.as_str())
            .collect()
    }

    /// The one path that is selected, if the selector is a plain path.
    pub(crate) fn as_path(&self) -> Option<&str> {
        match self.any_of.as_slice() {
            [
                Pattern {
                    kind: Kind::Path,
                    prefix,
                    ..
                },
            ] => Some(prefix),
            _ => None,
        }
    }

    /// The prefixes, and whether a right to select must hold in the whole branch below: a full path pattern could
    /// otherwise tell what is in the parts that the right leaves out (source: the API documentation, SELECT_TOPIC).
    pub(crate) fn rights_needed(&self) -> impl Iterator<Item = (&str, bool)> {
        self.any_of.iter().map(|pattern| {
            (
                pattern.prefix.as_str(),
                matches!(pattern.kind, Kind::Full(_)),
            )
        })
    }
}

/// Selectors that are in use, so that sessions that select alike share one.
#[derive(Debug, Default)]
pub(crate) struct SelectorCache {
    by_expression: HashMap<String, Weak<Selector>>,
    /// How many there may be before those out of use are dropped.
    clean_at: usize,
}

impl SelectorCache {
    pub(crate) fn get(&mut self, expression: &str) -> Result<Arc<Selector>, SelectorError> {
        if let Some(selector) = self.by_expression.get(expression).and_then(Weak::upgrade) {
            return Ok(selector);
        }
        let selector = Arc::new(Selector::parse(expression)?);
        if self.by_expression.len() >= self.clean_at {
            self.by_expression.retain(|_, it| it.strong_count() > 0);
            self.clean_at = 64 + 2 * self.by_expression.len();
        }
        self.by_expression
            .insert(expression.to_owned(), Arc::downgrade(&selector));
        Ok(selector)
    }
}

/// A selector in a set may itself end with one or two slashes: `#a/////b` is `a/` and `b`.
fn split_set(set: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = set;
    while let Some(found) = rest.find(SET_SEPARATOR) {
        let slashes = rest.get(found..).map_or(0, |tail| {
            tail.bytes().take_while(|byte| *byte == b'/').count()
        });
        let end = found + slashes.saturating_sub(SET_SEPARATOR.len()).min(2);
        parts.push(&rest[..end]);
        rest = &rest[end + SET_SEPARATOR.len()..];
    }
    parts.push(rest);
    parts
}

impl Pattern {
    fn parse(expression: &str) -> Result<Self, SelectorError> {
        let first = expression.chars().next().ok_or(SelectorError::Empty)?;
        match first {
            '>' => Self::path(&expression[1..]),
            '?' => Self::split(&expression[1..]),
            '*' => Self::full(&expression[1..]),
            '#' | '$' | '%' | '&' | '<' => Err(SelectorError::Prefix(first)),
            _ => Self::path(expression),
        }
    }

    fn path(text: &str) -> Result<Self, SelectorError> {
        let path = text.strip_prefix('/').unwrap_or(text);
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() || path.split('/').any(str::is_empty) {
            return Err(SelectorError::Path(text.to_owned()));
        }
        Ok(Self {
            kind: Kind::Path,
            reach: Reach::Matches,
            prefix: path.to_owned(),
        })
    }

    fn split(text: &str) -> Result<Self, SelectorError> {
        let (text, reach) = Reach::cut(text);
        let text = text.strip_prefix('/').unwrap_or(text);
        let parts = if text.is_empty() {
            if reach == Reach::Matches {
                return Err(SelectorError::Empty);
            }
            Vec::new()
        } else if text
            .split('/')
            .filter(|part| part.contains(is_special) && !is_any(part))
            .count()
            > MAX_REGEXES
        {
            return Err(SelectorError::TooLong);
        } else {
            text.split('/')
                .map(Part::parse)
                .collect::<Result<Vec<_>, _>>()?
        };
        let prefix = parts
            .iter()
            .map_while(|part| match part {
                Part::Literal(text) => Some(text.as_str()),
                _ => None,
            })
            .collect::<Vec<_>>()
            .join("/");
        Ok(Self {
            kind: Kind::Split(parts),
            reach,
            prefix,
        })
    }

    fn full(text: &str) -> Result<Self, SelectorError> {
        let (text, reach) = Reach::cut(text);
        if text.is_empty() {
            return Err(SelectorError::Empty);
        }
        let regex = compile(text)?;
        let literal = text.find(is_special).map_or(text, |end| &text[..end]);
        let prefix = if literal.len() == text.len() {
            literal
        } else if text.contains('|') {
            // The other side of an alternative may begin in another way.
            ""
        } else {
            literal.rfind('/').map_or("", |slash| &literal[..slash])
        };
        Ok(Self {
            kind: Kind::Full(regex),
            reach,
            prefix: prefix.trim_start_matches('/').to_owned(),
        })
    }

    fn regexes(&self) -> usize {
        match &self.kind {
            Kind::Path => 0,
            Kind::Full(_) => 1,
            Kind::Split(parts) => parts
                .iter()
                .filter(|part| matches!(part, Part::Matching(_)))
                .count(),
        }
    }

    fn matches(&self, path: &str) -> bool {
        match &self.kind {
            Kind::Path => path == self.prefix,
            Kind::Split(parts) => {
                let mut rest = path.split('/');
                for part in parts {
                    match rest.next() {
                        Some(text) if part.matches(text) => {}
                        _ => return false,
                    }
                }
                let deeper = rest.next().is_some();
                match self.reach {
                    Reach::Matches => !deeper,
                    Reach::Descendants => deeper,
                    Reach::MatchesAndDescendants => true,
                }
            }
            Kind::Full(regex) => {
                let ancestor_matches = || {
                    path.match_indices('/')
                        .any(|(slash, _)| regex.is_match(&path[..slash]))
                };
                match self.reach {
                    Reach::Matches => regex.is_match(path),
                    Reach::Descendants => ancestor_matches(),
                    Reach::MatchesAndDescendants => regex.is_match(path) || ancestor_matches(),
                }
            }
        }
    }
}

impl Reach {
    fn cut(text: &str) -> (&str, Self) {
        if let Some(text) = text.strip_suffix("//") {
            (text, Self::MatchesAndDescendants)
        } else if let Some(text) = text.strip_suffix('/') {
            (text, Self::Descendants)
        } else {
            (text, Self::Matches)
        }
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, SelectorError> {
        if text.is_empty() {
            return Err(SelectorError::Pattern(text.to_owned()));
        }
        Ok(match text {
            any if is_any(any) => Self::Any,
            _ if !text.contains(is_special) => Self::Literal(text.to_owned()),
            _ => Self::Matching(compile(text)?),
        })
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => literal == text,
            Self::Matching(regex) => regex.is_match(text),
        }
    }
}

/// Whether a part matches every part of a path, none of which is empty.
fn is_any(part: &str) -> bool {
    matches!(part, ".*" | ".+")
}

fn compile(pattern: &str) -> Result<Regex, SelectorError> {
    compile_whole(pattern).ok_or_else(|| SelectorError::Pattern(pattern.to_owned()))
}

/// A regular expression that must match the whole of a text, as Diffusion's do.
pub(crate) fn compile_whole(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(MAX_PATTERN_MEMORY)
        .dfa_size_limit(MAX_PATTERN_CACHE)
        .build()
        .ok()
}

const fn is_special(character: char) -> bool {
    matches!(
        character,
        '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' | '\\'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(expression: &str, yes: &[&str], no: &[&str]) {
        let selector = Selector::parse(expression).unwrap();
        for path in yes {
            assert!(selector.matches(path), "{expression} selects {path}");
            let prefixes = selector.prefixes();
            assert!(
                prefixes.iter().any(|prefix| prefix.is_empty()
                    || path == prefix
                    || path.starts_with(&format!("{prefix}/"))),
                "{path} is below a prefix of {expression}: {prefixes:?}"
            );
        }
        for path in no {
            assert!(
                !selector.matches(path),
                "{expression} does not select {path}"
            );
        }
    }

    const AB: &str = "alpha/beta";
    const ABC: &str = "alpha/beta/gamma";

    /// The tables of the API documentation.
    #[test]
    fn expressions_select_what_the_documentation_says() {
        for path in [">alpha/beta", "alpha/beta", ">/alpha/beta/", "/alpha/beta/"] {
            check(path, &[AB], &[ABC]);
        }
        check(">beta", &[], &[AB, ABC]);
        check("?alpha/beta", &[AB], &[ABC]);
        check("?beta", &[], &[AB, ABC]);
        check("?.*", &["alpha"], &[AB, ABC]);
        check("?.*/.*", &[AB], &[ABC]);
        check("?alpha/beta/", &[ABC], &[AB]);
        check("?alpha/beta//", &[AB, ABC], &["alpha", "alpha/betas"]);
        check("?alpha/.*//", &[AB, ABC], &["alpha"]);
        check("?a[lx]pha/b.*", &[AB], &["alpha/gamma"]);
        check("*alpha/beta", &[AB], &[ABC]);
        check("*beta", &[], &[AB, ABC]);
        check("*.*beta", &[AB], &[ABC]);
        check("*.*", &[AB, ABC], &[]);
        check("*alpha/beta/", &[ABC], &[AB]);
        check("*alpha/beta//", &[AB, ABC], &["alpha"]);
        check("*alpha/b.*|gamma", &[AB, ABC, "gamma"], &["alpha"]);
        check("?/", &["a", "a/b"], &[]);
    }

    #[test]
    fn a_set_selects_what_any_of_it_selects() {
        check("#>a////?b/////c", &["a", "b/x", "c"], &["b", "x"]);
        check("#?a//////>b", &["a", "a/x", "b"], &["c"]);
        check("#>a", &["a"], &["b"]);
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for bad in [
            "",
            ">",
            ">/",
            ">a//b",
            "?",
            "*",
            "?a//b",
            "?(",
            "*(",
            "$x",
            "#",
            "##a",
            "?a{1000}{1000}",
        ] {
            assert!(Selector::parse(bad).is_err(), "{bad}");
        }
        let many = vec!["a+"; MAX_REGEXES + 1];
        for too_many in [
            format!("?{}", many.join("/")),
            format!("#*{}", many.join("////*")),
        ] {
            assert_eq!(
                Selector::parse(&too_many).unwrap_err(),
                SelectorError::TooLong
            );
        }
        assert_eq!(
            Selector::parse(&"a".repeat(MAX_EXPRESSION + 1)).unwrap_err(),
            SelectorError::TooLong
        );
    }

    #[test]
    fn a_full_path_pattern_needs_rights_in_the_whole_branch() {
        let selector = Selector::parse("#>a/b////*c/d.*////?e/.*").unwrap();
        let needed: Vec<_> = selector.rights_needed().collect();
        assert_eq!(needed, [("a/b", false), ("c", true), ("e", false)]);
        assert_eq!(Selector::parse("a/b").unwrap().as_path(), Some("a/b"));
        assert_eq!(Selector::parse("?a/b").unwrap().as_path(), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(expression in ".{0,60}", path in "[a-c/]{1,12}") {
            if let Ok(selector) = Selector::parse(&expression) {
                let matched = selector.matches(&path);
                let below = selector.prefixes().iter().any(|prefix| {
                    prefix.is_empty() || path == **prefix || path.starts_with(&format!("{prefix}/"))
                });
                prop_assert!(!matched || below);
            }
        }
    }
}
