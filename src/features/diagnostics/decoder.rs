//! Decodes the messages of a connection, in Diffusion's terms.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use effusion_protocol::body::{RequestBody, ResponseBody};
use effusion_protocol::value::Json;
use effusion_protocol::{
    ErrorReport, Message, ProtocolVersion, ServiceId, TopicSpecification, TopicType, decode,
};

/// A recorded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its number, counted up from the first message.
    pub number: usize,
    /// Milliseconds since 1970.
    pub at: i64,
    /// Which session it belongs to: topic and conversation ids are per session.
    pub session: usize,
    /// Whether the session sent it.
    pub sent: bool,
    /// The bytes that may be shown.
    pub bytes: Bytes,
    /// How many bytes at its end are hidden, because they contain credentials.
    pub hidden: usize,
}

/// A decoded message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodedMessage {
    /// Its kind, and what it concerns.
    pub title: String,
    /// The call of Diffusion's JavaScript API that sends it, if there is one.
    pub call: Option<String>,
    /// Its content; empty if it contains credentials.
    pub detail: String,
}

/// Decodes messages in order: what a response or a value belongs to was said in earlier messages.
#[derive(Debug, Default)]
pub struct MessageDecoder {
    /// The service of each open conversation, by whether the session began it.
    asked: BTreeMap<(bool, u64), ServiceId>,
    topics: BTreeMap<u32, (String, TopicType)>,
    session: usize,
}

impl MessageDecoder {
    /// Decodes a message.
    pub fn decode(&mut self, recorded: &Recorded, version: ProtocolVersion) -> DecodedMessage {
        if recorded.session != self.session {
            *self = Self {
                session: recorded.session,
                ..Self::default()
            };
        }
        match Message::decode(recorded.bytes.clone(), version) {
            Ok(message) => self.message(message, recorded, version),
            Err(error) => DecodedMessage {
                title: "unreadable".to_owned(),
                call: None,
                detail: error.to_string(),
            },
        }
    }

    fn message(
        &mut self,
        message: Message,
        recorded: &Recorded,
        version: ProtocolVersion,
    ) -> DecodedMessage {
        match message {
            Message::Request {
                service,
                conversation,
                body,
            } => {
                self.asked.insert((recorded.sent, conversation.0), service);
                self.request(service, body, recorded, version)
            }
            Message::Response {
                service,
                conversation,
                body,
            } => {
                let asked = self.asked.remove(&(!recorded.sent, conversation.0));
                let Some(service) = service.or(asked) else {
                    return plain("response");
                };
                DecodedMessage {
                    title: format!("response: {}", service.name()),
                    call: None,
                    detail: match ResponseBody::decode(service, body, version) {
                        Ok(body) => format!("{body:#?}"),
                        Err(error) => error.to_string(),
                    },
                }
            }
            Message::Error {
                service,
                conversation,
                body,
            } => {
                let asked = self.asked.remove(&(!recorded.sent, conversation.0));
                let service = service.or(asked).map_or("request", ServiceId::name);
                DecodedMessage {
                    title: format!("refused: {service}"),
                    call: None,
                    detail: match decode::<ErrorReport>(body, version) {
                        Ok(report) => format!("{}: {}", report.reason, report.message),
                        Err(error) => error.to_string(),
                    },
                }
            }
            Message::TopicValue { topic, value } => {
                let (path, detail) = match self.topics.get(&topic.0) {
                    Some((path, TopicType::Json)) => (path.clone(), json(&value)),
                    Some((path, kind)) => {
                        (path.clone(), format!("{kind:?}, {} bytes", value.len()))
                    }
                    None => (
                        format!("topic {}", topic.0),
                        format!("{} bytes", value.len()),
                    ),
                };
                DecodedMessage {
                    title: format!("value: {path}"),
                    call: None,
                    detail,
                }
            }
            Message::TopicDelta { topic, delta } => {
                self.about_topic("delta", topic.0, &format!("{} bytes", delta.len()))
            }
            Message::Compressed {
                topic,
                is_delta,
                zlib,
            } => self.about_topic(
                if is_delta {
                    "compressed delta"
                } else {
                    "compressed value"
                },
                topic.0,
                &format!("{} bytes, compressed", zlib.len()),
            ),
            Message::FetchReply { .. } => plain("fetch reply"),
            Message::Abort => plain("abort"),
            Message::Close => plain("close"),
        }
    }

