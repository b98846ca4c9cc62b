//! The value of a chat message.

use effusion_protocol::value::Json;

use crate::MessageId;
use crate::name::reads_as_name;

/// Who the tutorial's pages say has spoken when somebody joins.
pub const SYSTEM_NAME: &str = "System";

/// One message as it is on the wire: the JSON object `{text, name, timestamp}` of the tutorial's pages, and members that
/// those pages pass over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChatMessage {
    /// What was said, as plain text with line breaks.
    pub text: String,
    /// The name the author goes by. It need not be the principal's.
    pub name: String,
    /// When the author's page says it was written.
    pub timestamp: Timestamp,
    /// What the sender calls it: member `id`. The tutorial's pages give none.
    pub id: Option<MessageId>,
    /// The message that it answers: member `reply`.
    pub reply: Option<Reply>,
    /// Whether it tells what its author does (`/me`), not what is said: member `act`.
    pub act: bool,
    /// Whether its author, or a moderator, took it back: member `deleted`. The text is empty then.
    pub deleted: bool,
    /// Whether a moderator has put something in the place of words: member `bleeped`.
    pub bleeped: bool,
}

/// What names a message of a room to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Its place in the time series: in a history room every message has one.
    Sequence(u64),
    /// Its id, in a live room.
    Id(MessageId),
}

impl Target {
    /// A number for a sequence, a text for an id.
    #[must_use]
    pub fn to_json(self) -> Json {
        match self {
            Self::Sequence(sequence) => Json::integer(i64::try_from(sequence).unwrap_or(i64::MAX)),
            Self::Id(id) => Json::text(&id.to_string()),
        }
    }

    /// Reads [`Target::to_json`].
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        if let Some(text) = json.as_text() {
            return MessageId::parse(&text).map(Self::Id);
        }
        let number = json.as_number()?;
        // Larger ones are not exact, and no series gets there.
        let whole = (0.0..=9_007_199_254_740_991.0).contains(&number) && number.trunc() == number;
        whole.then_some(Self::Sequence(number as u64))
    }
}

/// The message that another one answers, with enough of it to be read where that one is not at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Which one.
    pub to: Target,
    /// Its author's name.
    pub name: String,
    /// How it begins.
    pub text: String,
}

impl Reply {
    /// How many characters of the answered message may go along, as readers count them.
    pub const EXCERPT: usize = 120;

    /// How many of Unicode's characters are read of what came along: a reader's character can be made of several.
    const MAX_CHARS: usize = 8 * Self::EXCERPT;

    /// Writes it as a member of a message.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::object(&[
            ("to", self.to.to_json()),
            ("name", Json::text(&self.name)),
            ("text", Json::text(&self.text)),
        ])
    }

    /// Reads [`Reply::to_json`].
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let text = json.member("text")?.as_text()?;
        Some(Self {
            to: Target::from_json(&json.member("to")?)?,
            name: json.member("name")?.as_text()?,
            // Whoever wrote it need not have kept to the length.
            text: text.chars().take(Self::MAX_CHARS).collect(),
        })
    }
}

/// What stands in the `timestamp` field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Timestamp {
    /// Any text. Our page writes ISO 8601 in UTC; the tutorial's write a local time of day such as `3:04:05 PM`.
    Text(String),
    /// A number, which is taken as milliseconds since 1970.
    Millis(i64),
    /// Nothing, or something that is no time.
    #[default]
    Missing,
}

/// What follows the name of somebody who has come in, in the tutorial's words.
const HAS_JOINED: &str = " has joined";

/// Who has come in, if a message under this name with this text says so as [`ChatMessage::joined`] does, and no more: other words
/// before the ones that end it are somebody's.
#[must_use]
pub fn who_joined<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    let who = text.strip_suffix(HAS_JOINED)?;
    (name == SYSTEM_NAME && reads_as_name(who)).then_some(who)
}

