//! What a moderator sees: activity by room, flagged messages, and the log.

use std::collections::BTreeMap;

use effusion_chat::RoomName;
use effusion_chat::moderation::{Deed, LogEntry};

use crate::i18n::Text;
use crate::text;

/// How many minutes the chart of activity shows.
pub const MINUTES: usize = 30;

/// How many flagged messages are kept on the board.
pub const MAX_FLAGS: usize = 100;

const MINUTE: i64 = 60_000;

/// Messages per minute, by room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// For each room, the number of messages by minute since 1970.
    rooms: BTreeMap<RoomName, BTreeMap<i64, u32>>,
}

/// One room in the chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    /// The room.
    pub room: RoomName,
    /// Messages in each of the last [`MINUTES`] minutes, oldest first.
    pub minutes: Vec<u32>,
    /// Their sum.
    pub total: u32,
}

impl Activity {
    /// Counts a message sent at a time in milliseconds since 1970.
    pub fn count(&mut self, room: &RoomName, at: i64) {
        let minutes = self.rooms.entry(room.clone()).or_default();
        *minutes.entry(at.div_euclid(MINUTE)).or_default() += 1;
        // More than an hour is never shown.
        while minutes.len() > 2 * MINUTES {
            minutes.pop_first();
        }
    }

    /// The chart at a time in milliseconds since 1970, busiest room first.
    pub fn rows(&self, now: i64) -> Vec<ActivityRow> {
        let newest = now.div_euclid(MINUTE);
        let mut rows: Vec<_> = self
            .rooms
            .iter()
            .map(|(room, counts)| {
                let minutes: Vec<u32> = (0..MINUTES as i64)
                    .rev()
                    .map(|back| counts.get(&(newest - back)).copied().unwrap_or(0))
                    .collect();
                ActivityRow {
                    room: room.clone(),
                    total: minutes.iter().sum(),
                    minutes,
                }
            })
            .collect();
        rows.sort_unstable_by(|a, b| (b.total, &a.room).cmp(&(a.total, &b.room)));
        rows
    }
}

/// A message that breaks the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its number on the board.
    pub number: usize,
    /// Its room.
    pub room: RoomName,
    /// The principal of its author; empty if unknown.
    pub principal: String,
    /// Its original text.
    pub text: String,
    /// The rule that it breaks.
    pub found: String,
}

/// An entry of the log, as the board shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRow {
    /// Its sequence in the log.
    pub sequence: u64,
    /// The entry.
    pub entry: LogEntry,
    /// Whether it was undone.
    pub undone: bool,
}

impl LogRow {
    /// The entry as a sentence.
    pub fn sentence(&self) -> Text {
        let entry = &self.entry;
        let room = entry.room.as_ref().map_or("", RoomName::as_str);
        let who = &entry.principal;
        match entry.deed {
            Deed::Bleeped if who.is_empty() => text!(moderation_log_bleeped_unknown, room = room),
            Deed::Bleeped => text!(moderation_log_bleeped, who = who, room = room),
            Deed::Warned => text!(moderation_log_warned, who = who, room = room),
            Deed::Muted => text!(moderation_log_muted, who = who, room = room),
            Deed::Removed => text!(moderation_log_removed, who = who, room = room),
            Deed::Locked => text!(moderation_log_locked, who = who),
            Deed::Undone => {
                let number = entry.of.map(|of| of.to_string()).unwrap_or_default();
                text!(moderation_log_undone, number = number)
            }
            Deed::Ruled => text!(moderation_log_rules),
        }
    }

    /// Whether it can be undone and was not yet.
    pub fn can_be_undone(&self) -> bool {
        self.entry.can_be_undone() && !self.undone
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).unwrap()
    }

    #[test]
    fn the_chart_ends_now_and_begins_with_the_busiest_room() {
        let mut activity = Activity::default();
        for at in [0, MINUTE - 1, 5 * MINUTE] {
            activity.count(&room("red"), at);
        }
        activity.count(&room("blue"), 5 * MINUTE);
        let rows = activity.rows(5 * MINUTE + 3);
        assert_eq!(rows[0].room, room("red"));
        assert_eq!(rows[0].total, 3);
        assert_eq!(rows[0].minutes.len(), MINUTES);
        assert_eq!(rows[0].minutes[MINUTES - 6..], [2, 0, 0, 0, 0, 1]);
        assert_eq!(rows[1].total, 1);
        // Half an hour later nothing of it is left on the chart.
        let rows = activity.rows((5 + MINUTES as i64) * MINUTE);
        assert!(rows.iter().all(|row| row.total == 0));
    }

    #[test]
    fn a_long_watch_does_not_fill_the_memory() {
        let mut activity = Activity::default();
        for minute in 0..10_000 {
            activity.count(&room("red"), minute * MINUTE);
        }
        assert_eq!(activity.rooms[&room("red")].len(), 2 * MINUTES);
        assert_eq!(activity.rows(9_999 * MINUTE)[0].total, MINUTES as u32);
    }

    #[test]
    fn what_was_done_is_said_in_words() {
        let row = |entry, undone| LogRow {
            sequence: 4,
            entry,
            undone,
        };
        let muted = LogEntry {
            room: Some(room("red")),
            ..LogEntry::new(Deed::Muted, "ann", "heck".to_owned())
        };
        assert_eq!(
            row(muted.clone(), false).sentence().english(),
            "ann was muted in red"
        );
        assert!(row(muted.clone(), false).can_be_undone());
        assert!(!row(muted, true).can_be_undone());
        let nobody = LogEntry {
            room: Some(room("red")),
            ..LogEntry::new(Deed::Bleeped, "", String::new())
        };
        assert_eq!(
            row(nobody, false).sentence().english(),
            "A message was censored in red"
        );
        let ruled = LogEntry::new(Deed::Ruled, "", String::new());
        assert!(!row(ruled, false).can_be_undone());
    }
}
