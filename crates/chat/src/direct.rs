//! Messages between two people.

use effusion_protocol::value::Json;

use crate::room::path_part;
use crate::{ChatMessage, ROOT};

/// How much an inbox keeps, as retained and as subscription range.
pub const DIRECT_RANGE: &str = "limit 1000";

/// An event of an inbox: a message from or to its owner.
///
/// Who wrote it is the author in the event's metadata, which the service vouches for, and never what the value says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectMessage {
    /// The principal that it is for.
    pub to: String,
    /// The message.
    pub message: ChatMessage,
}

/// The inbox of a principal: a time series of JSON, OWNER `$Principal is '<principal>'`. `None` for a principal that cannot
/// be part of a topic path.
#[must_use]
pub fn direct_path(principal: &str) -> Option<String> {
    let fits = !principal.is_empty() && principal.trim() == principal;
    fits.then(|| [ROOT, "/direct/", &path_part(principal)].concat())
}

impl DirectMessage {
    /// Writes the event's value: the message's object with the member `to`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::object(&[
            ("to", Json::text(&self.to)),
            ("message", self.message.to_json()),
        ])
    }

    /// Reads an event's value.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            to: json.member("to")?.as_text()?,
            message: ChatMessage::from_json(&json.member("message")?)?,
        })
    }
}

json_value!(DirectMessage, "a direct message");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direct_messages_survive_the_wire() {
        let direct = DirectMessage {
            to: "bob".to_owned(),
            message: ChatMessage {
                text: "psst".to_owned(),
                name: "Ann".to_owned(),
                ..ChatMessage::default()
            },
        };
        assert_eq!(DirectMessage::from_json(&direct.to_json()), Some(direct));
    }

    #[test]
    fn inboxes_are_one_level_deep() {
        assert_eq!(direct_path("bob").as_deref(), Some("Effusion/direct/bob"));
        assert_eq!(
            direct_path("a/b%").as_deref(),
            Some("Effusion/direct/a%2Fb%25")
        );
        assert_eq!(direct_path(""), None);
    }
}