impl ChatMessage {
    /// What the tutorial has `System` say when somebody comes in.
    #[must_use]
    pub fn joined(name: &str, timestamp: String) -> Self {
        Self {
            text: [name, HAS_JOINED].concat(),
            name: SYSTEM_NAME.to_owned(),
            timestamp: Timestamp::Text(timestamp),
            ..Self::default()
        }
    }

    /// The message in place of one that was taken back: same author, same time, same id.
    #[must_use]
    pub fn taken_back(&self) -> Self {
        Self {
            name: self.name.clone(),
            timestamp: self.timestamp.clone(),
            id: self.id,
            deleted: true,
            ..Self::default()
        }
    }

    /// Writes the message as the value of a topic or an event.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut members = vec![
            ("text", Json::text(&self.text)),
            ("name", Json::text(&self.name)),
        ];
        match &self.timestamp {
            Timestamp::Text(text) => members.push(("timestamp", Json::text(text))),
            Timestamp::Millis(ms) => members.push(("timestamp", Json::integer(*ms))),
            Timestamp::Missing => {}
        }
        if let Some(id) = self.id {
            members.push(("id", Json::text(&id.to_string())));
        }
        if let Some(reply) = &self.reply {
            members.push(("reply", reply.to_json()));
        }
        for (name, set) in [
            ("act", self.act),
            ("deleted", self.deleted),
            ("bleeped", self.bleeped),
        ] {
            if set {
                members.push((name, Json::boolean(true)));
            }
        }
        Json::object(&members)
    }

    /// Reads a message from the value of a topic or an event. Other members are passed over, as people may add some.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let (mut text, mut name) = (None, None);
        let mut message = Self::default();
        // In one pass: of a room's messages there may be very many.
        for (member, value) in json.members()? {
            let is_set = || value.as_bool() == Some(true);
            match member.as_str() {
                "text" => text = value.as_text(),
                "name" => name = value.as_text(),
                "timestamp" => message.timestamp = Timestamp::from_json(&value),
                "id" => message.id = value.as_text().and_then(|id| MessageId::parse(&id)),
                "reply" => message.reply = Reply::from_json(&value),
                "act" => message.act = is_set(),
                "deleted" => message.deleted = is_set(),
                "bleeped" => message.bleeped = is_set(),
                _ => {}
            }
        }
        message.text = text?;
        message.name = name?;
        Some(message)
    }
}

impl Timestamp {
    fn from_json(json: &Json) -> Self {
        match (json.as_text(), json.as_number()) {
            (Some(text), _) => Self::Text(text),
            (None, Some(ms)) => Self::Millis(ms as i64),
            (None, None) => Self::Missing,
        }
    }
}

