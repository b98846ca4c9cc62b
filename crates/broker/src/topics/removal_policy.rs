//! Removal policies: when a topic removes itself.
//!
//! Source: the API documentation of the `REMOVAL` property. `when CONDITIONS [remove 'SELECTOR']`, conditions joined
//! by `and` and `or` (`and` binds tighter), with parentheses.

use core::fmt;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::Time;
use crate::lexer::{Lexeme, lexemes};
use crate::sessions::filter::Filter;
use crate::topics::Selector;

use super::date;

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 32;
/// The longest policy, in bytes.
const MAX_POLICY: usize = 8 * 1024;
/// What all session filters of a policy may ask of a session, in steps: they are asked of all sessions again and again.
const MAX_CLAUSES: usize = 24;
/// The most conditions in a policy: each is looked at whenever one of them may have come to hold.
const MAX_CONDITIONS: usize = 64;

/// A removal policy.
#[derive(Debug)]
pub(crate) struct Removal {
    condition: Condition,
    /// Which topics go; the topic itself if there is no selector.
    pub(crate) remove: Option<Arc<Selector>>,
    /// How many conditions keep a moment since which they hold.
    watched: usize,
    /// A condition is about properties of sessions other than whose they are: whether the topic is there tells of them.
    pub(crate) asks_for_sessions: bool,
    /// What it takes to ask all conditions about a session, in steps.
    pub(crate) clauses: usize,
    /// Bytes of memory that regular expressions and the selector take.
    pub(crate) memory: usize,
}

#[derive(Debug)]
enum Condition {
    All(Vec<Self>),
    Any(Vec<Self>),
    /// In milliseconds since 1970.
    TimeAfter(u64),
    /// Fewer subscriptions than `below`, all the time for `for_ms`.
    Subscriptions {
        watch: usize,
        below: u64,
        for_ms: u64,
        after_ms: u64,
    },
    NoUpdates {
        for_ms: u64,
        after_ms: u64,
    },
    /// No session matches; without a filter, the session that made the topic.
    NoSession {
        watch: usize,
        filter: Option<Filter>,
        for_ms: u64,
        after_ms: u64,
    },
}

/// Why text is no removal policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemovalError(String);

impl fmt::Display for RemovalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Since when each watched condition holds, by the monotonic clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watch(Vec<Option<u64>>);

/// What the conditions are about.
pub(crate) struct Circumstances<'a> {
    pub(crate) now: Time,
    /// When the topic was added or restored, by the monotonic clock.
    pub(crate) present_since: u64,
    /// When it was last updated, by the monotonic clock.
    pub(crate) updated: u64,
    pub(crate) subscriptions: u64,
    /// Whether any session matches; `None` asks for the session that made the topic.
    pub(crate) any_session: &'a dyn Fn(Option<&Filter>) -> bool,
}

impl Removal {
    pub(crate) fn parse(text: &str) -> Result<Self, RemovalError> {
        if text.len() > MAX_POLICY {
            return Err(RemovalError(format!(
                "a policy cannot be longer than {MAX_POLICY} bytes"
            )));
        }
        let lexemes = lexemes(text).map_err(|error| RemovalError(error.message.to_owned()))?;
        let mut parser = Parser {
            lexemes: lexemes.into_iter().map(|(lexeme, _)| lexeme).collect(),
            next: 0,
            depth: 0,
            conditions: 0,
            watched: 0,
            once: BTreeSet::new(),
            asks_for_sessions: false,
            clauses: 0,
            memory: 0,
        };
        parser.expect("when")?;
        let condition = parser.or()?;
        let remove = if parser.take("remove") {
            let selector = parser.text("a selector in quotes")?;
            let selector = Selector::parse(&selector);
            Some(Arc::new(
                selector.map_err(|error| RemovalError(error.to_string()))?,
            ))
        } else {
            None
        };
        if parser.next < parser.lexemes.len() {
            return Err(RemovalError("something follows the policy".to_owned()));
        }
        let selector = remove.as_ref().map_or(0, |it| it.memory());
        Ok(Self {
            memory: parser.memory + selector,
            condition,
            remove,
            watched: parser.watched,
            asks_for_sessions: parser.asks_for_sessions,
            clauses: parser.clauses,
        })
    }

    /// A watch for a topic with this policy.
    pub(crate) fn watch(&self) -> Watch {
        Watch(vec![None; self.watched])
    }

