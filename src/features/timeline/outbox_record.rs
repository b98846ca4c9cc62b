//! What is not acknowledged yet, as it is stored: one record for each message, so that a reload or a crash takes nothing along.

use effusion_chat::ChatMessage;
use effusion_protocol::value::Json;

/// Whose messages they are, and where they go: what is written under one name and account stays theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxKey(String);

impl OutboxKey {
    /// The place for a reader's messages to a topic.
    pub fn new(service: &str, principal: &str, name: &str, path: &str) -> Self {
        // No part can hold what parts them: names have no line breaks, and what has is written as its length first.
        let mut text = String::new();
        for part in [service, principal, name, path] {
            text.push_str(&measured(part));
        }
        text.push('\n');
        Self(text)
    }

    /// What all keys of a service begin with.
    pub fn of_service(service: &str) -> String {
        measured(service)
    }

    /// What the keys of all its records begin with.
    pub fn prefix(&self) -> &str {
        &self.0
    }

    /// The key of the message that was written at a time, as the so-many-th of this page: their order is that of the messages.
    pub fn of(&self, ms: i64, number: u32) -> String {
        let mut key = self.0.clone();
        for (number, width) in [(ms.max(0).to_string(), 15), (number.to_string(), 10)] {
            for _ in number.len()..width {
                key.push('0');
            }
            key.push_str(&number);
        }
        key
    }
}

fn measured(part: &str) -> String {
    [&part.len().to_string(), ":", part].concat()
}

/// What is stored of a message.
pub fn to_record(message: &ChatMessage) -> String {
    // What has just been written can be read.
    message.to_json().to_text().unwrap_or_default()
}

/// Reads [`to_record`].
pub fn from_record(record: &str) -> Option<ChatMessage> {
    ChatMessage::from_json(&Json::from_text(record).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::timeline::data::tests::message;

    #[test]
    fn records_keep_the_order_they_were_written_in() {
        let key = OutboxKey::new("host:8080", "user", "Ann", "Chat/Tea");
        let keys = [
            key.of(0, 7),
            key.of(999_999_999_999, 1),
            key.of(1_795_255_200_000, 9),
            key.of(1_795_255_200_000, 10),
            key.of(1_795_255_200_001, 0),
        ];
        assert!(keys.is_sorted());
        assert!(keys.iter().all(|it| it.starts_with(key.prefix())));
        let begins = |service| key.prefix().starts_with(&OutboxKey::of_service(service));
        assert!(begins("host:8080") && !begins("host:80"));
    }

    #[test]
    fn nobody_finds_what_others_wrote() {
        let ann = OutboxKey::new("h", "user", "Ann", "Chat/Tea");
        for other in [
            OutboxKey::new("h", "user", "Ann", "Chat/Tea room"),
            OutboxKey::new("h", "user", "Ann1:", "Chat/Tea"),
            OutboxKey::new("h", "use", "rAnn", "Chat/Tea"),
        ] {
            assert!(!other.of(1, 1).starts_with(ann.prefix()));
            assert!(!ann.of(1, 1).starts_with(other.prefix()));
        }
    }

    #[test]
    fn messages_survive_being_stored() {
        let message = message("Ann", "a\nb");
        assert_eq!(from_record(&to_record(&message)), Some(message));
        assert_eq!(from_record("[1, 2"), None);
    }
}
