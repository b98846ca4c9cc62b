//! Words, quoted texts and marks: what session filters, removal policies and owners are written with.

/// A piece of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lexeme {
    /// A word: whatever is neither space nor quote nor mark.
    Word(String),
    /// Text in single or double quotes, with the escapes undone.
    Text(String),
    /// One of `( ) [ ] , <`.
    Mark(char),
}

/// Text that cannot be cut into lexemes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LexerError {
    pub(crate) message: &'static str,
    /// In bytes, from 0.
    pub(crate) position: usize,
}

const fn is_mark(character: char) -> bool {
    matches!(character, '(' | ')' | '[' | ']' | ',' | '<')
}

/// The lexemes, each with where it starts.
pub(crate) fn lexemes(text: &str) -> Result<Vec<(Lexeme, usize)>, LexerError> {
    let mut lexemes = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((start, character)) = characters.next() {
        if character.is_whitespace() {
            continue;
        }
        if is_mark(character) {
            lexemes.push((Lexeme::Mark(character), start));
            continue;
        }
        if character == '\'' || character == '"' {
            let mut value = String::new();
            loop {
                match characters.next() {
                    None => {
                        return Err(LexerError {
                            message: "a closing quote is missing",
                            position: start,
                        });
                    }
                    Some((_, it)) if it == character => break,
                    Some((position, '\\')) => match characters.next() {
                        Some((_, escaped)) => value.push(escaped),
                        None => {
                            return Err(LexerError {
                                message: "nothing follows the escape character",
                                position,
                            });
                        }
                    },
                    Some((_, it)) => value.push(it),
                }
            }
            lexemes.push((Lexeme::Text(value), start));
            continue;
        }
        let mut word = String::from(character);
        while let Some((_, next)) = characters.peek() {
            if next.is_whitespace() || is_mark(*next) || matches!(next, '\'' | '"') {
                break;
            }
            word.push(*next);
            characters.next();
        }
        lexemes.push((Lexeme::Word(word), start));
    }
    Ok(lexemes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_into_tokens() {
        let found: Vec<Lexeme> = lexemes("when subscriptions<1 'it\\'s' [\"a\",\"b\"]")
            .unwrap()
            .into_iter()
            .map(|(lexeme, _)| lexeme)
            .collect();
        assert_eq!(
            found,
            [
                Lexeme::Word("when".into()),
                Lexeme::Word("subscriptions".into()),
                Lexeme::Mark('<'),
                Lexeme::Word("1".into()),
                Lexeme::Text("it's".into()),
                Lexeme::Mark('['),
                Lexeme::Text("a".into()),
                Lexeme::Mark(','),
                Lexeme::Text("b".into()),
                Lexeme::Mark(']'),
            ]
        );
        assert_eq!(lexemes("a 'b").unwrap_err().position, 2);
        assert_eq!(lexemes("'\\").unwrap_err().position, 1);
    }
}