    /// Whether the topic is to be removed. To be asked every few seconds.
    pub(crate) fn is_due(&self, watch: &mut Watch, circumstances: &Circumstances<'_>) -> bool {
        self.condition
            .holds(watch, circumstances, circumstances.present_since)
    }
}

impl Condition {
    /// `base` is the moment before which nothing counts.
    fn holds(&self, watch: &mut Watch, about: &Circumstances<'_>, base: u64) -> bool {
        let now = about.now.monotonic_ms;
        let held_for = |since: u64, for_ms: u64, after_ms: u64| {
            let since = since.max(base.saturating_add(after_ms));
            now >= since && now - since >= for_ms
        };
        match self {
            // Every condition is looked at, so that each knows since when it holds.
            Self::All(conditions) => {
                // `time after X and subscriptions < 1 for 30m` counts the half hour from X on.
                let base = conditions
                    .iter()
                    .filter_map(|condition| condition.moment(about.now))
                    .fold(base, u64::max);
                let failing = conditions.iter().filter(|it| !it.holds(watch, about, base));
                failing.count() == 0
            }
            Self::Any(conditions) => {
                let holding = conditions.iter().filter(|it| it.holds(watch, about, base));
                holding.count() > 0
            }
            Self::TimeAfter(moment) => about.now.wall_ms > *moment,
            Self::Subscriptions {
                watch: index,
                below,
                for_ms,
                after_ms,
            } => watch
                .since(*index, about.subscriptions < *below, now)
                .is_some_and(|since| held_for(since, *for_ms, *after_ms)),
            Self::NoUpdates { for_ms, after_ms } => held_for(about.updated, *for_ms, *after_ms),
            Self::NoSession {
                watch: index,
                filter,
                for_ms,
                after_ms,
            } => {
                let none = !(about.any_session)(filter.as_ref());
                watch
                    .since(*index, none, now)
                    .is_some_and(|since| held_for(since, *for_ms, *after_ms))
            }
        }
    }

    /// When a `time after` condition came to hold or will, by the monotonic clock.
    fn moment(&self, now: Time) -> Option<u64> {
        match self {
            Self::TimeAfter(moment) => Some(if now.wall_ms >= *moment {
                now.monotonic_ms.saturating_sub(now.wall_ms - moment)
            } else {
                now.monotonic_ms.saturating_add(moment - now.wall_ms)
            }),
            _ => None,
        }
    }
}

impl Watch {
    fn since(&mut self, index: usize, holds: bool, now: u64) -> Option<u64> {
        let since = self.0.get_mut(index)?;
        *since = if holds {
            Some(since.unwrap_or(now))
        } else {
            None
        };
        *since
    }
}

/// One condition is itself.
fn joined(mut conditions: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match conditions.pop() {
        Some(only) if conditions.is_empty() => only,
        last => {
            conditions.extend(last);
            join(conditions)
        }
    }
}

struct Parser {
    lexemes: Vec<Lexeme>,
    next: usize,
    depth: usize,
    conditions: usize,
    watched: usize,
    /// Kinds of conditions that are there and may be there once.
    once: BTreeSet<&'static str>,
    asks_for_sessions: bool,
    clauses: usize,
    memory: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Lexeme> {
        self.lexemes.get(self.next)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Lexeme::Word(it)) if it.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn mark(&mut self, mark: char) -> bool {
        let found = self.peek() == Some(&Lexeme::Mark(mark));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), RemovalError> {
        if self.take(word) {
            Ok(())
        } else {
            Err(RemovalError(format!("{word:?} is missing")))
        }
    }

    fn text(&mut self, what: &str) -> Result<String, RemovalError> {
        match self.peek() {
            Some(Lexeme::Text(text)) => {
                let text = text.clone();
                self.next += 1;
                Ok(text)
            }
            _ => Err(RemovalError(format!("{what} is missing"))),
        }
    }

    fn word(&mut self, what: &str) -> Result<String, RemovalError> {
        match self.peek() {
            Some(Lexeme::Word(word)) => {
                let word = word.clone();
                self.next += 1;
                Ok(word)
            }
            _ => Err(RemovalError(format!("{what} is missing"))),
        }
    }

