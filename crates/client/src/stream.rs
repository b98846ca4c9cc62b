//! Value streams: what happens to the topics of a selector, with their values as a Rust type.

use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use bytes::Bytes;
use effusion_protocol::value::delta::DeltaError;
use effusion_protocol::{TopicSelector, TopicSpecification};
use futures_channel::mpsc;
use futures_util::Stream;

use crate::machine::{Topic, UnsubscribedReason};
use crate::{RequestError, SessionCloseReason, StreamValue, ValueError};

/// What a value stream yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamEvent<T> {
    /// The session is subscribed to a topic of the stream.
    Subscribed {
        /// The topic.
        topic: Arc<Topic>,
    },
    /// A topic has a value.
    Value {
        /// The topic.
        topic: Arc<Topic>,
        /// The value before, if this session had one.
        old: Option<T>,
        /// The value.
        new: T,
    },
    /// A topic's value could not be read.
    Unreadable {
        /// The topic.
        topic: Arc<Topic>,
        /// What is wrong with it.
        error: StreamError,
    },
    /// The session is no longer subscribed to a topic.
    Unsubscribed {
        /// The topic.
        topic: Arc<Topic>,
        /// Why.
        reason: UnsubscribedReason,
    },
    /// The stream's selector, selected again in a new session, was refused.
    NotSelected(RequestError),
    /// The session is closed. This is the last event.
    Closed(SessionCloseReason),
}

/// What can be wrong with a topic's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// It is not of the stream's type.
    Value(ValueError),
    /// It came as a delta that does not fit the value before it.
    Delta(DeltaError),
}

impl core::fmt::Display for StreamError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Value(error) => error.fmt(f),
            Self::Delta(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StreamError {}

/// What happened, with values as bytes.
#[derive(Clone, Debug)]
pub(crate) enum TopicEvent {
    Subscribed(Arc<Topic>),
    Value {
        topic: Arc<Topic>,
        old: Option<Bytes>,
        new: Bytes,
    },
    Broken {
        topic: Arc<Topic>,
        error: DeltaError,
    },
    Unsubscribed {
        topic: Arc<Topic>,
        reason: UnsubscribedReason,
    },
    NotSelected(RequestError),
    Closed(SessionCloseReason),
}

/// A stream as the session sees it.
pub(crate) struct Slot {
    /// `None` takes the topics that no other stream does.
    selector: Option<TopicSelector>,
    reads: fn(&TopicSpecification) -> bool,
    sender: mpsc::UnboundedSender<TopicEvent>,
}

impl Slot {
    pub(crate) fn wants(&self, path: &str, specification: &TopicSpecification) -> bool {
        let is_selected = self.selector.as_ref().is_none_or(|it| it.matches(path));
        is_selected && (self.reads)(specification)
    }

    pub(crate) const fn is_fallback(&self) -> bool {
        self.selector.is_none()
    }

    /// Whether there is still somebody to tell.
    pub(crate) fn tell(&self, event: TopicEvent) -> bool {
        self.sender.unbounded_send(event).is_ok()
    }

    /// Whether the stream's owner still has it.
    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Empty for a fallback stream.
    pub(crate) fn selector(&self) -> &str {
        self.selector.as_ref().map_or("", TopicSelector::expression)
    }
}

/// A stream of what happens to the topics that a selector names and whose values `T` can hold.
///
/// A stream does not subscribe: [`Topics::select`](crate::Topics::select) does. It may be added before or after, and it
/// hears of the topics that are subscribed to already. It ends after [`StreamEvent::Closed`]; dropping it removes it.
pub struct ValueStream<T> {
    receiver: mpsc::UnboundedReceiver<TopicEvent>,
    value: PhantomData<fn() -> T>,
}

impl<T: StreamValue> ValueStream<T> {
    pub(crate) fn new(selector: Option<TopicSelector>) -> (Slot, Self) {
        let (sender, receiver) = mpsc::unbounded();
        let slot = Slot {
            selector,
            reads: T::reads,
            sender,
        };
        let stream = Self {
            receiver,
            value: PhantomData,
        };
        (slot, stream)
    }
}

impl<T: StreamValue> Stream for ValueStream<T> {
    type Item = StreamEvent<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let event = core::task::ready!(Pin::new(&mut self.receiver).poll_next(context));
        Poll::Ready(event.map(|event| match event {
            TopicEvent::Subscribed(topic) => StreamEvent::Subscribed { topic },
            TopicEvent::Value { topic, old, new } => {
                let kind = topic.specification.topic_type;
                match T::read(new, kind) {
                    Ok(new) => StreamEvent::Value {
                        // An old value that could not be read is no news: it was reported when it was new.
                        old: old.and_then(|old| T::read(old, kind).ok()),
                        new,
                        topic,
                    },
                    Err(error) => StreamEvent::Unreadable {
                        topic,
                        error: StreamError::Value(error),
                    },
                }
            }
            TopicEvent::Broken { topic, error } => StreamEvent::Unreadable {
                topic,
                error: StreamError::Delta(error),
            },
            TopicEvent::Unsubscribed { topic, reason } => {
                StreamEvent::Unsubscribed { topic, reason }
            }
            TopicEvent::NotSelected(error) => StreamEvent::NotSelected(error),
            TopicEvent::Closed(reason) => StreamEvent::Closed(reason),
        }))
    }
}

impl<T> core::fmt::Debug for ValueStream<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ValueStream")
    }
}
