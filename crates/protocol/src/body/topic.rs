//! Adding, removing, and selecting topics, and the notifications of subscriptions.

use crate::codec::{wire_enum, wire_struct};
use crate::{DecodeError, Reader, TopicId, TopicSpecification, UnsubscribeReason, Wire, Writer};

/// Subscribe or unsubscribe by a selector.
///
/// The last byte is there in version 29 and not in 13 to 15 (captures, SDK).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectRequest {
    /// The topic selector expression.
    pub selector: String,
    /// The scope in which the selection is made; the default scope is empty.
    pub scope: String,
}

impl SelectRequest {
    /// A selection in the default scope.
    #[must_use]
    pub fn new(selector: &str) -> Self {
        Self {
            selector: selector.to_owned(),
            scope: String::new(),
        }
    }
}

impl Wire for SelectRequest {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let selector = reader.string()?;
        let scope = if reader.version().answers_without_service() {
            reader.string()?
        } else {
            String::new()
        };
        Ok(Self { selector, scope })
    }
    fn write(&self, writer: &mut Writer) {
        writer.string(&self.selector);
        if writer.version().answers_without_service() {
            writer.string(&self.scope);
        }
    }
}

wire_struct! {
    /// Add a topic.
    pub struct AddTopicRequest {
        /// Where.
        pub path: String,
        /// What.
        pub specification: TopicSpecification,
    }

    /// Tells the session that it is subscribed to a topic.
    pub struct SubscriptionNotification {
        /// The number that later messages name the topic by.
        pub topic: TopicId,
        /// The topic's path.
        pub path: String,
        /// What it holds.
        pub specification: TopicSpecification,
    }

    /// Tells the session that it is no longer subscribed to a topic.
    pub struct UnsubscriptionNotification {
        /// The number that the subscription notification gave.
        pub topic: TopicId,
        /// Why.
        pub reason: UnsubscribeReason,
    }

    /// How many topics were removed.
    pub struct RemoveTopicsResponse {
        /// The number of topics.
        pub removed: u32,
    }
}

wire_enum! {
    /// What adding a topic did.
    pub enum AddTopicResult("add topic result") {
        /// The topic is new.
        Created = 0,
        /// A topic with the same specification was there.
        Exists = 1,
    }
}
