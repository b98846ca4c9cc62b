//! What the session has selected, so that it can be selected again in another session.

/// A selection of topics, or the end of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The topic selector expression.
    pub selector: String,
    /// In which scope; the default one is empty. `None` is all of them, and goes with the end of a selection.
    pub scope: Option<String>,
    /// Whether the topics are selected, or taken out again.
    pub select: bool,
}

/// Selections and what was taken out of them again, in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Selections(Vec<Selection>);

impl Selections {
    /// The service has carried out a selection or its end.
    pub(super) fn done(&mut self, selection: Selection) {
        self.0.retain(|earlier| {
            earlier.selector != selection.selector
                || (selection.scope.is_some() && earlier.scope != selection.scope)
        });
        // Nothing can be taken out of nothing.
        if selection.select || !self.0.is_empty() {
            self.0.push(selection);
        }
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Selection> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(selections: &Selections) -> Vec<(&str, Option<&str>, bool)> {
        selections
            .iter()
            .map(|it| (it.selector.as_str(), it.scope.as_deref(), it.select))
            .collect()
    }

    fn done(selections: &mut Selections, selector: &str, scope: Option<&str>, select: bool) {
        selections.done(Selection {
            selector: selector.to_owned(),
            scope: scope.map(str::to_owned),
            select,
        });
    }

    #[test]
    fn only_what_still_counts_is_kept() {
        let mut selections = Selections::default();
        let mut say = |selector: &str, select| done(&mut selections, selector, Some(""), select);
        say(">x", false);
        say("?a/", true);
        say(">b", true);
        say(">b", false);
        say(">a/c", false);
        say(">b", true);
        let expected = [("?a/", true), (">a/c", false), (">b", true)];
        let expected = expected.map(|(selector, select)| (selector, Some(""), select));
        assert_eq!(kept(&selections), expected);
    }

    #[test]
    fn scopes_do_not_know_of_each_other() {
        let mut selections = Selections::default();
        done(&mut selections, ">a", Some(""), true);
        done(&mut selections, ">a", Some("s"), true);
        done(&mut selections, ">a", Some(""), false);
        let expected = [(">a", Some("s"), true), (">a", Some(""), false)];
        assert_eq!(kept(&selections), expected);
        done(&mut selections, "?b/", Some("t"), true);
        done(&mut selections, ">a", None, false);
        let expected = [("?b/", Some("t"), true), (">a", None, false)];
        assert_eq!(kept(&selections), expected);
    }
}
