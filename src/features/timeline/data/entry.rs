//! What a timeline is made of, as others see it.

use super::{Quote, Sender};
use crate::features::timeline::At;
use crate::state::Fault;
use effusion_chat::ChatMessage;

/// Names a message for as long as the room is open.
pub type Key = usize;

/// Whose message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Origin {
    /// The reader's own.
    Own = 0,
    /// Somebody else's.
    Other = 1,
    /// A notice by `System`.
    Notice = 2,
}

/// How far a message has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The service has it, and this page did not send it.
    Received,
    /// Sent, but the service has not acknowledged it yet.
    Sending,
    /// The service has acknowledged it.
    Sent,
    /// The service did not take it.
    Failed(Fault),
}

/// One message of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name within this timeline.
    pub key: Key,
    /// The message itself.
    pub message: ChatMessage,
    /// When it was written, for the reader.
    pub at: At,
    /// Whose it is.
    pub origin: Origin,
    /// The principal that the service says has appended it; empty where it says nothing.
    pub author: String,
    /// How far it has come.
    pub delivery: Delivery,
    /// Its place in the time series; none in a live room, and none before it is known.
    pub sequence: Option<u64>,
    /// What the order of messages is made of: higher comes later.
    pub rank: u64,
    /// The sequence of the newest edit applied to it.
    pub edited: Option<u64>,
}

/// A message with what its neighbours decide about how it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The message.
    pub entry: Entry,
    /// Whether it needs its own heading with author and time.
    pub heads_group: bool,
    /// The day to announce above it, in days since 1970, if it is the first of that day.
    pub new_day: Option<i64>,
    /// Whether it is the first one after those that the reader has read.
    pub unread_from_here: bool,
    /// Whether messages right before it may be missing.
    pub gap: bool,
    /// Whether it is the newest one of the reader's own that was sent.
    pub last_sent: bool,
    /// What it answers, as that says it now.
    pub quote: Option<Quote>,
    /// How its author is told from others.
    pub sender: Sender,
    /// Who came in, where it is the last one of notices that say so and follow each other.
    pub joined: Vec<String>,
    /// How many values that are no messages follow each other, where it is the last one.
    pub unreadable: usize,
    /// Whether it is a notice, and the next one says the same of one more.
    pub folded: bool,
}

impl Row {
    /// Whether there is nothing to see of it: the notice is folded, and nothing stands above it.
    pub fn is_empty(&self) -> bool {
        self.folded && !self.gap && !self.unread_from_here && self.new_day.is_none()
    }
}

/// An event of a time series as the timeline needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the series.
    pub sequence: u64,
    /// For an edit, the sequence of the event that it replaces.
    pub edits: Option<u64>,
    /// The principal that appended it; of an edit, the one that appended the original.
    pub author: String,
    /// The value.
    pub message: ChatMessage,
    /// The service's time; of an edit, that of the original.
    pub at: At,
}

impl Event {
    /// The place of what it shows: of an edit, that of the original.
    pub fn place(&self) -> u64 {
        self.edits.unwrap_or(self.sequence)
    }
}

/// Who is reading, to tell own messages from others'.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// The name that goes into messages.
    pub name: String,
    /// The principal of the session.
    pub principal: String,
}

/// Where messages are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The lowest sequence that may be missing.
    pub from: u64,
    /// The highest one.
    pub to: u64,
}
