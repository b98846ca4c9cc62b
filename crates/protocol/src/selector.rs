//! Topic selectors: which paths an expression means.
//!
//! Source: the API documentation of `TopicSelectors`. Patterns mean what Java's `Pattern` means, or are refused: see
//! `docs/protocol.md`, 6.1. They need the feature `regex`: without it a pattern is an error, unless it is plain text or `.*`.

use std::collections::BTreeSet;
use std::str::FromStr;

#[cfg(feature = "regex")]
use crate::pattern::WholePattern;
use crate::topic::{TopicPath, TopicPathError};

/// The longest expression, in bytes.
const MAX_EXPRESSION: usize = 16 * 1024;
/// The most expressions in a set.
const MAX_SET: usize = 1_000;
/// The maximum number of regular expressions in a whole selector. Together they take no more memory than one may.
const MAX_PATTERNS: usize = 16;
/// What stands between the expressions of a set.
const SET_SEPARATOR: &str = "////";
/// What an allocation takes besides what is in it, in bytes.
const ALLOCATION: usize = 32;

/// Why text is no topic selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TopicSelectorError {
    /// There was nothing in it.
    #[error("a topic selector cannot be empty")]
    Empty,
    /// It starts with a character that no selector starts with.
    #[error("a topic selector cannot start with {0:?}")]
    Prefix(char),
    /// What should be a path is none.
    #[error("{0:?} is not a topic path")]
    Path(String),
    /// What should be a path alone, and no selector, is none.
    #[error("{path:?} is not a topic path: {reason}")]
    NotAPath {
        /// What should be a path.
        path: String,
        /// Why not.
        reason: TopicPathError,
    },
    /// What should be a regular expression is none, or one that cannot be used here.
    #[error("{pattern:?} is not a regular expression that can be used here: {reason}")]
    Pattern {
        /// What should be a regular expression.
        pattern: String,
        /// Why not.
        reason: String,
    },
    /// This build does not have regular expressions.
    #[error("{0:?} is a regular expression, and this build has none")]
    NoPatterns(String),
    /// It is longer than any real one.
    #[error("the topic selector is too long")]
    TooLong,
}

/// A topic selector, ready to be matched.
///
/// `>a/b` or plain `a/b` is a path, `?a/b.*/c` a pattern for each part of a path, `*a/.*` a pattern for the whole path,
/// `#x////y` a set. A pattern that ends with `/` means what is below the paths that it matches, one that ends with `//`
/// means those paths and what is below.
#[derive(Clone, Debug)]
pub struct TopicSelector {
    expression: String,
    any_of: Vec<Member>,
    patterns: Patterns,
    memory: usize,
}

/// The regular expressions of a selector.
#[derive(Clone, Copy, Debug, Default)]
struct Patterns {
    count: usize,
    /// Bytes of memory that they take.
    #[cfg(feature = "regex")]
    memory: usize,
}

#[derive(Clone, Debug)]
struct Member {
    kind: Kind,
    reach: Reach,
    /// The path that every match is at or below; empty for the whole tree.
    prefix: String,
}

#[derive(Clone, Debug)]
enum Kind {
    Path,
    Split(Vec<Pattern>),
    Full(Pattern),
}

/// A pattern for the whole of a text.
#[derive(Clone, Debug)]
enum Pattern {
    Any,
    Literal(String),
    #[cfg(feature = "regex")]
    Matching(WholePattern),
}

/// Where nothing matches a selector: a path is given by how many bytes of the one that was asked about it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barren {
    /// At a path and below it.
    Branch(usize),
    /// Below a path.
    Below(usize),
}

/// What a trailing slash or two make of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Matches,
    Descendants,
    MatchesAndDescendants,
}

impl TopicSelector {
    /// Reads an expression.
    ///
    /// # Errors
    /// If it is no selector.
    pub fn parse(expression: &str) -> Result<Self, TopicSelectorError> {
        if expression.len() > MAX_EXPRESSION {
            return Err(TopicSelectorError::TooLong);
        }
        let mut patterns = Patterns::default();
        let any_of = match expression.strip_prefix('#') {
            None => vec![Member::parse(expression, &mut patterns)?],
            Some(set) => {
                let parts: Vec<&str> = split_set(set);
                if parts.len() > MAX_SET {
                    return Err(TopicSelectorError::TooLong);
                }
                parts
                    .into_iter()
                    .map(|part| Member::parse(part, &mut patterns))
                    .collect::<Result<_, _>>()?
            }
        };
        Ok(Self {
            expression: expression.to_owned(),
            memory: expression.len() + any_of.iter().map(Member::memory).sum::<usize>(),
            any_of,
            patterns,
        })
    }

