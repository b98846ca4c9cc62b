//! Topic messages: each form of one is made once, when the first client needs it, and shared by all.

use bytes::Bytes;
use effusion_protocol::time_series::Event;
use effusion_protocol::{Message, ProtocolVersion, TopicId, encode};

use super::{Conflation, Priority, Settings, VALUE_BYTES_A_STEP};

/// Topic messages are the same bytes in every protocol version.
const ANY: ProtocolVersion = ProtocolVersion::NEWEST;

/// Shorter values are not worth the work.
const MIN_COMPRESSED: usize = 512;

/// Longer ones take too long: everybody waits meanwhile.
const MAX_COMPRESSED: usize = 1 << 20;

/// Longer values are compressed as quickly as can be, whatever the topic's policy is.
const MAX_HARD: usize = 64 * 1024;
const LOWEST: u8 = 1;

/// A value, delta or event.
#[derive(Debug)]
pub(crate) struct TopicMessage {
    message: Message,
    /// How many bytes the value, delta or event has.
    length: usize,
    /// How hard to compress; `None` is not at all.
    level: Option<u8>,
    plain: Option<Bytes>,
    compressed: Option<Bytes>,
}

impl TopicMessage {
    fn new(message: Message, length: usize, settings: &Settings) -> Self {
        Self {
            message,
            length,
            level: settings
                .compression
                .filter(|_| (MIN_COMPRESSED..=MAX_COMPRESSED).contains(&length))
                .map(|level| if length > MAX_HARD { LOWEST } else { level }),
            plain: None,
            compressed: None,
        }
    }

    pub(crate) fn value(topic: TopicId, value: Bytes, settings: &Settings) -> Self {
        let length = value.len();
        Self::new(Message::TopicValue { topic, value }, length, settings)
    }

    pub(crate) fn delta(topic: TopicId, delta: Bytes, settings: &Settings) -> Self {
        let length = delta.len();
        Self::new(Message::TopicDelta { topic, delta }, length, settings)
    }

    pub(crate) fn event(topic: TopicId, event: &Event, settings: &Settings) -> Self {
        Self::value(topic, encode(event, ANY), settings)
    }

    /// The bytes for a client.
    pub(crate) fn bytes(&mut self, inflates: bool) -> Bytes {
        match self.level {
            Some(level) if inflates => self
                .compressed
                .get_or_insert_with(|| self.message.clone().deflate(level).encode(ANY))
                .clone(),
            _ => self
                .plain
                .get_or_insert_with(|| self.message.clone().encode(ANY))
                .clone(),
        }
    }
}

/// An update on its way to a topic's subscribers.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) topic: TopicId,
    pub(crate) conflation: Conflation,
    pub(crate) priority: Priority,
    /// The sequence of an event, which stays in its series.
    pub(crate) event: Option<u64>,
    /// The topic does not keep its value: nobody can be told of it later.
    pub(crate) is_transient: bool,
    message: TopicMessage,
    /// The whole value, for who gets this update in the place of others; `None` if the message is whole.
    whole: Option<TopicMessage>,
}

impl Delivery {
    /// An update that needs no other.
    pub(super) const fn whole(topic: TopicId, settings: &Settings, message: TopicMessage) -> Self {
        Self {
            topic,
            conflation: settings.conflation,
            priority: settings.priority,
            event: None,
            is_transient: !settings.retains_value,
            message,
            whole: None,
        }
    }

    /// An event of a time series.
    pub(super) const fn event(
        topic: TopicId,
        settings: &Settings,
        message: TopicMessage,
        event: &Event,
    ) -> Self {
        let mut delivery = Self::whole(topic, settings, message);
        delivery.event = Some(event.metadata.sequence);
        delivery
    }

    /// A delta, and what it makes.
    pub(super) fn delta(topic: TopicId, settings: &Settings, delta: Bytes, value: Bytes) -> Self {
        Self {
            whole: Some(TopicMessage::value(topic, value, settings)),
            ..Self::whole(topic, settings, TopicMessage::delta(topic, delta, settings))
        }
    }

    /// Steps for finding out how the value differs from the one before, and for compressing it.
    pub(crate) fn steps(&self) -> usize {
        self.whole.as_ref().unwrap_or(&self.message).length / VALUE_BYTES_A_STEP
    }

    /// The bytes for a client: as an update of what it has, or of its own.
    pub(crate) fn bytes(&mut self, inflates: bool, on_its_own: bool) -> Bytes {
        match &mut self.whole {
            Some(whole) if on_its_own => whole.bytes(inflates),
            _ => self.message.bytes(inflates),
        }
    }

    /// The message of the whole value.
    pub(super) fn into_whole(self) -> TopicMessage {
        self.whole.unwrap_or(self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use effusion_protocol::{TopicSpecification, TopicType, property};

    fn message(compression: &str, value: &[u8]) -> TopicMessage {
        let specification =
            TopicSpecification::new(TopicType::Binary).with(property::COMPRESSION, compression);
        let settings = Settings::of(&specification).unwrap();
        TopicMessage::value(TopicId(1), Bytes::copy_from_slice(value), &settings)
    }

    #[test]
    fn long_values_are_compressed_for_clients_that_read_it() {
        let long = [7; 1_000];
        for policy in ["low", "medium", "high", "true"] {
            let mut message = message(policy, &long);
            let compressed = message.bytes(true);
            assert_eq!(compressed[0], 0x84);
            assert!(compressed.len() < 100);
            let read = Message::decode(compressed, ANY).unwrap().inflate(2_000);
            assert_eq!(read.unwrap().encode(ANY), message.bytes(false));
        }
        for (policy, value) in [("off", &long[..]), ("false", &long), ("high", &[7; 100])] {
            let mut message = message(policy, value);
            assert_eq!(message.bytes(true), message.bytes(false));
        }
    }
}
