//! Follows the connections of a capture, and reads and writes again every message.

use std::collections::HashMap;

use bytes::Bytes;
use effusion_protocol::body::{RequestBody, ResponseBody};
use effusion_protocol::time_series::Event;
use effusion_protocol::value::{DataType, delta};
use effusion_protocol::{
    ConnectRequest, ConnectResponse, ConversationId, ErrorReport, Message, ProtocolVersion,
    ResponseCode, ServiceId, SessionId, TopicId, TopicType, Wire, decode, encode, property,
};

use super::capture::{self, Line, Side, to_hex};
use super::show;

/// The largest value that a compressed message may hold.
const MAX_VALUE: usize = 64 << 20;

/// All connections of a capture.
#[derive(Default)]
pub struct Inspector {
    connections: HashMap<u64, Connection>,
    /// What is known of sessions: a session can go on in another connection.
    sessions: HashMap<SessionId, Session>,
}

/// Where a connection stands.
enum Connection {
    /// Asked for, in this version if the upgrade request says it.
    Connecting { version: Option<u8> },
    /// Refused.
    Refused,
    /// Open.
    Open {
        version: ProtocolVersion,
        session: SessionId,
    },
}

/// What of a session the meaning of its messages depends on.
#[derive(Default)]
struct Session {
    /// Calls without an answer, by who made them.
    calls: HashMap<(Side, ConversationId), ServiceId>,
    /// Topics that the client is subscribed to.
    topics: HashMap<TopicId, Topic>,
}

struct Topic {
    path: String,
    is_time_series: bool,
    /// Of its values, or of the values of its events.
    data_type: Option<DataType>,
    /// What deltas apply to.
    value: Option<Bytes>,
}

type Shown = Result<String, String>;

impl Inspector {
    /// Reads a line of the capture, and says what it shows or what is wrong with it.
    pub fn line(&mut self, line: &str) -> Shown {
        match capture::parse(line)? {
            Line::Connect { stream, query } => self.connect(stream, &query),
            Line::Message {
                stream,
                from,
                bytes,
            } => {
                let shown = self.message(stream, from, bytes)?;
                Ok(format!("{stream}  {}  {shown}", from.arrow()))
            }
        }
    }

    fn connect(&mut self, stream: u64, query: &str) -> Shown {
        let number = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("v="))
            .map(|number| {
                number
                    .parse::<u8>()
                    .map_err(|_| format!("{number:?} is not a protocol version"))
            })
            .transpose()?;
        if let Some(number) = number {
            speak(number)?;
        }
        self.connections
            .insert(stream, Connection::Connecting { version: number });
        let request = ConnectRequest::from_query(query);
        let what = match request {
            Ok(request) => show::connect_request(&request),
            // What the request is, its server has to judge; its version is enough to go on.
            Err(error) => match number {
                Some(number) => format!("version {number}; {error}"),
                None => "the version is not in the address".to_owned(),
            },
        };
        Ok(format!("{stream}  connect  {what}"))
    }

    fn message(&mut self, stream: u64, from: Side, bytes: Bytes) -> Shown {
        match self.connections.get(&stream) {
            None => Err("the capture has no connect of this stream".to_owned()),
            Some(Connection::Refused) => Err("the connection was refused".to_owned()),
            Some(Connection::Connecting { version }) => {
                if from == Side::Client {
                    return Err("the client speaks before the connect response".to_owned());
                }
                self.connect_response(stream, *version, bytes)
            }
            Some(Connection::Open { version, session }) => {
                let session = self.sessions.entry(*session).or_default();
                session.message(from, bytes, *version)
            }
        }
    }

    fn connect_response(&mut self, stream: u64, asked: Option<u8>, bytes: Bytes) -> Shown {
        let response = ConnectResponse::decode(bytes.clone()).map_err(|error| error.to_string())?;
        same(&response.encode(), &bytes)?;
        let connection = match &response.success {
            None => Connection::Refused,
            Some(success) => {
                // The server may speak an older version than it was asked for.
                let version = speak(response.version.min(asked.unwrap_or(response.version)))?;
                if response.code != ResponseCode::Reconnected {
                    self.sessions.insert(success.session, Session::default());
                }
                Connection::Open {
                    version,
                    session: success.session,
                }
            }
        };
        self.connections.insert(stream, connection);
        Ok(show::connect_response(&response))
    }
}

/// The version with this number, if it is one of those that this codec speaks.
fn speak(number: u8) -> Result<ProtocolVersion, String> {
    ProtocolVersion::new(number).ok_or_else(|| {
        let (oldest, newest) = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
        let what = if number < oldest.number() {
            "older than Diffusion 6.0"
        } else {
            "newer than Diffusion 6.12"
        };
        format!("this is protocol version {number}, {what}: only {oldest} to {newest} can be read")
    })
}

/// Fails unless what was written is what was read.
fn same(written: &[u8], read: &[u8]) -> Result<(), String> {
    if written == read {
        Ok(())
    } else {
        Err(format!(
            "written again, it is not the same: {}",
            to_hex(written)
        ))
    }
}

