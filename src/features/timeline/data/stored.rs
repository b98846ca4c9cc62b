//! A message as it is kept: a room may hold a hundred thousand.

use super::names::Names;
use super::{Delivery, Entry, Key, Origin};
use crate::features::timeline::items::Item;
use crate::features::timeline::time::{self, At};
use crate::state::Fault;
use effusion_chat::{ChatMessage, MessageId, Reply, Timestamp};

/// What a message that was never on the screen is taken to be high, in pixels.
const ESTIMATE: u32 = 48;

/// Whose it is: the two lowest bits.
const ORIGIN: u16 = 0b11;
/// The service has acknowledged it.
pub(super) const SENT: u16 = 1 << 2;
/// Sent from here, and not seen to come back yet.
pub(super) const ECHO_DUE: u16 = 1 << 3;
/// Messages right before it may be missing.
pub(super) const GAP: u16 = 1 << 4;
/// It is what was kept for reading without a connection.
pub(super) const COPY: u16 = 1 << 5;
const HAS_ID: u16 = 1 << 6;
const ACT: u16 = 1 << 7;
const DELETED: u16 = 1 << 8;
const BLEEPED: u16 = 1 << 9;
/// The timestamp is a text in the form of [`time::iso`], kept as a number.
const STAMP_ISO: u16 = 1 << 10;
/// The timestamp is a number.
const STAMP_MILLIS: u16 = 1 << 11;
const CONTENT: u16 = HAS_ID | ACT | DELETED | BLEEPED | STAMP_ISO | STAMP_MILLIS;

#[derive(Debug, Default)]
pub(super) struct Stored {
    /// What the order of messages is made of.
    pub(super) rank: u64,
    ms: i64,
    stamp: i64,
    id: u64,
    pub(super) text: Box<str>,
    rare: Option<Box<Rare>>,
    pub(super) key: Key,
    /// The number of the author's name.
    pub(super) name: u32,
    pub(super) author: u32,
    day: i32,
    height: u16,
    pub(super) flags: u16,
}

/// What few messages have.
#[derive(Debug, Default, PartialEq)]
struct Rare {
    timestamp: Timestamp,
    written: Option<String>,
    reply: Option<Reply>,
    edited: Option<u64>,
}

impl Item for Stored {
    fn height(&self) -> u32 {
        match self.height {
            0 => ESTIMATE,
            height => height.into(),
        }
    }
}

impl Stored {
    pub(super) fn new(
        key: Key,
        rank: u64,
        message: ChatMessage,
        at: &At,
        author: u32,
        origin: Origin,
        names: &mut Names,
    ) -> Self {
        let mut stored = Self {
            rank,
            key,
            author,
            flags: origin as u16,
            ..Self::default()
        };
        stored.set_message(message, names);
        stored.set_at(at);
        stored
    }

    pub(super) fn set_message(&mut self, message: ChatMessage, names: &mut Names) {
        self.flags &= !CONTENT;
        for (flag, there) in [
            (HAS_ID, message.id.is_some()),
            (ACT, message.act),
            (DELETED, message.deleted),
            (BLEEPED, message.bleeped),
        ] {
            self.set(flag, there);
        }
        let mut rare = self.rare.take().unwrap_or_default();
        rare.timestamp = Timestamp::Missing;
        match message.timestamp {
            Timestamp::Missing => {}
            Timestamp::Millis(ms) => {
                self.stamp = ms;
                self.set(STAMP_MILLIS, true);
            }
            Timestamp::Text(text) => match time::read_iso(&text) {
                Some(ms) => {
                    self.stamp = ms;
                    self.set(STAMP_ISO, true);
                }
                None => rare.timestamp = Timestamp::Text(text),
            },
        }
        rare.reply = message.reply;
        self.id = message.id.map_or(0, MessageId::bits);
        self.name = names.number(&message.name);
        self.text = message.text.into();
        self.put_rare(rare);
    }

    pub(super) fn set_at(&mut self, at: &At) {
        let mut rare = self.rare.take().unwrap_or_default();
        rare.written = None;
        match at {
            At::Instant { ms, day } => {
                self.ms = *ms;
                // The two ends of a calendar of five million years serve for what is outside of it.
                self.day = (*day).clamp(i32::MIN.into(), i32::MAX.into()) as i32;
            }
            At::Written(text) => rare.written = Some(text.clone()),
        }
        self.put_rare(rare);
    }

    pub(super) fn set_edited(&mut self, sequence: u64) {
        self.rare.get_or_insert_default().edited = Some(sequence);
    }

    pub(super) fn set_origin(&mut self, origin: Origin) {
        self.flags = self.flags & !ORIGIN | origin as u16;
    }

