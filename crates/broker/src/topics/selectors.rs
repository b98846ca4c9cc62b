//! Topic selectors in use, and what they cost to keep.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

pub(crate) use effusion_protocol::{
    TopicSelector as Selector, TopicSelectorError as SelectorError, compile_whole,
};

/// How many paths a regular expression counts as where selections are limited.
const PATTERN_WEIGHT: usize = 10;

/// How much memory a selector takes up, in paths.
pub(crate) fn weight(selector: &Selector) -> usize {
    selector.members() + PATTERN_WEIGHT * selector.patterns()
}

/// Selectors that are in use, so that sessions that select alike share one.
#[derive(Debug, Default)]
pub(crate) struct SelectorCache {
    by_expression: HashMap<String, Weak<Selector>>,
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
        Ok(selector)
    }
}
