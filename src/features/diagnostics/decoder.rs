//! Decodes the messages of a connection, in Diffusion's terms.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use effusion_protocol::body::{RequestBody, ResponseBody};
use effusion_protocol::time_series::{Event, EventMetadata};
use effusion_protocol::value::{Json, delta};
use effusion_protocol::{
    About, ConversationId, ErrorReport, Field, Message, ProtocolVersion, ServiceId,
    TopicSpecification, TopicType, annotate_message, decode,
};

/// How many of the session's own values are remembered, to tell them from others'.
const OWN_VALUES: usize = 32;
/// Where the members of rooms are listed, who also say there that they are typing.
const PRESENCE: &str = "Effusion/members/";

/// What every request and response begins with.
const COMMON: [&str; 3] = ["message type", "service", "conversation"];
/// The name of what cannot be read.
const UNREADABLE: &str = "unreadable";

/// Reads the body of one of these services; none for any other one, which keeps the code to read all of them out of the page.
macro_rules! read {
    ($body:ident, $service:expr, $bytes:expr, $version:expr; $($name:ident),+) => {
        match $service {
            $(ServiceId::$name => decode($bytes, $version).map($body::$name).ok(),)+
            _ => None,
        }
    };
}

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
    /// Its content, but for credentials.
    pub detail: String,
    /// The service that it belongs to; none for the values of topics.
    pub service: Option<ServiceId>,
    /// Whether it is one of the many that only keep things going: signs of life, who is in a room, and who is typing.
    pub is_routine: bool,
    /// What it shows to have happened.
    pub happened: Vec<Happening>,
}

/// What a message shows to have happened in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// The session is open: this is its first message.
    Opened,
    /// A call of the session has succeeded.
    Done(Box<Done>),
    /// The service has subscribed the session to a topic.
    Subscribed {
        /// The topic's path.
        path: String,
        /// Its type.
        kind: TopicType,
    },
    /// A topic that is no time series has a value.
    Value {
        /// The topic's path.
        path: String,
        /// The value.
        value: Bytes,
        /// Whether the session has set it.
        own: bool,
        /// Whether it is the first one since the session was subscribed: the topic may have had it before.
        first: bool,
    },
    /// An event of a time series came.
    Event {
        /// The topic's path.
        path: String,
        /// The event.
        event: Event,
        /// The newest sequence that was there before the session was subscribed, if it asked for that.
        newest_before: Option<u64>,
    },
}

/// A call that has succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// The number of the message that made it.
    pub number: usize,
    /// Its arguments; none where they are hidden, and for the many services that are only named.
    pub request: Option<RequestBody>,
    /// What came of it; none for the many services of which it is enough that they have done it.
    pub response: Option<ResponseBody>,
    /// The type of the topic that it concerns, if that is known.
    pub kind: Option<TopicType>,
}

/// Decodes messages in order: what a response or a value belongs to was said in earlier messages.
#[derive(Debug, Default)]
pub struct MessageDecoder {
    /// Open conversations, by whether the session began them.
    asked: BTreeMap<(bool, u64), Asked>,
    topics: BTreeMap<u32, Topic>,
    /// The types of topics by their paths.
    kinds: BTreeMap<String, TopicType>,
    /// The newest sequences that queries have found, by the paths of time series.
    newest: BTreeMap<String, u64>,
    /// The newest values that the session has set.
    own: VecDeque<Bytes>,
    session: usize,
    /// The version that the session speaks.
    version: ProtocolVersion,
}

/// A request without a response.
#[derive(Debug)]
struct Asked {
    service: ServiceId,
    number: usize,
    /// What the session asked, as in [`Done`]; none for what the service asks.
    request: Option<RequestBody>,
    is_routine: bool,
}

/// A topic that the session is subscribed to.
#[derive(Debug)]
struct Topic {
    path: String,
    kind: TopicType,
    /// The newest sequence that a query had found by then.
    newest_before: Option<u64>,
    /// What deltas apply to.
    value: Option<Bytes>,
}

