//! Adding, removing, and selecting topics, and the notifications of subscriptions.

use crate::codec::{wire_enum, wire_struct};
use crate::{
    DecodeError, Field, Reader, TopicId, TopicSpecification, UnsubscribeReason, Wire, Writer,
};

/// Subscribe or unsubscribe by a selector.
///
/// The scope is there in version 29, and not in 13 to 15 (captures), 18 (recordings) and 21 to 25 (Python SDKs).
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
        let scope = if reader.version().has_selection_scopes() {
            reader.string()?
        } else {
            String::new()
        };
        Ok(Self { selector, scope })
    }
    fn write(&self, writer: &mut Writer) {
        writer.string(&self.selector);
        if writer.version().has_selection_scopes() {
            writer.string(&self.scope);
        }
    }
    fn annotate(
        reader: &mut Reader,
        name: &str,
        fields: &mut Vec<Field>,
    ) -> Result<(), DecodeError> {
        String::annotate(reader, &Field::inner(name, "selector"), fields)?;
        if reader.version().has_selection_scopes() {
            String::annotate(reader, &Field::inner(name, "scope"), fields)?;
        }
        Ok(())
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

    /// Notifies the session that it is subscribed to a topic.
    pub struct SubscriptionNotification {
        /// The number that later messages name the topic by.
        pub topic: TopicId,
        /// The topic's path.
        pub path: String,
        /// What it holds.
        pub specification: TopicSpecification,
    }

    /// Notifies the session that it is no longer subscribed to a topic.
    pub struct UnsubscriptionNotification {
        /// The number that the subscription notification gave.
        pub topic: TopicId,
        /// Why.
        pub reason: UnsubscribeReason,
    }
}

/// What removing topics returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoveTopicsResponse {
    /// The number of topics. Services before 6.6 do not send it (LGPL 5.9 client, API documentation).
    pub removed: Option<u32>,
}

impl Wire for RemoveTopicsResponse {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let removed = match reader.remaining() {
            0 => None,
            _ => Some(reader.varint32()?),
        };
        Ok(Self { removed })
    }
    fn write(&self, writer: &mut Writer) {
        if let Some(removed) = self.removed {
            removed.write(writer);
        }
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
