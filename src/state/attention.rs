//! What the reader is to be told of, and how loudly.

use crate::features::join::query;

/// What of a room counts as unread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Every message.
    #[default]
    All,
    /// Messages that name the reader.
    Mentions,
    /// None.
    Nothing,
}

impl Level {
    /// All levels, the loudest first.
    pub const ALL: [Self; 3] = [Self::All, Self::Mentions, Self::Nothing];

    /// The word for it where it is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Mentions => "mentions",
            Self::Nothing => "none",
        }
    }

    /// Reads [`Level::word`] back.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.word() == word)
    }

    /// How many messages the room's badge counts, of those unread and of those that name the reader.
    #[must_use]
    pub fn counts(self, unread: usize, mentions: usize) -> usize {
        match self {
            Self::All => unread,
            Self::Mentions => mentions,
            Self::Nothing => 0,
        }
    }
}

/// What the reader has chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    #[must_use]
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

    /// Writes it, to be stored.
    #[must_use]
    pub fn format(&self) -> String {
        let flags = [
            ("quiet", self.do_not_disturb),
            ("sound", self.sound),
            ("never", self.never_ask),
        ];
        let flags = flags
            .into_iter()
            .filter(|(_, set)| *set)
            .map(|(name, _)| (name, ""));
        let levels = self.levels.iter();
        query::format(flags.chain(levels.map(|(room, level)| (level.word(), room.as_str()))))
    }

    /// Reads [`Attention::format`] back, and passes over the rest.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut attention = Self::default();
        for (name, value) in query::parse(text) {
            match name.as_str() {
                "quiet" => attention.do_not_disturb = true,
                "sound" => attention.sound = true,
                "never" => attention.never_ask = true,
                name => {
                    if let Some(level) = Level::from_word(name) {
                        attention.set_level(&value, level);
                    }
                }
            }
        }
        attention
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
        let read = Attention::parse(&attention.format());
        assert_eq!(read, attention);
        assert_eq!(read.level("a & b"), Level::Nothing);
        assert_eq!(read.level("quiet"), Level::Mentions);
        assert_eq!(read.level("c"), Level::All);
        assert_eq!(Attention::parse("&&=x&loud=y"), Attention::default());
    }

    #[test]
    fn a_badge_counts_what_its_level_says() {
        assert_eq!(Level::All.counts(5, 2), 5);
        assert_eq!(Level::Mentions.counts(5, 2), 2);
        assert_eq!(Level::Nothing.counts(5, 2), 0);
    }
}
