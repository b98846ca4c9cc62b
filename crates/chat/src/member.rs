//! Who is in a room.

use effusion_protocol::value::Json;

use crate::message::Target;
use crate::{ROOT, RoomName};

/// The REMOVAL property of a member's topic: the service takes it away with the session that made it.
pub const MEMBER_REMOVAL: &str = "when this session closes";

/// What one session shows of itself in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberCard {
    /// The name that its messages bear.
    pub name: String,
    /// The principal; empty for an anonymous session. It is what the session says: the service does not vouch for it.
    pub principal: String,
    /// Whether something is being typed.
    pub typing: bool,
    /// Whether nobody has looked at the window for a while.
    pub away: bool,
    /// The newest message seen.
    pub seen: Option<Target>,
}

/// The topic of one session in a room: JSON.
#[must_use]
pub fn member_path(room: &RoomName, session: &str) -> String {
    [ROOT, "/members/", &room.key(), "/", session].concat()
}

/// Selects the topics of all sessions in a room.
#[must_use]
pub fn members_selector(room: &RoomName) -> String {
    ["?", ROOT, "/members/", &room.key(), "//"].concat()
}

impl MemberCard {
    /// Writes the topic's value.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut members = vec![
            ("name", Json::text(&self.name)),
            ("principal", Json::text(&self.principal)),
        ];
        for (name, set) in [("typing", self.typing), ("away", self.away)] {
            if set {
                members.push((name, Json::boolean(true)));
            }
        }
        if let Some(seen) = self.seen {
            members.push(("seen", seen.to_json()));
        }
        Json::object(&members)
    }

    /// Reads a topic's value.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let set = |name| json.member(name).and_then(|set| set.as_bool()) == Some(true);
        Some(Self {
            name: json.member("name")?.as_text()?,
            principal: json.member("principal")?.as_text()?,
            typing: set("typing"),
            away: set("away"),
            seen: json
                .member("seen")
                .and_then(|seen| Target::from_json(&seen)),
        })
    }
}

json_value!(MemberCard, "a member's card");

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    #[test]
    fn cards_survive_the_wire() {
        for card in [
            MemberCard::default(),
            MemberCard {
                name: "Ann".to_owned(),
                principal: "user".to_owned(),
                typing: true,
                away: true,
                seen: Some(Target::Sequence(12)),
            },
        ] {
            assert_eq!(MemberCard::from_json(&card.to_json()), Some(card));
        }
        assert_eq!(MemberCard::from_json(&Json::text("Ann")), None);
    }

    #[test]
    fn a_selector_takes_a_name_as_it_is() {
        let room = RoomName::parse("C++ (team/a)").unwrap();
        assert_eq!(
            members_selector(&room),
            "?Effusion/members/C%2B%2B %28team%2Fa%29//"
        );
        assert_eq!(
            member_path(&room, "0a-0b"),
            "Effusion/members/C%2B%2B %28team%2Fa%29/0a-0b"
        );
    }
}
