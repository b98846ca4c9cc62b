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

    /// An instant as the reader's calendar has it.
    #[cfg(target_arch = "wasm32")]
    #[must_use]
    pub fn local(ms: i64) -> Self {
        let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(ms as f64));
        Self::instant(ms, date.get_timezone_offset() as i64)
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

/// An instant in ISO 8601, UTC, as JavaScript writes it. `None` outside of the years that have four digits.
#[must_use]
pub fn iso(ms: i64) -> Option<String> {
    let (year, month, day) = date_of(ms.div_euclid(DAY_MS));
    if !(0..=9999).contains(&year) {
        return None;
    }
    let rest = ms.rem_euclid(DAY_MS);
    let parts = [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (rest / 3_600_000, 2, ':'),
        (rest / 60_000 % 60, 2, ':'),
        (rest / 1000 % 60, 2, '.'),
        (rest % 1000, 3, 'Z'),
    ];
    let mut text = String::with_capacity(24);
    for (number, width, after) in parts {
        let digits = number.to_string();
        for _ in digits.len()..width {
            text.push('0');
        }
        text.push_str(&digits);
        text.push(after);
    }
    Some(text)
}

/// Reads [`iso`], and nothing else.
#[must_use]
pub fn read_iso(text: &str) -> Option<i64> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let days = days_until(part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let minutes = part(11, 13)? * 60 + part(14, 16)?;
    let ms = days * DAY_MS + (minutes * 60 + part(17, 19)?) * 1000 + part(20, 23)?;
    (iso(ms).as_deref() == Some(text)).then_some(ms)
}

/// Year, month and day of a day since 1970. Years begin in March here, so that the day that is not always there comes last.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// [`date_of`] the other way round.
fn days_until(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year * 365 + year / 4 - year / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
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
        for day in -200_000..200_000 {
            let (year, month, date) = date_of(day);
            assert_eq!(days_until(year, month, date), day);
        }
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
