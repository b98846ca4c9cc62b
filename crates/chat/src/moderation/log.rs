//! What moderators have done, so that everybody can see it and it can be undone: the events of [`crate::MODERATION_LOG`].

use effusion_protocol::value::Json;

use crate::{RoomName, Target};

/// How much of the log is kept, as retained and as subscription range.
pub const LOG_RANGE: &str = "limit 5000";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Words of a message were hidden.
    Bleeped,
    /// Somebody was told.
    Warned,
    /// The right to write in a room was withdrawn.
    Muted,
    /// The right to read in a room was withdrawn.
    Removed,
    /// All roles were taken.
    Locked,
    /// Something done before was undone: see [`LogEntry::of`].
    Undone,
    /// The rules were changed.
    Ruled,
}

const DEEDS: [(Deed, &str); 7] = [
    (Deed::Bleeped, "bleeped"),
    (Deed::Warned, "warned"),
    (Deed::Muted, "muted"),
    (Deed::Removed, "removed"),
    (Deed::Locked, "locked"),
    (Deed::Undone, "undone"),
    (Deed::Ruled, "ruled"),
];

impl Deed {
    /// The word for it in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = DEEDS.iter().find(|(deed, _)| *deed == self);
        found.map_or("", |(_, word)| word)
    }

    /// Reads [`Deed::word`] back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let found = DEEDS.iter().find(|(_, known)| *known == word);
        found.map(|(deed, _)| *deed)
    }
}

/// One event of the log. Who did it is the event's author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// What was done.
    pub deed: Deed,
    /// To whom; empty if it cannot be told.
    pub principal: String,
    /// Where; none if it concerns the whole service.
    pub room: Option<RoomName>,
    /// Why, in words or as entries of the rules.
    pub why: String,
    /// The message it was about.
    pub target: Option<Target>,
    /// The text as it was written, to be put back; only moderators may read the log.
    pub text: Option<String>,
    /// The roles that the principal had before, to be given back.
    pub roles: Option<Vec<String>>,
    /// When it ends by itself, in milliseconds since 1970.
    pub until: Option<i64>,
    /// The sequence of the entry that was undone.
    pub of: Option<u64>,
}

impl LogEntry {
    /// An entry that tells no more than this.
    #[must_use]
    pub fn new(deed: Deed, principal: &str, why: String) -> Self {
        Self {
            deed,
            principal: principal.to_owned(),
            room: None,
            why,
            target: None,
            text: None,
            roles: None,
            until: None,
            of: None,
        }
    }

    /// Whether a moderator can undo it.
    #[must_use]
    pub fn can_be_undone(&self) -> bool {
        matches!(
            self.deed,
            Deed::Bleeped | Deed::Muted | Deed::Removed | Deed::Locked
        )
    }

    /// Writes the event's value.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut members = vec![
            ("deed", Json::text(self.deed.word())),
            ("principal", Json::text(&self.principal)),
            ("why", Json::text(&self.why)),
        ];
        if let Some(room) = &self.room {
            members.push(("room", Json::text(room.as_str())));
        }
        if let Some(target) = self.target {
            members.push(("target", target.to_json()));
        }
        if let Some(text) = &self.text {
            members.push(("text", Json::text(text)));
        }
        if let Some(roles) = &self.roles {
            let roles: Vec<_> = roles.iter().map(|role| Json::text(role)).collect();
            members.push(("roles", Json::array(&roles)));
        }
        if let Some(until) = self.until {
            members.push(("until", Json::integer(until)));
        }
        if let Some(of) = self.of {
            members.push(("of", Target::Sequence(of).to_json()));
        }
        Json::object(&members)
    }

    /// Reads an event's value.
    #[must_use]
    pub fn from_json(json: &Json) -> Option<Self> {
        let text = |name| json.member(name).and_then(|text| text.as_text());
        let roles = json.member("roles").and_then(|roles| roles.items());
        let of = json.member("of").and_then(|of| Target::from_json(&of));
        Some(Self {
            deed: Deed::from_word(&text("deed")?)?,
            principal: text("principal")?,
            why: text("why")?,
            room: text("room").and_then(|room| RoomName::parse(&room).ok()),
            target: json
                .member("target")
                .and_then(|target| Target::from_json(&target)),
            text: text("text"),
            roles: roles.map(|roles| roles.iter().filter_map(Json::as_text).collect()),
            until: json
                .member("until")
                .and_then(|until| until.as_number())
                .map(|until| until as i64),
            of: match of {
                Some(Target::Sequence(of)) => Some(of),
                _ => None,
            },
        })
    }
}

json_value!(LogEntry, "an entry of the moderators' log");

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    #[test]
    fn entries_survive_the_wire() {
        for (deed, word) in DEEDS {
            assert_eq!((deed.word(), Deed::from_word(word)), (word, Some(deed)));
            let short = LogEntry::new(deed, "ann", "heck".to_owned());
            let long = LogEntry {
                room: Some(RoomName::parse("red").unwrap()),
                target: Some(Target::Sequence(4)),
                text: Some("what the heck".to_owned()),
                roles: Some(vec!["CLIENT".to_owned(), "TOPIC_CONTROL".to_owned()]),
                until: Some(1_795_255_200_000),
                of: Some(3),
                ..short.clone()
            };
            for entry in [short, long] {
                assert_eq!(LogEntry::from_json(&entry.to_json()), Some(entry));
            }
        }
    }
}
