//! Reactions to messages.

use effusion_protocol::value::Json;

use crate::message::Target;
use crate::{ROOT, RoomName};

/// How many reactions a room keeps, as retained and as subscription range.
pub const REACTIONS_RANGE: &str = "limit 2000";

/// The longest emoji, in bytes: families with skin tones are long.
const LONGEST: usize = 64;

/// One event of a room's reactions: given, or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The message.
    pub to: Target,
    /// The emoji.
    pub emoji: String,
    /// The name of who reacts. The principal is in the event's metadata.
    pub name: String,
    /// Whether it is given; else it is taken back.
    pub given: bool,
}

/// The topic with the reactions of a room: a time series of JSON.
#[must_use]
pub fn reactions_path(room: &RoomName) -> String {
    [ROOT, "/reactions/", &room.key()].concat()
}

impl Reaction {
    /// Writes the event's value.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::object(&[
            ("to", self.to.to_json()),
            ("emoji", Json::text(&self.emoji)),
            ("name", Json::text(&self.name)),
            ("given", Json::boolean(self.given)),
        ])
    }

    /// Reads an event's value. `None` if it is none, or if what stands for the emoji is too long to be one.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let emoji = json.member("emoji")?.as_text()?;
        (!emoji.is_empty() && emoji.len() <= LONGEST).then_some(())?;
        Some(Self {
            to: Target::from_json(&json.member("to")?)?,
            emoji,
            name: json.member("name")?.as_text()?,
            given: json.member("given")?.as_bool()?,
        })
    }
}

json_value!(Reaction, "a reaction");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_survive_the_wire() {
        for given in [true, false] {
            let reaction = Reaction {
                to: Target::Sequence(3),
                emoji: "👍🏽".to_owned(),
                name: "Ann".to_owned(),
                given,
            };
            assert_eq!(Reaction::from_json(&reaction.to_json()), Some(reaction));
        }
    }

    #[test]
    fn essays_are_no_emoji() {
        for emoji in ["", &"x".repeat(65)] {
            let reaction = Reaction {
                to: Target::Sequence(3),
                emoji: emoji.to_owned(),
                name: "Ann".to_owned(),
                given: true,
            };
            assert_eq!(Reaction::from_json(&reaction.to_json()), None);
        }
    }
}