    /// A number with a unit: `s`, `m`, `h` or `d`.
    fn period(&mut self) -> Result<u64, RemovalError> {
        let text = self.word("a period such as 10m")?;
        let wrong = || RemovalError(format!("{text:?} is not a period such as 10m"));
        let unit = text.chars().next_back().ok_or_else(wrong)?;
        let factor = match unit.to_ascii_lowercase() {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return Err(wrong()),
        };
        text[..text.len() - 1]
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(factor))
            .ok_or_else(wrong)
    }

    fn optional_period(&mut self, word: &str) -> Result<u64, RemovalError> {
        if self.take(word) {
            self.period()
        } else {
            Ok(0)
        }
    }

    /// A condition of a kind that a policy may have once (source: the API documentation of `REMOVAL`).
    fn only_one(&mut self, kind: &'static str) -> Result<(), RemovalError> {
        if self.once.insert(kind) {
            Ok(())
        } else {
            Err(RemovalError(format!("{kind:?} is there twice")))
        }
    }

    fn new_watch(&mut self) -> usize {
        self.watched += 1;
        self.watched - 1
    }

    fn or(&mut self) -> Result<Condition, RemovalError> {
        let first = self.and()?;
        let mut conditions = vec![first];
        while self.take("or") {
            conditions.push(self.and()?);
        }
        Ok(joined(conditions, Condition::Any))
    }

    fn and(&mut self) -> Result<Condition, RemovalError> {
        let first = self.condition()?;
        let mut conditions = vec![first];
        while self.take("and") {
            conditions.push(self.condition()?);
        }
        Ok(joined(conditions, Condition::All))
    }

    fn condition(&mut self) -> Result<Condition, RemovalError> {
        self.conditions += 1;
        if self.conditions > MAX_CONDITIONS {
            return Err(RemovalError(format!(
                "a policy cannot have more than {MAX_CONDITIONS} conditions"
            )));
        }
        if self.mark('(') {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(RemovalError("the policy nests too deep".to_owned()));
            }
            let inner = self.or()?;
            self.depth -= 1;
            if !self.mark(')') {
                return Err(RemovalError("a closing parenthesis is missing".to_owned()));
            }
            return Ok(inner);
        }
        if self.take("time") {
            self.expect("after")?;
            self.only_one("time after")?;
            return self.moment().map(Condition::TimeAfter);
        }
        if self.take("this") {
            self.expect("session")?;
            self.expect("closes")?;
            return Ok(Condition::NoSession {
                watch: self.new_watch(),
                filter: None,
                for_ms: 0,
                after_ms: 0,
            });
        }
        if self.take("no") {
            if self.take("updates") {
                self.expect("for")?;
                self.only_one("no updates for")?;
                return Ok(Condition::NoUpdates {
                    for_ms: self.period()?,
                    after_ms: self.optional_period("after")?,
                });
            }
            // There is one server only, so that every session is a local one.
            self.take("local");
            self.expect("session")?;
            self.expect("has")?;
            let filter = self.text("a session filter in quotes")?;
            let filter = Filter::parse(&filter).map_err(|error| RemovalError(error.to_string()))?;
            self.asks_for_sessions |= !filter.asks_for_principals_only();
            self.clauses += filter.steps();
            self.memory += filter.memory();
            if self.clauses > MAX_CLAUSES {
                return Err(RemovalError("the session filters ask too much".to_owned()));
            }
            return Ok(Condition::NoSession {
                watch: self.new_watch(),
                filter: Some(filter),
                for_ms: self.optional_period("for")?,
                after_ms: self.optional_period("after")?,
            });
        }
        self.take("local");
        if self.take("subscriptions") {
            self.only_one("subscriptions")?;
            if !self.mark('<') {
                return Err(RemovalError("\"<\" is missing".to_owned()));
            }
            let below = self.word("a number of subscriptions")?;
            let below = below
                .parse()
                .map_err(|_| RemovalError(format!("{below:?} is not a number")))?;
            self.expect("for")?;
            return Ok(Condition::Subscriptions {
                watch: self.new_watch(),
                below,
                for_ms: self.period()?,
                after_ms: self.optional_period("after")?,
            });
        }
        Err(RemovalError("a condition is missing".to_owned()))
    }

    /// Milliseconds since 1970, or a quoted date of RFC 1123.
    fn moment(&mut self) -> Result<u64, RemovalError> {
        if let Some(Lexeme::Text(text)) = self.peek() {
            let moment = date::parse_rfc1123(text)
                .ok_or_else(|| RemovalError(format!("{text:?} is not a date of RFC 1123")))?;
            self.next += 1;
            return Ok(moment);
        }
        let word = self.word("a moment")?;
        word.parse()
            .map_err(|_| RemovalError(format!("{word:?} is not a number of milliseconds")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;
    use proptest::prelude::*;

    struct World {
        now: u64,
        updated: u64,
        subscriptions: u64,
        sessions: Cell<bool>,
    }

    const START: u64 = 1_000_000;
    const MINUTE: u64 = 60_000;

    fn due(removal: &Removal, watch: &mut Watch, world: &World) -> bool {
        removal.is_due(
            watch,
            &Circumstances {
                now: Time {
                    monotonic_ms: world.now,
                    wall_ms: START + world.now,
                },
                present_since: 0,
                updated: world.updated,
                subscriptions: world.subscriptions,
                any_session: &|_| world.sessions.get(),
            },
        )
    }

    fn world() -> World {
        World {
            now: 0,
            updated: 0,
            subscriptions: 0,
            sessions: Cell::new(true),
        }
    }

    #[test]
    fn a_session_that_closes_takes_its_topics_along() {
        let removal = Removal::parse("when this session closes").unwrap();
        let (mut watch, mut world) = (removal.watch(), world());
        assert!(!due(&removal, &mut watch, &world));
        world.sessions.set(false);
        world.now += 1;
        assert!(due(&removal, &mut watch, &world));
    }

    #[test]
    fn subscriptions_must_be_few_all_the_time() {
        let removal = Removal::parse("when subscriptions < 2 for 10m after 1h").unwrap();
        let (mut watch, mut world) = (removal.watch(), world());
        assert!(!due(&removal, &mut watch, &world));
        world.now = 69 * MINUTE;
        assert!(!due(&removal, &mut watch, &world));
        world.subscriptions = 2;
        world.now = 70 * MINUTE;
        assert!(!due(&removal, &mut watch, &world));
        world.subscriptions = 1;
        world.now = 71 * MINUTE;
        assert!(!due(&removal, &mut watch, &world));
        world.now = 80 * MINUTE;
        assert!(!due(&removal, &mut watch, &world));
        world.now = 81 * MINUTE;
        assert!(due(&removal, &mut watch, &world));
    }

    #[test]
    fn a_topic_without_updates_goes() {
        let removal = Removal::parse("when no updates for 1h").unwrap();
        let (mut watch, mut world) = (removal.watch(), world());
        world.updated = 30 * MINUTE;
        world.now = 89 * MINUTE;
        assert!(!due(&removal, &mut watch, &world));
        world.now = 90 * MINUTE;
        assert!(due(&removal, &mut watch, &world));
    }

    #[test]
    fn a_moment_and_a_period_after_it() {
        let text = format!(
            "when time after {} and (subscriptions < 1 for 10m or no updates for 1h)",
            START + 20 * MINUTE
        );
        let removal = Removal::parse(&text).unwrap();
        let (mut watch, mut world) = (removal.watch(), world());
        assert!(!due(&removal, &mut watch, &world));
        world.now = 29 * MINUTE;
        assert!(!due(&removal, &mut watch, &world));
        world.now = 31 * MINUTE;
        assert!(due(&removal, &mut watch, &world));
    }

    #[test]
    fn a_policy_may_remove_other_topics() {
        let removal =
            Removal::parse("when time after 'Tue, 3 Jun 2008 11:05:30 GMT' remove '*alpha/beta//'")
                .unwrap();
        assert!(due(
            &removal,
            &mut removal.watch(),
            &World {
                now: 1_212_491_130_000,
                ..world()
            }
        ));
        assert!(removal.remove.unwrap().matches("alpha/beta/gamma"));
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for bad in [
            "",
            "when",
            "this session closes",
            "when this session",
            "when subscriptions < 1",
            "when subscriptions < x for 1m",
            "when no updates for 1y",
            "when no updates for m",
            "when no session has 'x'",
            "when time after yesterday",
            "when time after 'yesterday'",
            "when (this session closes",
            "when this session closes remove",
            "when this session closes remove '?('",
            "when this session closes now",
        ] {
            assert!(Removal::parse(bad).is_err(), "{bad}");
        }
        assert!(Removal::parse(&format!("when {}", "(".repeat(10_000))).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(when|no|for|after|this|<|1|10m|time|'a'|\\(|\\)|é| |and|or){0,20}") {
            let _ = Removal::parse(&text);
        }
    }
}
