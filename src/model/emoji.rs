//! Emoji by name, and those that a reader uses most.

use super::letters::lower;

/// One emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emoji {
    /// The character, or the characters that make one.
    pub emoji: String,
    /// What it is called between colons.
    pub name: String,
    /// More words to find it by.
    pub words: String,
}

/// Emoji that go together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What it is called, in English.
    pub name: String,
    /// Its emoji.
    pub emoji: Vec<Emoji>,
}

/// The emoji that fit what somebody is looking for, the best first.
#[must_use]
pub fn search<'a>(groups: &'a [Group], query: &str, most: usize) -> Vec<&'a Emoji> {
    let query = lower(query.trim()).replace(' ', "_");
    let all = || groups.iter().flat_map(|group| &group.emoji);
    let rank = |emoji: &Emoji| {
        if emoji.name == query {
            0
        } else if emoji.name.starts_with(&query) {
            1
        } else if emoji.name.split('_').any(|part| part.starts_with(&query)) {
            2
        } else if emoji.words.split(' ').any(|word| word.starts_with(&query)) {
            3
        } else {
            4
        }
    };
    let mut found = Vec::new();
    for wanted in 0..4 {
        for emoji in all() {
            if found.len() < most && rank(emoji) == wanted {
                found.push(emoji);
            }
        }
    }
    found
}

/// The emoji of this name.
#[must_use]
pub fn named<'a>(groups: &'a [Group], name: &str) -> Option<&'a Emoji> {
    let mut all = groups.iter().flat_map(|group| &group.emoji);
    // Names such as `+1` stand among the other words.
    let is_sign = name.starts_with(['+', '-']);
    all.find(|emoji| {
        emoji.name.eq_ignore_ascii_case(name)
            || (is_sign && emoji.words.split(' ').any(|word| word == name))
    })
}

/// Who has used none so far gets these.
const FIRST: [&str; 4] = ["👍", "❤️", "😂", "🎉"];

/// How many are remembered.
const MOST: usize = 24;

/// How often a reader used which emoji.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frequent(Vec<(String, u32)>);

impl Frequent {
    /// Reads what [`Frequent::format`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut words = text.split(' ');
        let mut used = Vec::new();
        while let (Some(emoji), Some(count)) = (words.next(), words.next()) {
            if let Ok(count) = count.parse()
                && !emoji.is_empty()
                && used.len() < MOST
            {
                used.push((emoji.to_owned(), count));
            }
        }
        Self(used)
    }

    /// Writes it, to be stored.
    #[must_use]
    pub fn format(&self) -> String {
        let mut text = String::new();
        for (emoji, count) in &self.0 {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(emoji);
            text.push(' ');
            text.push_str(&count.to_string());
        }
        text
    }

    /// One was used.
    pub fn used(&mut self, emoji: &str) {
        let known = self.0.iter().position(|(known, _)| known == emoji);
        let (emoji, count) = match known {
            Some(known) => self.0.remove(known),
            None => (emoji.to_owned(), 0),
        };
        if known.is_none() && self.0.len() == MOST {
            self.0.pop();
        }
        let count = count.saturating_add(1);
        // Of two used as often, the one used last comes first.
        let place = self.0.partition_point(|(_, other)| *other > count);
        self.0.insert(place, (emoji, count));
    }

    /// Those used most, filled up with what most people use.
    #[must_use]
    pub fn top(&self, count: usize) -> Vec<String> {
        let used = self.0.iter().map(|(emoji, _)| emoji.as_str());
        let mut top: Vec<String> = Vec::new();
        for emoji in used.chain(FIRST) {
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

    fn table() -> Vec<Group> {
        let emoji = |emoji: &str, name: &str, words: &str| Emoji {
            emoji: emoji.to_owned(),
            name: name.to_owned(),
            words: words.to_owned(),
        };
        vec![
            Group {
                name: "a".to_owned(),
                emoji: vec![
                    emoji("😀", "grinning", "smile happy"),
                    emoji("😄", "smile", "happy"),
                    emoji("😻", "heart_eyes_cat", "love"),
                ],
            },
            Group {
                name: "b".to_owned(),
                emoji: vec![
                    emoji("❤️", "heart", "love red"),
                    emoji("👍", "thumbs_up", "+1 yes"),
                ],
            },
        ]
    }

    #[test]
    fn the_nearest_name_comes_first() {
        let table = table();
        let found = |query| -> Vec<&str> {
            let found = search(&table, query, 3);
            found.iter().map(|emoji| emoji.emoji.as_str()).collect()
        };
        assert_eq!(found("heart"), ["❤️", "😻"]);
        assert_eq!(found("SMI"), ["😄", "😀"]);
        assert_eq!(found("love"), ["😻", "❤️"]);
        assert_eq!(found("heart eyes"), ["😻"]);
        assert!(found("zebra").is_empty());
        assert_eq!(found("").len(), 3);
        assert_eq!(
            named(&table, "Heart").map(|it| it.emoji.as_str()),
            Some("❤️")
        );
        assert_eq!(named(&table, "+1").map(|it| it.emoji.as_str()), Some("👍"));
        assert_eq!(named(&table, "hear"), None);
    }

    #[test]
    fn what_is_used_most_comes_first() {
        let mut used = Frequent::default();
        assert_eq!(used.top(3), ["👍", "❤️", "😂"]);
        for emoji in ["🚀", "🚀", "😂", "🐢"] {
            used.used(emoji);
        }
        assert_eq!(used.top(5), ["🚀", "🐢", "😂", "👍", "❤️"]);
        assert_eq!(Frequent::parse(&used.format()), used);
        for count in 0..100 {
            used.used(&count.to_string());
        }
        assert_eq!(used.0.len(), MOST);
        assert_eq!(used.top(1), ["🚀"]);
        assert_eq!(Frequent::parse("x y z"), Frequent::default());
    }
}
