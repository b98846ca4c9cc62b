//! The topic tree: topics by id and by path.

use effusion_protocol::TopicId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::selector::Selector;

use super::Topic;

/// All topics.
#[derive(Debug, Default)]
pub(crate) struct TopicTree {
    topics: HashMap<TopicId, Topic>,
    paths: BTreeMap<Arc<str>, TopicId>,
    /// Topics with a removal policy.
    removing: BTreeSet<TopicId>,
    /// How many topics each principal added; anonymous sessions are one.
    added: HashMap<Option<String>, usize>,
}

impl TopicTree {
    pub(crate) fn len(&self) -> usize {
        self.paths.len()
    }

    pub(crate) fn insert(&mut self, topic: Topic) {
        if topic.settings.removal.is_some() {
            self.removing.insert(topic.id);
        }
        *self
            .added
            .entry(topic.creator.principal.clone())
            .or_default() += 1;
        self.paths.insert(topic.path.clone(), topic.id);
        self.topics.insert(topic.id, topic);
    }

    /// How many topics a principal added that are still there.
    pub(crate) fn added_by(&self, principal: &Option<String>) -> usize {
        self.added.get(principal).copied().unwrap_or(0)
    }

    pub(crate) fn remove(&mut self, path: &str) -> Option<Topic> {
        let id = self.paths.remove(path)?;
        self.removing.remove(&id);
        let topic = self.topics.remove(&id)?;
        if let Some(count) = self.added.get_mut(&topic.creator.principal) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.added.remove(&topic.creator.principal);
            }
        }
        Some(topic)
    }

    pub(crate) fn get(&self, id: TopicId) -> Option<&Topic> {
        self.topics.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: TopicId) -> Option<&mut Topic> {
        self.topics.get_mut(&id)
    }

    pub(crate) fn at(&self, path: &str) -> Option<&Topic> {
        self.paths.get(path).and_then(|id| self.topics.get(id))
    }

    pub(crate) fn at_mut(&mut self, path: &str) -> Option<&mut Topic> {
        let id = self.paths.get(path)?;
        self.topics.get_mut(id)
    }

    pub(crate) fn with_removal(&self) -> impl Iterator<Item = TopicId> {
        self.removing.iter().copied()
    }

    pub(crate) fn has_removals(&self) -> bool {
        !self.removing.is_empty()
    }

    /// The topics that a selector matches, in the order of their paths as text.
    pub(crate) fn select<'a>(&'a self, selector: &Selector) -> Vec<&'a Topic> {
        if let Some(path) = selector.as_path() {
            return self.at(path).into_iter().collect();
        }
        let prefixes = selector.prefixes();
        let mut selected = Vec::new();
        for prefix in &prefixes {
            // A branch within another one is looked through there.
            let within = prefixes.iter().any(|other| {
                other != prefix
                    && (other.is_empty()
                        || prefix
                            .strip_prefix(other)
                            .is_some_and(|rest| rest.starts_with('/')))
            });
            if !within {
                selected.extend(
                    self.branch(prefix)
                        .filter(|topic| selector.matches(&topic.path)),
                );
            }
        }
        selected
    }

    /// The topic at a path and all below it; all topics for the empty path.
    pub(crate) fn branch<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a Topic> + use<'a> {
        let (exact, from, to) = if path.is_empty() {
            (None, String::new(), None)
        } else {
            // '0' is the character after '/'.
            (self.at(path), format!("{path}/"), Some(format!("{path}0")))
        };
        let below = self
            .paths
            .range::<str, _>((
                core::ops::Bound::Included(from.as_str()),
                to.as_deref()
                    .map_or(core::ops::Bound::Unbounded, core::ops::Bound::Excluded),
            ))
            .filter_map(|(_, id)| self.topics.get(id));
        exact.into_iter().chain(below)
    }
}

/// The paths above a path, from the nearest up, without the empty one.
pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').map(|(slash, _)| &path[..slash])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Creator;
    use crate::topic::Settings;
    use effusion_protocol::{TopicSpecification, TopicType};

    fn tree(paths: &[&str]) -> TopicTree {
        let mut tree = TopicTree::default();
        for (path, id) in paths.iter().zip(1..) {
            let specification = TopicSpecification::new(TopicType::Json);
            let settings = Settings::of(&specification).unwrap();
            tree.insert(Topic::new(
                TopicId(id),
                path,
                specification.into(),
                settings.into(),
                Creator::default(),
                0,
            ));
        }
        tree
    }

    fn selected(tree: &TopicTree, selector: &str) -> Vec<String> {
        tree.select(&Selector::parse(selector).unwrap())
            .iter()
            .map(|topic| topic.path.to_string())
            .collect()
    }

    #[test]
    fn a_branch_is_a_path_and_what_is_below() {
        let mut tree = tree(&["a", "a-b", "a/b", "a/b/c", "a0", "b"]);
        let paths = |tree: &TopicTree, path: &str| -> Vec<String> {
            tree.branch(path)
                .map(|topic| topic.path.to_string())
                .collect()
        };
        assert_eq!(paths(&tree, "a"), ["a", "a/b", "a/b/c"]);
        assert_eq!(paths(&tree, "a/b"), ["a/b", "a/b/c"]);
        assert_eq!(paths(&tree, "").len(), 6);
        assert_eq!(selected(&tree, "?a/"), ["a/b", "a/b/c"]);
        assert_eq!(
            selected(&tree, "#>a/b////?a//////>b////>b"),
            ["a", "a/b", "a/b/c", "b"]
        );
        assert!(tree.remove("a/b").is_some());
        assert!(tree.remove("a/b").is_none());
        assert_eq!(selected(&tree, ">a/b"), [""; 0]);
        assert_eq!(tree.len(), 5);
    }
}