impl Session {
    fn message(&mut self, from: Side, bytes: Bytes, version: ProtocolVersion) -> Shown {
        let message = Message::decode(bytes.clone(), version).map_err(|error| error.to_string())?;
        same(&message.encode(version), &bytes)?;
        match message {
            Message::Request {
                service,
                conversation,
                body,
            } => {
                self.calls.insert((from, conversation), service);
                let request = RequestBody::decode(service, body.clone(), version)
                    .map_err(|error| format!("the request \"{service}\": {error}"))?;
                same(&request.encode(version), &body)?;
                self.notice(&request);
                let shown = show::request(&request);
                Ok(format!("request {conversation} {service}{shown}"))
            }
            Message::Response {
                service,
                conversation,
                body,
            } => {
                let service = self.answered(from, service, conversation)?;
                let response = ResponseBody::decode(service, body.clone(), version)
                    .map_err(|error| format!("the response to \"{service}\": {error}"))?;
                same(&response.encode(version), &body)?;
                let shown = show::response(&response);
                Ok(format!("response {conversation} {service}{shown}"))
            }
            Message::Error {
                service,
                conversation,
                body,
            } => {
                let service = self.answered(from, service, conversation)?;
                let report = whole::<ErrorReport>(body, version)
                    .map_err(|error| format!("the error of \"{service}\": {error}"))?;
                Ok(format!("error {conversation} {service}: {report}"))
            }
            Message::TopicValue { topic, value } => self.value(topic, value, version, "value"),
            Message::TopicDelta { topic, delta } => self.delta(topic, &delta, version),
            compressed @ Message::Compressed { .. } => {
                let plain = compressed
                    .inflate(MAX_VALUE)
                    .map_err(|error| error.to_string())?;
                let shown = match plain {
                    Message::TopicValue { topic, value } => {
                        self.value(topic, value, version, "value")
                    }
                    Message::TopicDelta { topic, delta } => self.delta(topic, &delta, version),
                    other => Ok(format!("{other:?}")),
                };
                shown.map(|shown| format!("compressed {shown}"))
            }
            Message::FetchReply { headers, body } => Ok(format!(
                "fetch reply {:?} {}",
                String::from_utf8_lossy(&headers),
                show::bytes(&body)
            )),
            Message::Abort => Ok("abort".to_owned()),
            Message::Close => Ok("close".to_owned()),
        }
    }

    /// The service of a call that is answered: what the answer says, or else what the other side called.
    fn answered(
        &mut self,
        from: Side,
        named: Option<ServiceId>,
        conversation: ConversationId,
    ) -> Result<ServiceId, String> {
        let called = self.calls.remove(&(from.other(), conversation));
        named.or(called).ok_or_else(|| {
            format!("conversation {conversation} is answered, but nothing was asked in it")
        })
    }

    /// Keeps what later messages depend on.
    fn notice(&mut self, request: &RequestBody) {
        match request {
            RequestBody::SubscriptionNotification(notification) => {
                let specification = &notification.specification;
                let is_time_series = specification.topic_type == TopicType::TimeSeries;
                let topic = Topic {
                    path: notification.path.clone(),
                    is_time_series,
                    data_type: if is_time_series {
                        specification
                            .get(property::TIME_SERIES_EVENT_VALUE_TYPE)
                            .and_then(DataType::from_name)
                    } else {
                        DataType::of_topic(specification.topic_type)
                    },
                    value: None,
                };
                self.topics.insert(notification.topic, topic);
            }
            RequestBody::UnsubscriptionNotification(notification) => {
                self.topics.remove(&notification.topic);
            }
            _ => {}
        }
    }

    fn value(&mut self, id: TopicId, value: Bytes, version: ProtocolVersion, what: &str) -> Shown {
        let Some(topic) = self.topics.get_mut(&id) else {
            return Ok(format!("{what} of topic {}: {}", id.0, show::bytes(&value)));
        };
        topic.value = Some(value.clone());
        let shown = if topic.is_time_series {
            let event = whole::<Event>(value, version)
                .map_err(|error| format!("the event of {}: {error}", topic.path))?;
            show::event(&event, topic.data_type)
        } else {
            show::value(topic.data_type, &value)
        };
        let shown = shown.map_err(|error| format!("the value of {}: {error}", topic.path))?;
        Ok(format!("{what} of {}: {shown}", topic.path))
    }

    fn delta(&mut self, id: TopicId, delta: &Bytes, version: ProtocolVersion) -> Shown {
        let old = self.topics.get(&id).and_then(|topic| topic.value.clone());
        let Some(old) = old else {
            return Ok(format!("delta of topic {}: {}", id.0, show::bytes(delta)));
        };
        let new = delta::apply(&old, delta).map_err(|error| error.to_string())?;
        self.value(id, new, version, "delta")
    }
}

/// Reads all of the bytes as one value, and writes it again.
fn whole<T: Wire>(bytes: Bytes, version: ProtocolVersion) -> Result<T, String> {
    let value = decode::<T>(bytes.clone(), version).map_err(|error| error.to_string())?;
    same(&encode(&value, version), &bytes)?;
    Ok(value)
}
