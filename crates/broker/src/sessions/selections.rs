//! Which topics a session wants: what it selected and deselected, in order, by scope.
//!
//! Source: the API documentation of `Topics` and `ClientControl.getTopicSelections`.

use core::ops::{Add, Sub};
use effusion_protocol::ErrorReport;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::topics::Selector;
use crate::{Limits, errors};

/// Selectors that mean all topics: unsubscribing from them empties the scope.
const EVERYTHING: &[&str] = &["?.*//", "*.*", "?//"];

/// What is kept for a session is one part of so many at most.
const SHARES: usize = 16;
/// Bytes that are kept for each session however much is kept for the others.
const ALWAYS: usize = 16 * 1024;
/// What a selection or a scope takes besides its text, roughly.
const OVERHEAD: usize = 64;

/// How much of selections there is to remember.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    /// In paths; a regular expression counts as several.
    pub(crate) weight: usize,
    /// In bytes of memory, roughly.
    pub(crate) memory: usize,
}

impl Extent {
    /// Fails if a session may not have so much in place of what it had before, when all sessions have so many bytes. Less is always
    /// taken.
    pub(crate) fn check(
        self,
        before: Self,
        taken: usize,
        limits: &Limits,
    ) -> Result<(), ErrorReport> {
        if self.weight > limits.selections.max(before.weight) {
            return Err(errors::too_many("topic selections"));
        }
        let bytes = limits.selection_bytes;
        let more = self.memory.saturating_sub(before.memory);
        // One session is not to use up what is there for all, nor all of them what one needs.
        let is_too_much = self.memory > bytes / SHARES || taken + more > bytes;
        if more > 0 && self.memory > ALWAYS && is_too_much {
            return Err(errors::too_many("bytes of topic selections"));
        }
        Ok(())
    }
}

impl Add for Extent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            weight: self.weight + other.weight,
            memory: self.memory + other.memory,
        }
    }
}

impl Sub for Extent {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            weight: self.weight.saturating_sub(other.weight),
            memory: self.memory.saturating_sub(other.memory),
        }
    }
}

/// One selection or deselection.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) selector: Arc<Selector>,
    /// `None` for a deselection.
    pub(crate) selected: Option<SelectedBy>,
}

impl Selection {
    pub(crate) const fn selects(&self) -> bool {
        self.selected.is_some()
    }
}

/// The selections of a session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selections {
    scopes: BTreeMap<String, Vec<Selection>>,
}

impl Selections {
    /// How much there is to remember.
    pub(crate) fn extent(&self) -> Extent {
        let scopes = self.scopes.keys().map(|scope| Extent {
            weight: 0,
            memory: OVERHEAD + scope.len(),
        });
        let all = self.scopes.values().flatten().map(|it| Extent {
            weight: crate::topics::weight(&it.selector),
            memory: OVERHEAD + it.selector.memory(),
        });
        scopes.chain(all).fold(Extent::default(), Extent::add)
    }

    /// How many steps it takes to look whether a path is selected.
    pub(crate) fn steps(&self, path: &str) -> usize {
        let all = self.scopes.values().flatten();
        let matching = all.map(|it| crate::topics::match_steps(&it.selector, path));
        self.extent().weight / 8 + matching.sum::<usize>()
    }

    /// Adds a selection. What was said with the same expression in the scope before no longer counts.
    pub(crate) fn push(&mut self, scope: &str, selection: Selection) {
        let expression = selection.selector.expression();
        if !selection.selects() && EVERYTHING.contains(&expression) {
            self.scopes.remove(scope);
            return;
        }
        let Some(in_scope) = self.scopes.get_mut(scope) else {
            if selection.selects() {
                self.scopes.insert(scope.to_owned(), vec![selection]);
            }
            return;
        };
        in_scope.retain(|it| it.selector.expression() != expression);
        // What is selected path by path, and all of it deselected, needs to be remembered no longer.
        if !selection.selects() {
            let covers = |it: &Selection| {
                let path = it.selector.as_path();
                path.is_some_and(|path| selection.selector.matches(path))
            };
            in_scope.retain(|it| !covers(it));
        }
        let selects_path = selection.selector.as_path().map(str::to_owned);
        in_scope.push(selection);
        // A path that nothing selected before needs no deselection.
        if let Some(path) = selects_path
            && let Some((last, before)) = in_scope.split_last()
            && !last.selects()
            && !before
                .iter()
                .any(|it| it.selects() && it.selector.matches(&path))
        {
            in_scope.pop();
        }
        // Deselections before the first selection have nothing to take away from.
        let first = in_scope.iter().position(|it| it.selects());
        in_scope.drain(..first.unwrap_or(in_scope.len()));
        if in_scope.is_empty() {
            self.scopes.remove(scope);
        }
    }

    /// Whether a path is selected: `None`, or by whom.
    pub(crate) fn selects(&self, path: &str) -> Option<SelectedBy> {
        let mut found = None;
        for in_scope in self.scopes.values() {
            let last = in_scope.iter().rev().find(|it| it.selector.matches(path));
            if let Some(selection) = last.filter(|it| it.selects()) {
                found = found.max(selection.selected);
            }
        }
        found
    }

    pub(crate) fn scopes(&self) -> &BTreeMap<String, Vec<Selection>> {
        &self.scopes
    }

    /// Everything that selects.
    pub(crate) fn selectors(&self) -> impl Iterator<Item = &Arc<Selector>> {
        self.scopes
            .values()
            .flatten()
            .filter(|it| it.selects())
            .map(|it| &it.selector)
    }

    /// The scopes' names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.scopes.keys().cloned().collect()
    }
}

/// Who selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SelectedBy {
    /// The session itself, which needs the right to.
    Session,
    /// Another session that controls this one, and has the right to.
    Control,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(selections: &mut Selections, scope: &str, selector: &str, selects: bool) {
        selections.push(
            scope,
            Selection {
                selector: Arc::new(Selector::parse(selector).unwrap()),
                selected: selects.then_some(SelectedBy::Session),
            },
        );
    }

    #[test]
    fn the_last_word_on_a_path_counts() {
        let mut selections = Selections::default();
        push(&mut selections, "", "?a//", true);
        push(&mut selections, "", ">a/b", false);
        assert_eq!(selections.selects("a/c"), Some(SelectedBy::Session));
        assert_eq!(selections.selects("a/b"), None);
        push(&mut selections, "", ">a/b", true);
        assert_eq!(selections.selects("a/b"), Some(SelectedBy::Session));
        push(&mut selections, "", "?a//", false);
        assert_eq!(selections.selects("a/b"), None);
        assert_eq!(
            selections.extent().weight,
            0,
            "nothing is selected any more"
        );
    }

    #[test]
    fn scopes_do_not_touch_each_other() {
        let mut selections = Selections::default();
        push(&mut selections, "one", ">a", true);
        push(&mut selections, "two", ">a", true);
        push(&mut selections, "one", "?.*//", false);
        assert_eq!(selections.selects("a"), Some(SelectedBy::Session));
        assert_eq!(selections.names(), ["two"]);
        push(&mut selections, "two", ">a", false);
        assert_eq!(selections.extent().weight, 0);
    }

    #[test]
    fn deselections_that_change_nothing_are_not_kept() {
        let mut selections = Selections::default();
        for number in 0..100 {
            push(&mut selections, "", &format!("?x{number}//"), false);
        }
        assert_eq!(selections.extent().weight, 0);
        push(&mut selections, "", ">a", true);
        for number in 0..100 {
            push(&mut selections, "", &format!(">b{number}"), false);
        }
        assert_eq!(selections.extent().weight, 1);
    }
}
