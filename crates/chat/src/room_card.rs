//! What is known of a room beyond its messages.

use effusion_protocol::value::Json;

use crate::{ROOT, RoomKind, RoomName};

/// Selects the cards of all rooms.
pub const CARDS_SELECTOR: &str = "?Effusion/rooms//";

/// A room as the directory shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomCard {
    /// Its name.
    pub name: RoomName,
    /// Its kind.
    pub kind: RoomKind,
    /// What it is about; may be empty.
    pub topic: String,
    /// The name of who made it.
    pub by: String,
    /// Whether it is only kept to be read.
    pub archived: bool,
}

/// The topic with a room's card: JSON.
#[must_use]
pub fn card_path(room: &RoomName) -> String {
    [ROOT, "/rooms/", &room.key()].concat()
}

impl RoomCard {
    /// Writes the topic's value.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut members = vec![
            ("name", Json::text(self.name.as_str())),
            ("kind", Json::text(self.kind.word())),
            ("topic", Json::text(&self.topic)),
            ("by", Json::text(&self.by)),
        ];
        if self.archived {
            members.push(("archived", Json::boolean(true)));
        }
        Json::object(&members)
    }

    /// Reads a topic's value.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let text = |name| json.member(name).and_then(|text| text.as_text());
        Some(Self {
            name: RoomName::parse(&text("name")?).ok()?,
            kind: RoomKind::from_word(&text("kind")?)?,
            topic: text("topic").unwrap_or_default(),
            by: text("by").unwrap_or_default(),
            archived: json.member("archived").and_then(|set| set.as_bool()) == Some(true),
        })
    }
}

json_value!(RoomCard, "a room's card");

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    #[test]
    fn cards_survive_the_wire() {
        for archived in [false, true] {
            let card = RoomCard {
                name: RoomName::parse("team/red").unwrap(),
                kind: RoomKind::Live,
                topic: "What is red".to_owned(),
                by: "Ann".to_owned(),
                archived,
            };
            assert_eq!(card_path(&card.name), "Effusion/rooms/team%2Fred");
            assert_eq!(RoomCard::from_json(&card.to_json()), Some(card));
        }
    }
}
