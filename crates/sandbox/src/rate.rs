//! How many messages a client may send: more are read later, and one that never stops is disconnected.

use std::time::{Duration, Instant};

/// How long a client may go on sending more than its rate before its session is closed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A bucket that fills at a rate, and of which each message takes some.
#[derive(Clone, Debug)]
pub struct MessageRate {
    /// Messages a second.
    rate: f64,
    /// What the bucket holds: two seconds' worth.
    most: f64,
    left: f64,
    at: Instant,
    /// Since when the client has been sending more than its rate.
    over_since: Option<Instant>,
}

/// What is to be done about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be served now.
    Now,
    /// It may be served after this time, and nothing is to be read until then.
    After(Duration),
    /// The client has been told to slow down, by not being read, and has not done so for [`PATIENCE`].
    TooFast,
}

impl MessageRate {
    /// So many messages a second, after a first burst of twice as many.
    #[must_use]
    pub fn new(a_second: u32, now: Instant) -> Self {
        let rate = f64::from(a_second.max(1));
        Self {
            rate,
            most: 2.0 * rate,
            left: 2.0 * rate,
            at: now,
            over_since: None,
        }
    }

    /// A message came.
    pub fn message(&mut self, now: Instant) -> Verdict {
        let passed = now.saturating_duration_since(self.at);
        self.at = now;
        self.left = (self.left + passed.as_secs_f64() * self.rate).min(self.most) - 1.0;
        if self.left * 2.0 >= self.most {
            self.over_since = None;
        }
        if self.left >= 0.0 {
            return Verdict::Now;
        }
        let since = *self.over_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= PATIENCE {
            return Verdict::TooFast;
        }
        Verdict::After(Duration::from_secs_f64(-self.left / self.rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends as fast as it may for some time; how many messages got through, and whether it was disconnected.
    fn flood(rate: &mut MessageRate, from: Instant, seconds: u64) -> (u32, bool) {
        let mut now = from;
        let mut served = 0;
        while now < from + Duration::from_secs(seconds) {
            match rate.message(now) {
                Verdict::Now => {}
                Verdict::After(pause) => now += pause,
                Verdict::TooFast => return (served, true),
            }
            served += 1;
        }
        (served, false)
    }

    #[test]
    fn a_flood_is_slowed_down_to_the_rate() {
        let start = Instant::now();
        let mut rate = MessageRate::new(100, start);
        let (served, ended) = flood(&mut rate, start, 10);
        assert!(!ended);
        assert!((1_190..=1_210).contains(&served), "{served}");
    }

    #[test]
    fn a_flood_without_end_has_an_end() {
        let start = Instant::now();
        let mut rate = MessageRate::new(100, start);
        let (served, ended) = flood(&mut rate, start, 3_600);
        assert!(ended);
        assert!((3_190..=3_210).contains(&served), "{served}");
    }

    #[test]
    fn who_keeps_to_the_rate_is_never_paused() {
        let start = Instant::now();
        let mut rate = MessageRate::new(100, start);
        for number in 0..100_000 {
            let now = start + Duration::from_millis(10) * number;
            assert_eq!(rate.message(now), Verdict::Now, "{number}");
        }
    }

    #[test]
    fn a_pause_is_rewarded() {
        let start = Instant::now();
        let mut rate = MessageRate::new(100, start);
        let mut now = start;
        for _ in 0..10 {
            let (_, ended) = flood(&mut rate, now, 20);
            assert!(!ended, "each time anew");
            now += Duration::from_secs(25);
        }
    }
}
