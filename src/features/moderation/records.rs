//! What a moderator sees: activity by room, flagged messages, and the log.

use std::collections::BTreeMap;

use effusion_chat::moderation::{Deed, LogEntry};
use effusion_chat::{ChatMessage, MessageId, RoomName, who_joined};

use crate::i18n::Text;
use crate::text;

/// How many minutes the chart of activity shows.
pub const MINUTES: usize = 30;

/// How many flagged messages are kept on the board.
pub const MAX_FLAGS: usize = 100;

/// A minute, in milliseconds.
pub const MINUTE: i64 = 60_000;

/// Messages per minute, by room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    rooms: BTreeMap<RoomName, Counts>,
}

/// How much is said in one room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    /// The number of messages by minute since 1970.
    minutes: BTreeMap<i64, u32>,
    /// The sequence and time of the newest event that was counted: what a renewed session brings again is passed over.
    newest: Option<(u64, i64)>,
    /// The id of the newest message of a live room: a value that replaces it is no other message.
    id: Option<MessageId>,
}

impl Counts {
    fn add(&mut self, at: i64) {
        *self.minutes.entry(at.div_euclid(MINUTE)).or_default() += 1;
        // More than an hour is never shown.
        while self.minutes.len() > 2 * MINUTES {
            self.minutes.pop_first();
        }
    }
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
    /// Counts an event of a history room, of a sequence and at a time in milliseconds since 1970. For the first one of a room that has
    /// earlier ones, returns the range that is missing: the time at which the chart begins, and the last sequence.
    pub fn count_event(
        &mut self,
        room: &RoomName,
        sequence: u64,
        at: i64,
        message: Option<&ChatMessage>,
    ) -> Option<(i64, u64)> {
        let counts = self.rooms.entry(room.clone()).or_default();
        let is_first = counts.newest.is_none();
        // A lower sequence at a later time is one of a series that was made anew.
        let is_known = counts
            .newest
            .is_some_and(|(known, then)| sequence <= known && at <= then);
        if is_known {
            return None;
        }
        counts.newest = Some((sequence, at));
        if message.is_some_and(is_said) {
            counts.add(at);
        }
        let missing = sequence.checked_sub(1).filter(|_| is_first)?;
        Some((at - MINUTES as i64 * MINUTE, missing))
    }

    /// Counts an event from before those that [`Activity::count_event`] was told of.
    pub fn count_earlier(&mut self, room: &RoomName, at: i64, message: &ChatMessage) {
        if is_said(message) {
            self.rooms.entry(room.clone()).or_default().add(at);
        }
    }

    /// Counts a value of a live room, at a time in milliseconds since 1970.
    pub fn count_value(&mut self, room: &RoomName, at: i64, message: &ChatMessage) {
        let counts = self.rooms.entry(room.clone()).or_default();
        let is_other = message.id.is_none() || message.id != counts.id;
        counts.id = message.id;
        if is_other && is_said(message) && !message.bleeped {
            counts.add(at);
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
                    .map(|back| counts.minutes.get(&(newest - back)).copied().unwrap_or(0))
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

/// Whether somebody has said it: that people come in is no message, and neither is one that was taken back.
fn is_said(message: &ChatMessage) -> bool {
    !message.deleted && who_joined(&message.name, &message.text).is_none()
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
    /// When it was said, in milliseconds since 1970, if that is known.
    pub at: Option<i64>,
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
    /// Who did it, and when in milliseconds since 1970, once the service has said so.
    pub written: Option<(String, i64)>,
}

/// An entry of the log as a sentence.
pub fn sentence(entry: &LogEntry) -> Text {
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

impl LogRow {
    /// Whether it can be undone and was not yet.
    pub fn can_be_undone(&self) -> bool {
        self.entry.can_be_undone() && !self.undone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).unwrap()
    }

    fn message(text: &str) -> ChatMessage {
        ChatMessage {
            text: text.to_owned(),
            name: "Ann".to_owned(),
            ..ChatMessage::default()
        }
    }

    #[test]
    fn the_chart_ends_now_and_begins_with_the_busiest_room() {
        let mut activity = Activity::default();
        for (sequence, at) in [(0, 0), (1, MINUTE - 1), (2, 5 * MINUTE)] {
            activity.count_event(&room("red"), sequence, at, Some(&message("hi")));
        }
        activity.count_value(&room("blue"), 5 * MINUTE, &message("hi"));
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
    fn each_message_is_counted_once_and_nothing_else() {
        let mut activity = Activity::default();
        let (red, hi) = (room("red"), message("hi"));
        let joined = ChatMessage::joined("Ann", String::new());
        let total = |activity: &Activity| activity.rows(MINUTE)[0].total;
        let missing = activity.count_event(&red, 7, 0, Some(&hi));
        assert_eq!(missing, Some((-(MINUTES as i64) * MINUTE, 6)));
        assert_eq!(activity.count_event(&red, 8, 1, Some(&joined)), None);
        assert_eq!(activity.count_event(&red, 9, 2, None), None);
        activity.count_earlier(&red, 0, &message("before"));
        activity.count_earlier(&red, 0, &joined);
        assert_eq!(total(&activity), 2);
        // The session was renewed, and brings it all again.
        activity.count_event(&red, 7, 0, Some(&hi));
        assert_eq!(total(&activity), 2);
        // The room was made anew.
        assert_eq!(activity.count_event(&red, 0, MINUTE, Some(&hi)), None);
        assert_eq!(total(&activity), 3);
        let blue = room("blue");
        let said = ChatMessage {
            id: MessageId::parse("00000000000000ab"),
            ..hi
        };
        assert!(said.id.is_some());
        let deleted = said.taken_back();
        for value in [&said, &said, &deleted, &joined] {
            activity.count_value(&blue, 0, value);
        }
        assert_eq!(activity.rows(0)[0].total, 2, "red");
        assert_eq!(activity.rows(0)[1].total, 1, "blue");
    }

    #[test]
    fn a_long_watch_does_not_fill_the_memory() {
        let mut activity = Activity::default();
        for minute in 0..10_000 {
            let hi = message("hi");
            activity.count_event(&room("red"), minute as u64, minute * MINUTE, Some(&hi));
        }
        let minutes = &activity.rooms[&room("red")].minutes;
        assert_eq!(minutes.len(), 2 * MINUTES);
        assert_eq!(activity.rows(9_999 * MINUTE)[0].total, MINUTES as u32);
    }

    #[test]
    fn what_was_done_is_said_in_words() {
        let row = |entry, undone| LogRow {
            sequence: 4,
            entry,
            undone,
            written: None,
        };
        let muted = LogEntry {
            room: Some(room("red")),
            ..LogEntry::new(Deed::Muted, "ann", "heck".to_owned())
        };
        assert_eq!(sentence(&muted).english(), "ann was muted in red");
        assert!(row(muted.clone(), false).can_be_undone());
        assert!(!row(muted, true).can_be_undone());
        let nobody = LogEntry {
            room: Some(room("red")),
            ..LogEntry::new(Deed::Bleeped, "", String::new())
        };
        assert_eq!(sentence(&nobody).english(), "A message was censored in red");
        let ruled = LogEntry::new(Deed::Ruled, "", String::new());
        assert!(!row(ruled, false).can_be_undone());
    }
}