json_value!(ChatMessage, "a chat message");

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<ChatMessage> {
        ChatMessage::from_json(&Json::from_cbor(bytes.to_vec().into()))
    }

    fn message(timestamp: Timestamp) -> ChatMessage {
        ChatMessage {
            text: "hällo\n<b>x</b> 😀".to_owned(),
            name: "Ann".to_owned(),
            timestamp,
            ..ChatMessage::default()
        }
    }

    /// By serde, a message has the bytes that it has without, and is read with the same care.
    #[test]
    fn messages_are_serdes_too() {
        use effusion_protocol::value::{DataType, data_type_of, from_bytes, to_bytes};
        let message = message(Timestamp::Millis(5));
        let (data_type, bytes) = to_bytes(&message).unwrap();
        assert_eq!(data_type, DataType::Json);
        assert_eq!(data_type_of::<ChatMessage>(), DataType::Json);
        assert_eq!(&bytes, message.to_json().as_cbor());
        assert_eq!(from_bytes::<ChatMessage>(bytes), Ok(message));
        let careless = Json::object(&[
            ("text", Json::text("hi")),
            ("name", Json::text("Bo")),
            ("timestamp", Json::boolean(true)),
            ("mood", Json::array(&[])),
        ]);
        let read: ChatMessage = from_bytes(careless.as_cbor().clone()).unwrap();
        assert_eq!(
            (read.text.as_str(), read.timestamp),
            ("hi", Timestamp::Missing)
        );
        let nameless = Json::object(&[("text", Json::text("hi"))]);
        let error = from_bytes::<ChatMessage>(nameless.as_cbor().clone()).unwrap_err();
        assert_eq!(error.to_string(), "the value is not a chat message");
    }

    #[test]
    fn messages_are_objects_of_indefinite_length() {
        let short = ChatMessage {
            text: "a".to_owned(),
            name: "b".to_owned(),
            timestamp: Timestamp::Text("c".to_owned()),
            ..ChatMessage::default()
        };
        assert_eq!(
            short.to_json().as_cbor()[..],
            *b"\xbf\x64text\x61a\x64name\x61b\x69timestamp\x61c\xff"
        );
    }

    #[test]
    fn messages_survive_the_wire() {
        for timestamp in [
            Timestamp::Text("2026-11-21T10:00:00.000Z".to_owned()),
            Timestamp::Millis(1_795_255_200_000),
            Timestamp::Millis(-1),
            Timestamp::Missing,
        ] {
            let message = message(timestamp);
            assert_eq!(ChatMessage::from_json(&message.to_json()), Some(message));
        }
    }

    #[test]
    fn what_the_tutorial_does_not_know_survives_the_wire() {
        let first = message(Timestamp::Missing);
        for to in [Target::Sequence(7), Target::Id(MessageId::from_bits(99))] {
            let answer = ChatMessage {
                id: Some(MessageId::from_bits(3)),
                reply: Some(Reply {
                    to,
                    name: first.name.clone(),
                    text: "hällo <b>".to_owned(),
                }),
                act: true,
                deleted: true,
                bleeped: true,
                ..first.clone()
            };
            assert_eq!(ChatMessage::from_json(&answer.to_json()), Some(answer));
        }
    }

    #[test]
    fn answers_quote_the_beginning_only() {
        let boast = Json::object(&[
            ("to", Json::integer(0)),
            ("name", Json::text("a")),
            ("text", Json::text(&"x".repeat(10_000))),
        ]);
        assert_eq!(Reply::from_json(&boast).unwrap().text.len(), 960);
    }

    #[test]
    fn only_places_of_a_series_and_ids_are_targets() {
        for bad in [
            Json::integer(-1),
            Json::text("7"),
            Json::boolean(true),
            Json::from_cbor(b"\xfb\x3f\xf8\x00\x00\x00\x00\x00\x00".to_vec().into()),
        ] {
            assert_eq!(Target::from_json(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn other_writers_are_understood() {
        // A map of known length, its keys in another order, a text in pieces, a float for a time, and more members.
        let bytes =
            b"\xa5\x64name\x63Ann\x65extra\x82\xf6\xa1\x61x\x9f\xff\x64text\x7f\x62he\x63llo\xff\
            \x69timestamp\xfb\x40\x59\x00\x00\x00\x00\x00\x00\x01\x02";
        let message = read(bytes).unwrap();
        assert_eq!(
            (message.text.as_str(), message.name.as_str()),
            ("hello", "Ann")
        );
        assert_eq!(message.timestamp, Timestamp::Millis(100));
    }

    #[test]
    fn what_is_no_message_is_none() {
        for bytes in [
            &b""[..],
            b"\xf6",
            b"\x63abc",
            b"\xbf\xff",
            b"\xa1\x64text\x61a",
            b"\xa2\x64text\x01\x64name\x61b",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xa2\x64text\x61\xff\x64name\x61b",
        ] {
            assert_eq!(read(bytes), None, "{bytes:x?}");
        }
        let whole = message(Timestamp::Millis(7)).to_json().as_cbor().clone();
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), None, "cut at {end}");
        }
    }
}
