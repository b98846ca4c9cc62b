//! Compressed topic messages: zlib's format, RFC 1950 (source: the SDK).

use bytes::Bytes;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};

use crate::Message;

/// Why a compressed message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// The bytes are not in zlib's format.
    #[error("the compressed message is damaged")]
    Damaged,
    /// The message would be larger than allowed.
    #[error("the compressed message is too large")]
    TooLarge,
}

impl Message {
    /// The plain form of a compressed message, with a value or delta of at most `max` bytes; others stay as they are.
    ///
    /// # Errors
    /// If the bytes are damaged, or stand for too many.
    pub fn inflate(self, max: usize) -> Result<Self, InflateError> {
        let Self::Compressed {
            topic,
            is_delta,
            zlib,
        } = self
        else {
            return Ok(self);
        };
        let plain = decompress_to_vec_zlib_with_limit(&zlib, max)
            .map(Bytes::from)
            .map_err(|error| match error.status {
                TINFLStatus::HasMoreOutput => InflateError::TooLarge,
                _ => InflateError::Damaged,
            })?;
        Ok(if is_delta {
            Self::TopicDelta {
                topic,
                delta: plain,
            }
        } else {
            Self::TopicValue {
                topic,
                value: plain,
            }
        })
    }

    /// The compressed form of a topic's value or delta, if it is smaller; others stay as they are. `level` is how hard to
    /// try, from 1 to 9, as zlib counts.
    #[must_use]
    pub fn deflate(self, level: u8) -> Self {
        let (topic, is_delta, plain) = match &self {
            Self::TopicValue { topic, value } => (*topic, false, value),
            Self::TopicDelta { topic, delta } => (*topic, true, delta),
            _ => return self,
        };
        let zlib = compress_to_vec_zlib(plain, level);
        if zlib.len() < plain.len() {
            Self::Compressed {
                topic,
                is_delta,
                zlib: Bytes::from(zlib),
            }
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TopicId;

    fn value(bytes: &'static [u8]) -> Message {
        Message::TopicValue {
            topic: TopicId(1),
            value: Bytes::from_static(bytes),
        }
    }

    const ZEROS: &[u8] = &[0; 10_000];

    #[test]
    fn a_message_is_the_same_after_compression() {
        let delta = Message::TopicDelta {
            topic: TopicId(2),
            delta: Bytes::from_static(ZEROS),
        };
        for message in [value(ZEROS), delta] {
            let compressed = message.clone().deflate(6);
            assert!(matches!(&compressed, Message::Compressed { zlib, .. } if zlib.len() < 100));
            assert_eq!(compressed.inflate(ZEROS.len()), Ok(message));
        }
    }

    #[test]
    fn what_would_not_shrink_stays_plain() {
        assert_eq!(value(b"x").deflate(6), value(b"x"));
        assert_eq!(Message::Close.deflate(6), Message::Close);
        assert_eq!(Message::Close.inflate(0), Ok(Message::Close));
    }

    #[test]
    fn damage_and_bombs_are_errors() {
        let compressed = value(ZEROS).deflate(6);
        assert_eq!(
            compressed.clone().inflate(ZEROS.len() - 1),
            Err(InflateError::TooLarge)
        );
        let Message::Compressed { topic, zlib, .. } = compressed else {
            unreachable!("zeros shrink")
        };
        for damaged in [
            zlib.slice(..zlib.len() - 1),
            Bytes::from_static(b"x"),
            Bytes::new(),
        ] {
            let message = Message::Compressed {
                topic,
                is_delta: false,
                zlib: damaged,
            };
            assert_eq!(message.inflate(1 << 20), Err(InflateError::Damaged));
        }
    }
}
