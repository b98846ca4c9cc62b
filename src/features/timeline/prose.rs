//! What of a text is words, without the code that reads all of its markup: for excerpts, and for who is mentioned.
//!
//! `markdown` has the same text as a tree. Tests hold both against each other.

use std::ops::Range;

use crate::i18n::letters::{first_graphemes, is_letter};

/// In longer texts, in bytes, markup is not read; nor does `markdown` read them.
pub const MAX_LENGTH: usize = 64 * 1024;

/// The beginning of a text as plain words in one line, of so many characters as readers count them; `…` if there is more.
pub fn excerpt(text: &str, count: usize) -> String {
    /// More bytes than this are in no character that a reader sees as one, but for those who pile marks up.
    const MAX_GRAPHEME: usize = 64;
    let mut end = count.saturating_mul(MAX_GRAPHEME).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let words = plain_text(&text[..end]);
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let begin = first_graphemes(&line, count);
    if begin.len() < line.len() || end < text.len() {
        [begin.trim_end(), "…"].concat()
    } else {
        line
    }
}

/// A text without its markup: what a reader sees of it.
pub fn plain_text(text: &str) -> String {
    if text.len() > MAX_LENGTH {
        return text.to_owned();
    }
    let reading = Reading::of(text);
    let mut plain = String::with_capacity(text.len());
    let mut done = 0;
    for mark in reading.marks {
        if mark.start >= done {
            plain.push_str(&text[done..mark.start]);
            done = mark.end;
        }
    }
    plain.push_str(&text[done..]);
    plain
}

/// The parts of a text that name nobody: code, addresses and links.
pub fn literal_parts(text: &str) -> Vec<Range<usize>> {
    if text.len() > MAX_LENGTH {
        return Vec::new();
    }
    Reading::of(text).literal
}

/// Whether what follows a text would be code: between fences, or after a backquote that nothing has closed.
pub fn ends_in_code(text: &str) -> bool {
    Reading::of(text).ends_in_code
}

/// What is found in a text: marks that are not shown, and what is no prose, each in order.
#[derive(Default)]
struct Reading {
    marks: Vec<Range<usize>>,
    literal: Vec<Range<usize>>,
    ends_in_code: bool,
}

/// A run of characters that may begin or end emphasis.
struct Run {
    sign: u8,
    at: usize,
    length: usize,
    opens: bool,
}

