//! What comes out of a room's topic.

use bytes::Bytes;
use effusion_client::{
    Json, StreamValue, TimeSeriesEvent, TopicSpecification, TopicType, ValueError, property,
};

use crate::features::timeline::{At, Event};
use crate::platform::clock;
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
            TopicType::Json => Ok(Self::Live(message(&Json::from_cbor(bytes)))),
            TopicType::TimeSeries => {
                TimeSeriesEvent::<Json>::read(bytes, topic).map(|event| Self::Event(of(event)))
            }
            _ => Err(ValueError::WrongType("a chat message")),
        }
    }
}

/// The timeline's form of an event.
pub(super) fn of(event: TimeSeriesEvent<Json>) -> Event {
    Event {
        sequence: event.metadata.sequence,
        edits: event.original.as_ref().map(|original| original.sequence),
        at: At::local(event.original().timestamp as i64),
        author: event
            .original
            .map_or(event.metadata.author, |original| original.author),
        message: message(&event.value),
    }
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

/// When a message was written, as far as it says so itself.
pub(super) fn written(timestamp: &Timestamp) -> At {
    match timestamp {
        Timestamp::Millis(ms) => At::local(*ms),
        Timestamp::Text(text) => {
            clock::parse_iso(text).map_or_else(|| At::Written(text.clone()), At::local)
        }
        Timestamp::Missing => At::Written(String::new()),
    }
}

fn message(json: &Json) -> ChatMessage {
    // Anybody with the right to may put anything there. It keeps its place in the series; see `Entry::is_unreadable`.
    ChatMessage::from_json(json).unwrap_or_else(|| ChatMessage {
        name: SYSTEM_NAME.to_owned(),
        timestamp: Timestamp::Missing,
        ..ChatMessage::default()
    })
}