    pub(super) fn set_height(&mut self, height: u32) {
        // Nothing is lower than a pixel: zero says that it was not measured.
        self.height = height.clamp(1, u16::MAX.into()) as u16;
    }

    fn put_rare(&mut self, rare: Box<Rare>) {
        self.rare = (*rare != Rare::default()).then_some(rare);
    }

    pub(super) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn set(&mut self, flag: u16, there: bool) {
        if there {
            self.flags |= flag;
        } else {
            self.flags &= !flag;
        }
    }

    pub(super) fn id(&self) -> Option<MessageId> {
        self.has(HAS_ID).then(|| MessageId::from_bits(self.id))
    }

    pub(super) fn edited(&self) -> Option<u64> {
        self.rare.as_ref()?.edited
    }

    pub(super) fn origin(&self) -> Origin {
        match self.flags & ORIGIN {
            0 => Origin::Own,
            1 => Origin::Other,
            _ => Origin::Notice,
        }
    }

    pub(super) fn at(&self) -> At {
        match self.rare.as_ref().and_then(|rare| rare.written.as_ref()) {
            Some(text) => At::Written(text.clone()),
            None => At::Instant {
                ms: self.ms,
                day: self.day.into(),
            },
        }
    }

    pub(super) fn message(&self, names: &Names) -> ChatMessage {
        let rare = self.rare.as_ref();
        let timestamp = if self.has(STAMP_MILLIS) {
            Timestamp::Millis(self.stamp)
        } else if self.has(STAMP_ISO) {
            Timestamp::Text(time::iso(self.stamp).unwrap_or_default())
        } else {
            rare.map_or(Timestamp::Missing, |rare| rare.timestamp.clone())
        };
        ChatMessage {
            text: self.text.to_string(),
            name: names.get(self.name).to_owned(),
            timestamp,
            id: self.id(),
            reply: rare.and_then(|rare| rare.reply.clone()),
            act: self.has(ACT),
            deleted: self.has(DELETED),
            bleeped: self.has(BLEEPED),
        }
    }

    pub(super) fn entry(&self, names: &Names, fault: Option<&Fault>) -> Entry {
        let delivery = match fault {
            Some(fault) => Delivery::Failed(fault.clone()),
            None if self.rank >= super::UNSENT => Delivery::Sending,
            None if self.has(SENT) => Delivery::Sent,
            None => Delivery::Received,
        };
        Entry {
            key: self.key,
            message: self.message(names),
            at: self.at(),
            origin: self.origin(),
            author: names.get(self.author).to_owned(),
            delivery,
            sequence: super::sequence_of(self.rank),
            rank: self.rank,
            edited: self.edited(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use effusion_chat::Target;

    fn empty(names: &mut Names) -> Stored {
        let at = At::instant(1, 0);
        Stored::new(0, 0, ChatMessage::default(), &at, 0, Origin::Notice, names)
    }

    #[test]
    fn what_is_kept_is_what_was_said() {
        let mut names = Names::default();
        let messages = [
            ChatMessage {
                text: "plain".to_owned(),
                name: "ann".to_owned(),
                timestamp: Timestamp::Text("2026-11-21T10:00:00.007Z".to_owned()),
                id: Some(MessageId::from_bits(0)),
                ..ChatMessage::default()
            },
            ChatMessage {
                timestamp: Timestamp::Text("3:04:05 PM".to_owned()),
                reply: Some(Reply {
                    to: Target::Sequence(3),
                    name: String::new(),
                    text: String::new(),
                }),
                act: true,
                deleted: true,
                bleeped: true,
                ..ChatMessage::default()
            },
            ChatMessage {
                timestamp: Timestamp::Millis(-5),
                ..ChatMessage::default()
            },
            ChatMessage::default(),
        ];
        let mut stored = empty(&mut names);
        stored.set(GAP, true);
        for message in messages {
            stored.set_message(message.clone(), &mut names);
            assert_eq!(stored.message(&names), message);
        }
        assert!(stored.has(GAP) && stored.origin() == Origin::Notice);
        for at in [
            At::Written("x".to_owned()),
            At::instant(i64::from(i32::MAX), 60),
        ] {
            stored.set_at(&at);
            assert_eq!(stored.at(), at);
        }
        stored.set_origin(Origin::Own);
        assert_eq!(stored.origin(), Origin::Own);
    }

    #[test]
    fn heights_are_estimated_until_they_are_measured() {
        let mut stored = empty(&mut Names::default());
        assert_eq!(stored.height(), ESTIMATE);
        for (measured, kept) in [(0, 1), (70, 70), (1_000_000, 65_535)] {
            stored.set_height(measured);
            assert_eq!(stored.height(), kept);
        }
    }
}