impl Reading {
    fn of(text: &str) -> Self {
        let mut reading = Self::default();
        let mut fence: Option<(u8, usize)> = None;
        let mut paragraph: Option<usize> = None;
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let range = start..start + line.len();
            start = range.end;
            let content = match fence {
                None => range.start + reading.line_start(text, range.clone()),
                Some(_) => range.end - line.trim_start().len(),
            };
            let rest = text[content..range.end].trim_end();
            let sign = rest.bytes().next().filter(|b| matches!(b, b'`' | b'~'));
            let run = sign.map_or(0, |sign| run_of(sign, rest.as_bytes()));
            let after = rest.get(run..).unwrap_or_default();
            let opens = fence.is_none() && run >= 3 && !(sign == Some(b'`') && after.contains('`'));
            let closes = fence.is_some_and(|(open, length)| {
                sign == Some(open) && run >= length && after.is_empty()
            });
            let ends = opens || closes || rest.is_empty() && fence.is_none();
            if let Some(from) = paragraph.take_if(|_| ends) {
                reading.read_inline(text, from..range.start);
            }
            if opens || closes {
                fence = opens.then_some((sign.unwrap_or_default(), run));
                reading.marks.push(content..range.end);
                reading.literal.push(range);
            } else if fence.is_some() {
                reading.literal.push(range);
            } else if !rest.is_empty() {
                reading.mark_line(text, content, range.end);
                paragraph.get_or_insert(content);
            }
        }
        // The last paragraph may end in code, too.
        reading.ends_in_code = fence.is_some();
        if let Some(from) = paragraph {
            reading.read_inline(text, from..text.len());
        }
        reading.marks.sort_by_key(|mark| mark.start);
        reading
    }

    /// How many bytes of a line are blanks and marks of quotes.
    fn line_start(&mut self, text: &str, line: Range<usize>) -> usize {
        let whole = &text[line.clone()];
        let content = whole.trim_start_matches([' ', '\t', '>']);
        let length = unquoted(whole).unwrap_or(whole.len() - content.len());
        if whole[..length].contains('>') {
            self.marks.push(line.start..line.start + length);
        }
        length
    }

    /// The marks of a heading or of an item of a list.
    fn mark_line(&mut self, text: &str, from: usize, to: usize) {
        let line = &text[from..to];
        let rest = line.trim_start_matches('#');
        let length = line.len() - rest.len();
        if (1..=6).contains(&length) && rest.starts_with(' ') {
            self.marks.push(from..from + length + 1);
        } else if line.starts_with("* ") || line.starts_with("+ ") || line.starts_with("- ") {
            self.marks.push(from..from + 2);
        }
    }

    /// Code, addresses, links and emphasis in the lines of one paragraph.
    fn read_inline(&mut self, text: &str, part: Range<usize>) {
        let bytes = text.as_bytes();
        let mut runs: Vec<Run> = Vec::new();
        let mut at = part.start;
        while at < part.end {
            let Some(&byte) = bytes.get(at) else { break };
            let length = run_of(byte, &bytes[at..part.end]);
            at = match byte {
                b'\\' => {
                    // What stands after it is no mark.
                    at + 1 + usize::from(bytes.get(at + 1).is_some_and(u8::is_ascii_punctuation))
                }
                b'`' => match closing_backquotes(bytes, at + length..part.end, length) {
                    Some(end) => {
                        self.literal.push(at..end);
                        self.marks.push(at..at + length);
                        self.marks.push(end - length..end);
                        end
                    }
                    None => {
                        self.ends_in_code = true;
                        at + length
                    }
                },
                b'<' => match text[at..part.end].find('>').map(|end| at + end) {
                    Some(end) if is_autolink(&text[at + 1..end]) => {
                        self.literal.push(at..end + 1);
                        self.marks.push(at..at + 1);
                        self.marks.push(end..end + 1);
                        end + 1
                    }
                    _ => at + 1,
                },
                b'[' => match link_at(text, at, part.end) {
                    Some((middle, end)) => {
                        self.literal.push(at..end);
                        let begin = at - usize::from(at > part.start && bytes[at - 1] == b'!');
                        self.marks.push(begin..at + 1);
                        self.read_inline(text, at + 1..middle);
                        self.marks.push(middle..end);
                        end
                    }
                    None => at + 1,
                },
                b'*' | b'_' | b'~' => {
                    self.mark_run(text, &mut runs, at, length);
                    at + length
                }
                b'h' | b'H' => match address_at(text, at, part.end) {
                    Some(end) => {
                        self.literal.push(at..end);
                        end
                    }
                    None => at + 1,
                },
                _ => at + 1,
            };
        }
    }

    /// A run of `*`, `_` or `~`: the end of emphasis, or perhaps its beginning.
    fn mark_run(&mut self, text: &str, runs: &mut Vec<Run>, at: usize, length: usize) {
        if is_product(text, at) {
            return;
        }
        let sign = text.as_bytes()[at];
        let before = text[..at].chars().next_back().unwrap_or(' ');
        let after = text[at + length..].chars().next().unwrap_or(' ');
        let is_space = char::is_whitespace;
        let is_sign = |c: char| !is_space(c) && !is_letter(c);
        let left = !is_space(after) && (!is_sign(after) || is_space(before) || is_sign(before));
        let right = !is_space(before) && (!is_sign(before) || is_space(after) || is_sign(after));
        let (opens, closes) = match sign {
            b'_' => (
                left && (!right || is_sign(before)),
                right && (!left || is_sign(after)),
            ),
            _ => (left, right),
        };
        let mut run = Run {
            sign,
            at,
            length,
            opens,
        };
        while closes && run.length > 0 {
            let fits = |open: &Run| {
                open.sign == sign && (sign != b'~' || open.length == run.length && run.length <= 2)
            };
            let Some(place) = runs.iter().rposition(fits) else {
                break;
            };
            runs.truncate(place + 1);
            let open = &mut runs[place];
            let used = open.length.min(run.length).min(2);
            open.length -= used;
            self.marks
                .push(open.at + open.length..open.at + open.length + used);
            self.marks.push(run.at..run.at + used);
            run.at += used;
            run.length -= used;
            if open.length == 0 {
                runs.pop();
            }
        }
        if run.opens && run.length > 0 {
            runs.push(run);
        }
    }
}