    /// A selector of one path alone, for which no expression has to be read.
    ///
    /// # Errors
    /// If it is no path: it is empty, has an empty part, or starts as a selector does.
    pub fn path(path: &str) -> Result<Self, TopicSelectorError> {
        if path.len() >= MAX_EXPRESSION {
            return Err(TopicSelectorError::TooLong);
        }
        TopicPath::new(path).map_err(|reason| TopicSelectorError::NotAPath {
            path: path.to_owned(),
            reason,
        })?;
        let member = Member::path(path)?;
        Ok(Self {
            expression: [">", path].concat(),
            memory: path.len() + member.memory(),
            any_of: vec![member],
            patterns: Patterns::default(),
        })
    }

    /// The expression that was read.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// How many expressions the set has; 1 if it is no set. With [`TopicSelector::patterns`], what it costs to keep.
    #[must_use]
    pub const fn members(&self) -> usize {
        self.any_of.len()
    }

    /// How many regular expressions the selector has.
    #[must_use]
    pub const fn patterns(&self) -> usize {
        self.patterns.count
    }

    /// About how many bytes of memory it takes.
    #[must_use]
    pub const fn memory(&self) -> usize {
        self.memory
    }

    /// Whether the selector means this path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.any_of.iter().any(|member| member.matches(path))
    }

    /// Whether the selector means each of the paths that a path consists of: first its first part, at last the whole. It takes
    /// about as long as [`TopicSelector::matches`] does for the path.
    #[must_use]
    pub fn matches_each(&self, path: &str) -> Vec<bool> {
        let mut marks = vec![false; path.split('/').count()];
        for member in &self.any_of {
            member.mark_matches(path, &mut marks);
        }
        marks
    }

    /// What a walk through paths in their order can leave out after a path that does not match.
    #[must_use]
    pub fn barren(&self, path: &str) -> Option<Barren> {
        match self.any_of.as_slice() {
            [
                Member {
                    kind: Kind::Split(parts),
                    reach,
                    ..
                },
            ] => {
                let mut end = 0;
                let mut rest = path.split('/');
                for pattern in parts {
                    let part = rest.next()?;
                    let start = end;
                    end += part.len() + usize::from(start > 0);
                    if !pattern.matches(part) {
                        return Some(Barren::Branch(end));
                    }
                }
                let is_deeper = rest.next().is_some();
                (is_deeper && end > 0 && *reach == Reach::Matches).then_some(Barren::Below(end))
            }
            _ => None,
        }
    }

    /// The branches that all matches are in: no other path can match. An empty one is the whole tree.
    #[must_use]
    pub fn prefixes(&self) -> BTreeSet<&str> {
        self.any_of
            .iter()
            .map(|member| member.prefix.as_str())
            .collect()
    }

    /// The one branch that all matches are in; empty if that is the whole tree.
    #[must_use]
    pub fn path_prefix(&self) -> &str {
        let mut prefixes = self.any_of.iter().map(|member| member.prefix.as_str());
        let first = prefixes.next().unwrap_or_default();
        prefixes.fold(first, |common, prefix| {
            let mut end = 0;
            // Where a part of both ends.
            for (one, other) in common.split('/').zip(prefix.split('/')) {
                if one != other {
                    break;
                }
                end += one.len() + 1;
            }
            &common[..end.saturating_sub(1).min(common.len())]
        })
    }

    /// The one path that is selected, if the selector is a plain path.
    #[must_use]
    pub fn as_path(&self) -> Option<&str> {
        match self.any_of.as_slice() {
            [
                Member {
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
    pub fn rights_needed(&self) -> impl Iterator<Item = (&str, bool)> {
        self.any_of
            .iter()
            .map(|member| (member.prefix.as_str(), matches!(member.kind, Kind::Full(_))))
    }
}

impl FromStr for TopicSelector {
    type Err = TopicSelectorError;

    fn from_str(expression: &str) -> Result<Self, TopicSelectorError> {
        Self::parse(expression)
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

impl Member {
    fn parse(expression: &str, patterns: &mut Patterns) -> Result<Self, TopicSelectorError> {
        let first = expression.chars().next().ok_or(TopicSelectorError::Empty)?;
        match first {
            '>' => Self::path(&expression[1..]),
            '?' => Self::split(&expression[1..], patterns),
            '*' => Self::full(&expression[1..], patterns),
            '#' | '$' | '%' | '&' | '<' => Err(TopicSelectorError::Prefix(first)),
            _ => Self::path(expression),
        }
    }

    fn path(text: &str) -> Result<Self, TopicSelectorError> {
        let path = text.strip_prefix('/').unwrap_or(text);
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() || path.split('/').any(str::is_empty) {
            return Err(TopicSelectorError::Path(text.to_owned()));
        }
        Ok(Self {
            kind: Kind::Path,
            reach: Reach::Matches,
            prefix: path.to_owned(),
        })
    }

    fn split(text: &str, patterns: &mut Patterns) -> Result<Self, TopicSelectorError> {
        let (text, reach) = Reach::cut(text);
        let text = text.strip_prefix('/').unwrap_or(text);
        let parts = if text.is_empty() {
            if reach == Reach::Matches {
                return Err(TopicSelectorError::Empty);
            }
            Vec::new()
        } else {
            text.split('/')
                .map(|part| Pattern::parse(part, Reach::Matches, patterns))
                .collect::<Result<Vec<_>, _>>()?
        };
        let prefix = parts
            .iter()
            .map_while(|part| match part {
                Pattern::Literal(text) => Some(text.as_str()),
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

    fn full(text: &str, patterns: &mut Patterns) -> Result<Self, TopicSelectorError> {
        let (text, reach) = Reach::cut(text);
        if text.is_empty() {
            return Err(TopicSelectorError::Empty);
        }
        let pattern = Pattern::parse(text, reach, patterns)?;
        let prefix = match &pattern {
            Pattern::Literal(path) => path,
            // The other side of an alternative may begin in another way.
            _ if text.contains('|') => "",
            _ => literal_branch(text),
        };
        Ok(Self {
            prefix: prefix.trim_start_matches('/').to_owned(),
            kind: Kind::Full(pattern),
            reach,
        })
    }

    /// About how many bytes of memory it takes.
    fn memory(&self) -> usize {
        let patterns = match &self.kind {
            Kind::Path => 0,
            Kind::Split(parts) => parts
                .iter()
                .map(|part| size_of::<Pattern>() + part.memory())
                .sum(),
            Kind::Full(pattern) => pattern.memory(),
        };
        // Who keeps a selector finds it by its prefix.
        size_of::<Self>() + 2 * (self.prefix.len() + ALLOCATION) + patterns
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
            Kind::Full(pattern) => pattern.matches_branch(path, self.reach),
        }
    }

    /// Marks the paths that a path consists of and that it means.
    fn mark_matches(&self, path: &str, marks: &mut [bool]) {
        // How many parts what is matched has, and how far it reaches.
        let (depth, reach) = match &self.kind {
            Kind::Split(parts) => {
                let texts = path.split('/').take(parts.len());
                let matched = texts
                    .zip(parts)
                    .take_while(|(text, part)| part.matches(text));
                if matched.count() < parts.len() {
                    return;
                }
                (parts.len(), self.reach)
            }
            #[cfg(feature = "regex")]
            Kind::Full(Pattern::Matching(pattern)) => return pattern.mark_matches(path, marks),
            Kind::Full(Pattern::Any) if self.reach == Reach::Descendants => (1, self.reach),
            Kind::Full(Pattern::Any) => (1, Reach::MatchesAndDescendants),
            Kind::Path | Kind::Full(Pattern::Literal(_)) => {
                let literal = match &self.kind {
                    Kind::Full(Pattern::Literal(literal)) => literal,
                    _ => &self.prefix,
                };
                let below = path.strip_prefix(literal.as_str());
                if !below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
                    return;
                }
                (literal.split('/').count(), self.reach)
            }
        };
        let range = match reach {
            Reach::Matches => depth.saturating_sub(1)..depth,
            Reach::Descendants => depth..marks.len(),
            Reach::MatchesAndDescendants => depth.saturating_sub(1)..marks.len(),
        };
        for mark in marks.get_mut(range).into_iter().flatten() {
            *mark = true;
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

impl Pattern {
    /// `patterns` counts the regular expressions of the selector. What a pattern reaches below its matches is part of the
    /// expression, so that one look at a path is enough, however deep it is.
    fn parse(
        text: &str,
        reach: Reach,
        patterns: &mut Patterns,
    ) -> Result<Self, TopicSelectorError> {
        match text {
            "" => Err(TopicSelectorError::Pattern {
                pattern: String::new(),
                reason: "it is empty".to_owned(),
            }),
            ".*" | ".+" => Ok(Self::Any),
            _ if !text.contains(is_special) => Ok(Self::Literal(text.to_owned())),
            _ if patterns.count == MAX_PATTERNS => Err(TopicSelectorError::TooLong),
            _ => {
                patterns.count += 1;
                Self::compile(text, reach, patterns)
            }
        }
    }

    fn memory(&self) -> usize {
        match self {
            Self::Any => 0,
            // The allocation takes more than what is in it.
            Self::Literal(text) => text.len() + ALLOCATION,
            #[cfg(feature = "regex")]
            Self::Matching(pattern) => pattern.memory(),
        }
    }

    #[cfg(feature = "regex")]
    fn compile(
        text: &str,
        reach: Reach,
        patterns: &mut Patterns,
    ) -> Result<Self, TopicSelectorError> {
        let below = match reach {
            Reach::Matches => "",
            Reach::Descendants => "/(?s:.*)",
            Reach::MatchesAndDescendants => "(?:/(?s:.*))?",
        };
        let memory = WholePattern::MAX_MEMORY.saturating_sub(patterns.memory);
        let pattern = WholePattern::compile_with(text, below, memory).map_err(|reason| {
            TopicSelectorError::Pattern {
                pattern: text.to_owned(),
                reason,
            }
        })?;
        patterns.memory += pattern.memory();
        Ok(Self::Matching(pattern))
    }

    #[cfg(not(feature = "regex"))]
    fn compile(text: &str, _: Reach, _: &mut Patterns) -> Result<Self, TopicSelectorError> {
        Err(TopicSelectorError::NoPatterns(text.to_owned()))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => literal == text,
            #[cfg(feature = "regex")]
            Self::Matching(pattern) => pattern.is_match(text),
        }
    }

    /// Whether it matches a path, or one above it, depending on its reach.
    fn matches_branch(&self, path: &str, reach: Reach) -> bool {
        match self {
            Self::Any => reach != Reach::Descendants || path.contains('/'),
            Self::Literal(literal) => {
                let below = path.strip_prefix(literal.as_str());
                match reach {
                    Reach::Matches => below == Some(""),
                    Reach::Descendants => below.is_some_and(|rest| rest.starts_with('/')),
                    Reach::MatchesAndDescendants => {
                        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    }
                }
            }
            #[cfg(feature = "regex")]
            Self::Matching(pattern) => pattern.is_match(path),
        }
    }
}

/// The whole parts of a path that a pattern begins with.
fn literal_branch(pattern: &str) -> &str {
    let end = pattern.find(is_special).unwrap_or(pattern.len());
    let (literal, special) = pattern.split_at(end);
    let mut characters = literal.chars();
    if special.starts_with(['?', '*', '{']) {
        // The last character need not be there.
        characters.next_back();
    }
    let literal = characters.as_str();
    literal.rfind('/').map_or("", |slash| &literal[..slash])
}

const fn is_special(character: char) -> bool {
    matches!(
        character,
        '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' | '\\'
    )
}

#[cfg(test)]
#[cfg(not(feature = "regex"))]
mod tests {
    use super::*;

    #[test]
    fn a_path_needs_no_expression() {
        let selector = TopicSelector::path("a/?b").unwrap();
        assert_eq!(selector.expression(), ">a/?b");
        assert!(selector.matches("a/?b"));
        assert!(!selector.matches("a/b") && !selector.matches("a/?b/c"));
        for none in ["", "/", "a//b", ">a", "?a/b", "*a", "#a////b", "$a"] {
            let error = TopicSelector::path(none).unwrap_err();
            assert!(error.to_string().contains("a topic path cannot"), "{error}");
        }
        assert!(TopicSelector::path(&"a".repeat(MAX_EXPRESSION)).is_err());
    }

    #[test]
    fn without_patterns_plain_selectors_work() {
        for (expression, path) in [
            (">a/b", "a/b"),
            ("?a/.*//", "a/b/c"),
            ("*a/b/", "a/b/c"),
            ("#a////b", "b"),
        ] {
            assert!(TopicSelector::parse(expression).unwrap().matches(path));
        }
        assert_eq!(
            TopicSelector::parse("?a/b.*").unwrap_err(),
            TopicSelectorError::NoPatterns("b.*".to_owned())
        );
    }
}

#[cfg(test)]
#[cfg(feature = "regex")]
mod tests {
    use super::*;

    fn check(expression: &str, yes: &[&str], no: &[&str]) {
        let selector = TopicSelector::parse(expression).unwrap();
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

    #[test]
    fn each_path_of_a_path_is_looked_at_in_one_pass() {
        let path = "a/bb/a/b/c";
        for expression in [
            ">a/bb",
            ">a/b",
            "?a//",
            "?a/",
            "?a",
            "?/",
            "?//",
            "?.*/b+//",
            "?.*/b+/",
            "?.*/b+",
            "?b//",
            "*a/bb/a",
            "*a/bb//",
            "*a/bb/",
            "*/a//",
            "*.*",
            "*.*/",
            "*.*//",
            "*.*b",
            "*.*b/",
            "*.*b//",
            "*(a|a/bb)",
            "*^a.*c$",
            "#?a////>a/bb/a////*.*/c",
            "*[^b]*",
        ] {
            let selector = TopicSelector::parse(expression).unwrap();
            let ends = path.match_indices('/').map(|it| it.0).chain([path.len()]);
            let expected: Vec<bool> = ends.map(|end| selector.matches(&path[..end])).collect();
            assert_eq!(selector.matches_each(path), expected, "{expression}");
        }
    }

    #[test]
    fn patterns_take_bounded_memory_together() {
        let memory = |expression: &str| TopicSelector::parse(expression).map(|it| it.memory());
        assert!(memory(r"?\p{L}+/\p{Lu}.*").unwrap() < WholePattern::MAX_MEMORY);
        let too_large = memory(r"?\p{L}+/\p{L}+/\p{L}+/\p{L}+").unwrap_err();
        assert!(
            too_large.to_string().contains("too much memory"),
            "{too_large}"
        );
        // Automata that grow exponentially, or whose states do.
        for costly in [
            "*.*b[a-z/]{300}q",
            "*(?:[a-y/]{0,30}b){30}q",
            r"*(\p{L}{1,9}x)+",
        ] {
            let refused = memory(costly).unwrap_err().to_string();
            assert!(refused.contains("too much memory"), "{refused}");
        }
        let parts = memory(&format!("?.*{}", "/x".repeat(8_000))).unwrap();
        assert!(parts > 8_000 * size_of::<Pattern>(), "{parts}");
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
    fn a_character_that_may_be_missing_is_in_no_prefix() {
        check("*alpha/?x", &["alpha/x", "alphax"], &["alpha"]);
        check("*alpha/x{0}y", &["alpha/y"], &["alpha/xy"]);
    }

    #[test]
    fn sets_have_the_prefix_that_all_have() {
        let prefix = |expression| {
            TopicSelector::parse(expression)
                .unwrap()
                .path_prefix()
                .to_owned()
        };
        assert_eq!(prefix("#a/b/c////a/b/d"), "a/b");
        assert_eq!(prefix("#a/bc////a/b"), "a");
        assert_eq!(prefix("#a////b"), "");
        assert_eq!(prefix("?a/b.*/c"), "a");
        assert_eq!(prefix("?.*"), "");
        assert_eq!(prefix("a/b"), "a/b");
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
            "*a)|(b",
            "?a{1000}{1000}",
        ] {
            assert!(TopicSelector::parse(bad).is_err(), "{bad}");
        }
        let patterns = |count| format!("?{}", vec!["a+"; count].join("/"));
        assert!(TopicSelector::parse(&patterns(MAX_PATTERNS)).is_ok());
        assert_eq!(
            TopicSelector::parse(&patterns(MAX_PATTERNS + 1)).unwrap_err(),
            TopicSelectorError::TooLong
        );
        assert_eq!(
            TopicSelector::parse(&"a".repeat(MAX_EXPRESSION + 1)).unwrap_err(),
            TopicSelectorError::TooLong
        );
    }

    #[test]
    fn a_full_path_pattern_needs_rights_in_the_whole_branch() {
        let selector = TopicSelector::parse("#>a/b////*c/d.*////?e/.*").unwrap();
        let needed: Vec<_> = selector.rights_needed().collect();
        assert_eq!(needed, [("a/b", false), ("c", true), ("e", false)]);
        assert_eq!(TopicSelector::parse("a/b").unwrap().as_path(), Some("a/b"));
        assert_eq!(TopicSelector::parse("?a/b").unwrap().as_path(), None);
    }
}
