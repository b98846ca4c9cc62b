//! The browser's clock, and its reading of dates.

use std::future::pending;

use gloo_timers::future::TimeoutFuture;
use js_sys::Date;

/// Milliseconds since 1970.
pub fn now() -> i64 {
    Date::now() as i64
}

/// Waits until a time, in milliseconds since 1970; for ever, if there is none.
pub async fn until(time: Option<i64>) {
    /// A browser's timer counts no more than 2^31 − 1 milliseconds, and not those in which the device sleeps.
    const LONGEST: i64 = 60_000;
    let Some(time) = time else {
        return pending().await;
    };
    loop {
        let left = time.saturating_sub(now());
        if left <= 0 {
            return;
        }
        TimeoutFuture::new(left.min(LONGEST) as u32).await;
    }
}

/// How long it is to the reader's next day, in milliseconds.
pub fn until_midnight() -> u32 {
    const DAY: f64 = 86_400_000.0;
    // What the clocks here are behind UTC, which the night may change.
    let behind = |ms: f64| Date::new(&ms.into()).get_timezone_offset() * 60_000.0;
    let now = Date::now();
    let midnight = ((now - behind(now)) / DAY).floor() * DAY + DAY;
    let midnight = midnight + behind(midnight + behind(now));
    (midnight - now).max(0.0) as u32
}

/// Reads ISO 8601 and nothing laxer: browsers would take many a text for a date.
pub fn parse_iso(text: &str) -> Option<i64> {
    let shaped = text.len() >= 19 && text.as_bytes().get(10) == Some(&b'T');
    shaped.then(|| parse(text)).flatten()
}

/// When a day begins for the reader: `2026-11-21`, as an input gives it.
pub fn start_of_day(date: &str) -> Option<i64> {
    // Without a zone, a time is the reader's.
    parse(&[date, "T00:00"].concat()).filter(|_| date.len() >= 10)
}

fn parse(text: &str) -> Option<i64> {
    let ms = Date::parse(text);
    (!ms.is_nan()).then_some(ms as i64)
}