    fn about_topic(&self, what: &str, topic: u32, detail: &str) -> DecodedMessage {
        let path = self.topics.get(&topic);
        let path = path.map_or_else(|| format!("topic {topic}"), |(path, _)| path.clone());
        DecodedMessage {
            title: format!("{what}: {path}"),
            call: None,
            detail: detail.to_owned(),
        }
    }

    fn request(
        &mut self,
        service: ServiceId,
        body: Bytes,
        recorded: &Recorded,
        version: ProtocolVersion,
    ) -> DecodedMessage {
        let title = service.name().to_owned();
        if recorded.hidden > 0 {
            return DecodedMessage {
                title,
                call: recorded.sent.then(|| secret_call(service)).flatten(),
                detail: String::new(),
            };
        }
        let body = match RequestBody::decode(service, body, version) {
            Ok(body) => body,
            Err(error) => {
                return DecodedMessage {
                    title,
                    call: None,
                    detail: error.to_string(),
                };
            }
        };
        if let RequestBody::SubscriptionNotification(told) = &body {
            let kind = told.specification.topic_type;
            self.topics.insert(told.topic.0, (told.path.clone(), kind));
        }
        let mut detail = format!("{body:#?}");
        if let Some(value) = value_of(&body) {
            // Writing to a text does not fail.
            let _ = write!(detail, "\nvalue = {}", json(value));
        }
        DecodedMessage {
            title,
            call: recorded.sent.then(|| call(&body)).flatten(),
            detail,
        }
    }
}

/// A hex dump, sixteen bytes a line.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 5);
    for (row, line) in bytes.chunks(16).enumerate() {
        // Writing to a text does not fail.
        let _ = write!(text, "{:04x} ", row * 16);
        for place in 0..16 {
            let _ = match line.get(place) {
                Some(byte) => write!(text, " {byte:02x}"),
                None => write!(text, "   "),
            };
        }
        text.push_str("  ");
        text.extend(line.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '·',
        }));
        text.push('\n');
    }
    text
}

fn plain(title: &str) -> DecodedMessage {
    DecodedMessage {
        title: title.to_owned(),
        ..DecodedMessage::default()
    }
}

fn json(value: &Bytes) -> String {
    Json::from_cbor(value.clone())
        .to_text()
        .unwrap_or_else(|error| error.to_string())
}

/// The JSON value that a request carries.
fn value_of(body: &RequestBody) -> Option<&Bytes> {
    match body {
        RequestBody::TimeSeriesAppend(it) if it.value_type == "json" => Some(&it.value),
        RequestBody::TimeSeriesEdit(it) if it.value_type == "json" => Some(&it.value),
        RequestBody::SetTopic(it) if it.topic_type == TopicType::Json => Some(&it.value),
        RequestBody::AddAndSetTopic(it) if it.specification.topic_type == TopicType::Json => {
            Some(&it.value)
        }
        _ => None,
    }
}

/// The call that sends credentials to a service.
fn secret_call(service: ServiceId) -> Option<String> {
    let call = match service {
        ServiceId::UpdateSystemAuthentication => "security.updateAuthenticationStore(…)",
        ServiceId::ChangePrincipal => "security.changePrincipal(…)",
        ServiceId::Reauthenticate => "security.reauthenticate(…)",
        _ => return None,
    };
    Some(call.to_owned())
}

