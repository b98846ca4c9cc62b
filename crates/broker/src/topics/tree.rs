//! The topic tree: topics by id, by path, and in the order of their paths.
//!
//! The order is that of the parts of paths, so that what is below a path comes right after it, and a branch is one stretch.
//! Whoever looks through topics walks along that order ([`TopicTree::walk`]): he can stop after so many steps and go on
//! later from where he was, whatever has happened to the tree meanwhile, and leaves out the branches in which his selector
//! cannot match.

use core::cmp::Ordering;
use core::ops::Bound;
use effusion_protocol::{Barren, TopicId};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::topics::Selector;

use super::selectors::BYTES_A_STEP;
use super::{Topic, match_steps};

/// A path, in the order of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place(Arc<str>);

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        compare_paths(&self.0, &other.0)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Place {
    fn new(path: &str) -> Self {
        Self(path.into())
    }

    /// Behind a path and all below it, before whatever else comes: a slash is before any other character.
    fn behind(path: &str) -> Self {
        Self([path, "\0"].concat().into())
    }
}

/// The order of the tree: by the parts of paths.
pub(crate) fn compare_paths(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rank = |path: &[u8]| match path.get(common) {
        None => 0,
        Some(b'/') => 1,
        Some(byte) => 2 + u16::from(*byte),
    };
    rank(a).cmp(&rank(b))
}

/// Whether a path is at or below another one; everything is below the empty one.
fn is_within(path: &str, branch: &str) -> bool {
    branch.is_empty()
        || path
            .strip_prefix(branch)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A walk through some branches of the tree, and how far it has come. It borrows nothing, so that it can be kept.
#[derive(Debug)]
pub(crate) struct Walk {
    /// What is left to walk through; the first is what it is in.
    branches: VecDeque<Arc<str>>,
    /// Beyond which place it goes on, in the present branch.
    at: Bound<Place>,
    is_backwards: bool,
}

impl Walk {
    /// A walk to all topics that a selector may match.
    pub(crate) fn new(selector: &Selector, is_backwards: bool) -> Self {
        let mut places: Vec<Place> = selector.prefixes().into_iter().map(Place::new).collect();
        places.sort();
        // A branch within another one is walked through there; the outer one comes before it.
        let mut branches: VecDeque<Arc<str>> = VecDeque::new();
        for Place(branch) in places {
            if branches.back().is_none_or(|last| !is_within(&branch, last)) {
                branches.push_back(branch);
            }
        }
        if is_backwards {
            branches = branches.into_iter().rev().collect();
        }
        Self {
            branches,
            at: Bound::Unbounded,
            is_backwards,
        }
    }

    /// Leaves out what comes before a path in the direction of the walk, and the path itself unless it is included.
    pub(crate) fn start_at(&mut self, path: &str, is_included: bool) {
        let start = Place::new(path);
        while let Some(branch) = self.branches.front() {
            let is_behind_us = if self.is_backwards {
                Place(branch.clone()) > start
            } else {
                !branch.is_empty() && Place::behind(branch) <= start
            };
            if !is_behind_us {
                break;
            }
            self.branches.pop_front();
        }
        if self.branches.front().is_some_and(|it| is_within(path, it)) {
            self.at = if is_included {
                Bound::Included(start)
            } else {
                Bound::Excluded(start)
            };
        }
    }
}

/// How a walk goes on after a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// To the next topic.
    Next,
    /// To what comes behind the branch with so many bytes of the topic's path.
    PastBranch(usize),
    /// It stops before this topic, and comes to it again if it goes on.
    StopBefore,
}

/// Why a walk is not going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// There are no more topics.
    End,
    /// It was told to stop.
    Stopped,
    /// No steps are left.
    Pause,
}

/// All topics.
#[derive(Debug, Default)]
pub(crate) struct TopicTree {
    topics: HashMap<TopicId, Topic>,
    by_path: HashMap<Arc<str>, TopicId>,
    in_order: BTreeMap<Place, TopicId>,
    /// Topics with a removal policy.
    removing: BTreeSet<TopicId>,
    /// What the topics that a principal added come to; anonymous sessions are one.
    added: HashMap<Option<String>, Added>,
    /// About how many bytes of memory all topics take.
    memory: usize,
}

/// Topics of one principal.
#[derive(Clone, Copy, Debug, Default)]
struct Added {
    topics: usize,
    memory: usize,
}

