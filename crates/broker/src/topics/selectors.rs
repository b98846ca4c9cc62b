//! Topic selectors in use, and what they cost to keep.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

pub(crate) use effusion_protocol::{
    TopicSelector as Selector, TopicSelectorError as SelectorError,
};

/// How many paths a regular expression counts as where selections are limited.
const PATTERN_WEIGHT: usize = 10;

/// What takes more is a large selector, in bytes.
pub(crate) const LARGE: usize = 16 * 1024;

/// How much memory a selector takes up, in paths.
pub(crate) fn weight(selector: &Selector) -> usize {
    selector.members() + PATTERN_WEIGHT * selector.patterns()
}

/// Bytes of a path that take as long to look at as another topic does.
pub(crate) const BYTES_A_STEP: usize = 64;

/// How many steps it takes at most to look whether a selector matches a path: each regular expression looks at all of it, and
/// what is none is compared with it.
pub(crate) fn match_steps(selector: &Selector, path: &str) -> usize {
    let compared = selector.expression().len();
    let bytes = selector.patterns() * path.len() + compared.min(selector.members() * path.len());
    bytes / BYTES_A_STEP
}

/// Selectors that are in use, so that sessions that select alike share one.
#[derive(Debug, Default)]
pub(crate) struct SelectorCache {
    by_expression: HashMap<String, Weak<Selector>>,
    /// Large ones, and how many bytes of memory they take as far as they are in use.
    large: Vec<Weak<Selector>>,
    large_bytes: usize,
    /// How many there may be before those out of use are dropped.
    clean_at: usize,
}

impl SelectorCache {
    pub(crate) fn get(&mut self, expression: &str) -> Result<Arc<Selector>, SelectorError> {
        if let Some(selector) = self.by_expression.get(expression).and_then(Weak::upgrade) {
            return Ok(selector);
        }
        let selector = Arc::new(Selector::parse(expression)?);
        if self.by_expression.len() >= self.clean_at {
            self.by_expression.retain(|_, it| it.strong_count() > 0);
            self.clean_at = 64 + 2 * self.by_expression.len();
        }
        self.by_expression
            .insert(expression.to_owned(), Arc::downgrade(&selector));
        if selector.memory() > LARGE {
            self.large.push(Arc::downgrade(&selector));
            self.large_bytes += selector.memory();
        }
        Ok(selector)
    }

    /// Whether all large selectors in use take no more than so many bytes of memory.
    pub(crate) fn fits(&mut self, limit: usize) -> bool {
        if self.large_bytes > limit {
            self.large.retain(|it| it.strong_count() > 0);
            let in_use = self.large.iter().filter_map(Weak::upgrade);
            self.large_bytes = in_use.map(|it| it.memory()).sum();
        }
        self.large_bytes <= limit
    }
}