impl MessageDecoder {
    /// Decodes a message.
    pub fn decode(&mut self, recorded: &Recorded, version: ProtocolVersion) -> DecodedMessage {
        let is_first = recorded.session != self.session;
        if is_first {
            *self = Self {
                session: recorded.session,
                ..Self::default()
            };
        }
        self.version = version;
        let mut decoded = match Message::decode(recorded.bytes.clone(), version) {
            Ok(message) => self.message(message, recorded),
            Err(error) => plain("unreadable", error.to_string()),
        };
        if is_first {
            decoded.happened.insert(0, Happening::Opened);
        }
        decoded
    }

    fn message(&mut self, message: Message, recorded: &Recorded) -> DecodedMessage {
        match message {
            Message::Request {
                service,
                conversation,
                body,
            } => self.request(service, conversation, body, recorded),
            Message::Response {
                service,
                conversation,
                body,
            } => {
                let asked = self.asked.remove(&(!recorded.sent, conversation.0));
                let Some(service) = service.or(asked.as_ref().map(|it| it.service)) else {
                    return plain("response", String::new());
                };
                let fields = fields(recorded, About::Call(service), self.version);
                let is_readable = fields.iter().all(|field| field.name != UNREADABLE);
                let is_routine = asked.as_ref().is_some_and(|asked| asked.is_routine);
                let done = asked.filter(|_| is_readable && !recorded.sent).map(|asked| {
                    let response = read!(ResponseBody, service, body, self.version;
                        GetGlobalPermissions, RangeQuery, UpdateSecurity, UpdateSystemAuthentication);
                    Happening::Done(Box::new(self.done(asked, response)))
                });
                DecodedMessage {
                    service: Some(service),
                    is_routine,
                    happened: done.into_iter().collect(),
                    ..plain(&format!("response: {}", service.name()), content(&fields))
                }
            }
            Message::Error {
                service,
                conversation,
                body,
            } => {
                let asked = self.asked.remove(&(!recorded.sent, conversation.0));
                let service = service.or(asked.map(|it| it.service));
                let name = service.map_or("request", ServiceId::name);
                let detail = match decode::<ErrorReport>(body, self.version) {
                    Ok(report) => format!("{}: {}", report.reason, report.message),
                    Err(error) => error.to_string(),
                };
                DecodedMessage {
                    service,
                    ..plain(&format!("refused: {name}"), detail)
                }
            }
            Message::TopicValue { topic, value } => self.value("value", topic.0, value),
            Message::TopicDelta { topic, delta } => {
                let old = self.topics.get(&topic.0).and_then(|it| it.value.clone());
                match old.map(|old| delta::apply(&old, &delta)) {
                    Some(Ok(value)) => self.value("delta", topic.0, value),
                    Some(Err(error)) => self.about_topic("delta", topic.0, error.to_string()),
                    None => self.about_topic("delta", topic.0, format!("{} bytes", delta.len())),
                }
            }
            Message::Compressed {
                topic,
                is_delta,
                zlib,
            } => {
                let kind = if is_delta { "delta" } else { "value" };
                let size = format!("{} bytes, compressed", zlib.len());
                self.about_topic(&format!("compressed {kind}"), topic.0, size)
            }
            Message::FetchReply { .. } => plain("fetch reply", String::new()),
            Message::Abort => plain("abort", String::new()),
            Message::Close => plain("close", String::new()),
        }
    }

    fn about_topic(&self, what: &str, topic: u32, detail: String) -> DecodedMessage {
        let path = self.topics.get(&topic).map(|topic| topic.path.as_str());
        let title = path.map_or_else(|| format!("topic {topic}"), str::to_owned);
        DecodedMessage {
            is_routine: path.is_some_and(is_presence),
            ..plain(&format!("{what}: {title}"), detail)
        }
    }

