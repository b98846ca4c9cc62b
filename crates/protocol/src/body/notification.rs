//! Topic notifications: learning of topics without subscribing to them.

use crate::codec::{wire_enum, wire_struct};
use crate::{ConversationId, TopicSpecification};

wire_enum! {
    /// What happened to a topic, or to a listener's view of it.
    pub enum TopicNotificationType("topic notification type") {
        /// It was added.
        Added = 0,
        /// It was there when it was selected.
        Selected = 1,
        /// It was removed.
        Removed = 2,
        /// It is no longer selected.
        Deselected = 3,
    }
}

wire_struct! {
    /// Add or remove a selector of a listener.
    pub struct TopicNotificationSelection {
        /// The listener.
        pub listener: ConversationId,
        /// The topic selector expression.
        pub selector: String,
    }

    /// Notifies a listener of a topic that it selects.
    pub struct TopicNotificationEvent {
        /// The listener.
        pub listener: ConversationId,
        /// The topic's path.
        pub path: String,
        /// What happened.
        pub kind: TopicNotificationType,
        /// What the topic holds.
        pub specification: TopicSpecification,
    }

    /// Notifies a listener that there is a topic directly below what it selects.
    pub struct TopicDescendantEvent {
        /// The listener.
        pub listener: ConversationId,
        /// The topic's path.
        pub path: String,
        /// What happened.
        pub kind: TopicNotificationType,
    }
}
