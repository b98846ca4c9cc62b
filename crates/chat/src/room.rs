//! Rooms as topics.

use std::fmt;

/// Every room is a topic below this path, as in the tutorial's pages.
pub const MESSAGES_ROOT: &str = "Chat/";

/// How many events a history room keeps, and how many of them a newcomer gets: the tutorial's Lesson 2.
pub const HISTORY_LIMIT: &str = "limit 100";

/// The longest name of a room, in characters.
const LONGEST: usize = 80;

/// The name of a room, known to be usable as the end of a topic path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomName(String);

/// Why a text cannot name a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomNameError {
    /// Nothing but blanks.
    Empty,
    /// More than 80 characters.
    TooLong,
    /// A path such as `a//b` or `/a`: a topic path has no empty parts.
    EmptyPart,
}

impl fmt::Display for RoomNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a room needs a name",
            Self::TooLong => "a room's name has 80 characters at most",
            Self::EmptyPart => {
                "a room's name cannot begin or end with a slash, or have two in a row"
            }
        })
    }
}

impl core::error::Error for RoomNameError {}

impl RoomName {
    /// Reads what somebody typed. Blanks around it are dropped.
    ///
    /// # Errors
    /// See [`RoomNameError`].
    pub fn parse(typed: &str) -> Result<Self, RoomNameError> {
        let name = typed.trim();
        if name.is_empty() {
            Err(RoomNameError::Empty)
        } else if name.chars().count() > LONGEST {
            Err(RoomNameError::TooLong)
        } else if name.split('/').any(|part| part.trim().is_empty()) {
            Err(RoomNameError::EmptyPart)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name as people read it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as one part of a topic path, and of a selector's pattern: what is special in either, or in a URL, is
    /// written as in a URL.
    #[must_use]
    pub fn key(&self) -> String {
        path_part(&self.0)
    }

    /// Reads [`RoomName::key`] back. `None` if it is no key of a room.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        let mut parts = key.split('%');
        let mut name = parts.next()?.to_owned();
        for part in parts {
            let code = u8::from_str_radix(part.get(..2)?, 16).ok()?;
            name.push(char::from(code));
            name.push_str(part.get(2..)?);
        }
        // Whatever is not written as we write it is none of ours.
        Self::parse(&name).ok().filter(|room| room.key() == key)
    }

    /// The room that a topic path carries. `None` if it carries none.
    #[must_use]
    pub fn from_topic_path(path: &str) -> Option<Self> {
        let name = path.strip_prefix(MESSAGES_ROOT)?;
        Self::parse(name).ok().filter(|room| room.0 == name)
    }

    /// The path of the topic that carries the room.
    #[must_use]
    pub fn topic_path(&self) -> String {
        [MESSAGES_ROOT, &self.0].concat()
    }
}

/// A text as one part of a topic path that is the same in a selector's pattern.
pub(crate) fn path_part(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_') {
            part.push(c);
        } else {
            let digit = |four: u32| char::from(b"0123456789ABCDEF"[(four & 15) as usize]);
            part.extend(['%', digit(u32::from(c) >> 4), digit(u32::from(c))]);
        }
    }
    part
}

impl fmt::Display for RoomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The two kinds of room, after the lessons that introduce them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RoomKind {
    /// Lesson 1: a JSON topic that holds the newest message only.
    Live,
    /// Lesson 2: a time series of JSON events, the newest hundred of them kept.
    #[default]
    History,
}

impl RoomKind {
    /// The word for it in addresses and stored settings.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::History => "history",
        }
    }

    /// Reads [`RoomKind::word`] back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "live" => Some(Self::Live),
            "history" => Some(Self::History),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    #[test]
    fn a_room_is_the_topic_the_tutorial_uses() {
        let room = RoomName::parse("  Default Room ").unwrap();
        assert_eq!(room.topic_path(), "Chat/Default Room");
        assert_eq!(room.to_string(), "Default Room");
        assert_eq!(
            RoomName::parse("team/red").unwrap().topic_path(),
            "Chat/team/red"
        );
    }

    #[test]
    fn names_that_cannot_be_topics_are_refused() {
        assert_eq!(RoomName::parse(" \t"), Err(RoomNameError::Empty));
        for bad in ["/a", "a/", "a//b", "a/ /b", "/"] {
            assert_eq!(RoomName::parse(bad), Err(RoomNameError::EmptyPart), "{bad}");
        }
        assert!(RoomName::parse(&"é".repeat(80)).is_ok());
        assert_eq!(
            RoomName::parse(&"é".repeat(81)),
            Err(RoomNameError::TooLong)
        );
    }

    #[test]
    fn keys_are_one_part_of_a_path() {
        for name in [
            "Default Room",
            "team/red",
            "100%",
            "a%2Fb/c",
            "%25",
            "C++ (é.*)",
            "\u{7f}",
        ] {
            let room = RoomName::parse(name).unwrap();
            assert!(!room.key().contains(['/', '.', '*', '+', '(', '?']));
            assert_eq!(RoomName::from_key(&room.key()), Some(room.clone()));
            assert_eq!(RoomName::from_topic_path(&room.topic_path()), Some(room));
        }
        for bad in ["", "a/b", "%", "%2", "%2f", "%41", "a%é", "a.b", "%+1"] {
            assert_eq!(RoomName::from_key(bad), None, "{bad}");
        }
        assert_eq!(RoomName::from_topic_path("Chat/ a"), None);
        assert_eq!(RoomName::from_topic_path("Other/a"), None);
    }

    #[test]
    fn kinds_survive_their_words() {
        for kind in [RoomKind::Live, RoomKind::History] {
            assert_eq!(RoomKind::from_word(kind.word()), Some(kind));
        }
        assert_eq!(RoomKind::from_word("Live"), None);
    }
}
