//! How what somebody is typing may go on.

use crate::i18n::Message;

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What replaces what was typed of it.
    pub text: String,
    /// What stands before its name in the list.
    pub sign: String,
    /// Its name.
    pub name: String,
    /// What it does, if that has to be said.
    pub detail: Option<&'static Message>,
}

/// Ways to go on, and which of them is selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestions {
    /// Where what they replace begins in the draft, in bytes.
    pub from: usize,
    /// The ways; never none.
    items: Vec<Suggestion>,
    selected: usize,
}

impl Suggestions {
    /// Ways to go on, the first one selected; none if there are no ways.
    pub fn new(from: usize, items: Vec<Suggestion>) -> Option<Self> {
        (!items.is_empty()).then_some(Self {
            from,
            items,
            selected: 0,
        })
    }

    /// The ways to go on.
    pub fn items(&self) -> &[Suggestion] {
        &self.items
    }

    /// The place of the selected one.
    pub fn selected(&self) -> usize {
        self.selected
    }

    /// Selects the next one, and the first one after the last.
    pub fn select_next(&mut self) {
        self.selected = (self.selected + 1) % self.items.len();
    }

    /// Selects the one before, and the last one before the first.
    pub fn select_previous(&mut self) {
        self.selected = self.selected.checked_sub(1).unwrap_or(self.items.len() - 1);
    }

    /// Whether the selected one says no more than what was typed.
    pub fn is_typed(&self, typed: &str) -> bool {
        let selected = self.items.get(self.selected);
        selected.is_some_and(|item| item.text.trim_end() == typed.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Suggestion {
        Suggestion {
            text: ["@", name, " "].concat(),
            sign: "@".to_owned(),
            name: name.to_owned(),
            detail: None,
        }
    }

    #[test]
    fn the_selection_goes_around() {
        assert_eq!(Suggestions::new(0, Vec::new()), None);
        let made = Suggestions::new(0, vec![named("Ann"), named("Bob")]);
        assert!(made.is_some());
        let Some(mut suggestions) = made else { return };
        assert!(suggestions.is_typed("@Ann"));
        assert!(!suggestions.is_typed("@An"));
        suggestions.select_previous();
        assert_eq!(suggestions.selected(), 1);
        suggestions.select_next();
        suggestions.select_next();
        assert_eq!(suggestions.selected(), 1);
        assert!(suggestions.is_typed("@Bob "));
    }
}
