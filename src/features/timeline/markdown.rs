//! Markdown's common subset as plain data: the parser's events made into a small tree. HTML stays text, whatever it holds.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, OffsetIter, Options, Parser, Tag, TagEnd};

use super::mention::mentions;
use super::prose::{MAX_LENGTH, end_of_address, is_product, scheme_before, unquoted};
use crate::i18n::letters::is_letter;

/// What a text is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Characters, line breaks among them.
    Text(String),
    /// Code within a line.
    Code(String),
    /// Code in lines of its own.
    Block {
        /// What it says it is written in.
        language: String,
        /// The lines.
        text: String,
    },
    /// Something that leads away: `http:`, `https:` or `mailto:`.
    Link {
        /// Where to.
        to: String,
        /// What stands there.
        children: Vec<Node>,
        /// What that tells of where it leads.
        label: LinkLabel,
    },
    /// A picture elsewhere: `https:`.
    Image {
        /// Where it is.
        at: String,
        /// What it shows.
        alt: String,
    },
    /// A name.
    Mention {
        /// The name, with its `@`.
        name: String,
        /// Whether it is the reader's.
        own: bool,
    },
    /// A line across.
    Rule,
    /// So many empty lines, beyond the one that parts paragraphs.
    Blank(usize),
    /// Something with parts.
    Group(Kind, Vec<Node>),
}

/// What parts make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lines that belong together.
    Paragraph,
    /// A title.
    Heading,
    /// Strongly said.
    Strong,
    /// Said with emphasis.
    Emphasis,
    /// No longer said.
    Strike,
    /// Somebody else's words.
    Quote,
    /// A list, the first item's number if they have numbers.
    List(Option<u64>),
    /// One of a list, with its number as it was written.
    Item(Option<u64>),
}

/// What the text of a link tells of where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkLabel {
    /// It is the address.
    Address,
    /// It is other words.
    Words,
    /// It names a host, but the link leads to another one.
    OtherHost,
}

/// How deep groups may lie in each other. Deeper ones are left out, and what they hold stands where they would.
const MAX_DEPTH: usize = 12;

/// After this many of the parser's events the rest is shown as it is.
const MAX_EVENTS: usize = 4_000;

/// Stand for characters that are none of markup. They are no characters themselves, and no text has them.
const BACKSLASH: char = '\u{fdd1}';
const UNDERSCORE: char = '\u{fdd2}';
const ASTERISK: char = '\u{fdd3}';
const GREATER: char = '\u{fdd4}';
/// Stands before what would be a definition, and is nothing.
const NOTHING: char = '\u{fdd0}';

/// Reads a text. `names` are those that can be mentioned, the reader's first.
pub fn parse(text: &str, names: &[String]) -> Vec<Node> {
    let stands_for_others = [BACKSLASH, UNDERSCORE, ASTERISK, GREATER, NOTHING];
    if text.len() > MAX_LENGTH || text.contains(stands_for_others) {
        return vec![Node::Text(text.to_owned())];
    }
    let source = with_signs(with_shrugs(text));
    let source = with_links(&with_definitions(with_ends_of_blocks(source)));
    let mut nodes = Tree::new(&source).grow();
    if nodes
        .iter()
        .all(|node| is_empty(node) || *node == Node::Rule)
    {
        // All of it was taken for marks around nothing, or for lines between nothing.
        return vec![Node::Text(text.to_owned())];
    }
    if text.contains('@') {
        mention(&mut nodes, names);
    }
    nodes
}

