//! What happens in the rooms, and at other moderators' desks.

use std::pin::Pin;
use std::task::{Context, Poll};

use effusion_chat::moderation::LogEntry;
use effusion_chat::{MESSAGES_ROOT, MODERATION_LOG, MODERATION_RULES, RoomName};
use effusion_client::{
    Json, Session, StreamEvent, TimeSeriesEvent, Topic, TopicType, UnsubscribeReason,
    UnsubscribedReason,
};
use futures_util::stream::{Stream, StreamExt as _, select_all};

use crate::Failure;

/// Something that a moderator has to know of.
#[derive(Clone, Debug)]
pub enum Happening {
    /// A history room received an event: a message, or an edit of one.
    Event {
        /// The room.
        room: RoomName,
        /// The event.
        event: TimeSeriesEvent<Json>,
    },
    /// A live room has a value.
    Value {
        /// The room.
        room: RoomName,
        /// The value.
        value: Json,
        /// Whether it was there before this session.
        retained: bool,
    },
    /// The rules are these.
    Rules(Json),
    /// The log has an entry.
    Logged {
        /// Its place in the log.
        sequence: u64,
        /// What it says.
        entry: LogEntry,
        /// Who wrote it.
        author: String,
        /// When, in milliseconds since 1970 by the service's clock.
        at: i64,
    },
    /// The log was removed: what was in it is over.
    LogRestarted,
    /// The session is over.
    Closed,
}

/// The stream of [`Happening`]s.
pub struct Inbox(Pin<Box<dyn Stream<Item = Happening>>>);

impl Inbox {
    /// Listens to all rooms, the rules and the log.
    ///
    /// # Errors
    /// If the session may not select them.
    pub(crate) async fn open(session: &Session) -> Result<Self, Failure> {
        let rooms = ["?", MESSAGES_ROOT, "/"].concat();
        let rules = [">", MODERATION_RULES].concat();
        let log = [">", MODERATION_LOG].concat();
        // These selectors are fixed, and right.
        let streams = (
            session.add_stream::<TimeSeriesEvent<Json>>(&rooms),
            session.add_stream::<Json>(&rooms),
            session.add_stream::<Json>(&rules),
            session.add_stream::<TimeSeriesEvent<LogEntry>>(&log),
        );
        let (Ok(events), Ok(values), Ok(rules_stream), Ok(log_stream)) = streams else {
            return Err(Failure::NoMessage);
        };
        let streams: Vec<Pin<Box<dyn Stream<Item = Happening>>>> = vec![
            Box::pin(log_stream.filter_map(async |event| logged(event))),
            Box::pin(rules_stream.filter_map(async |event| match event {
                StreamEvent::Value { new, .. } => Some(Happening::Rules(new)),
                _ => None,
            })),
            Box::pin(events.filter_map(async |event| said(event))),
            Box::pin(values.filter_map(async |event| replaced(event))),
        ];
        // The rules and the log are read before anything is judged.
        for selector in [&log, &rules, &rooms] {
            session
                .topics()
                .select(selector)
                .await
                .map_err(Failure::of("listening to the rooms"))?;
        }
        Ok(Self(Box::pin(select_all(streams))))
    }
}

impl Stream for Inbox {
    type Item = Happening;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Happening>> {
        self.0.as_mut().poll_next(context)
    }
}

fn room_of(topic: &Topic) -> Option<RoomName> {
    RoomName::from_topic_path(&topic.path)
}

fn said(event: StreamEvent<TimeSeriesEvent<Json>>) -> Option<Happening> {
    match event {
        StreamEvent::Value { topic, new, .. } => Some(Happening::Event {
            room: room_of(&topic)?,
            event: new,
        }),
        StreamEvent::Closed(_) => Some(Happening::Closed),
        _ => None,
    }
}

fn replaced(event: StreamEvent<Json>) -> Option<Happening> {
    match event {
        // A stream of values brings events, too.
        StreamEvent::Value { topic, old, new }
            if topic.specification.topic_type == TopicType::Json =>
        {
            Some(Happening::Value {
                room: room_of(&topic)?,
                value: new,
                retained: old.is_none(),
            })
        }
        _ => None,
    }
}

fn logged(event: StreamEvent<TimeSeriesEvent<LogEntry>>) -> Option<Happening> {
    match event {
        StreamEvent::Value { new, .. } => Some(Happening::Logged {
            sequence: new.metadata.sequence,
            entry: new.value,
            at: i64::try_from(new.metadata.timestamp_millis()).unwrap_or(i64::MAX),
            author: new.metadata.author,
        }),
        StreamEvent::Unsubscribed {
            reason: UnsubscribedReason::Service(UnsubscribeReason::Removal),
            ..
        } => Some(Happening::LogRestarted),
        _ => None,
    }
}
