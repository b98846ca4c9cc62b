//! Range expressions: which events, counted from the end of a time series, are kept or sent to a new subscriber.

use core::fmt;
use core::str::FromStr;

use super::EventMetadata;

/// A range of the newest events, as the topic properties `TIME_SERIES_RETAINED_RANGE` and
/// `TIME_SERIES_SUBSCRIPTION_RANGE` write it: `limit 5`, `last 10s`, `last 10s limit 5`.
///
/// Source: the API documentation of `TopicSpecification`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RangeExpression {
    /// At most this many events.
    pub limit: Option<u64>,
    /// Only events that are at most this many milliseconds older than the newest one.
    pub last_ms: Option<u64>,
}

/// Why text is no range expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeExpressionError {
    /// There was nothing in it.
    #[error("a range expression needs `limit` or `last`")]
    Empty,
    /// A word that does not belong there.
    #[error("{0:?} is neither `limit` nor `last`")]
    Unexpected(String),
    /// A clause without its number.
    #[error("`{0}` needs a number")]
    MissingNumber(&'static str),
    /// What stands in place of a number.
    #[error("{0:?} is not a number from 0 to 2^63 - 1")]
    BadNumber(String),
    /// A duration without a unit, or with one that does not exist.
    #[error("{0:?} is not a duration such as 500ms, 10s, 5m or 2h")]
    BadDuration(String),
}

impl RangeExpression {
    /// The most recent `count` events.
    #[must_use]
    pub const fn limit(count: u64) -> Self {
        Self {
            limit: Some(count),
            last_ms: None,
        }
    }

    /// The events of the last `milliseconds` before the newest one.
    #[must_use]
    pub const fn last(milliseconds: u64) -> Self {
        Self {
            limit: None,
            last_ms: Some(milliseconds),
        }
    }

    /// How many events, from the newest back, are in the range.
    ///
    /// `newest_first` is all events of a time series, the newest first.
    pub fn select<'e>(&self, newest_first: impl Iterator<Item = &'e EventMetadata>) -> usize {
        let limit = self.limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        let mut newest = None;
        newest_first
            .take(limit)
            .take_while(|event| {
                let newest = *newest.get_or_insert(event.timestamp);
                self.last_ms
                    .is_none_or(|last| newest.saturating_sub(event.timestamp) <= last)
            })
            .count()
    }
}

/// The largest number of events or milliseconds.
const MAX: u64 = i64::MAX as u64;

impl FromStr for RangeExpression {
    type Err = RangeExpressionError;

    /// Reads a range expression. Letter case does not matter, and of clauses of one kind the smallest counts.
    fn from_str(text: &str) -> Result<Self, RangeExpressionError> {
        let mut range = Self::default();
        let mut words = text.split_ascii_whitespace();
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case("limit") {
                let number = words
                    .next()
                    .ok_or(RangeExpressionError::MissingNumber("limit"))?;
                keep_smallest(&mut range.limit, parse_number(number)?);
            } else if word.eq_ignore_ascii_case("last") {
                let number = words
                    .next()
                    .ok_or(RangeExpressionError::MissingNumber("last"))?;
                // The unit may stand apart: `last 10 s`.
                let is_bare = number.bytes().all(|byte| byte.is_ascii_digit());
                let unit = if is_bare {
                    words.next().unwrap_or_default()
                } else {
                    ""
                };
                let duration = parse_duration(number, unit)?;
                keep_smallest(&mut range.last_ms, duration);
            } else {
                return Err(RangeExpressionError::Unexpected(word.to_owned()));
            }
        }
        if range == Self::default() {
            return Err(RangeExpressionError::Empty);
        }
        Ok(range)
    }
}

fn keep_smallest(old: &mut Option<u64>, new: u64) {
    *old = Some(old.map_or(new, |old| old.min(new)));
}

fn parse_number(text: &str) -> Result<u64, RangeExpressionError> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse::<u64>().ok().filter(|number| *number <= MAX);
    number
        .filter(|_| digits_only)
        .ok_or_else(|| RangeExpressionError::BadNumber(text.to_owned()))
}