/// The API call that makes a request.
fn call(body: &RequestBody) -> Option<String> {
    use RequestBody as R;
    Some(match body {
        R::AddTopic(it) => format!(
            "topics.add({:?}, {})",
            it.path,
            specified(&it.specification)
        ),
        R::Subscribe(it) => format!("select({:?})", it.selector),
        R::Unsubscribe(it) => format!("unsubscribe({:?})", it.selector),
        R::UnsubscribeAllScopes(selector) => format!("unsubscribeAllScopes({selector:?})"),
        R::SetTopic(it) => format!(
            "topicUpdate.set({:?}, json, {})",
            it.path,
            shown(it.topic_type, &it.value)
        ),
        R::AddAndSetTopic(it) => format!(
            "topicUpdate.set({:?}, json, {}, {{specification: {}}})",
            it.path,
            shown(it.specification.topic_type, &it.value),
            specified(&it.specification)
        ),
        R::TimeSeriesAppend(it) => format!("timeseries.append({:?}, {})", it.path, json(&it.value)),
        R::TimeSeriesEdit(it) => format!(
            "timeseries.edit({:?}, {}, {})",
            it.path,
            it.original,
            json(&it.value)
        ),
        R::RangeQuery(it) => format!("timeseries.rangeQuery().selectFrom({:?})", it.path),
        R::Fetch(it) => format!("fetchRequest().fetch({:?})", it.selector),
        R::RemoveTopics(selector) => format!("topics.remove({selector:?})"),
        R::UserPing(()) => "pingServer()".to_owned(),
        R::GetGlobalPermissions(()) => "security.getGlobalPermissions()".to_owned(),
        R::GetPathPermissions(path) => format!("security.getPathPermissions({path:?})"),
        R::GetSecurity(()) => "security.getSecurityConfiguration()".to_owned(),
        R::UpdateSecurity(_) => "security.updateSecurityStore(…)".to_owned(),
        R::GetSystemAuthentication(()) => {
            "security.getSystemAuthenticationConfiguration()".to_owned()
        }
        R::GetSessionProperties(it) => {
            format!(
                "clients.getSessionProperties({:?}, {:?})",
                it.session.to_string(),
                it.keys
            )
        }
        R::MessagingSend(it) => format!("messages.sendRequest({:?}, …)", it.path),
        R::ApplyJsonPatch(it) => format!("topicUpdate.applyJsonPatch({:?}, …)", it.path),
        _ => return None,
    })
}

fn shown(kind: TopicType, value: &Bytes) -> String {
    match kind {
        TopicType::Json => json(value),
        _ => "…".to_owned(),
    }
}