/// How often a text begins with a character.
fn run_of(sign: u8, bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == sign).count()
}

/// Where a run of so many backquotes ends.
fn closing_backquotes(bytes: &[u8], part: Range<usize>, length: usize) -> Option<usize> {
    let mut at = part.start;
    while at < part.end {
        let run = run_of(b'`', &bytes[at..part.end]);
        if run == length {
            return Some(at + run);
        }
        at += run.max(1);
    }
    None
}

fn is_autolink(inner: &str) -> bool {
    let scheme = inner.split(':').next().unwrap_or_default();
    let is_scheme = |text: &str| {
        (2..=32).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b))
    };
    let is_mail = || {
        inner
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
    };
    let is_one = !inner.contains(|c: char| c.is_whitespace() || c.is_control() || c == '<');
    is_one && (scheme.len() < inner.len() && is_scheme(scheme) || is_mail())
}

/// A link that begins with this bracket: where its text ends, and where it ends itself.
fn link_at(text: &str, at: usize, to: usize) -> Option<(usize, usize)> {
    let middle = closing(text, at, to, b'[', b']')?;
    if text.as_bytes().get(middle + 1) != Some(&b'(') {
        return None;
    }
    let end = closing(text, middle + 1, to, b'(', b')')?;
    let inner = text[middle + 2..end].trim();
    let target = inner.split_whitespace().next().unwrap_or_default();
    // After the address there is nothing, or a title.
    let title = inner[target.len()..].trim_start();
    let is_link = title.is_empty() || title.starts_with(['"', '\'', '(']);
    is_link.then_some((middle, end + 1))
}

/// The bracket that closes the one at a place.
fn closing(text: &str, at: usize, to: usize, open: u8, close: u8) -> Option<usize> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (place, byte) in text.as_bytes()[at..to].iter().enumerate() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match *byte {
            b'\\' => escaped = true,
            byte if byte == open => depth += 1,
            byte if byte == close => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + place);
                }
            }
            _ => {}
        }
    }
    None
}

/// Where an address that begins here ends, if one does.
fn address_at(text: &str, at: usize, to: usize) -> Option<usize> {
    let rest = text.get(at..to)?;
    let colon = at + rest.find("://").filter(|colon| *colon <= "https".len())?;
    (scheme_before(text, colon)? == at).then_some(())?;
    let end = end_of_address(text, colon + 3).min(to);
    (end > colon + 3).then_some(end)
}

/// Where `http` or `https` before a `://` begins.
pub fn scheme_before(source: &str, colon: usize) -> Option<usize> {
    ["https", "http"].into_iter().find_map(|scheme| {
        let start = colon.checked_sub(scheme.len())?;
        let fits = source.get(start..colon)?.eq_ignore_ascii_case(scheme);
        let before = source.get(..start)?.chars().next_back();
        (fits && !before.is_some_and(is_letter)).then_some(start)
    })
}