/// Keeps what people draw with characters that mean something else here: `¯\_(ツ)_/¯`, with however many backslashes.
fn with_shrugs(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('¯') {
        let (before, shrug) = rest.split_at(start);
        kept.push_str(before);
        let length = length_of_shrug(shrug).unwrap_or('¯'.len_utf8());
        let (shrug, after) = shrug.split_at(length);
        kept.extend(shrug.chars().map(|c| match c {
            '\\' => BACKSLASH,
            '_' => UNDERSCORE,
            c => c,
        }));
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// How many bytes a shrug takes that begins here: arms, and a face between brackets.
fn length_of_shrug(text: &str) -> Option<usize> {
    /// No face has more characters.
    const MAX_FACE: usize = 8;
    let arm = text.strip_prefix('¯')?;
    let face = arm.trim_start_matches(['\\', '_']);
    let inner = face.strip_prefix('(').filter(|_| face.len() < arm.len())?;
    let (inner, after) = inner.split_once(')')?;
    let is_face = !inner.is_ascii() && inner.chars().count() <= MAX_FACE;
    let end = after.trim_start_matches(['\\', '_', '/']);
    let end = end
        .strip_prefix('¯')
        .filter(|_| is_face && end.len() < after.len())?;
    Some(text.len() - end.len())
}

/// Keeps signs that people write before and between numbers, and draw faces with: `>:(`, `>5`, `5*3*2`.
fn with_signs(text: String) -> String {
    if !text.contains(['>', '*']) {
        return text;
    }
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let sign = unquoted(line);
        for (at, c) in line.char_indices() {
            kept.push(match c {
                '>' if sign == Some(at) => GREATER,
                '*' if is_product(line, at) => ASTERISK,
                c => c,
            });
        }
    }
    kept
}

/// Ends quotes and lists where their marks end. Markdown counts a line without a mark to the paragraph above it, but who writes
/// one below a quote answers it.
fn with_ends_of_blocks(mut source: String) -> String {
    if !source.contains('\n') {
        return source;
    }
    let mut ends = Vec::new();
    let mut depth = 0_usize;
    for (event, at) in events(&source) {
        match event {
            Event::Start(Tag::BlockQuote(_)) => {
                if depth == 0 {
                    ends.extend(unmarked(&source, at, |line| {
                        line.trim_start().starts_with('>')
                    }));
                }
                depth += 1;
            }
            Event::Start(Tag::Item) if depth == 1 => {
                let indent = |line: &str| line.len() - line.trim_start().len();
                let start = source[..at.start].rfind('\n').map_or(0, |end| end + 1);
                let own = indent(&source[start..]);
                ends.extend(unmarked(&source, at, |line| indent(line) > own));
            }
            Event::Start(Tag::List(_)) => depth += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_)) => depth -= 1,
            _ => {}
        }
    }
    for end in ends.into_iter().rev() {
        source.insert(end, '\n');
    }
    source
}

/// Where lines of a block begin that have no mark of it and follow one that has.
fn unmarked(source: &str, at: Range<usize>, is_marked: impl Fn(&str) -> bool) -> Vec<usize> {
    let mut found = Vec::new();
    let mut start = at.start;
    let mut follows = false;
    for line in source[at].split_inclusive('\n') {
        let begins = start;
        start += line.len();
        let is_one = line.trim().is_empty() || !follows && found.is_empty() || is_marked(line);
        if !is_one && follows {
            found.push(begins);
        }
        follows = is_one;
    }
    found
}

const OPTIONS: Options = Options::ENABLE_STRIKETHROUGH;

/// What the parser finds in a text, and where.
fn events(source: &str) -> OffsetIter<'_> {
    Parser::new_ext(source, OPTIONS).into_offset_iter()
}

/// Keeps lines such as `[a]: b` what they are: they would only be remembered, and shown nowhere.
fn with_definitions(mut source: String) -> String {
    for _ in 0..4 {
        let mut starts: Vec<usize> = {
            let parser = Parser::new_ext(&source, OPTIONS);
            let definitions = parser.reference_definitions().iter();
            definitions.map(|(_, found)| found.span.start).collect()
        };
        if starts.is_empty() {
            break;
        }
        starts.sort_unstable();
        for start in starts.into_iter().rev() {
            source.insert(start, NOTHING);
        }
    }
    source
}

