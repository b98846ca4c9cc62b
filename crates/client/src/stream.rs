//! Value streams: what happens to the topics of a selector, with their values as a Rust type.

use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use bytes::Bytes;
use effusion_protocol::value::delta::DeltaError;
use effusion_protocol::{TopicSelector, TopicSpecification};
use futures_util::Stream;

use crate::machine::{Topic, UnsubscribedReason};
use crate::queue::{self, Brake, Next, Receiver, Sender, StreamOptions};
use crate::{RequestError, SessionCloseReason, StreamValue, ValueError};

/// What a value stream yields.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
    /// The stream's owner was slow, and so many events were dropped here: see [`Overflow::DropOldest`](crate::Overflow::DropOldest).
    Missed {
        /// How many.
        events: u64,
    },
    /// The stream's owner was slow, and the stream has ended: see [`Overflow::Disconnect`](crate::Overflow::Disconnect). This is the last event.
    Overflowed,
    /// The session is closed. This is the last event.
    Closed(SessionCloseReason),
}

/// What can be wrong with a topic's value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
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

impl core::error::Error for StreamError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Value(error) => error.source(),
            Self::Delta(error) => error.source(),
        }
    }
}

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
    sender: Sender<TopicEvent>,
}

impl TopicEvent {
    /// The bytes that its value takes. The one before is the value of the event before.
    fn size(&self) -> usize {
        match self {
            Self::Value { new, .. } => new.len(),
            _ => 0,
        }
    }
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
        let size = event.size();
        self.sender.send(event, size)
    }

    /// Tells of what the session has already, or of its end.
    pub(crate) fn tell_anyway(&self, event: TopicEvent) {
        let size = event.size();
        self.sender.send_anyway(event, size);
    }

    /// Whether the stream's owner still has it.
    pub(crate) fn is_open(&self) -> bool {
        self.sender.is_open()
    }

    /// Empty for a fallback stream.
    pub(crate) fn selector(&self) -> &str {
        self.selector.as_ref().map_or("", TopicSelector::expression)
    }
}

/// A stream of what happens to the topics that a selector names and whose values `T` can hold.
///
/// A stream does not subscribe: [`Topics::select`](crate::Topics::select) does. It may be added before or after, and it
/// hears of the topics that are subscribed to already. What waits in it is bounded: [`StreamOptions`]. It ends after [`StreamEvent::Closed`]; dropping it removes it.
pub struct ValueStream<T> {
    receiver: Receiver<TopicEvent>,
    value: PhantomData<fn() -> T>,
}

impl<T: StreamValue> ValueStream<T> {
    pub(crate) fn new(
        selector: Option<TopicSelector>,
        options: StreamOptions,
        brake: Arc<Brake>,
    ) -> (Slot, Self) {
        let (sender, receiver) = queue::queue(options, brake);
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
        let next = core::task::ready!(Pin::new(&mut self.receiver).poll_next(context));
        let event = match next {
            None => return Poll::Ready(None),
            Some(Next::Missed(events)) => return Poll::Ready(Some(StreamEvent::Missed { events })),
            Some(Next::Overflowed) => return Poll::Ready(Some(StreamEvent::Overflowed)),
            Some(Next::Event(event)) => event,
        };
        Poll::Ready(Some(match event {
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

impl<T> ValueStream<T> {
    /// How many events wait to be read, and how many bytes they are taken for: see [`StreamOptions::max_bytes`].
    ///
    /// ```no_run
    /// # fn example(prices: &effusion_client::ValueStream<f64>) {
    /// let (events, bytes) = prices.backlog();
    /// println!("{events} events of {bytes} bytes wait");
    /// # }
    /// ```
    #[must_use]
    pub fn backlog(&self) -> (usize, usize) {
        self.receiver.backlog()
    }
}

impl<T> core::fmt::Debug for ValueStream<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ValueStream")
    }
}