impl TopicTree {
    pub(crate) fn len(&self) -> usize {
        self.by_path.len()
    }

    pub(crate) fn insert(&mut self, topic: Topic) {
        if topic.settings.removal.is_some() {
            self.removing.insert(topic.id);
        }
        self.added
            .entry(topic.creator.principal.clone())
            .or_default()
            .topics += 1;
        self.by_path.insert(topic.path.clone(), topic.id);
        self.in_order.insert(Place(topic.path.clone()), topic.id);
        let id = topic.id;
        self.topics.insert(id, topic);
        self.recount(id);
    }

    /// A topic has become larger or smaller.
    pub(crate) fn recount(&mut self, id: TopicId) {
        let Some(topic) = self.topics.get_mut(&id) else {
            return;
        };
        let (before, now) = (topic.counted, topic.memory());
        topic.counted = now;
        self.memory = self.memory.saturating_add(now).saturating_sub(before);
        if let Some(added) = self.added.get_mut(&topic.creator.principal) {
            added.memory = added.memory.saturating_add(now).saturating_sub(before);
        }
    }

    /// About how many bytes of memory all topics take.
    pub(crate) const fn memory(&self) -> usize {
        self.memory
    }

    /// About how many bytes of memory the topics take that a principal added.
    pub(crate) fn memory_of(&self, principal: &Option<String>) -> usize {
        self.added.get(principal).map_or(0, |added| added.memory)
    }

    /// How many topics a principal added that are still there.
    pub(crate) fn added_by(&self, principal: &Option<String>) -> usize {
        self.added.get(principal).map_or(0, |added| added.topics)
    }

