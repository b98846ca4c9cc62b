//! Times as a reader sees them. The page's clock and time zone are the browser's, so both come in from outside.

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// When a message was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// An instant, and the reader's calendar day that it falls on.
    Instant {
        /// Milliseconds since 1970, UTC.
        ms: i64,
        /// Days since 1970 in the reader's time zone.
        day: i64,
    },
    /// A time that only its author can place, shown as it was written.
    Written(String),
}

impl At {
    /// An instant for a reader whose clock is `west_minutes` behind UTC, as JavaScript's `getTimezoneOffset` says.
    #[must_use]
    pub fn instant(ms: i64, west_minutes: i64) -> Self {
        let local = ms.saturating_sub(west_minutes.saturating_mul(60_000));
        Self::Instant {
            ms,
            day: local.div_euclid(DAY_MS),
        }
    }

    /// The calendar day, where it is known.
    #[must_use]
    pub fn day(&self) -> Option<i64> {
        match self {
            Self::Instant { day, .. } => Some(*day),
            Self::Written(_) => None,
        }
    }

    /// Whether this follows `earlier` within `span_ms`; unknown times are taken to be close to each other.
    #[must_use]
    pub fn follows_within(&self, earlier: &Self, span_ms: i64) -> bool {
        match (earlier, self) {
            (Self::Instant { ms: a, day: x }, Self::Instant { ms: b, day: y }) => {
                x == y && b.saturating_sub(*a) <= span_ms
            }
            (Self::Written(_), Self::Written(_)) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_is_the_readers() {
        // 1970-01-02T00:30Z is still the first in New York, and the second in Berlin.
        let ms = DAY_MS + 30 * 60_000;
        assert_eq!(At::instant(ms, 300).day(), Some(0));
        assert_eq!(At::instant(ms, -60).day(), Some(1));
        assert_eq!(At::instant(-1, 0).day(), Some(-1));
        assert_eq!(
            At::instant(i64::MIN, i64::MAX).day(),
            Some(i64::MIN.div_euclid(DAY_MS))
        );
        assert_eq!(At::Written("3:04:05 PM".to_owned()).day(), None);
    }

    #[test]
    fn closeness_ends_with_the_span_and_with_the_day() {
        let at = |ms| At::instant(ms, 0);
        assert!(at(1000).follows_within(&at(0), 1000));
        assert!(!at(1001).follows_within(&at(0), 1000));
        assert!(!at(DAY_MS).follows_within(&at(DAY_MS - 1), 1000));
        assert!(!At::Written(String::new()).follows_within(&at(0), 1000));
    }
}
