//! Words that are not wanted, found however they are written.

use std::ops::Range;

use super::fold::{Gap, Letter, fold};

/// One entry of a word list: `word`, `word*` for all that begin with it, `*word` for all that end with it, or both.
#[derive(Clone, Debug)]
pub(super) struct Word {
    runs: Vec<Run>,
    open_start: bool,
    open_end: bool,
}

/// A letter as often as it stands one after the other.
#[derive(Clone, Debug)]
struct Run {
    letter: char,
    length: usize,
    /// Whether an entry of several words has a space before it.
    begins_word: bool,
}

/// From how many on it does not matter how often a letter is repeated.
const LONG_RUN: usize = 3;

impl Word {
    /// Reads an entry. `None` if there is no letter in it.
    pub fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim();
        let (open_start, rest) = strip(entry.strip_prefix('*'), entry);
        let (open_end, rest) = strip(rest.strip_suffix('*'), rest);
        let mut runs: Vec<Run> = Vec::new();
        for (place, letter) in fold(rest).iter().enumerate() {
            let begins_word = place > 0 && letter.before == Gap::Space;
            match runs.last_mut() {
                Some(run) if run.letter == letter.letter && !begins_word => run.length += 1,
                _ => runs.push(Run {
                    letter: letter.letter,
                    length: 1,
                    begins_word,
                }),
            }
        }
        (!runs.is_empty()).then_some(Self {
            runs,
            open_start,
            open_end,
        })
    }

    /// Where the word stands in a folded text, as ranges of bytes of the text as it was written. Takes time in proportion to the
    /// length of the text, whatever is in it.
    pub fn find(&self, text: &Folded) -> Vec<Range<usize>> {
        let rests = &text.rests;
        let text = &text.letters[..];
        let mut found = Vec::new();
        let mut from = 0;
        // Where the last one ended: what a star reaches before that is found already.
        let mut done = 0;
        while from < text.len() {
            match self.at(text, rests, from) {
                Some(end) => {
                    let (start, end) = self.whole(text, from, end, done);
                    done = end;
                    found.push(text[start].start..text[end - 1].end);
                    from = end;
                }
                None => from += 1,
            }
        }
        found
    }

    /// A star stands for the rest of the word, which goes with it.
    fn whole(
        &self,
        text: &[Letter],
        mut start: usize,
        mut end: usize,
        done: usize,
    ) -> (usize, usize) {
        while self.open_start && start > done && text[start].before == Gap::None {
            start -= 1;
        }
        while self.open_end && text.get(end).is_some_and(|next| next.before == Gap::None) {
            end += 1;
        }
        (start, end)
    }

    /// Where the word ends that begins here.
    fn at(&self, text: &[Letter], rests: &[Rest], start: usize) -> Option<usize> {
        if !self.open_start && text.get(start)?.before == Gap::None {
            return None;
        }
        let mut place = start;
        // How the letters are set apart: a word that is spelled out has a gap between all of them.
        let (mut widest, mut narrowest) = (Gap::None, Gap::Space);
        for run in &self.runs {
            let rest = rests
                .get(place)
                .filter(|_| text[place].letter == run.letter);
            let length = rest.map_or(0, |rest| rest.length);
            // `baaad` is `bad`, but `good` is not `god`.
            if length < run.length || (length > run.length && length < LONG_RUN) {
                return None;
            }
            // The gap before the first letter of all does not count, and one between words is as it should be.
            let skips_first = place == start || run.begins_word;
            let counted = &rests[place + usize::from(skips_first)..place + length];
            if let Some(rest) = counted.first() {
                widest = widest.max(rest.widest);
                narrowest = narrowest.min(rest.narrowest);
            }
            place += length;
        }
        // `as scrap` is not a spelled-out word; `a s s` is, and `a.s.s`, and `a.ss` is read as one, too.
        if widest == Gap::Space && narrowest != Gap::Space {
            return None;
        }
        let closed = self.open_end || text.get(place).is_none_or(|next| next.before != Gap::None);
        closed.then_some(place)
    }
}

