//! What is counted.

use std::fmt;
use std::ops::AddAssign;

/// How many faults of each kind there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub cuts: usize,
    pub resets: usize,
    pub half_closes: usize,
    pub stalls: usize,
    pub splits: usize,
    pub delays: usize,
    /// The sandbox ended by SIGKILL.
    pub kills: usize,
    /// The sandbox ended in order, and started again.
    pub restarts: usize,
    /// The sandbox ended by itself, as it could not tell what was stored, and was started again.
    pub ended: usize,
    /// The disk had no room.
    pub full_disks: usize,
    /// The wall clock was set back.
    pub clocks_back: usize,
}

/// What came of one run, or of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub seeds: usize,
    pub faults: Faults,
    /// Different messages.
    pub messages: usize,
    /// Tries to send one of them.
    pub attempts: usize,
    pub acknowledged: usize,
    /// Refused, or never sent.
    pub refused: usize,
    /// Nobody knows what became of them, at first.
    pub unknown: usize,
    /// Events that subscribers were given.
    pub delivered: usize,
    /// Acknowledged messages that somebody lacks.
    pub lost: usize,
    /// Messages that somebody has twice.
    pub doubled: usize,
    /// Other things that must not be.
    pub wrong: usize,
}

impl AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.resets += other.resets;
        self.half_closes += other.half_closes;
        self.stalls += other.stalls;
        self.splits += other.splits;
        self.delays += other.delays;
        self.kills += other.kills;
        self.restarts += other.restarts;
        self.ended += other.ended;
        self.full_disks += other.full_disks;
        self.clocks_back += other.clocks_back;
    }
}

impl Faults {
    pub const fn sum(&self) -> usize {
        self.cuts
            + self.resets
            + self.half_closes
            + self.stalls
            + self.splits
            + self.delays
            + self.kills
            + self.restarts
            + self.ended
            + self.full_disks
            + self.clocks_back
    }

    /// The kinds of fault that did not happen.
    pub fn missing(&self) -> Vec<&'static str> {
        [
            (self.cuts, "cut"),
            (self.resets, "reset"),
            (self.half_closes, "half-closed"),
            (self.stalls, "stalled"),
            (self.splits, "split"),
            (self.delays, "delayed"),
            (self.kills, "killed"),
            (self.restarts, "restarted"),
            (self.full_disks, "full disk"),
            (self.clocks_back, "clock set back"),
        ]
        .into_iter()
        .filter_map(|(count, name)| (count == 0).then_some(name))
        .collect()
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.faults += other.faults;
        self.messages += other.messages;
        self.attempts += other.attempts;
        self.acknowledged += other.acknowledged;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.delivered += other.delivered;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.wrong += other.wrong;
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} faults ({} cut, {} reset, {} half-closed, {} stalled, {} split, {} delayed, {} killed, {} restarted, {} ended \
             by themselves, {} full disks, {} clocks set back)",
            self.sum(),
            self.cuts,
            self.resets,
            self.half_closes,
            self.stalls,
            self.splits,
            self.delays,
            self.kills,
            self.restarts,
            self.ended,
            self.full_disks,
            self.clocks_back,
        )
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}; {} messages in {} attempts: {} acknowledged, {} refused, {} of unknown outcome at first; {} delivered; {} \
             lost, {} doubled, {} otherwise wrong",
            self.faults,
            self.messages,
            self.attempts,
            self.acknowledged,
            self.refused,
            self.unknown,
            self.delivered,
            self.lost,
            self.doubled,
            self.wrong,
        )
    }
}