/// Puts addresses that stand alone into `<` and `>`, which makes them links.
fn with_links(source: &str) -> String {
    if !source.contains("://") {
        return source.to_owned();
    }
    let is_taken = |event: &Event<'_>| {
        matches!(
            event,
            Event::Code(_)
                | Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Start(Tag::CodeBlock(_) | Tag::Link { .. } | Tag::Image { .. })
        )
    };
    let taken = events(source).filter(|(event, _)| is_taken(event));
    let mut taken = taken.map(|(_, range)| range).peekable();
    let mut linked = String::with_capacity(source.len() + 16);
    let mut done = 0;
    for (colon, _) in source.match_indices("://") {
        let Some(start) = scheme_before(source, colon).filter(|start| *start >= done) else {
            continue;
        };
        while taken.peek().is_some_and(|range| range.end <= start) {
            taken.next();
        }
        if taken.peek().is_some_and(|range| range.start <= start) {
            continue;
        }
        let end = end_of_address(source, colon + 3);
        // A backslash before it would take the meaning of the bracket.
        let is_escaped = source[..start].ends_with('\\');
        if end > colon + 3 && !is_escaped {
            linked.push_str(&source[done..start]);
            linked.push('<');
            linked.push_str(&source[start..end]);
            linked.push('>');
            done = end;
        }
    }
    linked.push_str(&source[done..]);
    linked
}

/// Where the backslashes stand that Markdown takes away, but that are shown: those that keep nothing from being markup.
fn shown_backslashes(source: &str) -> Vec<usize> {
    let escapes = escapes(source);
    if escapes.is_empty() {
        return escapes;
    }
    let bytes = source.as_bytes();
    // What it would read like without them.
    let mut bare = String::with_capacity(source.len());
    let mut done = 0;
    let mut places = Vec::with_capacity(escapes.len());
    for &at in &escapes {
        bare.push_str(&source[done..at]);
        // A second backslash would take the meaning of what follows.
        let is_pair = bytes.get(at + 1) == Some(&b'\\');
        done = if is_pair { at } else { at + 1 };
        places.push(bare.len());
    }
    bare.push_str(&source[done..]);
    let words = events(&bare).filter_map(|(event, at)| match event {
        Event::Text(_) | Event::Html(_) | Event::InlineHtml(_) => Some(at),
        _ => None,
    });
    let words: Vec<Range<usize>> = words.collect();
    let is_word = |place: usize| {
        let after = words.partition_point(|part| part.end <= place);
        words.get(after).is_some_and(|part| part.start <= place)
    };
    let shown = |at: usize, place: usize| {
        bytes.get(at + 1) == Some(&b'\\') || is_word(place) || is_in_path(source, at)
    };
    let escapes = escapes.into_iter().zip(places);
    escapes
        .filter(|(at, place)| shown(*at, *place))
        .map(|(at, _)| at)
        .collect()
}

/// The backslashes that make what stands after them a character like others.
fn escapes(source: &str) -> Vec<usize> {
    let mut escapes = Vec::new();
    if !source.contains('\\') {
        return escapes;
    }
    let mut end = 0;
    for (event, at) in events(source) {
        match event {
            Event::Text(_) => {
                let before = at.start.checked_sub(1).filter(|before| *before >= end);
                escapes.extend(before.filter(|it| source.as_bytes().get(*it) == Some(&b'\\')));
                end = at.end;
            }
            Event::Code(_) | Event::Html(_) | Event::InlineHtml(_) => end = at.end,
            _ => {}
        }
    }
    escapes
}

/// Whether the word that a backslash stands in is a path, as Windows has them, or something like it.
fn is_in_path(source: &str, at: usize) -> bool {
    let before = source[..at].rsplit(char::is_whitespace).next();
    let after = source[at..].split(char::is_whitespace).next();
    let word = [before.unwrap_or_default(), after.unwrap_or_default()].concat();
    let parts_path = |(at, _)| {
        let (before, after) = (&word[..at], &word[at + 1..]);
        before.ends_with(':') || after.starts_with(|c| is_letter(c) || c == '\\')
    };
    word.match_indices('\\').any(parts_path)
        || source[..at].ends_with(is_letter) && source[at..].chars().nth(2).is_some_and(is_letter)
}