/// A folded text, with what is looked for at each of its letters.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    letters: Vec<Letter>,
    rests: Vec<Rest>,
}

/// The rest of a run of one letter, from a letter of it on.
#[derive(Clone, Copy, Debug)]
struct Rest {
    length: usize,
    /// The widest and the narrowest gap before one of its letters.
    widest: Gap,
    narrowest: Gap,
}

impl Folded {
    pub fn of(text: &str) -> Self {
        let letters = fold(text);
        let mut rests: Vec<Rest> = Vec::with_capacity(letters.len());
        // From the end, so that each is one step longer than the one before.
        for (place, letter) in letters.iter().enumerate().rev() {
            let is_last = letters
                .get(place + 1)
                .is_none_or(|next| next.letter != letter.letter);
            let rest = rests.last().filter(|_| !is_last);
            rests.push(rest.map_or(
                Rest {
                    length: 1,
                    widest: letter.before,
                    narrowest: letter.before,
                },
                |rest| Rest {
                    length: rest.length + 1,
                    widest: rest.widest.max(letter.before),
                    narrowest: rest.narrowest.min(letter.before),
                },
            ));
        }
        rests.reverse();
        Self { letters, rests }
    }
}

fn strip<'a>(stripped: Option<&'a str>, whole: &'a str) -> (bool, &'a str) {
    stripped.map_or((false, whole), |rest| (true, rest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    fn found<'a>(entry: &str, text: &'a str) -> Vec<&'a str> {
        let ranges = Word::parse(entry).unwrap().find(&Folded::of(text));
        ranges.into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn a_word_is_found_however_it_is_written() {
        for text in [
            "heck",
            "HECK",
            "h3ck",
            "hеck",
            "h e c k",
            "h.e.c.k",
            "h-e_c*k",
            "heeeeck",
            "ｈｅｃｋ",
            "he\u{200b}ck",
        ] {
            assert_eq!(found("heck", text), [text]);
            let within = ["oh ", text, "!"].concat();
            assert_eq!(found("heck", &within), [text], "{within}");
        }
    }

    /// Each of these took time with the square of its length: minutes.
    #[test]
    fn long_texts_take_no_longer_than_they_are_long() {
        let run = "d".repeat(60_000);
        for entry in ["*darn", "*darn*", "d*n"] {
            assert_eq!(found(entry, &run), Vec::<&str>::new(), "{entry}");
        }
        assert_eq!(found("*d*", &run), [run.as_str()]);
        let word = "darn".repeat(15_000);
        let parts = found("*darn", &[&word, " x"].concat()).concat();
        assert_eq!(parts, word);
        let often = "heck ".repeat(12_000);
        assert_eq!(found("heck", &often).len(), 12_000);
    }

    #[test]
    fn a_word_is_not_found_in_others() {
        for text in [
            "checking",
            "hecks",
            "a heckler",
            "he ck",
            "the chalk",
            "h eck",
            "",
        ] {
            assert_eq!(found("heck", text), Vec::<&str>::new(), "{text}");
        }
        assert_eq!(found("good", "god"), Vec::<&str>::new());
        assert_eq!(found("god", "good"), Vec::<&str>::new());
        assert_eq!(found("god", "gooood"), ["gooood"]);
    }

    #[test]
    fn a_star_opens_a_word() {
        assert_eq!(found("heck*", "heckler, check"), ["heckler"]);
        assert_eq!(found("*heck", "check hecks"), ["check"]);
        assert_eq!(found("*heck*", "a checks b"), ["checks"]);
        assert!(Word::parse(" * ").is_none());
    }

    #[test]
    fn two_words_are_one_entry() {
        assert_eq!(
            found("bad word", "a bad  word, badword"),
            ["bad  word", "badword"]
        );
        assert_eq!(found("b a d", "bad"), ["bad"]);
    }
}
