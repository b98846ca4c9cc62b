//! Messages: one binary WebSocket message each.

use bytes::Bytes;
use core::fmt;

use crate::{DecodeError, DecodeErrorKind, ProtocolVersion, Reader, ServiceId, TopicId, Writer};

/// The number that ties a response to its request; chosen by the requester, unique while the request is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(pub u64);

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl crate::Wire for ConversationId {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.varint64().map(Self)
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(self.0);
    }
}

/// One message, its body still as bytes: what the body means depends on the service (see [`crate::body`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A call of a service, by either side.
    Request {
        /// The service that is called.
        service: ServiceId,
        /// Ties the response to the call.
        conversation: ConversationId,
        /// The arguments.
        body: Bytes,
    },
    /// The result of a call.
    Response {
        /// The service that was called; versions that name only the conversation have `None`.
        service: Option<ServiceId>,
        /// The call that this responds to.
        conversation: ConversationId,
        /// The result.
        body: Bytes,
    },
    /// The failure of a call.
    Error {
        /// The service that was called; versions that name only the conversation have `None`.
        service: Option<ServiceId>,
        /// The call that this responds to.
        conversation: ConversationId,
        /// An [`crate::ErrorReason`] and the server's message.
        body: Bytes,
    },
    /// The whole value of a topic.
    TopicValue {
        /// The topic.
        topic: TopicId,
        /// The value.
        value: Bytes,
    },
    /// What changed in the value of a topic since the last message for it.
    TopicDelta {
        /// The topic.
        topic: TopicId,
        /// A binary delta.
        delta: Bytes,
    },
    /// A topic's value or delta, compressed: `Message::inflate` makes the plain message of it. Servers send it only to
    /// clients that announce [`crate::capabilities::COMPRESSION`].
    Compressed {
        /// The topic.
        topic: TopicId,
        /// Whether it is a delta, or else a value.
        is_delta: bool,
        /// The value or the delta, in zlib's format (RFC 1950).
        zlib: Bytes,
    },
    /// A topic and its value for a fetch stream (before 6.2).
    FetchReply {
        /// The topic and the conversation, as text.
        headers: Bytes,
        /// The value.
        body: Bytes,
    },
    /// The server ends the session.
    Abort,
    /// The client ends the session.
    Close,
}

/// The first byte of a message, without flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageKind {
    /// A call of a service.
    Request = 0x00,
    /// A result with its service id (versions that name it).
    ServiceResponse = 0x01,
    /// A failure with its service id (versions that name it).
    ServiceError = 0x02,
    /// A topic's value.
    TopicValue = 0x04,
    /// A topic's delta.
    TopicDelta = 0x05,
    /// A result with only its conversation.
    Response = 0x06,
    /// A failure with only its conversation.
    Error = 0x07,
    /// A topic for a fetch stream.
    FetchReply = 0x22,
    /// The server ends the session.
    Abort = 0x1c,
    /// The client ends the session.
    Close = 0x1d,
}

/// What the first byte has besides the kind if the topic's value or delta is compressed (source: the SDK).
const COMPRESSED: u8 = 0x80;
/// Ends the headers of a fetch reply (source: the LGPL 5.9 client).
const END_OF_HEADERS: u8 = 0x01;