/// Something that is open while its parts are read.
enum Open {
    Group(Kind),
    /// One of a list: its number, and in which column of its line its text begins.
    Item {
        number: Option<u64>,
        column: usize,
    },
    /// Lines that begin with many blanks.
    Indented,
    /// A title that is underlined, and its lines.
    Underlined,
    Block(String),
    Link(String),
    Image(String),
    /// Of no importance but for what it holds.
    Other,
}

#[derive(Default)]
struct Tree<'a> {
    source: &'a str,
    open: Vec<(Open, Range<usize>, Vec<Node>)>,
    done: Vec<Node>,
    /// How many are open that lie too deep.
    ignored: usize,
    /// The backslashes that are shown, though Markdown takes them away.
    backslashes: Vec<usize>,
    /// Where the last block ended.
    block_end: usize,
}

impl<'a> Tree<'a> {
    fn new(source: &'a str) -> Self {
        Self {
            source,
            backslashes: shown_backslashes(source),
            ..Self::default()
        }
    }

    fn grow(mut self) -> Vec<Node> {
        let source = self.source;
        for (seen, (event, at)) in events(source).enumerate() {
            if seen == MAX_EVENTS {
                while !self.open.is_empty() {
                    self.close();
                }
                self.text(&source[at.start..]);
                break;
            }
            match event {
                Event::Start(_) if self.ignored > 0 || self.open.len() >= MAX_DEPTH => {
                    self.ignored += 1;
                }
                Event::End(_) if self.ignored > 0 => self.ignored -= 1,
                Event::Start(tag) => self.open(tag, at),
                Event::End(_) => self.close(),
                Event::Code(code) => self.push(Node::Code(as_written(&code))),
                Event::Text(text) => {
                    let before = at.start.checked_sub(1);
                    if before.is_some_and(|it| self.backslashes.binary_search(&it).is_ok()) {
                        self.text("\\");
                    }
                    let written = &source[at];
                    // `&lt;` is what was written, and what is shown.
                    let is_entity = written.starts_with('&') && *written != *text;
                    self.text(if is_entity { written } else { &text });
                }
                Event::Html(html) | Event::InlineHtml(html) => self.text(&html),
                Event::SoftBreak | Event::HardBreak => self.line_break(at.start),
                Event::Rule => {
                    self.blank_lines(at.start);
                    self.push(Node::Rule);
                    self.block_end = at.end;
                }
                // What they come from is not turned on.
                _ => self.text(&source[at]),
            }
        }
        self.done
    }

    /// The end of a line within a paragraph, with the blanks around it as they were typed.
    fn line_break(&mut self, at: usize) {
        let source = self.source;
        let Some(end) = source[at..].find('\n').map(|end| at + end) else {
            return;
        };
        let before = source[..at].trim_end_matches(BLANKS).len();
        self.text(&source[before..=end]);
        let line = &source[end + 1..];
        let mut skipped = 0;
        for (open, ..) in &self.open {
            let rest = &line[skipped..];
            let blank = blanks(rest);
            match open {
                Open::Group(Kind::Quote) if rest[blank..].starts_with('>') => {
                    let after = &rest[blank + 1..];
                    skipped += blank + 1 + usize::from(after.starts_with(' '));
                }
                Open::Item { column, .. } => skipped += blank.min(column.saturating_sub(skipped)),
                _ => {}
            }
        }
        let rest = &line[skipped..];
        self.text(&rest[..blanks(rest)]);
    }

    /// Empty lines between blocks, beyond the one that parts them.
    fn blank_lines(&mut self, start: usize) {
        if !self.open.is_empty() || self.block_end == 0 {
            return;
        }
        let between = self.source.get(self.block_end..start).unwrap_or_default();
        let ends_line = self.source[..self.block_end].ends_with('\n');
        let lines = between.matches('\n').count() + usize::from(ends_line);
        if lines > 2 {
            self.push(Node::Blank(lines - 2));
        }
    }

