//! Times as a reader sees them. The page's clock and time zone are the browser's, so both come in from outside.

use std::ops::RangeInclusive;

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
    pub fn instant(ms: i64, west_minutes: i64) -> Self {
        let local = ms.saturating_sub(west_minutes.saturating_mul(60_000));
        Self::Instant {
            ms,
            day: local.div_euclid(DAY_MS),
        }
    }

    /// An instant as the reader's calendar has it.
    #[cfg(target_arch = "wasm32")]
    pub fn local(ms: i64) -> Self {
        let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(ms as f64));
        Self::instant(ms, date.get_timezone_offset() as i64)
    }

    /// The calendar day, where it is known.
    pub fn day(&self) -> Option<i64> {
        match self {
            Self::Instant { day, .. } => Some(*day),
            Self::Written(_) => None,
        }
    }

    /// Whether this follows `earlier` within `span_ms`; unknown times are taken to be close to each other.
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

/// The instants of the years that have four digits, in milliseconds since 1970.
const FOUR_DIGITS: RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// An instant in ISO 8601, UTC, as JavaScript writes it. `None` outside of the years that have four digits.
pub fn iso(ms: i64) -> Option<String> {
    FOUR_DIGITS.contains(&ms).then(|| calendar::iso(ms))
}

/// Reads [`iso`], and nothing else.
pub fn read_iso(text: &str) -> Option<i64> {
    let ms = calendar::parse(text)?;
    (iso(ms).as_deref() == Some(text)).then_some(ms)
}

/// The browser's calendar.
#[cfg(target_arch = "wasm32")]
mod calendar {
    use js_sys::Date;

    pub fn iso(ms: i64) -> String {
        Date::new(&(ms as f64).into()).to_iso_string().into()
    }

    pub fn parse(text: &str) -> Option<i64> {
        let ms = Date::parse(text);
        (!ms.is_nan()).then_some(ms as i64)
    }
}

/// What stands for it in native tests.
#[cfg(not(target_arch = "wasm32"))]
mod calendar {
    use time::format_description::BorrowedFormatItem;
    use time::macros::format_description;
    use time::{Duration, PrimitiveDateTime, UtcDateTime};

    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

    pub fn iso(ms: i64) -> String {
        let at = UtcDateTime::UNIX_EPOCH + Duration::milliseconds(ms);
        at.format(FORMAT).unwrap_or_default()
    }

    pub fn parse(text: &str) -> Option<i64> {
        let at = PrimitiveDateTime::parse(text, FORMAT).ok()?.as_utc();
        (at - UtcDateTime::UNIX_EPOCH)
            .whole_milliseconds()
            .try_into()
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_as_javascript_writes_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_795_255_200_007, "2026-11-21T10:00:00.007Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso(ms).as_deref(), Some(text));
            assert_eq!(read_iso(text), Some(ms));
        }
        assert_eq!(iso(253_402_300_800_000), None);
        assert_eq!(iso(-62_167_219_200_001), None);
        for bad in [
            "",
            "2026-11-21",
            "2026-11-21T10:00:00Z",
            "2026-02-30T00:00:00.000Z",
            "2026-11-21T10:00:00.000+",
            "2026-11-21T24:00:00.000Z",
            "2026-11-21T10:00:+1.000Z",
            "ééééééééééééé",
        ] {
            assert_eq!(read_iso(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_day_is_the_readers() {
        // 1970-01-02T00:30Z is still the first in New York, and the second in Berlin.
        let ms = DAY_MS + 30 * 60_000;
        assert_eq!(At::instant(ms, 300).day(), Some(0));
        assert_eq!(At::instant(ms, -60).day(), Some(1));
        assert_eq!(At::instant(-1, 0).day(), Some(-1));
        let first = i64::MIN.div_euclid(DAY_MS);
        assert_eq!(At::instant(i64::MIN, i64::MAX).day(), Some(first));
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