    pub(crate) fn remove(&mut self, path: &str) -> Option<Topic> {
        let (path, id) = self.by_path.remove_entry(path)?;
        self.in_order.remove(&Place(path));
        self.removing.remove(&id);
        let topic = self.topics.remove(&id)?;
        self.memory = self.memory.saturating_sub(topic.counted);
        if let Some(added) = self.added.get_mut(&topic.creator.principal) {
            added.topics = added.topics.saturating_sub(1);
            added.memory = added.memory.saturating_sub(topic.counted);
            if added.topics == 0 {
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
        self.by_path.get(path).and_then(|id| self.topics.get(id))
    }

    /// The topics at the paths above a path, that of the shortest first.
    pub(crate) fn above(&self, path: &str) -> Vec<Option<&Topic>> {
        let above = path.match_indices('/');
        above.map(|(end, _)| self.at(&path[..end])).collect()
    }

    pub(crate) fn at_mut(&mut self, path: &str) -> Option<&mut Topic> {
        let id = self.by_path.get(path)?;
        self.topics.get_mut(id)
    }

    /// Some topics with a removal policy, by their ids, from this one on.
    pub(crate) fn with_removal(&self, from: TopicId) -> Vec<TopicId> {
        const SOME: usize = 1_000;
        self.removing.range(from..).take(SOME).copied().collect()
    }

    pub(crate) fn has_removals(&self) -> bool {
        !self.removing.is_empty()
    }

    /// Walks on through the topics that a selector matches. Each topic that is looked at takes steps, whether it matches or
    /// not; a walk that has none left pauses.
    pub(crate) fn walk(
        &self,
        walk: &mut Walk,
        selector: &Selector,
        steps: &mut usize,
        mut visit: impl FnMut(&Topic) -> Onward,
    ) -> Halt {
        if let Some(path) = selector.as_path() {
            // There is no need to look for one's place in the order.
            let is_there =
                walk.branches.pop_front().is_some() && matches!(walk.at, Bound::Unbounded);
            if let Some(topic) = self.at(path).filter(|_| is_there)
                && visit(topic) == Onward::StopBefore
            {
                walk.branches.push_front(path.into());
                return Halt::Stopped;
            }
            return Halt::End;
        }
        self.walk_branches(walk, Some(selector), steps, visit)
    }

    /// Walks on through all topics in the branches of a walk.
    pub(crate) fn walk_all(
        &self,
        walk: &mut Walk,
        steps: &mut usize,
        visit: impl FnMut(&Topic) -> Onward,
    ) -> Halt {
        self.walk_branches(walk, None, steps, visit)
    }

    fn walk_branches(
        &self,
        walk: &mut Walk,
        selector: Option<&Selector>,
        steps: &mut usize,
        mut visit: impl FnMut(&Topic) -> Onward,
    ) -> Halt {
        while let Some(branch) = walk.branches.front().cloned() {
            let mut stretch = self.stretch(&branch, walk);
            loop {
                let next = if walk.is_backwards {
                    stretch.next_back()
                } else {
                    stretch.next()
                };
                let Some((place, id)) = next else {
                    break;
                };
                if *steps == 0 {
                    walk.at = Bound::Included(place.clone());
                    return Halt::Pause;
                }
                let matching = selector.map_or(0, |it| match_steps(it, &place.0));
                *steps = steps.saturating_sub(1 + matching + place.0.len() / BYTES_A_STEP);
                let Some(topic) = self.topics.get(id) else {
                    continue;
                };
                let is_meant = selector.is_none_or(|it| it.matches(&place.0));
                let skip = if is_meant {
                    match visit(topic) {
                        Onward::Next => continue,
                        Onward::PastBranch(end) => Barren::Branch(end),
                        Onward::StopBefore => {
                            walk.at = Bound::Included(place.clone());
                            return Halt::Stopped;
                        }
                    }
                } else {
                    match selector.and_then(|it| it.barren(&place.0)) {
                        Some(barren) => barren,
                        None => continue,
                    }
                };
                let (Barren::Branch(end) | Barren::Below(end)) = skip;
                let mut ahead = stretch.clone();
                let next = if walk.is_backwards {
                    ahead.next_back()
                } else {
                    ahead.next()
                };
                // Most often there is nothing to leave out, and to look for the place behind it takes longer than a step.
                let leaves_out = next.is_some_and(|(next, _)| {
                    place
                        .0
                        .get(..end)
                        .is_some_and(|branch| is_within(&next.0, branch))
                });
                if leaves_out && let Some(at) = past(&place.0, skip, walk.is_backwards) {
                    walk.at = at;
                    stretch = self.stretch(&branch, walk);
                }
            }
            walk.branches.pop_front();
            walk.at = Bound::Unbounded;
        }
        Halt::End
    }

    /// What is left of a branch for a walk that is in it.
    fn stretch(&self, branch: &str, walk: &Walk) -> Stretch<'_> {
        let (mut from, mut to) = if branch.is_empty() {
            (Bound::Unbounded, Bound::Unbounded)
        } else {
            (
                Bound::Included(Place::new(branch)),
                Bound::Excluded(Place::behind(branch)),
            )
        };
        if !matches!(walk.at, Bound::Unbounded) {
            let end = if walk.is_backwards {
                &mut to
            } else {
                &mut from
            };
            end.clone_from(&walk.at);
        }
        // What was left out may have been all that there was; a range that ends before it begins is none to ask for.
        let is_empty = match (&from, &to) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (
                Bound::Included(from) | Bound::Excluded(from),
                Bound::Included(to) | Bound::Excluded(to),
            ) => from >= to,
            _ => false,
        };
        if is_empty {
            return Stretch::default();
        }
        self.in_order.range((from, to))
    }
}

/// Topics between two places.
type Stretch<'a> = std::collections::btree_map::Range<'a, Place, TopicId>;

/// Where a walk goes on that leaves something out after a topic.
fn past(path: &str, skip: Barren, is_backwards: bool) -> Option<Bound<Place>> {
    let (Barren::Branch(end) | Barren::Below(end)) = skip;
    let branch = path.get(..end)?;
    Some(match (is_backwards, skip) {
        (false, _) => Bound::Included(Place::behind(branch)),
        (true, Barren::Branch(_)) => Bound::Excluded(Place::new(branch)),
        (true, Barren::Below(_)) => Bound::Included(Place::new(branch)),
    })
}