fn parse_duration(number: &str, unit: &str) -> Result<u64, RangeExpressionError> {
    let end = number
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(number.len());
    let (digits, attached) = number.split_at(end);
    let unit = if attached.is_empty() { unit } else { attached };
    let factor = UNITS
        .iter()
        .find(|(name, _)| unit.eq_ignore_ascii_case(name));
    let Some((_, factor)) = factor else {
        return Err(RangeExpressionError::BadDuration(format!(
            "{number}{}",
            if attached.is_empty() { unit } else { "" }
        )));
    };
    parse_number(digits)?
        .checked_mul(*factor)
        .filter(|duration| *duration <= MAX)
        .ok_or_else(|| RangeExpressionError::BadNumber(digits.to_owned()))
}

/// Units and how many milliseconds they are. `m` is in the manual's examples, though not in the API documentation.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl fmt::Display for RangeExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(last) = self.last_ms {
            // The largest unit that expresses it exactly.
            let exact = UNITS
                .iter()
                .find(|(_, factor)| last > 0 && last % factor == 0);
            let (unit, factor) = exact.unwrap_or(&("ms", 1));
            write!(f, "last {}{unit}", last / factor)?;
        }
        if let Some(limit) = self.limit {
            let space = if self.last_ms.is_some() { " " } else { "" };
            write!(f, "{space}limit {limit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RangeExpression, RangeExpressionError> {
        text.parse()
    }

    #[test]
    fn expressions_of_the_documentation_are_read() {
        assert_eq!(parse("limit 5"), Ok(RangeExpression::limit(5)));
        assert_eq!(parse("last 10s"), Ok(RangeExpression::last(10_000)));
        let both = RangeExpression {
            limit: Some(5),
            last_ms: Some(10_000),
        };
        for text in [
            "last 10s limit 5",
            "limit 5 last 10s",
            "LIMIT 5 LAST 10S",
            " last 10 s  limit 5 ",
        ] {
            assert_eq!(parse(text), Ok(both), "{text}");
        }
        assert_eq!(both.to_string(), "last 10s limit 5");
    }

    #[test]
    fn expressions_read_what_they_write() {
        for (text, expected) in [
            ("last 500ms", RangeExpression::last(500)),
            ("last 2h", RangeExpression::last(7_200_000)),
            ("last 5m", RangeExpression::last(300_000)),
            ("last 0ms", RangeExpression::last(0)),
            ("limit 0", RangeExpression::limit(0)),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
            assert_eq!(expected.to_string(), text);
        }
        assert_eq!(
            parse("limit 5 limit 3 limit 9"),
            Ok(RangeExpression::limit(3))
        );
    }

    #[test]
    fn mistakes_are_named() {
        use RangeExpressionError::{BadDuration, BadNumber, Empty, MissingNumber, Unexpected};
        assert_eq!(parse(""), Err(Empty));
        assert_eq!(parse("first 5"), Err(Unexpected("first".to_owned())));
        assert_eq!(parse("limit"), Err(MissingNumber("limit")));
        assert_eq!(parse("limit x"), Err(BadNumber("x".to_owned())));
        assert_eq!(parse("limit -1"), Err(BadNumber("-1".to_owned())));
        assert_eq!(parse("last 10"), Err(BadDuration("10".to_owned())));
        assert_eq!(
            parse("last 10 years"),
            Err(BadDuration("10years".to_owned()))
        );
        assert_eq!(parse("last 10d"), Err(BadDuration("10d".to_owned())));
        assert_eq!(parse("last s"), Err(BadNumber(String::new())));
        assert_eq!(
            parse("last 9223372036854775807h"),
            Err(BadNumber("9223372036854775807".to_owned()))
        );
    }

    #[test]
    fn the_newest_events_are_selected() {
        let events: Vec<EventMetadata> = [9000, 8000, 8000, 100, 0]
            .iter()
            .map(|timestamp| EventMetadata {
                sequence: 0,
                timestamp: *timestamp,
                author: String::new(),
            })
            .collect();
        let count = |text: &str| parse(text).unwrap().select(events.iter());
        assert_eq!(count("limit 2"), 2);
        assert_eq!(count("limit 100"), 5);
        assert_eq!(count("last 0ms"), 1);
        assert_eq!(count("last 1s"), 3);
        assert_eq!(count("last 1s limit 2"), 2);
        assert_eq!(count("last 1h"), 5);
        assert_eq!(parse("limit 5").unwrap().select([].iter()), 0);
    }
}