/// Where a `>` stands at the beginning of a line that quotes nothing: what quotes has a blank after it. `>:(`, `>5`, `>>> x`.
pub fn unquoted(line: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = line[at..].trim_start_matches([' ', '\t']);
        let sign = line.len() - rest.len();
        let after = rest.strip_prefix('>')?;
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return Some(sign);
        }
        at = sign + 1;
    }
}

/// Whether an asterisk multiplies: it stands alone beside a digit, in the middle of a word.
pub fn is_product(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let before = at.checked_sub(1).and_then(|before| bytes.get(before));
    let sides = before.zip(bytes.get(at + 1));
    bytes.get(at) == Some(&b'*')
        && sides.is_some_and(|(before, after)| {
            before.is_ascii_alphanumeric()
                && after.is_ascii_alphanumeric()
                && (before.is_ascii_digit() || after.is_ascii_digit())
        })
}

/// Brackets that belong together: each that opens, and after it the one that closes.
const BRACKETS: &str = "()[]{}（）［］｛｝「」『』【】〈〉《》";

/// Where an address ends that goes on here. What ends a sentence is no part of it, nor is a bracket without its other one.
pub fn end_of_address(source: &str, from: usize) -> usize {
    let rest = &source[from..];
    // No address has these, in whatever language what follows without a blank is written.
    let stops = |c: char| {
        c.is_whitespace() || c.is_control() || "<>\"`“”„«»‹›—。、，．！？；：｡､…‥".contains(c)
    };
    let mut address = &rest[..rest.find(stops).unwrap_or(rest.len())];
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (at, c) in address.char_indices() {
        match BRACKETS.chars().position(|bracket| bracket == c) {
            None => {}
            Some(opening) if opening % 2 == 0 => open.push((opening, at)),
            Some(closing) if open.last().is_some_and(|(last, _)| last + 1 == closing) => {
                open.pop();
            }
            Some(_) => {
                address = &address[..at];
                break;
            }
        }
    }
    if let Some((_, at)) = open.first() {
        address = &address[..*at];
    }
    let ends = |c: char| ".,;:!?'*_~\\’–؟،؛۔।॥".contains(c);
    from + address.trim_end_matches(ends).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_plain_words() {
        // `⏎` is the end of a line.
        let table = r"
**bold** and *it*, ~~no~~ `x*y*` => bold and it, no x*y*
***both*** __strong__ _it_ snake_case_name => both strong it snake_case_name
2 ** 3 * 4 => 2 ** 3 * 4
# Title⏎> said⏎* item⏎- item => Title said item item
```rust⏎let a = *b;⏎```⏎after => let a = *b; after
see [the page](https://a.example/x_y_z) now => see the page now
![a cat](https://a.example/c.png) => a cat
https://a.example/a_b_c and <https://b.example> => https://a.example/a_b_c and https://b.example
a  ⏎⏎  b => a b
C:\_tmp\*.txt **x => C:\_tmp\*.txt **x
>:( 5*3*2 and *2*3*⏎> said⏎>5 => >:( 5*3*2 and 2*3 said >5";
        for line in table.lines().skip(1) {
            let (text, plain) = line.split_once(" => ").unwrap();
            let text = text.replace('⏎', "\n");
            assert_eq!(excerpt(&text, 120), plain, "{text}");
        }
    }

    #[test]
    fn excerpts_are_cut_between_what_readers_see_as_characters() {
        for character in [
            "e\u{301}",
            "👩‍👩‍👧‍👦",
            "🇩🇪",
            "👍🏽",
            "한",
            "\u{1100}\u{1161}\u{11a8}",
            "नि",
        ] {
            let text = character.repeat(5);
            let three = [&character.repeat(3), "…"].concat();
            assert_eq!(excerpt(&text, 3), three);
            assert_eq!(excerpt(&text, 5), text);
        }
        assert_eq!(excerpt("two words", 4), "two…");
        let piled = ["a", &"\u{301}".repeat(10_000)].concat();
        assert!(excerpt(&piled, 10).len() <= 650);
    }
}
