//! What the session has selected, so that it can be selected again in another session.

/// Selections and what was taken out of them again, in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Selections(Vec<(String, bool)>);

impl Selections {
    /// The service has carried out a selection (`select`) or its end.
    pub(super) fn done(&mut self, selector: String, select: bool) {
        self.0.retain(|(earlier, _)| *earlier != selector);
        // Nothing can be taken out of nothing.
        if select || !self.0.is_empty() {
            self.0.push((selector, select));
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, bool)> {
        self.0
            .iter()
            .map(|(selector, select)| (selector.as_str(), *select))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_still_counts_is_kept() {
        let mut selections = Selections::default();
        selections.done(">x".to_owned(), false);
        selections.done("?a/".to_owned(), true);
        selections.done(">b".to_owned(), true);
        selections.done(">b".to_owned(), false);
        selections.done(">a/c".to_owned(), false);
        selections.done(">b".to_owned(), true);
        let kept: Vec<_> = selections.iter().collect();
        assert_eq!(kept, [("?a/", true), (">a/c", false), (">b", true)]);
    }
}
