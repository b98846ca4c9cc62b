//! Dates of RFC 1123, such as `Tue, 3 Jun 2008 11:05:30 GMT`.

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Milliseconds since 1970, or `None` for what is no such date or before 1970. The day of the week may be left out.
pub(super) fn parse_rfc1123(text: &str) -> Option<u64> {
    let text = text.split_once(',').map_or(text, |(_, rest)| rest);
    let mut words = text.split_ascii_whitespace();
    let day: i64 = words.next()?.parse().ok()?;
    let month = words.next()?.to_ascii_lowercase();
    let month = i64::try_from(MONTHS.iter().position(|it| *it == month)?).ok()? + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.split(':');
    let hour: i64 = clock.next()?.parse().ok()?;
    let minute: i64 = clock.next()?.parse().ok()?;
    let second: i64 = clock.next().map_or(Some(0), |it| it.parse().ok())?;
    let offset = match words.next()? {
        "GMT" | "UTC" | "Z" => 0,
        zone => offset_minutes(zone)?,
    };
    let in_range = (1..=31).contains(&day)
        && (1970..=9999).contains(&year)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    if !in_range || clock.next().is_some() || words.next().is_some() {
        return None;
    }
    let seconds =
        ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second;
    u64::try_from(seconds).ok()?.checked_mul(1_000)
}

/// Minutes east of Greenwich, of `+0100`.
fn offset_minutes(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let digits = &zone[1..];
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i64 = digits.parse().ok()?;
    Some(sign * (number / 100 * 60 + number % 100))
}

/// By the proleptic Gregorian calendar; years start in March, so that the leap day is the last one.
const fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, expected) in [
            ("Thu, 1 Jan 1970 00:00:00 GMT", Some(0)),
            ("Tue, 3 Jun 2008 11:05:30 GMT", Some(1_212_491_130_000)),
            ("29 Feb 2024 12:00 +0100", Some(1_709_204_400_000)),
            ("31 Dec 1969 00:00:00 GMT", None),
            ("1 Foo 2000 00:00:00 GMT", None),
            ("1 Jan 2000 25:00:00 GMT", None),
            ("1 Jan 2000 00:00:00 é000", None),
            ("1 Jan 2000 00:00:00 +é00", None),
            ("", None),
        ] {
            assert_eq!(parse_rfc1123(text), expected, "{text}");
        }
    }
}
