//! The value of a chat message.

use effusion_protocol::value::Json;

/// Who the tutorial's pages say has spoken when somebody joins.
pub const SYSTEM_NAME: &str = "System";

/// One message as it is on the wire: the JSON object `{text, name, timestamp}` of the tutorial's pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// What was said, as plain text with line breaks.
    pub text: String,
    /// The name the author goes by. It need not be the principal's.
    pub name: String,
    /// When the author's page says it was written.
    pub timestamp: Timestamp,
}

/// What stands in the `timestamp` field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timestamp {
    /// Any text. Our page writes ISO 8601 in UTC; the tutorial's write a local time of day such as `3:04:05 PM`.
    Text(String),
    /// A number, which is taken as milliseconds since 1970.
    Millis(i64),
    /// Nothing, or something that is no time.
    Missing,
}

impl ChatMessage {
    /// What the tutorial has `System` say when somebody comes in.
    #[must_use]
    pub fn joined(name: &str, timestamp: String) -> Self {
        Self {
            text: [name, " has joined"].concat(),
            name: SYSTEM_NAME.to_owned(),
            timestamp: Timestamp::Text(timestamp),
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
        Json::object(&members)
    }

    /// Reads a message from the value of a topic or an event. Other members are passed over, as people may add some.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            text: json.member("text")?.as_text()?,
            name: json.member("name")?.as_text()?,
            timestamp: json
                .member("timestamp")
                .map_or(Timestamp::Missing, |timestamp| {
                    match (timestamp.as_text(), timestamp.as_number()) {
                        (Some(text), _) => Timestamp::Text(text),
                        (None, Some(ms)) => Timestamp::Millis(ms as i64),
                        (None, None) => Timestamp::Missing,
                    }
                }),
        })
    }
}

#[cfg(test)]
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
        }
    }

    #[test]
    fn messages_are_objects_of_indefinite_length() {
        let short = ChatMessage {
            text: "a".to_owned(),
            name: "b".to_owned(),
            timestamp: Timestamp::Text("c".to_owned()),
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