/// A topic type as Diffusion's API spells it: `TIME_SERIES`.
pub fn type_name(kind: TopicType) -> String {
    let mut name = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

fn specified(specification: &TopicSpecification) -> String {
    let properties: Vec<String> = specification
        .properties
        .iter()
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    let kind = type_name(specification.topic_type);
    if properties.is_empty() {
        kind
    } else {
        format!("{kind} {{{}}}", properties.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use effusion_protocol::time_series::AppendRequest;
    use effusion_protocol::{ConversationId, TopicId};

    fn decoded(
        decoder: &mut MessageDecoder,
        sent: bool,
        hidden: usize,
        message: &Message,
    ) -> DecodedMessage {
        let version = ProtocolVersion::NEWEST;
        let recorded = Recorded {
            number: 0,
            at: 0,
            session: 0,
            sent,
            bytes: message.encode(version),
            hidden,
        };
        decoder.decode(&recorded, version)
    }

    fn request(service: ServiceId, body: &RequestBody) -> Message {
        Message::Request {
            service,
            conversation: ConversationId(7),
            body: body.encode(ProtocolVersion::NEWEST),
        }
    }

    fn hello() -> Bytes {
        Json::object(&[("text", Json::text("hello"))])
            .as_cbor()
            .clone()
    }

    #[test]
    fn a_request_is_shown_as_the_call_that_makes_it() {
        let mut decoder = MessageDecoder::default();
        let body = RequestBody::TimeSeriesAppend(AppendRequest {
            path: "Chat/a \"b\"".to_owned(),
            value_type: "json".to_owned(),
            value: hello(),
        });
        let told = decoded(
            &mut decoder,
            true,
            0,
            &request(ServiceId::TimeSeriesAppend, &body),
        );
        assert_eq!(
            told.call.as_deref(),
            Some("timeseries.append(\"Chat/a \\\"b\\\"\", {\"text\":\"hello\"})")
        );
        assert!(
            told.detail.contains("{\"text\":\"hello\"}"),
            "{}",
            told.detail
        );
    }

    #[test]
    fn a_response_is_named_by_what_was_asked() {
        let mut decoder = MessageDecoder::default();
        let ping = request(ServiceId::UserPing, &RequestBody::UserPing(()));
        decoded(&mut decoder, true, 0, &ping);
        let answer = Message::Response {
            service: None,
            conversation: ConversationId(7),
            body: Bytes::new(),
        };
        assert_eq!(
            decoded(&mut decoder, false, 0, &answer).title,
            "response: user ping"
        );
        assert_eq!(decoded(&mut decoder, false, 0, &answer).title, "response");
    }

    #[test]
    fn a_value_is_shown_with_its_topic() {
        use effusion_protocol::body::SubscriptionNotification;
        let mut decoder = MessageDecoder::default();
        let value = Message::TopicValue {
            topic: TopicId(3),
            value: hello(),
        };
        assert_eq!(
            decoded(&mut decoder, false, 0, &value).title,
            "value: topic 3"
        );
        let notification = RequestBody::SubscriptionNotification(SubscriptionNotification {
            topic: TopicId(3),
            path: "Chat/a".to_owned(),
            specification: TopicSpecification::new(TopicType::Json),
        });
        let subscribed = request(ServiceId::SubscriptionNotification, &notification);
        assert_eq!(decoded(&mut decoder, false, 0, &subscribed).call, None);
        let value = decoded(&mut decoder, false, 0, &value);
        assert_eq!(
            (value.title.as_str(), value.detail.as_str()),
            ("value: Chat/a", "{\"text\":\"hello\"}")
        );
    }

    #[test]
    fn credentials_are_not_shown_and_rubbish_does_no_harm() {
        let mut decoder = MessageDecoder::default();
        let secret = Message::Request {
            service: ServiceId::UpdateSystemAuthentication,
            conversation: ConversationId(1),
            body: Bytes::new(),
        };
        let secret = decoded(&mut decoder, true, 40, &secret);
        assert_eq!(
            secret.call.as_deref(),
            Some("security.updateAuthenticationStore(…)")
        );
        for byte in 0..=255u8 {
            let recorded = Recorded {
                number: 0,
                at: 0,
                session: 0,
                sent: byte % 2 == 0,
                bytes: Bytes::from(vec![byte, byte, 0xff]),
                hidden: 0,
            };
            decoder.decode(&recorded, ProtocolVersion::NEWEST);
        }
    }

    #[test]
    fn topic_types_are_called_what_the_api_calls_them() {
        for (kind, name) in [
            (TopicType::Json, "JSON"),
            (TopicType::TimeSeries, "TIME_SERIES"),
            (TopicType::Int64, "INT64"),
            (TopicType::RecordV2, "RECORD_V2"),
        ] {
            assert_eq!(type_name(kind), name);
        }
    }

    #[test]
    fn bytes_are_shown_in_lines() {
        let text = hex(b"0123456789abcdef\x00~");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[0],
            "0000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef"
        );
        assert!(
            lines[1].starts_with("0010  00 7e  ") && lines[1].ends_with("  ·~"),
            "{}",
            lines[1]
        );
    }
}
