//! What a draft is for, and the notes above the composer.

use effusion_chat::{Reply, Target};

use crate::features::timeline::Key;
use crate::i18n::{Message, Text};
use crate::state::Fault;

/// What sending the draft does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Sends a message.
    #[default]
    Send,
    /// Replies to a message.
    Reply(Reply),
    /// Edits a message.
    Edit {
        /// Which one.
        key: Key,
        /// The draft from before, which is restored after the edit.
        kept: String,
        /// Whether the edit is on its way to the service.
        saving: bool,
    },
}

/// A note above the composer.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// Information.
    Info(Text),
    /// A warning.
    Alert(Text),
    /// A failed action.
    Failure {
        /// What failed, as a sentence.
        what: &'static Message,
        /// Why.
        fault: Fault,
    },
    /// The list of commands.
    Commands,
}

impl Note {
    /// Whether screen readers are to announce it at once.
    pub fn is_alert(&self) -> bool {
        matches!(self, Self::Alert(_) | Self::Failure { .. })
    }
}

/// What an emoji is picked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Picking {
    /// To insert it into the draft.
    Text,
    /// To react to a message.
    Reaction(Target),
}

/// A pasted text longer than this, in characters, is offered as a snippet.
const LONG_TEXT: usize = 2_000;

/// A pasted text with more lines than this is offered as a snippet.
const MANY_LINES: usize = 15;

/// Whether a pasted text is better sent as a snippet.
pub fn is_long(text: &str) -> bool {
    text.lines().nth(MANY_LINES).is_some() || text.chars().nth(LONG_TEXT).is_some()
}

/// A text as a fenced code block. The fence is longer than any run of backticks in the text.
fn snippet(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat((longest + 1).max(3));
    [&fence, "\n", text.trim_end_matches('\n'), "\n", &fence].concat()
}

/// The draft with a pasted text turned into a snippet on lines of its own; `None` if the text is no longer in the draft.
pub fn with_snippet(draft: &str, pasted: &str) -> Option<String> {
    let (before, after) = draft.split_once(pasted)?;
    let above = if before.is_empty() || before.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let below = if after.is_empty() { "" } else { "\n" };
    let after = after.trim_start_matches('\n');
    Some([before, above, &snippet(pasted), below, after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_stands_on_lines_of_its_own() {
        let made = |draft| with_snippet(draft, "x");
        assert_eq!(made("x").as_deref(), Some("```\nx\n```"));
        assert_eq!(made("a x\n\nb").as_deref(), Some("a \n```\nx\n```\nb"));
        assert_eq!(made("a\nx").as_deref(), Some("a\n```\nx\n```"));
        assert_eq!(made("y"), None);
    }

    #[test]
    fn long_texts_are_long_in_letters_or_in_lines() {
        assert!(!is_long(&"é".repeat(2_000)));
        assert!(is_long(&"é".repeat(2_001)));
        assert!(!is_long(&"x\n".repeat(15)));
        assert!(is_long(&"x\n".repeat(16)));
    }

    #[test]
    fn snippets_hold_fences() {
        assert_eq!(snippet("a\nb\n"), "```\na\nb\n```");
        assert_eq!(snippet("```\nx\n```"), "````\n```\nx\n```\n````");
    }
}
