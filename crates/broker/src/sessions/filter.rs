//! Session filters: which sessions an expression means.
//!
//! Source: the manual's page on session filtering. `and` binds tighter than `or`; operators are not case sensitive.
//! Clauses: `all`, `KEY is|eq|ne 'value'`, `KEY matches 'pattern'`, `KEY in 'a' 'b'` (in brackets or not), `has KEY`,
//! `hasRoles 'a' 'b'` (in brackets or not).

use effusion_protocol::WholePattern;
use effusion_protocol::body::ScriptError;
use std::collections::BTreeSet;

use super::{MAX_PROPERTY, MAX_ROLES_BYTES, key};
use crate::lexer::{Lexeme, LexerError, lexemes};

/// How deep parentheses and `not` may nest.
const MAX_DEPTH: usize = 64;
/// The most regular expressions in a filter.
const MAX_REGEXES: usize = 4;
/// The most clauses in a filter: each may be looked at for every session.
const MAX_CLAUSES: usize = 256;
/// The longest expression.
const MAX_EXPRESSION: usize = 16 * 1024;
/// Steps for a regular expression on one property. That may be as long as [`MAX_PROPERTY`], and the roles far longer.
const REGEX_STEPS: usize = 20;
/// Bytes of texts that are compared in a step.
const COMPARED_A_STEP: usize = 1024;
/// Roles that are looked for in a step: for each, up to sixteen of the session's are looked at.
const ROLES_A_STEP: usize = 2;
/// The property with a set of values.
const ROLES: &str = "$Roles";

/// Why text is no session filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("session filter is invalid: {message}, at character {position}")]
pub(crate) struct FilterError {
    message: String,
    position: usize,
}

impl FilterError {
    /// As services tell it.
    pub(crate) fn report(&self) -> ScriptError {
        ScriptError {
            message: self.to_string(),
            line: 1,
            column: u32::try_from(self.position + 1).unwrap_or(u32::MAX),
        }
    }
}

/// What a filter asks of a session.
pub(crate) trait Properties {
    /// The value of a session property.
    fn property(&self, key: &str) -> Option<&str>;
    /// The session's roles.
    fn roles(&self) -> &BTreeSet<String>;
}

/// A session filter.
#[derive(Debug)]
pub(crate) enum Filter {
    All,
    Is(String, String),
    IsNot(String, String),
    In(String, BTreeSet<String>),
    Matches(String, WholePattern),
    Has(String),
    HasRoles(BTreeSet<String>),
    /// These roles and no others; `None` is what no set of roles is written as.
    RolesAre(Option<BTreeSet<String>>),
    Not(Box<Self>),
    AllOf(Vec<Self>),
    AnyOf(Vec<Self>),
}

impl Filter {
    pub(crate) fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_EXPRESSION {
            return Err(FilterError {
                message: "it is too long".to_owned(),
                position: MAX_EXPRESSION,
            });
        }
        let lexemes = lexemes(text).map_err(|LexerError { message, position }| FilterError {
            message: message.to_owned(),
            position,
        })?;
        let mut parser = Parser {
            lexemes: &lexemes,
            next: 0,
            end: text.len(),
            depth: 0,
            clauses: 0,
            regexes: 0,
            regex_bytes: 0,
        };
        let filter = parser.or()?;
        if parser.next < lexemes.len() {
            return Err(parser.error("something follows the expression"));
        }
        Ok(filter)
    }

    pub(crate) fn matches(&self, session: &impl Properties) -> bool {
        match self {
            Self::All => true,
            Self::Is(key, value) => session.property(key).is_some_and(|it| it == value),
            // A session without the property is not one whose property has another value.
            Self::IsNot(key, value) => session.property(key).is_some_and(|it| it != value),
            Self::In(key, values) => session
                .property(key)
                .is_some_and(|value| values.contains(value)),
            Self::Matches(key, pattern) => session
                .property(key)
                .is_some_and(|value| pattern.is_match(value)),
            Self::Has(key) => session.property(key).is_some(),
            Self::HasRoles(roles) => roles.is_subset(session.roles()),
            Self::RolesAre(roles) => roles.as_ref() == Some(session.roles()),
            Self::Not(filter) => !filter.matches(session),
            Self::AllOf(filters) => filters.iter().all(|it| it.matches(session)),
            Self::AnyOf(filters) => filters.iter().any(|it| it.matches(session)),
        }
    }
}

