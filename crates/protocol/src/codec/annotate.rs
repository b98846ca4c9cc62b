//! Which bytes of a message are which of its fields, for people who read them.

use bytes::Bytes;
use core::fmt::Debug;
use core::ops::Range;

use super::{DecodeError, Reader, Wire};
use crate::body::{RequestBody, ResponseBody};
use crate::time_series::Event;
use crate::{ErrorReport, Message, ProtocolVersion, ServiceId};

/// A part of a message that has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is, below what: `specification.properties[0].key`. A `?` says whether there is such a value.
    pub name: String,
    /// Where it is in the message.
    pub bytes: Range<usize>,
    /// Its value, as Rust shows it.
    pub value: String,
}

impl Field {
    pub(crate) fn new(name: &str, bytes: Range<usize>, value: &impl Debug) -> Self {
        Self {
            name: name.to_owned(),
            bytes,
            value: format!("{value:?}"),
        }
    }

    /// The name of a field of something that has a name, or none.
    pub(crate) fn inner(name: &str, field: &str) -> String {
        if name.is_empty() {
            field.to_owned()
        } else {
            [name, ".", field].concat()
        }
    }
}

/// What is known of a message that it does not say itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum About {
    /// Nothing.
    #[default]
    Nothing,
    /// It responds to a call of this service.
    Call(ServiceId),
    /// Its topic is a time series.
    TimeSeries,
}

/// The fields of a message, in the order of its bytes. What cannot be read is one field at the end, whose value says why.
#[must_use]
pub fn annotate_message(bytes: &Bytes, version: ProtocolVersion, about: About) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut reader = Reader::new(bytes.clone(), version);
    if let Err(error) = annotate(bytes, &mut reader, about, &mut fields) {
        let read = fields.last().map_or(0, |field| field.bytes.end);
        fields.push(Field {
            name: "unreadable".to_owned(),
            bytes: read..bytes.len(),
            value: error.to_string(),
        });
    }
    fields
}

fn annotate(
    bytes: &Bytes,
    reader: &mut Reader,
    about: About,
    fields: &mut Vec<Field>,
) -> Result<(), DecodeError> {
    let version = reader.version();
    let message = Message::decode(bytes.clone(), version)?;
    let kind = reader.byte()?;
    fields.push(Field {
        name: "message type".to_owned(),
        bytes: 0..reader.position,
        value: kind_name(&message).to_owned(),
    });
    let is_error = matches!(message, Message::Error { .. });
    match message {
        Message::Request { service, .. } => {
            service_of(reader, fields)?;
            u64::annotate(reader, "conversation", fields)?;
            RequestBody::annotate(service, reader, fields)?;
        }
        Message::Response { service: named, .. } | Message::Error { service: named, .. } => {
            if named.is_some() {
                service_of(reader, fields)?;
            }
            u64::annotate(reader, "conversation", fields)?;
            if is_error {
                ErrorReport::annotate(reader, "error", fields)?;
            } else {
                match (named, about) {
                    (Some(service), _) | (None, About::Call(service)) => {
                        ResponseBody::annotate(service, reader, fields)?;
                    }
                    _ => rest(reader, "body", fields),
                }
            }
        }
        Message::TopicValue { topic, .. }
        | Message::TopicDelta { topic, .. }
        | Message::Compressed { topic, .. } => {
            let start = reader.position;
            reader.array::<4>()?;
            fields.push(Field::new("topic", start..reader.position, &topic.0));
            match (about, kind) {
                (About::TimeSeries, 0x04) => Event::annotate(reader, "event", fields)?,
                (_, 0x04 | 0x84) => rest(reader, "value", fields),
                _ => rest(reader, "delta", fields),
            }
        }
        Message::FetchReply { .. } => rest(reader, "body", fields),
        Message::Abort | Message::Close => {}
    }
    reader.finish()
}

const fn kind_name(message: &Message) -> &'static str {
    match message {
        Message::Request { .. } => "request",
        Message::Response { .. } => "response",
        Message::Error { .. } => "error",
        Message::TopicValue { .. } => "topic value",
        Message::TopicDelta { .. } => "topic delta",
        Message::Compressed { .. } => "topic value or delta, compressed",
        Message::FetchReply { .. } => "fetch reply",
        Message::Abort => "abort",
        Message::Close => "close",
    }
}

fn service_of(reader: &mut Reader, fields: &mut Vec<Field>) -> Result<(), DecodeError> {
    let start = reader.position;
    let service = ServiceId::read(reader)?;
    fields.push(Field::new("service", start..reader.position, &service));
    Ok(())
}

/// All that is left, as one field.
fn rest(reader: &mut Reader, name: &str, fields: &mut Vec<Field>) {
    let start = reader.position;
    let rest = reader.rest();
    fields.push(Field::new(name, start..reader.position, &rest));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::AddTopicRequest;
    use crate::{ConversationId, TopicSpecification, TopicType, property};
    use proptest::prelude::*;

    const V: ProtocolVersion = ProtocolVersion::NEWEST;

    #[test]
    fn the_fields_of_a_request_have_names_and_values() {
        let specification = TopicSpecification::new(TopicType::TimeSeries)
            .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json");
        let body = RequestBody::AddTopic(AddTopicRequest {
            path: "Chat/Tea".to_owned(),
            specification,
        });
        let message = Message::Request {
            service: ServiceId::AddTopic,
            conversation: ConversationId(300),
            body: body.encode(V),
        };
        let bytes = message.encode(V);
        let fields = annotate_message(&bytes, V, About::Nothing);
        let shown: Vec<String> = fields
            .iter()
            .map(|field| format!("{:?} {} = {}", field.bytes, field.name, field.value))
            .collect();
        assert_eq!(
            shown,
            [
                "0..1 message type = request",
                "1..2 service = AddTopic",
                "2..4 conversation = 300",
                "4..13 path = \"Chat/Tea\"",
                "13..14 specification.topic_type = TimeSeries",
                "14..15 specification.properties.count = 1",
                "15..44 specification.properties[0].key = \"TIME_SERIES_EVENT_VALUE_TYPE\"",
                "44..49 specification.properties[0].value = \"json\"",
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let fields = annotate_message(&Bytes::from_static(&[0, 0x57, 1, 1]), V, About::Nothing);
        let last = fields.last().unwrap();
        assert_eq!(
            (last.name.as_str(), last.bytes.clone()),
            ("unreadable", 4..4)
        );
        assert!(last.value.contains("ends too early"), "{}", last.value);
    }

    proptest! {
        /// Whatever comes, every byte belongs to one field, in order.
        #[test]
        fn fields_cover_a_message(bytes in prop::collection::vec(any::<u8>(), 0..60), service in prop::sample::select(ServiceId::ALL)) {
            let fields = annotate_message(&Bytes::from(bytes.clone()), V, About::Call(service));
            let mut end = 0;
            for field in fields {
                prop_assert_eq!(field.bytes.start, end);
                end = field.bytes.end;
            }
            prop_assert_eq!(end, bytes.len());
        }
    }
}