    /// The blanks that a line begins with.
    fn indent_of(&self, at: usize) -> &'a str {
        let start = self.source[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = &self.source[start..at];
        if before.trim().is_empty() { before } else { "" }
    }

    fn open(&mut self, tag: Tag<'_>, at: Range<usize>) {
        let source = self.source;
        self.blank_lines(at.start);
        let indent = match tag {
            Tag::Paragraph | Tag::CodeBlock(CodeBlockKind::Indented) if self.open.is_empty() => {
                self.indent_of(at.start)
            }
            _ => "",
        };
        let open = match tag {
            Tag::Paragraph | Tag::HtmlBlock => Open::Group(Kind::Paragraph),
            Tag::Heading { .. } if source[at.clone()].starts_with('#') => {
                Open::Group(Kind::Heading)
            }
            Tag::Heading { .. } => Open::Underlined,
            Tag::BlockQuote(_) => Open::Group(Kind::Quote),
            Tag::List(first) => Open::Group(Kind::List(first)),
            Tag::Item => item(source, at.start),
            Tag::Emphasis => Open::Group(Kind::Emphasis),
            Tag::Strong => Open::Group(Kind::Strong),
            Tag::Strikethrough => Open::Group(Kind::Strike),
            Tag::CodeBlock(CodeBlockKind::Fenced(language)) => {
                let word = language.split([' ', ',']).next().unwrap_or_default();
                Open::Block(as_written(word))
            }
            // Nobody who begins a line with blanks in a chat means code by it.
            Tag::CodeBlock(CodeBlockKind::Indented) => Open::Indented,
            Tag::Link { dest_url, .. } => Open::Link(as_written(&dest_url)),
            Tag::Image { dest_url, .. } => Open::Image(as_written(&dest_url)),
            _ => Open::Other,
        };
        self.open.push((open, at, Vec::new()));
        self.text(indent);
    }

    fn close(&mut self) {
        let source = self.source;
        let Some((open, at, children)) = self.open.pop() else {
            return;
        };
        if self.open.is_empty() {
            self.block_end = at.end;
        }
        match open {
            Open::Group(kind) => self.push(Node::Group(kind, children)),
            Open::Item { number, .. } => self.push(Node::Group(Kind::Item(number), children)),
            Open::Indented => {
                let lines = [self.indent_of(at.start), source[at].trim_end()].concat();
                let lines = Node::Text(as_written(&lines));
                self.push(Node::Group(Kind::Paragraph, vec![lines]));
            }
            Open::Underlined => {
                self.push(Node::Group(Kind::Paragraph, children));
                let lines = source[at].trim_end();
                let underline = lines.rsplit('\n').next().unwrap_or_default();
                self.text(underline.trim());
            }
            Open::Block(language) => {
                let text = plain(&children);
                let text = text.strip_suffix('\n').unwrap_or(&text).to_owned();
                self.push(Node::Block { language, text });
            }
            Open::Link(to) if leads_away(&to) => {
                let label = label_of(plain(&children).trim(), &to);
                self.push(Node::Link {
                    to,
                    children: with_visible_controls(children),
                    label,
                });
            }
            Open::Image(to) if has_scheme(&to, "https://") && !self.in_link() => {
                self.push(Node::Image {
                    at: to,
                    alt: as_written(&plain(&children)),
                })
            }
            // Where it leads is none of a reader's business: it is only what was written.
            Open::Link(_) | Open::Image(_) => self.text(&source[at]),
            Open::Other => self.here().extend(children),
        }
    }

    fn in_link(&self) -> bool {
        self.open
            .iter()
            .any(|(open, ..)| matches!(open, Open::Link(_)))
    }

    fn here(&mut self) -> &mut Vec<Node> {
        match self.open.last_mut() {
            Some((.., children)) => children,
            None => &mut self.done,
        }
    }

    fn push(&mut self, node: Node) {
        self.here().push(node);
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let text = as_written(text);
        match self.here().last_mut() {
            Some(Node::Text(before)) => before.push_str(&text),
            _ => self.push(Node::Text(text)),
        }
    }
}

