//! Messages between two people.

use effusion_protocol::value::Json;

use crate::room::path_part;
use crate::{ChatMessage, ROOT, RoomName};

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
    /// What a moderator has changed for the owner, for a page to show in place of the composer. Anybody may write this: the page asks
    /// the service what the owner may do.
    pub rights: Option<RightsNotice>,
}

/// A room in which a moderator has withdrawn a principal's rights, or has given them back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightsNotice {
    /// The room.
    pub room: RoomName,
    /// Whether they are withdrawn.
    pub withdrawn: bool,
    /// When they come back, in milliseconds since 1970; none if a moderator has to give them back.
    pub until: Option<i64>,
}

/// The inbox of a principal: a time series of JSON, OWNER `$Principal is '<principal>'`. `None` for a principal that cannot
/// be part of a topic path.
#[must_use]
pub fn direct_path(principal: &str) -> Option<String> {
    let fits = !principal.is_empty() && principal.trim() == principal;
    fits.then(|| [ROOT, "/direct/", &path_part(principal)].concat())
}

/// Where one session of a principal that talks to another shows that it is there: a time series that keeps one event, a
/// [`crate::MemberCard`], and belongs to the other (OWNER), so that nobody else can read it. Its author is the one that the
/// service names. `None` for a principal that cannot be part of a topic path.
#[must_use]
pub fn direct_member_path(owner: &str, session: &str) -> Option<String> {
    direct_path(owner).map(|path| [&path, "/", session].concat())
}

/// The selector of all that [`direct_member_path`] names for an owner.
#[must_use]
pub fn direct_members_selector(owner: &str) -> Option<String> {
    direct_path(owner).map(|path| ["?", &path, "//"].concat())
}

impl DirectMessage {
    /// Writes the event's value: an object with the members `to`, `message` and, if there is a notice, `rights`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut members = vec![
            ("to", Json::text(&self.to)),
            ("message", self.message.to_json()),
        ];
        if let Some(rights) = &self.rights {
            members.push(("rights", rights.to_json()));
        }
        Json::object(&members)
    }

    /// Reads an event's value.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            to: json.member("to")?.as_text()?,
            message: ChatMessage::from_json(&json.member("message")?)?,
            rights: json
                .member("rights")
                .and_then(|rights| RightsNotice::from_json(&rights)),
        })
    }
}

impl RightsNotice {
    fn to_json(&self) -> Json {
        let mut members = vec![
            ("room", Json::text(self.room.as_str())),
            ("withdrawn", Json::boolean(self.withdrawn)),
        ];
        if let Some(until) = self.until {
            members.push(("until", Json::integer(until)));
        }
        Json::object(&members)
    }

    fn from_json(json: &Json) -> Option<Self> {
        Some(Self {
            room: RoomName::parse(&json.member("room")?.as_text()?).ok()?,
            withdrawn: json.member("withdrawn")?.as_bool()?,
            until: json
                .member("until")
                .and_then(|until| until.as_number())
                .map(|until| until as i64),
        })
    }
}

json_value!(DirectMessage, "a direct message");

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    #[test]
    fn direct_messages_survive_the_wire() {
        let notice = |until| RightsNotice {
            room: RoomName::parse("red").unwrap(),
            withdrawn: true,
            until,
        };
        for rights in [
            None,
            Some(notice(None)),
            Some(notice(Some(1_795_255_200_000))),
        ] {
            let direct = DirectMessage {
                to: "bob".to_owned(),
                message: ChatMessage {
                    text: "psst".to_owned(),
                    name: "Ann".to_owned(),
                    ..ChatMessage::default()
                },
                rights,
            };
            assert_eq!(DirectMessage::from_json(&direct.to_json()), Some(direct));
        }
    }

    #[test]
    fn a_notice_that_is_none_is_passed_over() {
        let direct = Json::object(&[
            ("to", Json::text("bob")),
            ("message", ChatMessage::default().to_json()),
            (
                "rights",
                Json::object(&[("room", Json::text("")), ("withdrawn", Json::boolean(true))]),
            ),
        ]);
        assert_eq!(DirectMessage::from_json(&direct).unwrap().rights, None);
    }

    #[test]
    fn inboxes_are_one_level_deep() {
        assert_eq!(direct_path("bob").as_deref(), Some("Effusion/direct/bob"));
        assert_eq!(
            direct_path("a/b%").as_deref(),
            Some("Effusion/direct/a%2Fb%25")
        );
        assert_eq!(direct_path(""), None);
        assert_eq!(
            direct_member_path("a.b", "0a-0b").as_deref(),
            Some("Effusion/direct/a%2Eb/0a-0b")
        );
        assert_eq!(
            direct_members_selector("a.b").as_deref(),
            Some("?Effusion/direct/a%2Eb//")
        );
    }
}
