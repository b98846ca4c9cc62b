//! Words, quoted texts and marks: what session filters, removal policies and owners are written with.

/// A piece of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word: whatever is neither space nor quote nor mark.
    Word(String),
    /// Text in single or double quotes, with the escapes undone.
    Text(String),
    /// One of `( ) [ ] , <`.
    Mark(char),
}

/// Text that cannot be cut into tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenError {
    pub(crate) message: &'static str,
    /// In bytes, from 0.
    pub(crate) position: usize,
}

const fn is_mark(character: char) -> bool {
    matches!(character, '(' | ')' | '[' | ']' | ',' | '<')
}

/// The tokens, each with where it starts.
pub(crate) fn tokens(text: &str) -> Result<Vec<(Token, usize)>, TokenError> {
    let mut tokens = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((start, character)) = characters.next() {
        if character.is_whitespace() {
            continue;
        }
        if is_mark(character) {
            tokens.push((Token::Mark(character), start));
            continue;
        }
        if character == '\'' || character == '"' {
            let mut value = String::new();
            loop {
                match characters.next() {
                    None => {
                        return Err(TokenError {
                            message: "a closing quote is missing",
                            position: start,
                        });
                    }
                    Some((_, it)) if it == character => break,
                    Some((position, '\\')) => match characters.next() {
                        Some((_, escaped)) => value.push(escaped),
                        None => {
                            return Err(TokenError {
                                message: "nothing follows the escape character",
                                position,
                            });
                        }
                    },
                    Some((_, it)) => value.push(it),
                }
            }
            tokens.push((Token::Text(value), start));
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
        tokens.push((Token::Word(word), start));
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_into_tokens() {
        let found: Vec<Token> = tokens("when subscriptions<1 'it\\'s' [\"a\",\"b\"]")
            .unwrap()
            .into_iter()
            .map(|(token, _)| token)
            .collect();
        assert_eq!(
            found,
            [
                Token::Word("when".into()),
                Token::Word("subscriptions".into()),
                Token::Mark('<'),
                Token::Word("1".into()),
                Token::Text("it's".into()),
                Token::Mark('['),
                Token::Text("a".into()),
                Token::Mark(','),
                Token::Text("b".into()),
                Token::Mark(']'),
            ]
        );
        assert_eq!(tokens("a 'b").unwrap_err().position, 2);
        assert_eq!(tokens("'\\").unwrap_err().position, 1);
    }
}
