//! Who might want a new topic: sessions by the prefixes of what they select.

use std::collections::{BTreeMap, BTreeSet};

use crate::topics::Selector;
use crate::topics::ancestors;

use crate::caller::SessionKey;

/// Sessions by the prefixes of their selectors, so that a new topic need not be shown to all.
#[derive(Debug, Default)]
pub(super) struct Interest {
    /// By prefix: how many selectors of each session have it.
    by_prefix: BTreeMap<String, BTreeMap<SessionKey, usize>>,
}

impl Interest {
    pub(super) fn add(&mut self, session: SessionKey, selector: &Selector) {
        for prefix in selector.prefixes() {
            *self
                .by_prefix
                .entry(prefix.to_owned())
                .or_default()
                .entry(session)
                .or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, session: SessionKey, selector: &Selector) {
        for prefix in selector.prefixes() {
            let Some(sessions) = self.by_prefix.get_mut(prefix) else {
                continue;
            };
            if let Some(count) = sessions.get_mut(&session) {
                *count -= 1;
                if *count == 0 {
                    sessions.remove(&session);
                }
            }
            if sessions.is_empty() {
                self.by_prefix.remove(prefix);
            }
        }
    }

    /// The sessions with a selector that may match a path.
    pub(super) fn in_path(&self, path: &str) -> BTreeSet<SessionKey> {
        core::iter::once(path)
            .chain(ancestors(path))
            .chain(core::iter::once(""))
            .filter_map(|prefix| self.by_prefix.get(prefix))
            .flat_map(|sessions| sessions.keys().copied())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_found_by_prefix() {
        let mut interest = Interest::default();
        let add = |interest: &mut Interest, session, selector| {
            let selector = Selector::parse(selector).unwrap();
            interest.add(SessionKey(session), &selector);
            selector
        };
        add(&mut interest, 1, ">a/b");
        let second = add(&mut interest, 2, "?a//");
        add(&mut interest, 3, "?.*//");
        let keys = |interest: &Interest, path| -> Vec<u64> {
            interest.in_path(path).into_iter().map(|it| it.0).collect()
        };
        assert_eq!(keys(&interest, "a/b"), [1, 2, 3]);
        assert_eq!(keys(&interest, "a/b/c"), [1, 2, 3]);
        assert_eq!(keys(&interest, "a"), [2, 3]);
        assert_eq!(keys(&interest, "ab"), [3]);
        add(&mut interest, 2, "?a//");
        interest.remove(SessionKey(2), &second);
        assert_eq!(keys(&interest, "a"), [2, 3]);
        interest.remove(SessionKey(2), &second);
        assert_eq!(keys(&interest, "a"), [3]);
    }
}
