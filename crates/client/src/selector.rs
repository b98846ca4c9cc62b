//! Topic selectors, as far as routing values to streams needs them.

use core::fmt;

/// A topic selector expression that names a path: `>a/b`, with `/` at its end for the topics below, and `//` for both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    text: String,
    path: String,
    itself: bool,
    below: bool,
}

/// Text that is no selector of a kind that streams understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelectorError;

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this topic selector is not supported by value streams")
    }
}

impl core::error::Error for SelectorError {}

impl Selector {
    /// Reads a selector expression.
    ///
    /// # Errors
    /// If the expression is not a path selector.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let rest = text.strip_prefix('>').unwrap_or(text);
        let (path, itself, below) = if let Some(path) = rest.strip_suffix("//") {
            (path, true, true)
        } else if let Some(path) = rest.strip_suffix('/') {
            (path, false, true)
        } else {
            (rest, true, false)
        };
        if path.is_empty() || path.starts_with(['?', '*', '#']) {
            return Err(SelectorError);
        }
        Ok(Self {
            text: text.to_owned(),
            path: path.to_owned(),
            itself,
            below,
        })
    }

    /// Whether the selector names this path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match path.strip_prefix(self.path.as_str()) {
            Some("") => self.itself,
            Some(rest) => self.below && rest.starts_with('/'),
            None => false,
        }
    }

    /// The expression.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
