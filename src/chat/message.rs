//! The value of a chat message.

use minicbor::data::Type;
use minicbor::decode::Error;
use minicbor::{Decoder, Encoder};

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

    /// Writes the message as a JSON value travels: CBOR, an object of indefinite length as the SDK writes it.
    #[must_use]
    pub fn to_cbor(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::with_capacity(self.text.len() + 64));
        // Writing to memory does not fail.
        let _infallible = self.write(&mut encoder);
        encoder.into_writer()
    }

    /// Reads a message from the bytes of a JSON value. Other members are passed over, as people may add some.
    ///
    /// Only these members are decoded, straight from the bytes: a tree of the whole value would cost the page more than
    /// everything else that it reads.
    #[must_use]
    pub fn from_cbor(bytes: &[u8]) -> Option<Self> {
        Self::read(&mut Decoder::new(bytes)).ok().flatten()
    }

    fn write(
        &self,
        encoder: &mut Encoder<Vec<u8>>,
    ) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
        encoder.begin_map()?;
        encoder.str("text")?.str(&self.text)?;
        encoder.str("name")?.str(&self.name)?;
        match &self.timestamp {
            Timestamp::Text(text) => encoder.str("timestamp")?.str(text)?,
            Timestamp::Millis(ms) => encoder.str("timestamp")?.i64(*ms)?,
            Timestamp::Missing => encoder,
        };
        encoder.end()?;
        Ok(())
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Option<Self>, Error> {
        let (mut text, mut name, mut timestamp) = (None, None, Timestamp::Missing);
        let mut members = decoder.map()?;
        loop {
            match &mut members {
                Some(0) => break,
                Some(left) => *left -= 1,
                None if decoder.datatype()? == Type::Break => break,
                None => {}
            }
            let key = read_text(decoder)?;
            match key.as_deref() {
                Some("text") => text = read_text(decoder)?,
                Some("name") => name = read_text(decoder)?,
                Some("timestamp") => timestamp = read_timestamp(decoder)?,
                _ => decoder.skip()?,
            }
        }
        Ok(text.zip(name).map(|(text, name)| Self {
            text,
            name,
            timestamp,
        }))
    }
}

/// A text, in one piece or in several; anything else is passed over.
fn read_text(decoder: &mut Decoder<'_>) -> Result<Option<String>, Error> {
    match decoder.datatype()? {
        Type::String | Type::StringIndef => {
            let mut text = String::new();
            for piece in decoder.str_iter()? {
                text.push_str(piece?);
            }
            Ok(Some(text))
        }
        _ => decoder.skip().map(|()| None),
    }
}

fn read_timestamp(decoder: &mut Decoder<'_>) -> Result<Timestamp, Error> {
    Ok(match decoder.datatype()? {
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64 => Timestamp::Millis(decoder.i64()?),
        Type::F32 | Type::F64 => Timestamp::Millis(decoder.f64()? as i64),
        _ => read_text(decoder)?.map_or(Timestamp::Missing, Timestamp::Text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            short.to_cbor(),
            b"\xbf\x64text\x61a\x64name\x61b\x69timestamp\x61c\xff"
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
            assert_eq!(ChatMessage::from_cbor(&message.to_cbor()), Some(message));
        }
    }

    #[test]
    fn other_writers_are_understood() {
        // A map of known length, its keys in another order, a text in pieces, a float for a time, and more members.
        let bytes =
            b"\xa5\x64name\x63Ann\x65extra\x82\xf6\xa1\x61x\x9f\xff\x64text\x7f\x62he\x63llo\xff\
            \x69timestamp\xfb\x40\x59\x00\x00\x00\x00\x00\x00\x01\x02";
        let message = ChatMessage::from_cbor(bytes).unwrap();
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
            assert_eq!(ChatMessage::from_cbor(bytes), None, "{bytes:x?}");
        }
        let whole = message(Timestamp::Millis(7)).to_cbor();
        for end in 0..whole.len() {
            assert_eq!(ChatMessage::from_cbor(&whole[..end]), None, "cut at {end}");
        }
    }
}
