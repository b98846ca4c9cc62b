//! What both languages have in common: tokens, texts, lists, and finding the next command after a mistake.

use super::{Placed, ScriptErrors};
use crate::body::ScriptError;

/// A place in a script.
#[derive(Clone, Copy, Debug)]
struct Place {
    line: u32,
    column: u32,
}

impl Place {
    fn error(self, message: String) -> ScriptError {
        ScriptError {
            message,
            line: self.line,
            column: self.column,
        }
    }
}

/// A piece of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    End,
}

impl Token {
    /// As a message names it. Texts may be passwords, so they are not shown.
    fn name(&self) -> String {
        match self {
            Self::Word(word) => format!("'{word}'"),
            Self::Text(_) => "a text in quotes".to_owned(),
            Self::Open => "'['".to_owned(),
            Self::Close => "']'".to_owned(),
            Self::End => "the end of the script".to_owned(),
        }
    }
}

/// Reads a script token by token.
pub(super) struct Parser<'t> {
    rest: core::iter::Peekable<core::str::Chars<'t>>,
    place: Place,
    /// The next token and where it starts.
    next: (Token, Place),
    /// Whether it is the first of its line.
    begins_line: bool,
}

type Result<T> = core::result::Result<T, ScriptError>;

/// Reads all commands of a script.
///
/// After an error it continues with the next line that begins with one of `verbs`, which `parse` must take.
pub(super) fn parse_commands<T>(
    script: &str,
    verbs: &[&str],
    mut parse: impl FnMut(&mut Parser<'_>) -> Result<T>,
) -> core::result::Result<Vec<Placed<T>>, ScriptErrors> {
    let mut parser = Parser {
        rest: script.chars().peekable(),
        place: Place { line: 1, column: 1 },
        next: (Token::End, Place { line: 1, column: 1 }),
        begins_line: true,
    };
    let (mut commands, mut errors) = (Vec::new(), Vec::new());
    let mut outcome = parser.advance().map(|_| ());
    loop {
        if let Err(error) = outcome {
            errors.push(error);
            if errors.len() == ScriptErrors::MAX {
                break;
            }
            parser.recover(verbs);
        }
        if parser.next.0 == Token::End {
            break;
        }
        let Place { line, column } = parser.next.1;
        outcome = parse(&mut parser).map(|command| {
            commands.push(Placed {
                command,
                line,
                column,
            });
        });
    }
    if errors.is_empty() {
        Ok(commands)
    } else {
        Err(ScriptErrors(errors))
    }
}

impl Parser<'_> {
    /// Takes the next token, and reads the one after it.
    fn advance(&mut self) -> Result<Token> {
        let next = match self.read() {
            Ok(next) => next,
            Err(error) => {
                // Only a text without an end is no token; nothing follows it.
                self.next = (Token::End, self.place);
                return Err(error);
            }
        };
        self.begins_line = next.1.line > self.next.1.line;
        Ok(core::mem::replace(&mut self.next, next).0)
    }

    fn character(&mut self) -> Option<char> {
        let character = self.rest.next()?;
        if character == '\n' {
            self.place.line = self.place.line.saturating_add(1);
            self.place.column = 1;
        } else {
            self.place.column = self.place.column.saturating_add(1);
        }
        Some(character)
    }

    fn read(&mut self) -> Result<(Token, Place)> {
        loop {
            let place = self.place;
            let Some(character) = self.character() else {
                return Ok((Token::End, place));
            };
            let token = match character {
                '#' => {
                    while self.rest.peek().is_some_and(|next| *next != '\n') {
                        self.character();
                    }
                    continue;
                }
                // A comma means no more than the space around it.
                ',' => continue,
                _ if character.is_whitespace() => continue,
                '[' => Token::Open,
                ']' => Token::Close,
                '\'' | '"' => Token::Text(self.text(character, place)?),
                _ => Token::Word(self.word(character)),
            };
            return Ok((token, place));
        }
    }

    fn text(&mut self, quote: char, start: Place) -> Result<String> {
        let mut text = String::new();
        loop {
            let character = match self.character() {
                // Before anything else, a backslash is what it is, as in a regular expression: it does not go unnoticed.
                Some('\\') if matches!(self.rest.peek(), Some('\'' | '"' | '\\') | None) => {
                    self.character()
                }
                Some(character) if character == quote => return Ok(text),
                other => other,
            };
            text.push(
                character
                    .ok_or_else(|| start.error(format!("this text has no {quote} at its end")))?,
            );
        }
    }

    fn word(&mut self, first: char) -> String {
        let mut word = String::from(first);
        while let Some(next) = self.rest.peek() {
            if next.is_whitespace() || matches!(next, '[' | ']' | '\'' | '"' | ',' | '#') {
                break;
            }
            word.push(*next);
            self.character();
        }
        word
    }

    /// Passes over the rest of a command with a mistake.
    fn recover(&mut self, verbs: &[&str]) {
        loop {
            match &self.next.0 {
                Token::End => return,
                Token::Word(word)
                    if self.begins_line
                        && verbs.iter().any(|verb| word.eq_ignore_ascii_case(verb)) =>
                {
                    return;
                }
                _ => {}
            }
            // A text without an end is passed over, too.
            let _text_without_end = self.advance();
        }
    }

    /// An error at the next token, which is not what should be there.
    pub(super) fn expected<T>(&self, what: &str) -> Result<T> {
        let (token, place) = &self.next;
        Err(place.error(format!("expected {what}, found {}", token.name())))
    }

    /// Whether the next token is this keyword; if so, it is taken.
    pub(super) fn take(&mut self, keyword: &str) -> Result<bool> {
        let found = matches!(&self.next.0, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Takes these keywords.
    pub(super) fn keywords(&mut self, keywords: &[&str]) -> Result<()> {
        for keyword in keywords {
            if !self.take(keyword)? {
                return self.expected(&format!("'{keyword}'"));
            }
        }
        Ok(())
    }

    /// Whether the next token begins a list.
    pub(super) fn at_list(&self) -> bool {
        self.next.0 == Token::Open
    }

    /// Whether the next token is a text.
    pub(super) fn at_text(&self) -> bool {
        matches!(self.next.0, Token::Text(_))
    }

    /// Takes a text in quotes.
    pub(super) fn quoted(&mut self, what: &str) -> Result<String> {
        if !self.at_text() {
            return self.expected(&format!("{what} in quotes"));
        }
        match self.advance()? {
            Token::Text(text) => Ok(text),
            _ => self.expected(what),
        }
    }

    /// Takes a list of texts in quotes.
    pub(super) fn quoted_list(&mut self, what: &str) -> Result<Vec<String>> {
        self.list(what, |parser| parser.quoted(what))
    }

    /// Takes a list of bare words, each of which `read` must know.
    pub(super) fn word_list<T>(
        &mut self,
        what: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>> {
        self.list(what, |parser| {
            let known = match &parser.next.0 {
                Token::Word(word) | Token::Text(word) => read(word),
                _ => None,
            };
            match known {
                Some(item) => parser.advance().map(|_| item),
                None => parser.expected(&format!("a {what}")),
            }
        })
    }

    fn list<T>(
        &mut self,
        what: &str,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        if !self.at_list() {
            return self.expected(&format!("'[' and a list: {what}"));
        }
        self.advance()?;
        let mut items = Vec::new();
        while self.next.0 != Token::Close {
            items.push(item(self)?);
        }
        self.advance()?;
        Ok(items)
    }
}