impl Filter {
    /// How many steps it takes at most to look whether a session matches.
    pub(crate) fn steps(&self) -> usize {
        match self {
            Self::Not(filter) => filter.steps(),
            Self::AllOf(filters) | Self::AnyOf(filters) => filters.iter().map(Self::steps).sum(),
            Self::Matches(key, _) if key == ROLES => REGEX_STEPS * MAX_ROLES_BYTES / MAX_PROPERTY,
            Self::Matches(..) => REGEX_STEPS,
            Self::Is(_, value) | Self::IsNot(_, value) => 1 + value.len() / COMPARED_A_STEP,
            Self::In(_, values) => {
                1 + values.iter().map(String::len).sum::<usize>() / COMPARED_A_STEP
            }
            Self::HasRoles(roles) | Self::RolesAre(Some(roles)) => 1 + roles.len() / ROLES_A_STEP,
            Self::All | Self::Has(_) | Self::RolesAre(None) => 1,
        }
    }

    /// Bytes of memory that its regular expressions take.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Not(filter) => filter.memory(),
            Self::AllOf(filters) | Self::AnyOf(filters) => filters.iter().map(Self::memory).sum(),
            Self::Matches(_, pattern) => pattern.memory(),
            _ => 0,
        }
    }

    /// Whether it asks for nothing but whose sessions there are, as the removal policies do that a topic's owner is meant to
    /// have (source: the API documentation of `OWNER`).
    pub(crate) fn asks_for_principals_only(&self) -> bool {
        match self {
            Self::All => true,
            Self::Is(key, _) => key == key::PRINCIPAL,
            Self::Not(filter) => filter.asks_for_principals_only(),
            Self::AllOf(filters) | Self::AnyOf(filters) => {
                filters.iter().all(Self::asks_for_principals_only)
            }
            Self::IsNot(..)
            | Self::In(..)
            | Self::Matches(..)
            | Self::Has(_)
            | Self::HasRoles(_)
            | Self::RolesAre(_) => false,
        }
    }
}

/// A session to who may not view sessions: there, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Unseen(BTreeSet<String>);

impl Properties for Unseen {
    fn property(&self, _: &str) -> Option<&str> {
        None
    }

    fn roles(&self) -> &BTreeSet<String> {
        &self.0
    }
}

/// A set of roles as the property `$Roles` is written: quoted names, in any order.
fn roles_in(text: &str) -> Option<BTreeSet<String>> {
    let names = lexemes(text).ok()?.into_iter();
    Some(
        names
            .filter_map(|(lexeme, _)| match lexeme {
                Lexeme::Text(name) => Some(name),
                _ => None,
            })
            .collect(),
    )
}

struct Parser<'a> {
    lexemes: &'a [(Lexeme, usize)],
    next: usize,
    end: usize,
    depth: usize,
    clauses: usize,
    regexes: usize,
    /// Bytes of memory that the regular expressions take so far.
    regex_bytes: usize,
}

/// One filter is itself.
fn joined(mut filters: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => {
            filters.extend(last);
            join(filters)
        }
    }
}

