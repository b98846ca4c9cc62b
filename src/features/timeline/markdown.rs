//! Markdown's common subset as plain data: the parser's events made into a small tree. HTML stays text, whatever it holds.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::mention::mentions;
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
        /// Whether that does not tell where it leads.
        is_disguised: bool,
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
    /// One of a list.
    Item,
}

/// Longer texts, in bytes, are shown as they are.
const MAX_LENGTH: usize = 64 * 1024;

/// How deep groups may lie in each other. Deeper ones are left out, and what they hold stands where they would.
const MAX_DEPTH: usize = 12;

/// After this many of the parser's events the rest is shown as it is.
const MAX_EVENTS: usize = 4_000;

/// What people draw with characters that mean something else here.
const SHRUG: &str = "¯\\_(ツ)_/¯";
const SHRUG_ESCAPED: &str = "¯\\\\\\_(ツ)\\_/¯";

/// Reads a text. `names` are those that can be mentioned, the reader's first.
pub fn parse(text: &str, names: &[String]) -> Vec<Node> {
    if text.len() > MAX_LENGTH {
        return vec![Node::Text(text.to_owned())];
    }
    let source = with_links(&with_definitions(text.replace(SHRUG, SHRUG_ESCAPED)));
    let mut nodes = Tree::default().grow(&source);
    if nodes.iter().all(is_empty) {
        // All of it was taken for marks around nothing.
        return vec![Node::Text(text.to_owned())];
    }
    if text.contains('@') {
        mention(&mut nodes, names);
    }
    nodes
}

fn options() -> Options {
    Options::ENABLE_STRIKETHROUGH
}

/// Keeps lines such as `[a]: b` what they are: they would only be remembered, and shown nowhere.
fn with_definitions(mut source: String) -> String {
    for _ in 0..4 {
        let mut starts: Vec<usize> = {
            let parser = Parser::new_ext(&source, options());
            let definitions = parser.reference_definitions().iter();
            definitions.map(|(_, found)| found.span.start).collect()
        };
        if starts.is_empty() {
            break;
        }
        starts.sort_unstable();
        for start in starts.into_iter().rev() {
            source.insert(start, '\\');
        }
    }
    source
}

/// Puts addresses that stand alone into `<` and `>`, which makes them links.
fn with_links(source: &str) -> String {
    if !source.contains("://") {
        return source.to_owned();
    }
    let taken: Vec<Range<usize>> = Parser::new_ext(source, options())
        .into_offset_iter()
        .filter(|(event, _)| {
            matches!(
                event,
                Event::Code(_)
                    | Event::Html(_)
                    | Event::InlineHtml(_)
                    | Event::Start(Tag::CodeBlock(_) | Tag::Link { .. } | Tag::Image { .. })
            )
        })
        .map(|(_, range)| range)
        .collect();
    let mut linked = String::with_capacity(source.len() + 16);
    let mut done = 0;
    let mut taken = taken.into_iter().peekable();
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
        if end > colon + 3 {
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

/// Where `http` or `https` before a `://` begins.
fn scheme_before(source: &str, colon: usize) -> Option<usize> {
    ["https", "http"].into_iter().find_map(|scheme| {
        let start = colon.checked_sub(scheme.len())?;
        let fits = source.get(start..colon)?.eq_ignore_ascii_case(scheme);
        let before = source.get(..start)?.chars().next_back();
        (fits && !before.is_some_and(is_letter)).then_some(start)
    })
}

/// Where an address ends that goes on here. What ends a sentence is no part of it, nor is a bracket that it did not open.
fn end_of_address(source: &str, from: usize) -> usize {
    let rest = &source[from..];
    let stop = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | '`');
    let mut address = &rest[..rest.find(stop).unwrap_or(rest.len())];
    while let Some(last) = address.chars().next_back() {
        let goes = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '\\' | '”' | '’' | '…' => {
                true
            }
            ')' => count(address, ')') > count(address, '('),
            ']' => count(address, ']') > count(address, '['),
            _ => false,
        };
        if !goes {
            break;
        }
        address = &address[..address.len() - last.len_utf8()];
    }
    from + address.len()
}

fn count(text: &str, wanted: char) -> usize {
    text.chars().filter(|c| *c == wanted).count()
}

/// Something that is open while its parts are read.
enum Open {
    Group(Kind),
    /// A title that is underlined, and its lines.
    Underlined,
    Block(String),
    Link(String),
    Image(String),
    /// Of no importance but for what it holds.
    Other,
}

#[derive(Default)]
struct Tree {
    open: Vec<(Open, Range<usize>, Vec<Node>)>,
    done: Vec<Node>,
    /// How many are open that lie too deep.
    ignored: usize,
}