/// A text without what stands for other characters.
fn as_written(text: &str) -> String {
    let shown = text.chars().filter(|c| *c != NOTHING);
    let shown = shown.map(|c| match c {
        BACKSLASH => '\\',
        UNDERSCORE => '_',
        ASTERISK => '*',
        GREATER => '>',
        c => c,
    });
    shown.collect()
}

const BLANKS: [char; 2] = [' ', '\t'];

/// How many bytes of blanks a text begins with.
fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches(BLANKS).len()
}

/// An item of a list whose marker stands here.
fn item(source: &str, start: usize) -> Open {
    let line = source[..start].rfind('\n').map_or(0, |end| end + 1);
    let marker = start + blanks(&source[start..]);
    let digits = source[marker..]
        .bytes()
        .take_while(u8::is_ascii_digit)
        .count();
    let after = marker + digits + 1;
    Open::Item {
        number: source[marker..marker + digits].parse().ok(),
        // Further blanks are the text's own.
        column: (after + source.get(after..).map_or(0, |it| blanks(it).clamp(1, 4))) - line,
    }
}

/// Schemes are told by their first letters; browsers drop blanks and controls in addresses, and so no such one is taken.
fn leads_away(to: &str) -> bool {
    without_scheme(to).len() < to.len()
}

fn has_scheme(to: &str, scheme: &str) -> bool {
    let begins = to.get(..scheme.len());
    begins.is_some_and(|begins| begins.eq_ignore_ascii_case(scheme))
        && to.len() > scheme.len()
        && !to.contains(|c: char| c.is_control())
}

/// What the words of a link tell of its address.
fn label_of(words: &str, to: &str) -> LinkLabel {
    let bare = |text: &str| {
        let text = text.trim_end_matches('/');
        without_scheme(text).to_ascii_lowercase()
    };
    let authority = authority_in(to);
    let is_mail = has_scheme(to, "mailto:");
    // What stands before the sign can look like the host.
    let has_user = !is_mail && authority.contains('@');
    if has_user || authority.split('.').any(|it| is_mixed(it, authority)) {
        return LinkLabel::OtherHost;
    }
    if bare(words) == bare(to) {
        // What the browser makes of other letters is shown.
        return if is_mail || authority.is_ascii() && !authority.contains('%') {
            LinkLabel::Address
        } else {
            LinkLabel::Words
        };
    }
    let leads_to = host_in(to);
    let is_part = |c: char| is_letter(c) || is_odd_dot(c) || ".-_:/\\@?#%&=+~".contains(c);
    let words: String = words.chars().filter(|c| !is_unseen_control(*c)).collect();
    let mut named = words.split(|c| !is_part(c)).filter_map(host_in);
    if named.any(|named| leads_to.as_ref() != Some(&named)) {
        LinkLabel::OtherHost
    } else {
        LinkLabel::Words
    }
}

/// Whether a part of a host has letters that are there to look like Latin ones: of alphabets that share shapes with it, or of
/// Latin letters in disguise, beside Latin ones or below a Latin domain.
fn is_mixed(label: &str, host: &str) -> bool {
    let is_alike = |c| matches!(c, '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{1d00}'..='\u{1d7f}' | '\u{a4d0}'..='\u{a4ff}' | '\u{ff00}'..='\u{ffef}' | '\u{1d400}'..='\u{1d7ff}');
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_latin = |text: &str| text.contains(|c: char| c.is_ascii_alphabetic());
    label.contains(is_alike) && (is_latin(label) || is_latin(last))
}

/// Whether browsers or readers take another character for the dot between the parts of a host.
fn is_odd_dot(c: char) -> bool {
    "\u{2024}\u{2027}\u{3002}\u{a4f8}\u{fe52}\u{ff0e}\u{ff61}".contains(c)
}