impl Message {
    /// Reads one whole message.
    ///
    /// # Errors
    /// If the bytes are not a message of this version. Bodies are not looked into.
    pub fn decode(bytes: Bytes, version: ProtocolVersion) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, version);
        let kind = reader.byte()?;
        let named = !version.answers_without_service();
        let bare = !named || version.answers_in_unknown_form();
        let message = match kind {
            0x00 => {
                let service = ServiceId::read(&mut reader)?;
                let conversation = ConversationId(reader.varint64()?);
                Self::Request {
                    service,
                    conversation,
                    body: reader.rest(),
                }
            }
            0x01 | 0x02 if named => {
                let service = Some(ServiceId::read(&mut reader)?);
                let conversation = ConversationId(reader.varint64()?);
                let body = reader.rest();
                if kind == 0x01 {
                    Self::Response {
                        service,
                        conversation,
                        body,
                    }
                } else {
                    Self::Error {
                        service,
                        conversation,
                        body,
                    }
                }
            }
            0x06 if bare => {
                let conversation = ConversationId(reader.varint64()?);
                Self::Response {
                    service: None,
                    conversation,
                    body: reader.rest(),
                }
            }
            0x07 if bare => {
                let conversation = ConversationId(reader.varint64()?);
                Self::Error {
                    service: None,
                    conversation,
                    body: reader.rest(),
                }
            }
            0x04 | 0x05 => {
                let topic = TopicId(u32::from_be_bytes(reader.array()?));
                let rest = reader.rest();
                if kind == 0x04 {
                    Self::TopicValue { topic, value: rest }
                } else {
                    Self::TopicDelta { topic, delta: rest }
                }
            }
            0x84 | 0x85 => Self::Compressed {
                topic: TopicId(u32::from_be_bytes(reader.array()?)),
                is_delta: kind == 0x85,
                zlib: reader.rest(),
            },
            0x22 => {
                let mut headers = reader.rest();
                let Some(end) = headers.iter().position(|byte| *byte == END_OF_HEADERS) else {
                    return Err(reader.error(DecodeErrorKind::Truncated));
                };
                let body = headers.split_off(end + 1);
                headers.truncate(end);
                Self::FetchReply { headers, body }
            }
            0x1c => Self::Abort,
            0x1d => Self::Close,
            other => {
                return Err(DecodeError {
                    kind: DecodeErrorKind::Unknown {
                        what: "message type",
                        value: u64::from(other),
                    },
                    offset: 0,
                });
            }
        };
        reader.finish()?;
        Ok(message)
    }

    /// The bytes of the message.
    ///
    /// A response or error without a service id cannot be written in a version that names it; it is written with id 0,
    /// which no peer accepts. Build responses from their request.
    #[must_use]
    pub fn encode(&self, version: ProtocolVersion) -> Bytes {
        let mut writer = Writer::new(version);
        match self {
            Self::Request {
                service,
                conversation,
                body,
            } => {
                writer.byte(MessageKind::Request as u8);
                service.write(&mut writer);
                writer.varint64(conversation.0);
                writer.raw(body);
            }
            Self::Response {
                service,
                conversation,
                body,
            } => {
                write_answer(
                    &mut writer,
                    (MessageKind::ServiceResponse, MessageKind::Response),
                    *service,
                    *conversation,
                    body,
                );
            }
            Self::Error {
                service,
                conversation,
                body,
            } => {
                write_answer(
                    &mut writer,
                    (MessageKind::ServiceError, MessageKind::Error),
                    *service,
                    *conversation,
                    body,
                );
            }
            Self::TopicValue { topic, value } => {
                writer.byte(MessageKind::TopicValue as u8);
                writer.raw(&topic.0.to_be_bytes());
                writer.raw(value);
            }
            Self::TopicDelta { topic, delta } => {
                writer.byte(MessageKind::TopicDelta as u8);
                writer.raw(&topic.0.to_be_bytes());
                writer.raw(delta);
            }
            Self::Compressed {
                topic,
                is_delta,
                zlib,
            } => {
                let kind = if *is_delta {
                    MessageKind::TopicDelta
                } else {
                    MessageKind::TopicValue
                };
                writer.byte(kind as u8 | COMPRESSED);
                writer.raw(&topic.0.to_be_bytes());
                writer.raw(zlib);
            }
            Self::FetchReply { headers, body } => {
                writer.byte(MessageKind::FetchReply as u8);
                writer.raw(headers);
                writer.byte(END_OF_HEADERS);
                writer.raw(body);
            }
            Self::Abort => writer.byte(MessageKind::Abort as u8),
            Self::Close => writer.byte(MessageKind::Close as u8),
        }
        writer.finish()
    }
}

fn write_answer(
    writer: &mut Writer,
    (named, bare): (MessageKind, MessageKind),
    service: Option<ServiceId>,
    conversation: ConversationId,
    body: &[u8],
) {
    let version = writer.version();
    let leaves_out = version.answers_in_unknown_form() && service.is_none();
    if version.answers_without_service() || leaves_out {
        writer.byte(bare as u8);
    } else {
        writer.byte(named as u8);
        writer.varint64(service.map_or(0, |service| u64::from(service.code())));
    }
    writer.varint64(conversation.0);
    writer.raw(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &Message, bytes: &'static [u8]) {
        let version = ProtocolVersion::NEWEST;
        assert_eq!(message.encode(version).as_ref(), bytes);
        let decoded = Message::decode(Bytes::from_static(bytes), version);
        assert_eq!(decoded.as_ref(), Ok(message));
    }

    #[test]
    fn compressed_messages_are_told_from_plain_ones() {
        for (kind, is_delta) in [
            (&b"\x84\0\0\x02\xbax\x9c"[..], false),
            (b"\x85\0\0\x02\xbax\x9c", true),
        ] {
            let message = Message::Compressed {
                topic: TopicId(0x2ba),
                is_delta,
                zlib: Bytes::from_static(b"x\x9c"),
            };
            check(&message, kind);
        }
    }

    #[test]
    fn fetch_replies_have_headers_and_a_body() {
        let message = Message::FetchReply {
            headers: Bytes::from_static(b"a/b\x025"),
            body: Bytes::from_static(b"\x01value"),
        };
        check(&message, b"\x22a/b\x025\x01\x01value");
        let cut = Message::decode(Bytes::from_static(b"\x22a/b"), ProtocolVersion::NEWEST);
        assert_eq!(cut.unwrap_err().kind, DecodeErrorKind::Truncated);
    }

    #[test]
    fn other_kinds_and_flags_are_errors() {
        for first in (0..=u8::MAX)
            .filter(|first| ![0, 4, 5, 6, 7, 0x1c, 0x1d, 0x22, 0x84, 0x85].contains(first))
        {
            let message = Bytes::copy_from_slice(&[first, 0, 0, 0, 0, 1]);
            let error = Message::decode(message, ProtocolVersion::NEWEST).unwrap_err();
            assert_eq!(
                error.kind,
                DecodeErrorKind::Unknown {
                    what: "message type",
                    value: u64::from(first)
                }
            );
        }
    }
}
