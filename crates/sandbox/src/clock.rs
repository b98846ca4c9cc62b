//! Time: a clock that only goes forward for deadlines, and the wall clock for people.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use effusion_broker::Time;
use tracing::warn;

/// How often the file with the wall clock's offset is read.
const OFFSET_PERIOD: Duration = Duration::from_millis(20);

/// Both clocks. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    /// What the wall clock is off by, in milliseconds.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// Starts at 0.
    #[must_use]
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
            offset: Arc::default(),
        }
    }

    /// Sets the wall clock off by the milliseconds in a file, from now on and whenever the file changes: so a test can set
    /// the clock back without setting that of the machine. Must be called in a `tokio` runtime.
    pub fn follow(&self, file: PathBuf) {
        let offset = Arc::clone(&self.offset);
        tokio::spawn(async move {
            let mut period = tokio::time::interval(OFFSET_PERIOD);
            loop {
                period.tick().await;
                match tokio::fs::read_to_string(&file).await {
                    // An empty file is one that is being written.
                    Ok(text) if text.trim().is_empty() => {}
                    Ok(text) => match text.trim().parse() {
                        Ok(milliseconds) => offset.store(milliseconds, Ordering::Relaxed),
                        Err(error) => warn!(%error, "the clock's offset is no number"),
                    },
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => warn!(%error, "the clock's offset cannot be read"),
                }
            }
        });
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Time {
        let milliseconds =
            |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // A clock that is set before 1970 is as good as one that is not set.
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, milliseconds);
        Time {
            monotonic_ms: milliseconds(self.start.elapsed()),
            wall_ms: wall.saturating_add_signed(self.offset.load(Ordering::Relaxed)),
        }
    }

    pub(crate) async fn sleep_until(&self, monotonic_ms: Option<u64>) {
        match monotonic_ms.and_then(|ms| self.start.checked_add(Duration::from_millis(ms))) {
            Some(moment) => tokio::time::sleep_until(moment.into()).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_wall_clock_follows_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("offset");
        let clock = Clock::start();
        clock.follow(file.clone());
        let before = clock.now();
        std::fs::write(&file, "-3600000\n").unwrap();
        let mut now = clock.now();
        for _ in 0..500 {
            tokio::time::sleep(OFFSET_PERIOD).await;
            now = clock.now();
            if now.wall_ms < before.wall_ms {
                break;
            }
        }
        assert!(now.wall_ms < before.wall_ms - 3_000_000, "{now:?}");
        assert!(now.monotonic_ms >= before.monotonic_ms);
    }
}
