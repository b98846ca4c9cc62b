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

/// Ways to go on, and which of them is selected: the one that Enter takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestions {
    /// Where what they replace begins in the draft, in bytes.
    pub from: usize,
    /// The ways; never none.
    items: Vec<Suggestion>,
    selected: Option<usize>,
}

impl Suggestions {
    /// Ways to go on; none if there are no ways. `unmistakable` says that a single one is what was meant: it is selected.
    /// Otherwise none is before an arrow key, as Enter sends what was typed.
    pub fn new(from: usize, items: Vec<Suggestion>, unmistakable: bool) -> Option<Self> {
        let selected = (unmistakable && items.len() == 1).then_some(0);
        (!items.is_empty()).then_some(Self {
            from,
            items,
            selected,
        })
    }

    /// The ways to go on.
    pub fn items(&self) -> &[Suggestion] {
        &self.items
    }

    /// The place of the selected one, if one is.
    pub fn selected(&self) -> Option<usize> {
        self.selected
    }

    /// Selects the next one, and the first one after the last.
    pub fn select_next(&mut self) {
        let next = self.selected.map_or(0, |selected| selected + 1);
        self.selected = Some(next % self.items.len());
    }

    /// Selects the one before, and the last one before the first.
    pub fn select_previous(&mut self) {
        let before = self.selected.and_then(|selected| selected.checked_sub(1));
        self.selected = Some(before.unwrap_or(self.items.len() - 1));
    }

    /// Whether the selected one says no more than what was typed.
    pub fn is_typed(&self, typed: &str) -> bool {
        let selected = self.selected.and_then(|place| self.items.get(place));
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

    fn two() -> Suggestions {
        let made = Suggestions::new(0, vec![named("Ann"), named("Bob")], false);
        made.expect("two are some")
    }

    #[test]
    fn the_selection_begins_with_an_arrow_key_and_goes_around() {
        assert_eq!(Suggestions::new(0, Vec::new(), true), None);
        let mut suggestions = two();
        assert_eq!(suggestions.selected(), None);
        assert!(!suggestions.is_typed("@Ann"), "nothing is selected");
        suggestions.select_next();
        assert_eq!(suggestions.selected(), Some(0));
        assert!(suggestions.is_typed("@Ann"));
        assert!(!suggestions.is_typed("@An"));
        suggestions.select_previous();
        assert_eq!(suggestions.selected(), Some(1));
        suggestions.select_next();
        suggestions.select_next();
        assert_eq!(suggestions.selected(), Some(1));
        assert!(suggestions.is_typed("@Bob "));
        let mut suggestions = two();
        suggestions.select_previous();
        assert_eq!(suggestions.selected(), Some(1), "the last one");
    }

    #[test]
    fn only_what_is_unmistakable_is_selected_at_once() {
        let selected = |items, unmistakable| {
            Suggestions::new(0, items, unmistakable).and_then(|it| it.selected())
        };
        assert_eq!(selected(vec![named("Ann")], false), None);
        assert_eq!(selected(vec![named("Ann")], true), Some(0));
        assert_eq!(selected(vec![named("Ann"), named("Anna")], true), None);
    }
}
