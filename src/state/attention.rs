//! What the reader is to be told of, and how loudly.

use serde::{Deserialize, Serialize};

/// What of a room counts as unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every message.
    #[default]
    All,
    /// Messages that name the reader.
    Mentions,
    /// None.
    #[serde(rename = "none")]
    Nothing,
}

impl Level {
    /// All levels, the loudest first.
    pub const ALL: [Self; 3] = [Self::All, Self::Mentions, Self::Nothing];

    /// The word for it where it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::Nothing => "none",
        }
    }

    /// Reads [`Level::word`] back.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }

    /// How many messages the room's badge counts, of those unread and of those that name the reader.
    pub fn counts(self, unread: usize, mentions: usize) -> usize {
        match self {
            Self::All => unread,
            Self::Mentions => mentions,
            Self::Nothing => 0,
        }
    }
}

/// What the reader has chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Attention {
    /// Nothing is shown by the system, and nothing is heard.
    pub do_not_disturb: bool,
    /// Whether a sound comes with it.
    pub sound: bool,
    /// The reader does not want to be asked about notifications.
    pub never_ask: bool,
    levels: Vec<(String, Level)>,
}

impl Attention {
    /// A room's level.
    pub fn level(&self, room: &str) -> Level {
        let known = self.levels.iter().find(|(name, _)| name == room);
        known.map(|(_, level)| *level).unwrap_or_default()
    }

    /// Sets a room's level.
    pub fn set_level(&mut self, room: &str, level: Level) {
        self.levels.retain(|(name, _)| name != room);
        if level != Level::default() {
            self.levels.push((room.to_owned(), level));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_survive_being_stored() {
        let mut attention = Attention {
            do_not_disturb: true,
            sound: true,
            never_ask: true,
            ..Attention::default()
        };
        attention.set_level("a & b", Level::Nothing);
        attention.set_level("quiet", Level::Mentions);
        attention.set_level("c", Level::Mentions);
        attention.set_level("c", Level::All);
        let stored = serde_json::to_string(&attention).unwrap();
        let read: Attention = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, attention);
        assert_eq!(read.level("a & b"), Level::Nothing);
        assert_eq!(read.level("quiet"), Level::Mentions);
        assert_eq!(read.level("c"), Level::All);
        let newer: Attention = serde_json::from_str(r#"{"sound":true,"loud":1}"#).unwrap();
        assert!(newer.sound && !newer.do_not_disturb);
    }

    #[test]
    fn a_badge_counts_what_its_level_says() {
        assert_eq!(Level::All.counts(5, 2), 5);
        assert_eq!(Level::Mentions.counts(5, 2), 2);
        assert_eq!(Level::Nothing.counts(5, 2), 0);
    }
}
