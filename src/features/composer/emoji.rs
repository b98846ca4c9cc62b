//! All emoji by name, and those that a reader uses most.

use serde::{Deserialize, Serialize};

use crate::i18n::letters::lower;

/// All of Unicode's emoji, written by `build.rs` and read by [`parse`].
pub static TABLE: &str = include_str!(concat!(env!("OUT_DIR"), "/emoji.tsv"));

/// An emoji.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emoji {
    /// Its characters.
    pub text: &'static str,
    /// Its short names, separated by spaces.
    names: &'static str,
    /// Its name in the Unicode standard.
    pub label: &'static str,
    /// Its skin tone variants, lightest first, separated by spaces; empty if it has none.
    tones: &'static str,
}

/// The skin tone of emoji that show people or body parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SkinTone {
    /// Yellow.
    #[default]
    Default,
    /// Fitzpatrick types 1 and 2.
    Light,
    /// Type 3.
    MediumLight,
    /// Type 4.
    Medium,
    /// Type 5.
    MediumDark,
    /// Type 6.
    Dark,
}

impl SkinTone {
    /// All of them, with their names to be stored.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Default, "default"),
        (Self::Light, "light"),
        (Self::MediumLight, "medium-light"),
        (Self::Medium, "medium"),
        (Self::MediumDark, "medium-dark"),
        (Self::Dark, "dark"),
    ];

    /// Its name, to be stored.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The tone of this name; the default one if there is none.
    pub fn parse(word: &str) -> Self {
        let known = Self::ALL.iter().find(|(_, known)| *known == word);
        known.map(|(tone, _)| *tone).unwrap_or_default()
    }
}

impl Emoji {
    /// Its first short name, which is typed between colons.
    pub fn name(&self) -> &'static str {
        self.names().next().unwrap_or_default()
    }

    /// All its short names.
    fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.names.split(' ')
    }

    /// Its variant in this skin tone, or itself if it has none.
    pub fn with_tone(&self, tone: SkinTone) -> &'static str {
        let variant = match tone {
            SkinTone::Default => None,
            tone => self.tones.split_whitespace().nth(tone as usize - 1),
        };
        variant.unwrap_or(self.text)
    }

    /// Whether a text is this emoji in any skin tone.
    pub fn is(&self, text: &str) -> bool {
        self.text == text || self.tones.split_whitespace().any(|variant| variant == text)
    }

    /// How well it matches a query: 0 is best, `None` no match.
    fn rank(&self, query: &str) -> Option<usize> {
        let begins = |word: &str| word.starts_with(query);
        let matches = [
            self.names().any(|name| name == query),
            self.names().any(begins),
            self.names().any(|name| name.split('_').any(begins)),
            self.label.split([' ', '-']).any(begins),
        ];
        matches.into_iter().position(|matches| matches)
    }
}

/// Reads a table that `build.rs` wrote: the groups in Unicode's order.
pub fn parse(table: &'static str) -> Vec<Vec<Emoji>> {
    let emoji = |line: &'static str| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        Emoji {
            text: field(),
            names: field(),
            label: field(),
            tones: field(),
        }
    };
    let groups = table.split("\n\n");
    groups
        .map(|group| group.lines().map(emoji).collect())
        .collect()
}

/// The emoji that match a query, best first, at most `limit`.
pub fn search(groups: &[Vec<Emoji>], query: &str, limit: usize) -> Vec<Emoji> {
    let query = lower(query.trim()).replace(' ', "_");
    let all = groups.iter().flatten();
    let mut found: Vec<_> = all
        .filter_map(|emoji| Some((emoji.rank(&query)?, *emoji)))
        .collect();
    // The sort is stable: equally good matches stay in Unicode's order.
    found.sort_by_key(|(rank, _)| *rank);
    found.truncate(limit);
    found.into_iter().map(|(_, emoji)| emoji).collect()
}

/// The emoji of this name.
pub fn named(groups: &[Vec<Emoji>], name: &str) -> Option<Emoji> {
    let mut all = groups.iter().flatten();
    all.find(|emoji| emoji.names().any(|known| known.eq_ignore_ascii_case(name)))
        .copied()
}

/// What fills the list up for readers who have used few emoji.
const DEFAULTS: [&str; 4] = ["👍", "❤️", "😂", "🎉"];

/// How many are stored.
const MAX_REMEMBERED: usize = 24;

/// How often the reader has used which emoji.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequent(Vec<(String, u32)>);