impl Tree {
    fn grow(mut self, source: &str) -> Vec<Node> {
        let mut seen = 0;
        for (event, at) in Parser::new_ext(source, options()).into_offset_iter() {
            seen += 1;
            if seen > MAX_EVENTS {
                while !self.open.is_empty() {
                    self.close(source);
                }
                self.push(Node::Text(source[at.start..].to_owned()));
                break;
            }
            match event {
                Event::Start(_) if self.ignored > 0 || self.open.len() >= MAX_DEPTH => {
                    self.ignored += 1;
                }
                Event::End(_) if self.ignored > 0 => self.ignored -= 1,
                Event::Start(tag) => self.open(tag, at, source),
                Event::End(TagEnd::HtmlBlock) => {
                    self.close(source);
                }
                Event::End(_) => self.close(source),
                Event::Code(code) => self.push(Node::Code(code.into_string())),
                Event::Text(text) => {
                    let written = &source[at];
                    // `&lt;` is what was written, and what is shown.
                    let is_entity = written.starts_with('&') && *written != *text;
                    self.text(if is_entity { written } else { &text });
                }
                Event::Html(html) | Event::InlineHtml(html) => self.text(&html),
                Event::SoftBreak | Event::HardBreak => self.text("\n"),
                Event::Rule => self.push(Node::Rule),
                // What they come from is not turned on.
                _ => self.text(&source[at]),
            }
        }
        self.done
    }

    fn open(&mut self, tag: Tag<'_>, at: Range<usize>, source: &str) {
        let open = match tag {
            Tag::Paragraph | Tag::HtmlBlock => Open::Group(Kind::Paragraph),
            Tag::Heading { .. } if source[at.clone()].starts_with('#') => {
                Open::Group(Kind::Heading)
            }
            Tag::Heading { .. } => Open::Underlined,
            Tag::BlockQuote(_) => Open::Group(Kind::Quote),
            Tag::List(first) => Open::Group(Kind::List(first)),
            Tag::Item => Open::Group(Kind::Item),
            Tag::Emphasis => Open::Group(Kind::Emphasis),
            Tag::Strong => Open::Group(Kind::Strong),
            Tag::Strikethrough => Open::Group(Kind::Strike),
            Tag::CodeBlock(CodeBlockKind::Fenced(language)) => {
                let word = language.split([' ', ',']).next().unwrap_or_default();
                Open::Block(word.to_owned())
            }
            // Nobody who begins a line with blanks in a chat means code by it.
            Tag::CodeBlock(CodeBlockKind::Indented) => Open::Group(Kind::Paragraph),
            Tag::Link { dest_url, .. } => Open::Link(dest_url.into_string()),
            Tag::Image { dest_url, .. } => Open::Image(dest_url.into_string()),
            _ => Open::Other,
        };
        self.open.push((open, at, Vec::new()));
    }

    fn close(&mut self, source: &str) {
        let Some((open, at, children)) = self.open.pop() else {
            return;
        };
        match open {
            Open::Group(kind) => self.push(Node::Group(kind, children)),
            Open::Underlined => {
                self.push(Node::Group(Kind::Paragraph, children));
                let lines = source[at].trim_end();
                let underline = lines.rsplit('\n').next().unwrap_or_default();
                self.push(Node::Text(underline.trim().to_owned()));
            }
            Open::Block(language) => self.push(Node::Block {
                language,
                text: plain(&children).trim_end_matches('\n').to_owned(),
            }),
            Open::Link(to) if leads_away(&to) => {
                let words = plain(&children);
                let is_disguised = !tells(words.trim(), &to);
                self.push(Node::Link {
                    to,
                    children,
                    is_disguised,
                });
            }
            Open::Image(to) if is_secure(&to) && !self.in_link() => self.push(Node::Image {
                at: to,
                alt: plain(&children),
            }),
            // Where it leads is none of a reader's business: it is only what was written.
            Open::Link(_) | Open::Image(_) => self.text(&source[at]),
            Open::Other => {
                for node in children {
                    self.push(node);
                }
            }
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
        match self.here().last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ => self.push(Node::Text(text.to_owned())),
        }
    }
}

/// Schemes are told by their first letters; browsers drop blanks and controls in addresses, and so no such one is taken.
fn leads_away(to: &str) -> bool {
    has_scheme(to, "https://") || has_scheme(to, "http://") || has_scheme(to, "mailto:")
}

fn is_secure(at: &str) -> bool {
    has_scheme(at, "https://")
}

fn has_scheme(to: &str, scheme: &str) -> bool {
    let begins = to.get(..scheme.len());
    begins.is_some_and(|begins| begins.eq_ignore_ascii_case(scheme))
        && to.len() > scheme.len()
        && !to.contains(|c: char| c.is_control())
}

/// Whether the words of a link are its address, or as good as.
fn tells(words: &str, to: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_end_matches('/');
        ["https://", "http://", "mailto:"]
            .into_iter()
            .find_map(|scheme| {
                has_scheme(text, scheme).then(|| text[scheme.len()..].to_ascii_lowercase())
            })
            .unwrap_or_else(|| text.to_ascii_lowercase())
    };
    bare(words) == bare(to)
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
            Node::Rule => {}
        }
    }
    text
}

fn is_empty(node: &Node) -> bool {
    match node {
        Node::Text(text) | Node::Code(text) | Node::Block { text, .. } => text.trim().is_empty(),
        Node::Link { children, .. } | Node::Group(_, children) => children.iter().all(is_empty),
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