/// The paths above a path, from the nearest up, without the empty one.
pub(crate) fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').map(|(slash, _)| &path[..slash])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Creator;
    use crate::topics::Settings;
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
        steps(tree, selector, false, usize::MAX).1
    }

    /// How many steps a walk takes, and what it comes to.
    fn steps(
        tree: &TopicTree,
        selector: &str,
        is_backwards: bool,
        stop_after: usize,
    ) -> (usize, Vec<String>) {
        let selector = Selector::parse(selector).unwrap();
        let mut walk = Walk::new(&selector, is_backwards);
        let mut left = 1_000_000;
        let mut found = Vec::new();
        tree.walk(&mut walk, &selector, &mut left, |topic| {
            if found.len() == stop_after {
                return Onward::StopBefore;
            }
            found.push(topic.path.to_string());
            Onward::Next
        });
        (1_000_000 - left, found)
    }

    fn many() -> TopicTree {
        let paths: Vec<String> = (0..100)
            .flat_map(|a| (0..100).map(move |b| format!("many/{a}/branch/{b}")))
            .chain(["many".to_owned(), "z/1".to_owned(), "z/1/2".to_owned()])
            .collect();
        tree(&paths.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn a_walk_stops_early_and_leaves_branches_out() {
        let tree = many();
        for (selector, is_backwards, stop_after, most) in [
            ("?many//", false, 1, 2),
            ("?many//", true, 1, 2),
            ("?.*//", false, 3, 4),
            ("?many/5/branch/7", false, 9, 2),
            ("?many/.*/leaf//", false, 9, 200),
            ("?many/.*/leaf//", true, 9, 200),
            ("?.*", false, 9, 3),
            ("?.*/1", false, 9, 300),
            ("?.*/1", true, 9, 300),
        ] {
            let (steps, _) = steps(&tree, selector, is_backwards, stop_after);
            assert!(steps <= most, "{selector}: {steps}");
        }
        assert_eq!(steps(&tree, "?.*/1", true, 9).1, ["z/1"]);
    }

    #[test]
    fn a_walk_that_pauses_comes_to_the_same_topics() {
        let tree = many();
        for expression in [
            "?many//",
            "?.*/1",
            "?.*/.*",
            "#>z/1/2////?many/1//////>many",
            "*.*7",
            "?many/[13]/branch/.*1",
            ">z/1",
        ] {
            let selector = Selector::parse(expression).unwrap();
            let mut expected: Vec<String> = tree
                .topics
                .values()
                .map(|topic| topic.path.to_string())
                .filter(|path| selector.matches(path))
                .collect();
            expected.sort_by(|a, b| a.split('/').cmp(b.split('/')));
            for is_backwards in [false, true] {
                let mut walk = Walk::new(&selector, is_backwards);
                let mut found = Vec::new();
                let halts = (0..).find(|_| {
                    let halt = tree.walk(&mut walk, &selector, &mut 50, |topic| {
                        found.push(topic.path.to_string());
                        Onward::Next
                    });
                    halt == Halt::End
                });
                assert!(halts.is_some());
                if is_backwards {
                    found.reverse();
                }
                assert_eq!(found, expected, "{expression} {is_backwards}");
            }
        }
    }

    #[test]
    fn a_walk_starts_anywhere() {
        let tree = tree(&["a", "a/b", "a/b/c", "a-b", "c/d", "e"]);
        let from = |selector: &str, path: &str, is_included, is_backwards| {
            let selector = Selector::parse(selector).unwrap();
            let mut walk = Walk::new(&selector, is_backwards);
            walk.start_at(path, is_included);
            let mut found = Vec::new();
            tree.walk(&mut walk, &selector, &mut 1_000, |topic| {
                found.push(topic.path.to_string());
                Onward::Next
            });
            found
        };
        assert_eq!(
            from("?.*//", "a/b", true, false),
            ["a/b", "a/b/c", "a-b", "c/d", "e"]
        );
        assert_eq!(
            from("?.*//", "a/b", false, false),
            ["a/b/c", "a-b", "c/d", "e"]
        );
        assert_eq!(from("?.*//", "a/b", false, true), ["a"]);
        assert_eq!(from("#?a//////?c//", "b", true, false), ["c/d"]);
        assert_eq!(
            from("#?a//////?c//", "b", true, true),
            ["a/b/c", "a/b", "a"]
        );
        assert_eq!(from("?a//", "0", true, false), ["a", "a/b", "a/b/c"]);
        assert_eq!(from("?a//", "z", true, false), [""; 0]);
    }

    #[test]
    fn a_branch_is_a_path_and_what_is_below() {
        let mut tree = tree(&["a", "a-b", "a/b", "a/b/c", "a0", "b"]);
        let paths = |tree: &TopicTree, path: &str| -> Vec<String> {
            let selector = Selector::parse(&format!(">{path}")).unwrap();
            let mut walk = Walk::new(&selector, false);
            let mut found = Vec::new();
            tree.walk_all(&mut walk, &mut 1_000, |topic| {
                found.push(topic.path.to_string());
                Onward::Next
            });
            found
        };
        assert_eq!(paths(&tree, "a"), ["a", "a/b", "a/b/c"]);
        assert_eq!(paths(&tree, "a/b"), ["a/b", "a/b/c"]);
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
