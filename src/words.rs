//! The language of the interface.
//!
//! The English text of each place is its key: where a language has no other for it, the English is shown. The files with
//! the others are `assets/languages/<code>.json`, an object of English texts to texts; they are fetched when they are chosen.

use std::cell::RefCell;

thread_local! {
    /// Sorted by the English.
    static WORDS: RefCell<Vec<(&'static str, &'static str)>> = const { RefCell::new(Vec::new()) };
}

/// What the English texts of old read now.
static REPLACED: &[(&str, &crate::i18n::Message)] =
    include!(concat!(env!("OUT_DIR"), "/replaced.rs"));

/// The text in the reader's language.
#[must_use]
pub fn say(english: &'static str) -> &'static str {
    WORDS.with_borrow(|words| {
        words
            .binary_search_by_key(&english, |(key, _)| key)
            .ok()
            .and_then(|place| words.get(place))
            .map(|(_, text)| *text)
            .or_else(|| {
                let place = REPLACED
                    .binary_search_by_key(&english, |(key, _)| key)
                    .ok()?;
                Some(REPLACED.get(place)?.1.english_form("other"))
            })
            .unwrap_or(english)
    })
}

/// Marks a text that is said elsewhere, by its value: so it is known to those who write the languages' files.
#[must_use]
pub const fn key(english: &'static str) -> &'static str {
    english
}

/// The text in the reader's language, with values in the place of `{name}`s.
#[must_use]
pub fn say_with(english: &'static str, values: &[(&str, &str)]) -> String {
    let mut rest = say(english);
    let mut text = String::with_capacity(rest.len());
    // In one pass: a value that looks like a place is only a value.
    while let Some(start) = rest.find('{') {
        let (before, place) = rest.split_at(start);
        text.push_str(before);
        let value = place.find('}').and_then(|end| {
            let (_, value) = values.iter().find(|(name, _)| *name == &place[1..end])?;
            Some((value, end))
        });
        rest = match value {
            Some((value, end)) => {
                text.push_str(value);
                &place[end + 1..]
            }
            None => {
                text.push('{');
                &place[1..]
            }
        };
    }
    text.push_str(rest);
    text
}

/// Speaks another language from now on: pairs of English and other texts; none for English. What is on the screen has to be
/// drawn anew. The texts stay in memory, as a page has few languages in its life.
pub fn speak(words: Vec<(String, String)>) {
    let leak = |text: String| -> &'static str { text.leak() };
    let mut words: Vec<_> = words
        .into_iter()
        .map(|(english, text)| (leak(english), leak(text)))
        .collect();
    words.sort_unstable();
    words.dedup_by_key(|(english, _)| *english);
    WORDS.set(words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_language_speaks_where_it_has_words() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        speak(vec![
            pair("Send", "Senden"),
            pair("{name} has joined {room}", "{room}: {name} ist da"),
        ]);
        assert_eq!(say("Send"), "Senden");
        assert_eq!(say("Leave"), "Leave");
        let values = [("name", "{room}"), ("room", "{x}")];
        assert_eq!(
            say_with("{name} has joined {room}", &values),
            "{x}: {room} ist da"
        );
        speak(Vec::new());
        assert_eq!(say("Send"), "Send");
        assert_eq!(say_with("{a} {name", &[("name", "x")]), "{a} {name");
    }
}