impl Frequent {
    /// Counts a use.
    pub fn used(&mut self, emoji: &str) {
        let known = self.0.iter().position(|(known, _)| known == emoji);
        let (emoji, count) = match known {
            Some(known) => self.0.remove(known),
            None => (emoji.to_owned(), 0),
        };
        self.0.truncate(MAX_REMEMBERED - 1);
        let count = count.saturating_add(1);
        // Of two that were used equally often, the most recent comes first.
        let place = self.0.partition_point(|(_, other)| *other > count);
        self.0.insert(place, (emoji, count));
    }

    /// The most frequently used, filled up with defaults.
    pub fn top(&self, count: usize) -> Vec<String> {
        let used = self.0.iter().map(|(emoji, _)| emoji.as_str());
        let mut top: Vec<String> = Vec::new();
        for emoji in used.chain(DEFAULTS) {
            if top.len() < count && !top.iter().any(|known| known == emoji) {
                top.push(emoji.to_owned());
            }
        }
        top
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &str = "😀\tgrinning\tgrinning face\t\n😄\tsmile\tgrinning face with smiling eyes\t\n😻\theart_eyes_cat\tsmiling cat\t\n\n❤️\theart\tred heart\t\n👍\t+1 thumbsup\tthumbs up\t👍🏻 👍🏼 👍🏽 👍🏾 👍🏿\n";

    #[test]
    fn the_nearest_name_comes_first() {
        let table = parse(SOME);
        assert_eq!(table.len(), 2);
        let found = |query| -> Vec<&str> {
            let found = search(&table, query, 3);
            found.iter().map(|emoji| emoji.text).collect()
        };
        assert_eq!(found("heart"), ["❤️", "😻"]);
        assert_eq!(found("SMI"), ["😄", "😻"]);
        assert_eq!(found("face"), ["😀", "😄"]);
        assert_eq!(found("heart eyes"), ["😻"]);
        assert!(found("zebra").is_empty());
        assert_eq!(found("").len(), 3);
        let named = |name| named(&table, name).map(|emoji| emoji.text);
        assert_eq!(named("Heart"), Some("❤️"));
        assert_eq!(named("+1"), Some("👍"));
        assert_eq!(named("hear"), None);
    }

    #[test]
    fn the_table_holds_all_emoji_in_nine_groups() {
        let table = parse(TABLE);
        assert_eq!(table.len(), 9);
        let count: usize = table.iter().map(Vec::len).sum();
        assert!(count > 1_900, "{count} emoji");
        for emoji in table.iter().flatten() {
            assert!(
                !emoji.text.is_empty() && !emoji.label.is_empty(),
                "{emoji:?}"
            );
            let is_name = |name: &str| {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b"_+-".contains(&b);
                !name.is_empty() && name.bytes().all(plain)
            };
            assert!(emoji.names().all(is_name), "{emoji:?}");
        }
        for (name, text) in [
            ("turtle", "🐢"),
            ("rocket", "🚀"),
            ("heart", "❤️"),
            ("+1", "👍"),
        ] {
            assert_eq!(named(&table, name).map(|emoji| emoji.text), Some(text));
        }
    }

    #[test]
    fn people_have_skin_tones() {
        let table = parse(TABLE);
        let tones = |name| {
            let emoji = named(&table, name).unwrap_or_default();
            SkinTone::ALL.map(|(tone, _)| emoji.with_tone(tone))
        };
        assert_eq!(tones("wave"), ["👋", "👋🏻", "👋🏼", "👋🏽", "👋🏾", "👋🏿"]);
        assert_eq!(tones("turtle"), ["🐢"; 6]);
        assert!(named(&table, "wave").is_some_and(|wave| wave.is("👋🏽") && !wave.is("")));
        for (tone, word) in SkinTone::ALL {
            assert_eq!((tone.word(), SkinTone::parse(word)), (word, tone));
        }
        assert_eq!(SkinTone::parse("blue"), SkinTone::Default);
    }

    #[test]
    fn what_is_used_most_comes_first() {
        let mut used = Frequent::default();
        assert_eq!(used.top(3), ["👍", "❤️", "😂"]);
        for emoji in ["🚀", "🚀", "😂", "🐢"] {
            used.used(emoji);
        }
        assert_eq!(used.top(5), ["🚀", "🐢", "😂", "👍", "❤️"]);
        let stored = serde_json::to_string(&used).unwrap();
        assert_eq!(serde_json::from_str::<Frequent>(&stored).unwrap(), used);
        for count in 0..100 {
            used.used(&count.to_string());
        }
        assert_eq!(used.0.len(), MAX_REMEMBERED);
        assert_eq!(used.top(1), ["🚀"]);
    }
}