fn without_scheme(text: &str) -> &str {
    let schemes = ["https://", "http://", "mailto:"];
    let scheme = schemes.into_iter().find(|scheme| has_scheme(text, scheme));
    scheme.map_or(text, |scheme| &text[scheme.len()..])
}

/// What stands between the scheme of an address and its path.
fn authority_in(address: &str) -> &str {
    let address = without_scheme(address);
    let end = address.find(['/', '?', '#', '\\']).unwrap_or(address.len());
    &address[..end]
}

/// The host in an address or in what looks like one, without `www.`.
fn host_in(text: &str) -> Option<String> {
    let authority = authority_in(text).rsplit('@').next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let has_odd_dot = host.contains(is_odd_dot);
    let host = host.replace(is_odd_dot, ".").to_lowercase();
    let host = host.trim_matches('.');
    let host = host.strip_prefix("www.").unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| is_letter(c) || matches!(c, '-' | '_'))
    };
    let is_number = |label: &str| label.chars().all(|c| c.is_ascii_digit());
    let last = host.rsplit('.').next().unwrap_or_default();
    // Sentences of some languages end with such a dot.
    let is_domain = host.contains('.')
        && last.chars().count() > 1
        && !is_number(last)
        && (!has_odd_dot || last.is_ascii());
    let is_ip = host.split('.').count() == 4 && host.split('.').all(is_number);
    let is_host = host.split('.').all(is_label) && (leads_away(text) || is_domain || is_ip);
    is_host.then(|| host.to_owned())
}

/// Characters that are not seen, but change the order of those that are, or stand between them.
fn is_unseen_control(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// The text of a link with the names of characters that would make it look like another one.
fn with_visible_controls(nodes: Vec<Node>) -> Vec<Node> {
    let visible = |text: String| {
        let shown = text.chars().map(|c| match c {
            c if is_unseen_control(c) => format!("[U+{:04X}]", u32::from(c)),
            c => c.to_string(),
        });
        shown.collect::<String>()
    };
    let node = |node| match node {
        Node::Text(text) => Node::Text(visible(text)),
        Node::Code(text) => Node::Code(visible(text)),
        Node::Group(kind, children) => Node::Group(kind, with_visible_controls(children)),
        node => node,
    };
    nodes.into_iter().map(node).collect()
}

/// What a reader sees of it.
fn plain(nodes: &[Node]) -> String {
    let mut text = String::new();
    for node in nodes {
        match node {
            Node::Text(part) | Node::Code(part) | Node::Block { text: part, .. } => {
                text.push_str(part);
            }
            Node::Mention { name, .. } => text.push_str(name),
            Node::Image { alt, .. } => text.push_str(alt),
            Node::Link { children, .. } | Node::Group(_, children) => {
                text.push_str(&plain(children))
            }
            Node::Rule | Node::Blank(_) => {}
        }
    }
    text
}

fn is_empty(node: &Node) -> bool {
    match node {
        Node::Text(text) | Node::Code(text) | Node::Block { text, .. } => text.trim().is_empty(),
        Node::Link { children, .. } | Node::Group(_, children) => children.iter().all(is_empty),
        Node::Blank(_) => true,
        Node::Image { .. } | Node::Mention { .. } | Node::Rule => false,
    }
}

/// Finds names in texts, but not in what is code or leads away.
fn mention(nodes: &mut Vec<Node>, names: &[String]) {
    let mut all = Vec::with_capacity(nodes.len());
    for mut node in std::mem::take(nodes) {
        match &mut node {
            Node::Group(_, children) => mention(children, names),
            Node::Text(text) => {
                let mut done = 0;
                for found in mentions(text, names) {
                    if found.at.start > done {
                        all.push(Node::Text(text[done..found.at.start].to_owned()));
                    }
                    done = found.at.end;
                    all.push(Node::Mention {
                        name: text[found.at].to_owned(),
                        own: found.name == 0,
                    });
                }
                text.drain(..done);
                if text.is_empty() {
                    continue;
                }
            }
            _ => {}
        }
        all.push(node);
    }
    *nodes = all;
}

#[cfg(test)]
mod tests;