    /// The value that a topic has now.
    fn value(&mut self, what: &str, id: u32, value: Bytes) -> DecodedMessage {
        let own = self.own.contains(&value);
        let Some(topic) = self.topics.get_mut(&id) else {
            return self.about_topic(what, id, format!("{} bytes", value.len()));
        };
        let first = topic.value.replace(value.clone()).is_none();
        let path = topic.path.clone();
        let (detail, happened) = match topic.kind {
            TopicType::TimeSeries => match decode::<Event>(value, self.version) {
                Ok(event) => (
                    event_detail(&event),
                    Some(Happening::Event {
                        path,
                        event,
                        newest_before: topic.newest_before,
                    }),
                ),
                Err(error) => (error.to_string(), None),
            },
            TopicType::Json => (
                json(&value),
                Some(Happening::Value {
                    path,
                    value,
                    own,
                    first,
                }),
            ),
            kind => (format!("{kind:?}, {} bytes", value.len()), None),
        };
        DecodedMessage {
            happened: happened.into_iter().collect(),
            ..self.about_topic(what, id, detail)
        }
    }

    /// A call that has succeeded.
    fn done(&mut self, asked: Asked, response: Option<ResponseBody>) -> Done {
        if let (Some(RequestBody::RangeQuery(it)), Some(ResponseBody::RangeQuery(found))) =
            (&asked.request, &response)
        {
            let newest = found.events.iter().map(|event| event.metadata.sequence);
            let newest = newest.chain(self.newest.get(&it.path).copied()).max();
            self.newest
                .extend(newest.map(|newest| (it.path.clone(), newest)));
        }
        let path = match &asked.request {
            Some(RequestBody::AddTopic(it)) => {
                let kind = it.specification.topic_type;
                self.kinds.insert(it.path.clone(), kind);
                Some(it.path.as_str())
            }
            Some(RequestBody::Subscribe(it)) => it.selector.strip_prefix('>'),
            Some(RequestBody::SetTopic(it)) => Some(it.path.as_str()),
            _ => None,
        };
        Done {
            kind: path.and_then(|path| self.kinds.get(path)).copied(),
            number: asked.number,
            request: asked.request,
            response,
        }
    }

    fn request(
        &mut self,
        service: ServiceId,
        conversation: ConversationId,
        body: Bytes,
        recorded: &Recorded,
    ) -> DecodedMessage {
        let fields = fields(recorded, About::Nothing, self.version);
        let mut decoded = DecodedMessage {
            service: Some(service),
            ..plain(service.name(), content(&fields))
        };
        let request = if recorded.hidden > 0 {
            decoded.call = recorded.sent.then(|| secret_call(service)).flatten();
            None
        } else {
            read!(RequestBody, service, body, self.version;
                AddAndSetTopic, AddTopic, ApplyJsonPatch, Fetch, GetGlobalPermissions, GetPathPermissions, GetSecurity,
                GetSessionProperties, GetSystemAuthentication, MessagingSend, RangeQuery, RemoveTopics, SetTopic, Subscribe,
                SubscriptionNotification, SystemPing, TimeSeriesAppend, TimeSeriesEdit, Unsubscribe, UnsubscribeAllScopes,
                UnsubscriptionNotification, UpdateSecurity, UserPing)
        };
        if let Some(body) = &request {
            decoded.is_routine = is_routine(body);
            decoded.call = recorded.sent.then(|| call(body)).flatten();
            decoded.happened.extend(self.notice(body));
        }
        let asked = Asked {
            service,
            number: recorded.number,
            request: request.filter(|_| recorded.sent),
            is_routine: decoded.is_routine,
        };
        self.asked.insert((recorded.sent, conversation.0), asked);
        decoded
    }

    /// Keeps what later messages depend on.
    fn notice(&mut self, body: &RequestBody) -> Option<Happening> {
        match body {
            RequestBody::SubscriptionNotification(told) => {
                let (path, kind) = (told.path.clone(), told.specification.topic_type);
                self.kinds.insert(path.clone(), kind);
                let topic = Topic {
                    path: path.clone(),
                    kind,
                    newest_before: self.newest.get(&path).copied(),
                    value: None,
                };
                self.topics.insert(told.topic.0, topic);
                Some(Happening::Subscribed { path, kind })
            }
            RequestBody::UnsubscriptionNotification(told) => {
                self.topics.remove(&told.topic.0);
                None
            }
            RequestBody::SetTopic(it) => {
                self.own.truncate(OWN_VALUES - 1);
                self.own.push_front(it.value.clone());
                None
            }
            _ => None,
        }
    }
}

