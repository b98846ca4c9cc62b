//! Time, as the broker is told it.

/// A moment, read from two clocks by whoever drives the broker.
///
/// Deadlines use the monotonic clock, so that setting the wall clock does not end sessions; time stamps that users see
/// use the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Milliseconds since any fixed moment; never goes back.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970; may be set back.
    pub wall_ms: u64,
}

impl Time {
    /// Both clocks later by this many milliseconds.
    #[must_use]
    pub const fn plus(self, milliseconds: u64) -> Self {
        Self {
            monotonic_ms: self.monotonic_ms.saturating_add(milliseconds),
            wall_ms: self.wall_ms.saturating_add(milliseconds),
        }
    }
}
