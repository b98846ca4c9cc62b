//! What comes out of a room's topic.

use bytes::Bytes;
use effusion_client::{
    Json, StreamValue, TimeSeriesEvent, TopicSpecification, TopicType, ValueError, property,
};

use crate::features::timeline::{At, Event};
use crate::platform::clock;
use crate::ui::identity::revealed;
use effusion_chat::{ChatMessage, RoomKind, SYSTEM_NAME, Timestamp};

/// A value of a live room, or an event of a history room.
#[derive(Clone, Debug)]
pub(super) enum RoomValue {
    Live(ChatMessage),
    Event(Event),
}

impl StreamValue for RoomValue {
    fn reads(_: &TopicSpecification) -> bool {
        // Also what is no room: to say so, its subscription has to be seen.
        true
    }

    fn read(bytes: Bytes, topic: TopicType) -> Result<Self, ValueError> {
        match topic {
            TopicType::Json => Ok(Self::Live(message(&Json::from_cbor(bytes), ""))),
            TopicType::TimeSeries => {
                TimeSeriesEvent::<Json>::read(bytes, topic).map(|event| Self::Event(of(event)))
            }
            _ => Err(ValueError::WrongType("a chat message")),
        }
    }
}

/// The timeline's form of an event.
pub(super) fn of(event: TimeSeriesEvent<Json>) -> Event {
    let original = event.original();
    Event {
        sequence: event.metadata.sequence,
        edits: event.original.as_ref().map(|original| original.sequence),
        at: At::local(original.timestamp_millis() as i64),
        message: message(&event.value, &original.author),
        author: original.author.clone(),
    }
}

/// A time series of JSON values that keeps so much, and brings so much of it to a new subscriber.
pub(super) fn series(keep: &str, bring: &str) -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, keep)
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, bring)
}

/// The kind of room that a topic carries, if it carries one.
pub(super) fn kind(specification: &TopicSpecification) -> Option<RoomKind> {
    let events = specification.get(property::TIME_SERIES_EVENT_VALUE_TYPE);
    match specification.topic_type {
        TopicType::Json => Some(RoomKind::Live),
        TopicType::TimeSeries if events == Some("json") => Some(RoomKind::History),
        _ => None,
    }
}

/// When a message was written, in milliseconds since 1970, as far as it says so itself.
pub(super) fn written_ms(timestamp: &Timestamp) -> Option<i64> {
    match timestamp {
        Timestamp::Millis(ms) => Some(*ms),
        Timestamp::Text(text) => clock::parse_iso(text),
        Timestamp::Missing => None,
    }
}

/// When a message was written, as it is shown.
pub(super) fn written(timestamp: &Timestamp) -> At {
    match (written_ms(timestamp), timestamp) {
        (Some(ms), _) => At::local(ms),
        (None, Timestamp::Text(text)) => At::Written(text.clone()),
        (None, _) => At::Written(String::new()),
    }
}

/// Reads a message; `author` stands for a name that is missing.
fn message(json: &Json, author: &str) -> ChatMessage {
    let message = ChatMessage::from_json(json).or_else(|| of_another_shape(json));
    // Anybody with the right to may put anything there. What has no text keeps its place in the series as a notice.
    let Some(message) = message else {
        return ChatMessage {
            name: SYSTEM_NAME.to_owned(),
            ..ChatMessage::default()
        };
    };
    let is_nameless = message.name.trim().is_empty();
    let name = revealed(if is_nameless { author } else { &message.name });
    ChatMessage { name, ..message }
}

/// A message from a value that is no object of the tutorial's, but has a text.
fn of_another_shape(json: &Json) -> Option<ChatMessage> {
    let member = |name: &str| json.member(name).and_then(|value| value.as_text());
    let texts = ["text", "message", "body", "content"];
    let text = json
        .as_text()
        .or_else(|| texts.iter().find_map(|name| member(name)));
    let names = ["name", "from", "author", "user", "sender"];
    Some(ChatMessage {
        text: text.filter(|text| !text.trim().is_empty())?,
        name: names
            .iter()
            .find_map(|name| member(name))
            .unwrap_or_default(),
        ..ChatMessage::default()
    })
}