impl DecodedMessage {
    /// What it takes to know its fields.
    pub fn about(&self) -> About {
        let is_event = |it: &Happening| matches!(it, Happening::Event { .. });
        match self.service {
            Some(service) => About::Call(service),
            None if self.happened.iter().any(is_event) => About::TimeSeries,
            None => About::Nothing,
        }
    }
}

/// The fields of a message, JSON values as text.
pub fn fields(recorded: &Recorded, about: About, version: ProtocolVersion) -> Vec<Field> {
    let mut fields = annotate_message(&recorded.bytes, version, about);
    if recorded.hidden > 0 {
        // The body is not there, which is no fault of the message's.
        fields.retain(|field| field.name != UNREADABLE);
    }
    for field in &mut fields {
        let is_value = field.name == "value" || field.name.ends_with(".value");
        // A text is no value that is encoded as another one.
        if is_value && field.value.starts_with("b\"") {
            let value = Json::from_cbor(recorded.bytes.slice(field.bytes.clone()));
            if let Ok(text) = value.to_text() {
                field.value = text;
            }
        }
    }
    fields
}

/// What a message carries: its fields but for those that every message has.
fn content(fields: &[Field]) -> String {
    let is_common = |field: &&Field| COMMON.contains(&&*field.name);
    let lines = fields.iter().skip_while(is_common);
    let lines = lines.map(|Field { name, value, .. }| match &**name {
        // A body that is one value has no names in it.
        "" => value.clone(),
        name => [name, " = ", value].concat(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A hex dump with so many bytes a line, their characters beside them.
pub fn hex(bytes: &[u8], columns: usize) -> String {
    let width = 3 * columns;
    let row = |(row, line): (usize, &[u8])| {
        let digits: String = line.iter().map(|byte| format!(" {byte:02x}")).collect();
        let characters = line.iter().map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '·',
        });
        let characters: String = characters.collect();
        format!("{:04x} {digits:width$}  {characters}\n", row * columns)
    };
    bytes.chunks(columns).enumerate().map(row).collect()
}

/// Bytes as hexadecimal digits.
pub fn hex_digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_presence(path: &str) -> bool {
    path.trim_start_matches(['?', '>', '*'])
        .starts_with(PRESENCE)
}

fn is_routine(body: &RequestBody) -> bool {
    use RequestBody as R;
    is_presence(match body {
        R::SystemPing(()) | R::UserPing(()) => return true,
        R::AddTopic(it) => &it.path,
        R::AddAndSetTopic(it) => &it.path,
        R::SetTopic(it) => &it.path,
        R::Subscribe(it) | R::Unsubscribe(it) => &it.selector,
        R::RemoveTopics(selector) => selector,
        R::SubscriptionNotification(it) => &it.path,
        _ => return false,
    })
}

fn plain(title: &str, detail: String) -> DecodedMessage {
    DecodedMessage {
        title: title.to_owned(),
        detail,
        ..DecodedMessage::default()
    }
}

/// What an event says, as the fields of a request do.
fn event_detail(event: &Event) -> String {
    let EventMetadata {
        sequence,
        timestamp,
        author,
    } = &event.metadata;
    let value = json(&event.value);
    format!("sequence = {sequence}\ntimestamp = {timestamp}\nauthor = {author:?}\nvalue = {value}")
}

fn json(value: &Bytes) -> String {
    Json::from_cbor(value.clone())
        .to_text()
        .unwrap_or_else(|error| error.to_string())
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
            let session = it.session.to_string();
            format!("clients.getSessionProperties({session:?}, {:?})", it.keys)
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
    let kind = type_name(specification.topic_type);
    let properties = specification.properties.iter();
    let properties: Vec<_> = properties
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    if properties.is_empty() {
        return kind;
    }
    format!("{kind} {{{}}}", properties.join(", "))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use effusion_protocol::TopicId;
    use effusion_protocol::body::SubscriptionNotification;
    use effusion_protocol::time_series::AppendRequest;

    pub(crate) const V: ProtocolVersion = ProtocolVersion::NEWEST;

    pub(crate) fn recorded(sent: bool, hidden: usize, message: &Message) -> Recorded {
        Recorded {
            number: 0,
            at: 0,
            session: 0,
            sent,
            bytes: message.encode(V),
            hidden,
        }
    }

    pub(crate) fn request(body: &RequestBody, conversation: u64) -> Message {
        Message::Request {
            service: body.service(),
            conversation: ConversationId(conversation),
            body: body.encode(V),
        }
    }

    pub(crate) fn response(body: &ResponseBody, conversation: u64) -> Message {
        Message::Response {
            service: None,
            conversation: ConversationId(conversation),
            body: body.encode(V),
        }
    }

    /// The service subscribes the session to a topic.
    pub(crate) fn subscription(topic: TopicId, path: &str, kind: TopicType) -> Message {
        let body = SubscriptionNotification {
            topic,
            path: path.to_owned(),
            specification: TopicSpecification::new(kind),
        };
        request(&RequestBody::SubscriptionNotification(body), 90)
    }

    fn decoded(decoder: &mut MessageDecoder, sent: bool, message: &Message) -> DecodedMessage {
        decoder.decode(&recorded(sent, 0, message), V)
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
        let told = decoded(&mut decoder, true, &request(&body, 7));
        let call = r#"timeseries.append("Chat/a \"b\"", {"text":"hello"})"#;
        assert_eq!(told.call.as_deref(), Some(call));
        assert!(told.detail.contains(r#"{"text":"hello"}"#), "{told:?}");
    }

    #[test]
    fn a_response_is_named_by_what_was_asked() {
        let mut decoder = MessageDecoder::default();
        let ping = request(&RequestBody::UserPing(()), 7);
        decoded(&mut decoder, true, &ping);
        let answer = response(&ResponseBody::UserPing(()), 7);
        for title in ["response: user ping", "response"] {
            assert_eq!(decoded(&mut decoder, false, &answer).title, title);
        }
    }

    #[test]
    fn a_value_is_shown_with_its_topic() {
        let mut decoder = MessageDecoder::default();
        let value = Message::TopicValue {
            topic: TopicId(3),
            value: hello(),
        };
        let unknown = decoded(&mut decoder, false, &value);
        assert_eq!(unknown.title, "value: topic 3");
        let subscribed = subscription(TopicId(3), "Chat/a", TopicType::Json);
        assert_eq!(decoded(&mut decoder, false, &subscribed).call, None);
        let value = decoded(&mut decoder, false, &value);
        assert_eq!(value.title, "value: Chat/a");
        assert_eq!(value.detail, r#"{"text":"hello"}"#);
    }

    #[test]
    fn credentials_are_not_shown_and_rubbish_does_no_harm() {
        let mut decoder = MessageDecoder::default();
        let secret = Message::Request {
            service: ServiceId::UpdateSystemAuthentication,
            conversation: ConversationId(1),
            body: Bytes::new(),
        };
        let secret = recorded(true, 40, &secret);
        let rubbish = |byte: u8| Recorded {
            sent: byte.is_multiple_of(2),
            bytes: Bytes::from(vec![byte, byte, 0xff]),
            hidden: 0,
            ..secret.clone()
        };
        let decoded = decoder.decode(&secret, V);
        let call = "security.updateAuthenticationStore(…)";
        assert_eq!(decoded.call.as_deref(), Some(call));
        for byte in 0..=255 {
            decoder.decode(&rubbish(byte), V);
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
        let text = hex(b"0123456789abcdef\x00~", 16);
        let lines: Vec<_> = text.lines().collect();
        let first = "0000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef";
        assert_eq!(lines[0], first);
        let [begin, end] = ["0010  00 7e  ", "  ·~"];
        assert!(
            lines[1].starts_with(begin) && lines[1].ends_with(end),
            "{text}"
        );
    }
}
