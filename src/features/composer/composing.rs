//! What a draft is for, and the notes above the composer.

use std::ops::Range;

use effusion_chat::{Reply, Target};

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
    /// Edits a message of a history room.
    Edit {
        /// Its sequence.
        sequence: u64,
        /// The draft from before, which is restored after the edit.
        kept: KeptDraft,
    },
}

/// The draft of a message that waits for the end of an edit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptDraft {
    /// The text.
    pub text: String,
    /// The message that it replies to.
    pub reply: Option<Reply>,
}

impl KeptDraft {
    /// What sending it does.
    pub fn purpose(&self) -> Purpose {
        self.reply.clone().map_or(Purpose::Send, Purpose::Reply)
    }
}

/// An edit that has left the composer and that the service has not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsavedEdit {
    /// The sequence of the edited message.
    pub sequence: u64,
    /// The new text.
    pub text: String,
    /// How far it has come.
    pub progress: EditProgress,
}

/// How far an edit has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditProgress {
    /// It is on its way to the service.
    Saving,
    /// Another edit was begun before it was saved.
    PutAside,
    /// The service refused it.
    Failed(Fault),
}

/// What Enter does in the composer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnterKey {
    /// Sends where there is a keyboard, and breaks the line where the keyboard is on the screen.
    #[default]
    Automatic,
    /// Sends.
    Sends,
    /// Breaks the line.
    BreaksLine,
}

impl EnterKey {
    /// Its name, to be stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Sends => "send",
            Self::BreaksLine => "line",
        }
    }

    /// The one of this name; the automatic one if there is none.
    pub fn parse(word: &str) -> Self {
        let mut all = [Self::Sends, Self::BreaksLine].into_iter();
        all.find(|it| it.word() == word).unwrap_or_default()
    }

    /// Whether Enter alone sends, for a reader who uses a finger or a mouse.
    pub fn sends(self, is_touch: bool) -> bool {
        match self {
            Self::Automatic => !is_touch,
            Self::Sends => true,
            Self::BreaksLine => false,
        }
    }
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

/// A text as it is sent: without blank lines before it and blanks after it. The first line keeps its indentation.
pub fn trimmed(text: &str) -> &str {
    let text = text.trim_end();
    let blank = text.len() - text.trim_start().len();
    let begin = text.get(..blank).and_then(|blank| blank.rfind('\n'));
    text.get(begin.map_or(0, |end| end + 1)..).unwrap_or(text)
}

/// A pasted text longer than this, in characters, is offered as a snippet.
const LONG_TEXT: usize = 2_000;

/// A pasted text with more lines than this is offered as a snippet.
const MANY_LINES: usize = 15;

/// Whether a pasted text is better sent as a snippet.
pub fn is_long(text: &str) -> bool {
    text.lines().nth(MANY_LINES).is_some() || text.chars().nth(LONG_TEXT).is_some()
}

/// What makes a snippet of a pasted text in a draft: what is to stand before it and after it, so that it is a fenced code block
/// on lines of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// Where the pasted text stands, in bytes.
    pub at: Range<usize>,
    /// What comes before it.
    pub above: String,
    /// What comes after it.
    pub below: String,
}

impl Snippet {
    /// Makes a snippet of a pasted text; `None` if it is no longer in the draft.
    pub fn new(draft: &str, pasted: &str) -> Option<Self> {
        let (before, after) = draft.split_once(pasted)?;
        let fence = fence_for(pasted);
        let end = |line: bool| if line { "" } else { "\n" };
        let above = end(before.is_empty() || before.ends_with('\n'));
        Some(Self {
            at: before.len()..before.len() + pasted.len(),
            above: [above, &fence, "\n"].concat(),
            below: [
                end(pasted.ends_with('\n')),
                &fence,
                end(after.is_empty() || after.starts_with('\n')),
            ]
            .concat(),
        })
    }
}

/// A fence that is longer than any run of backticks in a text.
fn fence_for(text: &str) -> String {
    let runs = text.split(|c| c != '`').map(str::len);
    "`".repeat(runs.fold(3, |length, run| length.max(run + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_snippet(draft: &str, pasted: &str) -> Option<String> {
        let Snippet { at, above, below } = Snippet::new(draft, pasted)?;
        let (before, after) = (draft.get(..at.start)?, draft.get(at.end..)?);
        Some([before, &above, draft.get(at)?, &below, after].concat())
    }

    #[test]
    fn a_snippet_stands_on_lines_of_its_own_and_holds_fences() {
        let fences = "```\nx\n```";
        for (draft, pasted, made) in [
            ("x", "x", Some("```\nx\n```")),
            ("a x\n\nb", "x", Some("a \n```\nx\n```\n\nb")),
            ("a\nxb", "x", Some("a\n```\nx\n```\nb")),
            ("y", "x", None),
            ("a\nb\n", "a\nb\n", Some("```\na\nb\n```")),
            (fences, fences, Some("````\n```\nx\n```\n````")),
        ] {
            assert_eq!(with_snippet(draft, pasted).as_deref(), made, "{draft}");
        }
    }

    #[test]
    fn what_is_sent_keeps_its_indentation() {
        for (typed, sent) in [
            ("  hi  ", "  hi"),
            ("\n \n    four\n  two \n", "    four\n  two"),
            ("a", "a"),
            ("\u{a0}\n\tb", "\tb"),
            (" \n ", ""),
        ] {
            assert_eq!(trimmed(typed), sent, "{typed:?}");
        }
    }

    #[test]
    fn long_texts_are_long_in_letters_or_in_lines() {
        assert!(!is_long(&"é".repeat(2_000)));
        assert!(is_long(&"é".repeat(2_001)));
        assert!(!is_long(&"x\n".repeat(15)));
        assert!(is_long(&"x\n".repeat(16)));
    }

    #[test]
    fn enter_breaks_the_line_where_the_keyboard_is_on_the_screen() {
        for (choice, on_touch, on_desktop) in [
            (EnterKey::Automatic, false, true),
            (EnterKey::Sends, true, true),
            (EnterKey::BreaksLine, false, false),
        ] {
            assert_eq!(choice.sends(true), on_touch, "{choice:?}");
            assert_eq!(choice.sends(false), on_desktop, "{choice:?}");
            assert_eq!(EnterKey::parse(choice.word()), choice);
        }
        assert_eq!(EnterKey::parse(""), EnterKey::Automatic);
    }
}