impl Parser<'_> {
    fn error(&self, message: &str) -> FilterError {
        FilterError {
            message: message.to_owned(),
            position: self
                .lexemes
                .get(self.next)
                .map_or(self.end, |(_, position)| *position),
        }
    }

    fn peek(&self) -> Option<&Lexeme> {
        self.lexemes.get(self.next).map(|(lexeme, _)| lexeme)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Lexeme::Word(it)) if it.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn take_mark(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Lexeme::Mark(mark));
        self.next += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Filter, FilterError> {
        let first = self.and()?;
        let mut filters = vec![first];
        while self.take_word("or") {
            filters.push(self.and()?);
        }
        Ok(joined(filters, Filter::AnyOf))
    }

    fn and(&mut self) -> Result<Filter, FilterError> {
        let first = self.unary()?;
        let mut filters = vec![first];
        while self.take_word("and") {
            filters.push(self.unary()?);
        }
        Ok(joined(filters, Filter::AllOf))
    }

    fn unary(&mut self) -> Result<Filter, FilterError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("it nests too deep"));
        }
        let filter = if self.take_word("not") {
            Filter::Not(Box::new(self.unary()?))
        } else if self.take_mark('(') {
            let filter = self.or()?;
            if !self.take_mark(')') {
                return Err(self.error("a closing parenthesis is missing"));
            }
            filter
        } else {
            self.clause()?
        };
        self.depth -= 1;
        Ok(filter)
    }

    fn clause(&mut self) -> Result<Filter, FilterError> {
        self.clauses += 1;
        if self.clauses > MAX_CLAUSES {
            return Err(self.error("it has too many clauses"));
        }
        if self.take_word("all") {
            return Ok(Filter::All);
        }
        if self.take_word("hasRoles") {
            return self.values().map(Filter::HasRoles);
        }
        if self.take_word("has") {
            return self.key().map(Filter::Has);
        }
        let key = self.key()?;
        if self.take_word("is") || self.take_word("eq") {
            let value = self.value()?;
            return Ok(if key == ROLES {
                Filter::RolesAre(roles_in(&value))
            } else {
                Filter::Is(key, value)
            });
        }
        if self.take_word("ne") {
            let value = self.value()?;
            return Ok(if key == ROLES {
                Filter::Not(Box::new(Filter::RolesAre(roles_in(&value))))
            } else {
                Filter::IsNot(key, value)
            });
        }
        if self.take_word("in") {
            return Ok(Filter::In(key, self.values()?));
        }
        if self.take_word("matches") {
            self.regexes += 1;
            if self.regexes > MAX_REGEXES {
                return Err(self.error("there are too many regular expressions"));
            }
            let at = self.error("this is not a regular expression that the service accepts");
            let left = WholePattern::MAX_MEMORY.saturating_sub(self.regex_bytes);
            let pattern = WholePattern::compile_within(&self.value()?, left).map_err(|_| at)?;
            self.regex_bytes += pattern.memory();
            return Ok(Filter::Matches(key, pattern));
        }
        Err(self.error("an operator is missing: is, eq, ne, in or matches"))
    }

    fn key(&mut self) -> Result<String, FilterError> {
        match self.peek() {
            Some(Lexeme::Word(key)) => {
                let key = key.clone();
                self.next += 1;
                Ok(key)
            }
            _ => Err(self.error("a session property's name is missing")),
        }
    }

    fn value(&mut self) -> Result<String, FilterError> {
        match self.peek() {
            Some(Lexeme::Text(value)) => {
                let value = value.clone();
                self.next += 1;
                Ok(value)
            }
            _ => Err(self.error("a value in quotes is missing")),
        }
    }

    fn values(&mut self) -> Result<BTreeSet<String>, FilterError> {
        let closing = if self.take_mark('[') {
            Some(']')
        } else if self.take_mark('(') {
            Some(')')
        } else {
            None
        };
        let mut values: BTreeSet<String> = [self.value()?].into();
        loop {
            let comma = self.take_mark(',');
            if comma || matches!(self.peek(), Some(Lexeme::Text(_))) {
                values.insert(self.value()?);
            } else {
                break;
            }
        }
        if closing.is_some_and(|mark| !self.take_mark(mark)) {
            return Err(self.error("a closing bracket is missing"));
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    struct Session(BTreeMap<&'static str, &'static str>, BTreeSet<String>);

    impl Properties for Session {
        fn property(&self, key: &str) -> Option<&str> {
            self.0.get(key).copied()
        }
        fn roles(&self) -> &BTreeSet<String> {
            &self.1
        }
    }

    fn session() -> Session {
        Session(
            [
                ("$Principal", "al"),
                ("Department", "Accounts"),
                ("Status", "Open"),
            ]
            .into(),
            ["CLIENT".to_owned(), "TOPIC_CONTROL".to_owned()].into(),
        )
    }

    #[test]
    fn filters_mean_what_the_manual_says() {
        for (text, expected) in [
            ("all", true),
            ("$Principal is 'al'", true),
            ("$Principal EQ \"al\"", true),
            ("$Principal ne 'al'", false),
            ("$Principal ne 'bob'", true),
            ("Missing ne 'bob'", false),
            ("Missing is 'x'", false),
            ("has Department", true),
            ("not has Missing", true),
            ("Department in ['Payroll', 'Accounts']", true),
            ("Department in 'Payroll' 'Sales'", false),
            ("Department matches 'A.*'", true),
            ("Department matches 'cc'", false),
            ("hasRoles ['CLIENT' \"TOPIC_CONTROL\"]", true),
            ("hasroles 'CLIENT', 'ADMINISTRATOR'", false),
            ("$Roles is '\"TOPIC_CONTROL\" \"CLIENT\"'", true),
            ("$Roles eq '\"CLIENT\"'", false),
            (
                "(Department is 'Accounts' or Department is 'Payroll') and Status is 'Closed'",
                false,
            ),
            (
                "Department is 'Accounts' or Department is 'Payroll' and Status is 'Closed'",
                true,
            ),
            (
                "not (Department is 'Payroll' or Department is 'Accounts')",
                false,
            ),
        ] {
            let filter = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(filter.matches(&session()), expected, "{text}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        for (text, position) in [
            ("", 0),
            ("$Principal", 10),
            ("$Principal is al", 14),
            ("$Principal is 'al", 14),
            ("(all", 4),
            ("all all", 4),
            ("A matches '('", 10),
            ("hasRoles []", 10),
        ] {
            let error = Filter::parse(text).unwrap_err();
            assert_eq!(error.position, position, "{text}: {error}");
        }
        assert!(Filter::parse(&"(".repeat(10_000)).is_err());
        assert!(Filter::parse(&"not ".repeat(4_000)).is_err());
        assert!(Filter::parse(&"a".repeat(MAX_EXPRESSION + 1)).is_err());
        let many = ["A matches 'a'"; MAX_REGEXES + 1].join(" or ");
        assert!(Filter::parse(&many).is_err());
    }

    #[test]
    fn the_more_is_looked_at_the_more_it_costs() {
        let steps = |text: &str| Filter::parse(text).unwrap().steps();
        assert_eq!(steps("A matches 'a' or has $Roles"), 21);
        // Roles may take sixteen times what a property does.
        assert_eq!(steps("$Roles matches 'a'"), 320);
        let long = "x".repeat(4_000);
        for operator in ["is", "ne", "in"] {
            assert_eq!(steps(&format!("A {operator} 'a'")), 1);
            assert_eq!(
                steps(&format!("$Roles {operator} '{long}'")) > 1,
                operator == "in"
            );
            assert_eq!(steps(&format!("A {operator} '{long}'")), 4);
        }
        let roles: Vec<String> = (0..100).map(|it| format!("'{it}'")).collect();
        assert_eq!(steps(&format!("hasRoles {}", roles.join(" "))), 51);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[()a-z'\"\\\\ ,\\[\\]$]{0,80}") {
            if let Ok(filter) = Filter::parse(&text) {
                filter.matches(&session());
            }
        }
    }
}
